"""A mail speaks the language of whoever reads it, as far as somebody has translated it."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from jinja2 import Environment, FileSystemLoader
from sqlalchemy import update

from forum.language import direction, folders
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
    "language", ["en", "it", "xx-Yyyy-ZZ", "", "../../secret", "de/..", "d", "\r\nX: y", "en " * 9]
)
@pytest.mark.parametrize("kind", KINDS)
def test_what_nobody_translated_is_said_in_english(kind: str, language: str) -> None:
    """Any language, and anything that is none, leads to the same English mail that says it is English."""
    raw = KINDS[kind](language=language)
    assert raw == KINDS[kind]()
    assert "Content-Language: en" in header_lines(raw)
    assert '<html lang="en" dir="ltr">' in part(raw, "html")


@pytest.mark.parametrize("language", ["it", "it-CH", "it_ch", "IT"])
def test_a_hosts_translation_is_taken(hosts: Path, language: str) -> None:
    """`forum/mail/reply/it/body.txt` speaks to whoever reads Italian; a part without translation stays English."""
    env = write(hosts / "reply/it", body__txt="{{ answers[0].author }} ti ha risposto: {{ answers[0].url }}")
    raw = reply(env=env, language=language)
    assert part(raw, "plain") == f"Ann ti ha risposto: {ANSWER.url}\n"
    assert '<html lang="en" dir="ltr">' in part(raw, "html")
    assert "Content-Language: it, en" in header_lines(raw)
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


def test_an_address_is_written_to_in_its_language(make_site: Callable[..., Site]) -> None:
    """From the address's locale to the mailbox: German goes to whoever reads German, though the site is English."""
    site = make_site()
    site.add_article()
    ben, cy = site.follower("Ben"), site.follower("Cy")
    with site.session() as session:
        session.execute(update(Address).where(Address.key == "ben@reader.example").values(locale="de"))
        session.commit()
    for parent in (ben, cy):
        site.comment("Because.", name="Ann", parent=parent)
    site.deliver()
    german, english = site.raw_mails("ben@reader.example")[-1], site.raw_mails("cy@reader.example")[-1]
    assert part(german, "plain").startswith("Ann hat auf Ihren Kommentar")
    assert "Content-Language: de" in header_lines(german)
    assert "Content-Language: en" in header_lines(english)


def test_mail_follows_the_page_it_was_wished_for_on(make_site: Callable[..., Site]) -> None:
    """Whoever ticks the box on a French page is asked in French."""
    site = make_site(FORUM_LANGUAGE="fr")
    site.add_article()
    site.comment("Bonjour", name="Ben", email="ben@reader.example", notify="direct")
    site.deliver()
    asked = site.raw_mails("ben@reader.example")[-1]
    assert "Content-Language: fr" in header_lines(asked)
    assert '<html lang="fr" dir="ltr">' in part(asked, "html")


@pytest.mark.parametrize("kind", KINDS)
def test_every_mail_runs_from_right_to_left_in_arabic(kind: str) -> None:
    """Subject, text and HTML are Arabic, and the HTML says so."""
    raw = KINDS[kind](language="ar")
    assert '<html lang="ar" dir="rtl">' in part(raw, "html")
    assert "Content-Language: ar" in header_lines(raw)
    assert re.search("[\u0621-\u064a]", part(raw, "plain"))


def test_the_development_mailbox_says_what_it_is_written_in(make_site: Callable[..., Site]) -> None:
    """On a French site the developers' page is English, and says so."""
    page = make_site(FORUM_LANGUAGE="fr").visitor().get("/forum/dev/mail/").text
    assert '<html class="forum-html" lang="en" dir="ltr">' in page
