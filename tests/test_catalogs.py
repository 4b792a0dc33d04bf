"""The catalogs: complete, with the placeholders and plural forms they need, and compiled as they stand."""

from __future__ import annotations

import io
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from gettext import GNUTranslations
from pathlib import Path
from typing import IO

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

from forum.language import LANGUAGES, OURS

ROOT = Path(__file__).parents[1]
TRANSLATIONS = ROOT / "forum/translations"
TRANSLATED = sorted(LANGUAGES.keys() - {OURS})
PLURALS = {
    "de": "(n != 1)",
    "es": "(n != 1)",
    "fr": "(n > 1)",
    "ar": "(n==0 ? 0 : n==1 ? 1 : n==2 ? 2 : n%100>=3 && n%100<=10 ? 3 : n%100>=11 ? 4 : 5)",
}
_PLACEHOLDER = re.compile(r"%\((\w+)\)s")


def po(language: str) -> Path:
    return TRANSLATIONS / language / "LC_MESSAGES/forum.po"


@cache
def catalog(language: str) -> Catalog:
    return read_po(io.BytesIO(po(language).read_bytes()), locale=language)


def messages(language: str) -> Iterator[tuple[Message, list[str]]]:
    """Each message with all its forms."""
    for message in catalog(language):
        if message.id:
            yield message, [message.string] if isinstance(message.string, str) else list(message.string)


@pytest.mark.parametrize("language", TRANSLATED)
def test_nothing_is_missing(language: str) -> None:
    """Every message has all its forms, and none is a guess."""
    missing = [message.id for message, forms in messages(language) if not all(forms)]
    assert missing == []
    assert [message.id for message, _ in messages(language) if message.fuzzy] == []


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """What the sources say, found as `make messages` finds it."""
    found = tmp_path_factory.mktemp("words") / "forum.pot"
    words = re.search(r"^WORDS +:= (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert words
    asked = ["-q", "extract", "-F", "pyproject.toml", *words[1].split(), "-o", str(found), "."]
    subprocess.run([sys.executable, "-m", "babel.messages.frontend", *asked], cwd=ROOT, check=True)
    return keys(read_po(io.BytesIO(found.read_bytes())))


def keys(of: Catalog) -> set[str]:
    return {f"{message.context}: {message.id}" for message in of if message.id}


@pytest.mark.parametrize("language", TRANSLATED)
def test_what_is_said_is_in_the_catalogs(language: str, sources: set[str]) -> None:
    """The catalogs have the messages of the sources, no more and no less: `make messages` was run."""
    assert keys(catalog(language)) == sources


@pytest.mark.parametrize("language", TRANSLATED)
def test_placeholders_are_those_of_the_english(language: str) -> None:
    """A form may leave out the number where the word says it, as the Arabic dual does, and nothing else."""
    for message, forms in messages(language):
        ids = [message.id] if isinstance(message.id, str) else list(message.id)
        wanted = set(_PLACEHOLDER.findall(" ".join(ids)))
        for form in filter(None, forms):
            found = set(_PLACEHOLDER.findall(form))
            assert found <= wanted, (language, message.id)
            assert wanted - found <= ({"n"} if len(ids) > 1 else set()), (language, message.id)
            assert "%" not in _PLACEHOLDER.sub("", form) or "%" in _PLACEHOLDER.sub("", ids[0]), (language, form)


@pytest.mark.parametrize("language", TRANSLATED)
def test_both_ends_are_alike(language: str) -> None:
    """No blank and no line break stands at an end where the English has none."""
    for message, forms in messages(language):
        english = message.id if isinstance(message.id, str) else message.id[0]
        # What stands between thousands is a blank in French.
        for form in filter(None, forms) if english != "," else ():
            assert form[0].isspace() == english[0].isspace(), (language, form)
            assert form[-1].isspace() == english[-1].isspace(), (language, form)


@pytest.mark.parametrize("language", TRANSLATED)
def test_plural_forms_are_those_of_the_language(language: str) -> None:
    """Two forms in German, Spanish and French, where 0 is singular too; six in Arabic."""
    assert catalog(language).num_plurals == (6 if language == "ar" else 2)
    if language in PLURALS:
        assert catalog(language).plural_expr == PLURALS[language]


@pytest.mark.parametrize("language", TRANSLATED)
def test_what_is_read_at_run_time_is_what_was_translated(language: str) -> None:
    """The compiled catalog says what the one next to it says: `make messages` was run."""
    made = io.BytesIO()
    write_mo(made, catalog(language))
    made.seek(0)
    with po(language).with_suffix(".mo").open("rb") as compiled:
        assert said(compiled) == said(made)


def said(compiled: IO[bytes]) -> dict[object, str]:
    """All that a compiled catalog holds, but for its header, in which a time may stand."""
    words = vars(GNUTranslations(compiled))["_catalog"]
    return {message: form for message, form in words.items() if message}
