"""Every word that people read goes through the catalogs, is escaped there, and comes out in their language."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from jinja2 import Environment
from markupsafe import Markup

from forum.language import FUNCTIONS, current, date, gettext, moment, ngettext, number, using
from tests.visitors import Clock

TEMPLATES = Path(__file__).parents[1] / "forum/templates"
# The mailbox of those who build the site speaks English, as the command line does.
ENGLISH = ("forum/dev/",)
_SHOWN = re.compile(r'\b(?:aria-label|title|placeholder|alt)="([^"]*)"')
# Commands stand as they are typed; macros may bring a class or an attribute that nobody reads.
_NOT_SHOWN = re.compile(
    r"""<(style|script|code)\b.*?</\1>|<!.*?>|\bforum-[\w-]+|\baria-(?!label\b)[a-z]+="[^"]*\"""", re.DOTALL
)
# Literals with a meaning of their own.
_SPOKEN = frozenset({"UTC", "Re"})
ENV = Environment()


def untranslated(source: str) -> Iterator[tuple[int, str]]:
    """The lines and words of a template that are shown as they stand: text between tags, attributes that are read."""
    page, lines = "", []
    for line, kind, value in ENV.lex(source):
        # An expression stands for a piece of text; what is inside of it is no text of ours.
        piece = value if kind == "data" else "\x00" if kind == "variable_begin" else ""
        page += piece
        lines += [line + piece.count("\n", 0, place) for place in range(len(piece))]
    seen = _NOT_SHOWN.sub(_blank, page)
    for attribute in _SHOWN.finditer(seen):
        yield from ((lines[attribute.start(1)], word) for word, _ in _words(attribute[1]))
    yield from ((lines[place], word) for word, place in _words(re.sub(r"<[^<>]*>", _blank, seen)))


def _blank(found: re.Match[str]) -> str:
    return " " * len(found[0])


def _words(text: str) -> Iterator[tuple[str, int]]:
    for found in re.finditer(r"(?<![&\w])[^\W\d_]{2,}(?![\w;])", text):
        if found[0] not in _SPOKEN:
            yield found[0], found.start()


@pytest.mark.parametrize("name", sorted(str(file.relative_to(TEMPLATES)) for file in TEMPLATES.rglob("*.*")))
def test_no_template_holds_words_of_its_own(name: str) -> None:
    """What is shown comes from the catalogs, but for what only developers see."""
    if name.startswith(ENGLISH):
        return
    left = [f"{name}:{line} {word}" for line, word in untranslated((TEMPLATES / name).read_text())]
    assert left == []


def test_the_finder_finds() -> None:
    """Text and spoken attributes are found with their lines; tags, classes, commands and expressions are not words."""
    source = (
        '<p class="forum-x">{{ name }}\nwrote</p>\n<b title="Close it">{{ _("x") }}</b><style>a { color: red }</style>'
        "<code>make it</code>"
    )
    assert sorted(untranslated(source)) == [(2, "wrote"), (3, "Close"), (3, "it")]


def test_what_is_put_into_a_sentence_is_escaped() -> None:
    """A hostile name stays text in a page, and Markup that a template made stays markup."""
    env = Environment(autoescape=True)
    env.globals.update(FUNCTIONS)
    page = env.from_string('{{ forum_gettext("On %(title)s, as %(name)s", title=title, name=name) }}')
    shown = page.render(title=Markup("<b>Trees</b>"), name="<script>alert(1)</script>%(title)s")
    assert shown == "On <b>Trees</b>, as &lt;script&gt;alert(1)&lt;/script&gt;%(title)s"


def test_a_text_is_not_escaped() -> None:
    """Without autoescape a mail's text shows names as they are."""
    env = Environment()
    env.globals.update(FUNCTIONS)
    assert env.from_string('{{ forum_gettext("On %(title)s, as %(name)s", title="A & B", name="<x>") }}').render() == (
        "On A & B, as <x>"
    )


def test_one_language_holds_inside_the_block_only() -> None:
    """Whatever is said in the block is German, and English before and after."""
    assert current() == "en"
    with using("de_AT"):
        assert current() == "de"
        assert gettext("E-mail settings") == "E-Mail-Einstellungen"
        with using("xx"):
            assert current() == "en"
    assert gettext("E-mail settings") == "E-mail settings"


@pytest.mark.parametrize(
    ("language", "day", "at", "thousands"),
    [
        ("en", "22 November 2026", "22 November 2026, 12:00 UTC", "1,234"),
        ("de", "22. November 2026", "22. November 2026, 12:00 UTC", "1.234"),
        ("es", "22 de noviembre de 2026", "22 de noviembre de 2026, 12:00 UTC", "1.234"),
        ("fr", "22 novembre 2026", "22 novembre 2026, 12:00 UTC", "1\u202f234"),
        ("ar", "22 نوفمبر 2026", "22 نوفمبر 2026، 12:00 UTC", "1٬234"),
    ],
)
def test_dates_and_numbers_are_written_as_people_do(language: str, day: str, at: str, thousands: str) -> None:
    """The order, the signs and the names of months are those of the language."""
    with using(language):
        assert (date(Clock().now), moment(Clock().now), number(1234)) == (day, at, thousands)


@pytest.mark.parametrize(
    ("language", "forms"),
    [("en", {0: "many", 1: "one", 2: "many"}), ("fr", {0: "one", 1: "one", 2: "many"}), ("de", {0: "many", 1: "one"})],
)
def test_plurals_follow_the_language(language: str, forms: dict[int, str]) -> None:
    """Nothing is singular in French and plural in English."""
    said = {1: "one", 2: "many"}
    with using(language):
        known = {ngettext("%(n)s day", "%(n)s days", n).replace(str(n), "N"): word for n, word in said.items()}
        for n, word in forms.items():
            assert known[ngettext("%(n)s day", "%(n)s days", n).replace(str(n), "N")] == word


def test_arabic_has_a_dual_and_more() -> None:
    """Zero, one, two, few, many and a hundred are six different words."""
    with using("ar"):
        said = {ngettext("%(n)s day", "%(n)s days", n).replace(str(n), "N") for n in (0, 1, 2, 3, 11, 100)}
    assert len(said) >= 5


def test_flask_babel_is_followed(app_with_babel: Flask) -> None:
    """Where the host has Flask-Babel, its locale counts for each request; what we do not speak is the site's own."""
    client = app_with_babel.test_client()
    for wished, said in (("de", "de"), ("fr_CA", "fr"), ("it", "es"), ("", "en")):
        page = client.get("/forum/m/done/muted", headers={"X-Wish": wished}).get_data(as_text=True)
        assert f'lang="{said}"' in page


@pytest.fixture
def app_with_babel() -> Flask:
    """A host whose locale selector reads a header, and whose site language is Spanish."""
    babel = pytest.importorskip("flask_babel")
    from flask import request
    from flask_sqlalchemy import SQLAlchemy

    from forum import Forum

    app = Flask("host")
    app.config.update(SECRET_KEY="x", SQLALCHEMY_DATABASE_URI="sqlite://", FORUM_LANGUAGE="es")
    babel.Babel(app, locale_selector=lambda: request.headers.get("X-Wish") or None)
    Forum(SQLAlchemy(app)).init_app(app)
    return app
