"""A mail speaks the language of whoever reads it, as far as somebody has translated it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from jinja2 import ChoiceLoader, Environment, FileSystemLoader
from sqlalchemy import update

from forum.mail.languages import direction, folders
from forum.models import Address
from tests.mails import ANSWER, KINDS, TEMPLATES, confirm, reply
from tests.visitors import Site
from tests.wire import header_lines, part


@pytest.fixture
def hosts(tmp_path: Path) -> Path:
    """The mail templates of a host."""
    return tmp_path / "forum/mail"


def write(folder: Path, **files: str) -> Environment:
    folder.mkdir(parents=True)
    for name, words in files.items():
        (folder / name.replace("__", ".")).write_text(words)
    root = next(above for above in folder.parents if above.name == "forum").parent
    return Environment(loader=FileSystemLoader([root, TEMPLATES]))


@pytest.mark.parametrize(
    "language", ["en", "de", "xx-Yyyy-ZZ", "", "../../secret", "de/..", "d", "\r\nX: y", "en " * 9]
)
@pytest.mark.parametrize("kind", KINDS)
def test_what_nobody_translated_is_said_in_english(kind: str, language: str) -> None:
    """Any language, and anything that is none, leads to the same English mail that says it is English."""
    raw = KINDS[kind](language=language)
    assert raw == KINDS[kind]()
    assert "Content-Language: en" in header_lines(raw)
    assert '<html lang="en" dir="ltr">' in part(raw, "html")


@pytest.mark.parametrize("language", ["de", "de-AT", "de_at", "DE"])
def test_a_hosts_translation_is_taken(hosts: Path, language: str) -> None:
    """`forum/mail/reply/de/body.txt` speaks to whoever reads German; a part without translation stays English."""
    env = write(hosts / "reply/de", body__txt="{{ answers[0].author }} hat dir geantwortet: {{ answers[0].url }}")
    raw = reply(env=env, language=language)
    assert part(raw, "plain") == f"Ann hat dir geantwortet: {ANSWER.url}\n"
    assert '<html lang="en" dir="ltr">' in part(raw, "html")
    assert "Content-Language: de, en" in header_lines(raw)
    assert part(reply(env=env), "plain").startswith("Ann answered your comment")


def test_a_whole_translation_needs_its_words_only(hosts: Path) -> None:
    """It stands on our page, which takes its language and its direction from the folder."""
    page = '{% extends "forum/mail/_page.html" %}{% block words %}<h1>שלום</h1>{% endblock %}'
    env = write(hosts / "confirm/he", subject__txt="שלום", body__txt="שלום", body__html=page)
    raw = confirm(env=env, language="he-IL")
    assert '<html lang="he" dir="rtl">' in part(raw, "html")
    assert '<div lang="he" dir="rtl">' in part(raw, "html")
    assert "Content-Language: he" in header_lines(raw)


def test_the_closest_translation_wins(hosts: Path) -> None:
    """Whoever asks for Brazilian gets it, before the Portuguese of everybody."""
    write(hosts / "confirm/pt", body__txt="pt")
    env = write(hosts / "confirm/pt-BR", body__txt="pt-BR")
    assert part(confirm(env=env, language="pt_br"), "plain") == "pt-BR\n"
    assert part(confirm(env=env, language="pt-AO"), "plain") == "pt\n"


@pytest.mark.parametrize(
    ("language", "names"),
    [
        ("de", ["de"]),
        ("de_at", ["de-AT", "de"]),
        ("ZH-hant-tw", ["zh-Hant-TW", "zh-Hant", "zh"]),
        ("sl-ROZAJ", ["sl-rozaj", "sl"]),
        ("english please", []),
    ],
)
def test_folders_have_one_spelling(language: str, names: list[str]) -> None:
    """However a language is written, its folders are found on file systems that know large from small."""
    assert folders(language) == names


@pytest.mark.parametrize(
    ("language", "way"),
    [("en", "ltr"), ("he", "rtl"), ("ar-EG", "rtl"), ("az-Arab", "rtl"), ("ks-Deva", "ltr"), ("arn", "ltr")],
)
def test_a_language_runs_one_way(language: str, way: str) -> None:
    """Script decides where it is named, else the language does."""
    assert direction(language) == way


def test_an_address_is_written_to_in_its_language(make_site: Callable[..., Site], hosts: Path) -> None:
    """From the address's locale to the mailbox: the host's German text goes to whoever reads German."""
    site = make_site()
    site.add_article()
    theirs = write(hosts / "reply/de", body__txt="Antwort: {{ answers[0].url }}").loader
    site.app.jinja_loader = ChoiceLoader(list(filter(None, [theirs, site.app.jinja_loader])))
    ben, cy = site.follower("Ben"), site.follower("Cy")
    with site.session() as session:
        session.execute(update(Address).where(Address.key == "ben@reader.example").values(locale="de"))
        session.commit()
    for parent in (ben, cy):
        site.comment("Because.", name="Ann", parent=parent)
    site.deliver()
    german, english = site.raw_mails("ben@reader.example")[-1], site.raw_mails("cy@reader.example")[-1]
    assert part(german, "plain").startswith("Antwort: http")
    assert "Content-Language: de, en" in header_lines(german)
    assert "Content-Language: en" in header_lines(english)
