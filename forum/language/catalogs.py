"""Messages and the language in force: English in, the reader's language out."""

from __future__ import annotations

import gettext as catalogs
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from pathlib import Path

from .tags import OURS, closest

_FOLDER = Path(__file__).parents[1] / "translations"
_chosen: ContextVar[str | None] = ContextVar("forum_language", default=None)
_asked: list[Callable[[], str | None]] = []


@contextmanager
def using(language: str) -> Iterator[None]:
    """Speak ``language`` inside the block, whatever the request says; English where we do not speak it."""
    token = _chosen.set(closest(language) or OURS)
    try:
        yield
    finally:
        _chosen.reset(token)


def follow(ask: Callable[[], str | None]) -> None:
    """Have ``ask`` say the language of the request at hand, or None where there is none."""
    if ask not in _asked:
        _asked.append(ask)


def current() -> str:
    """Return the tag of the language that counts now, always one that we speak."""
    return _chosen.get() or next(filter(None, (ask() for ask in _asked)), OURS)


def gettext(message: str, /, **values: object) -> str:
    """Return ``message`` in the current language, with ``values`` put in where it says `%(name)s`."""
    said = _catalog(current()).gettext(message)
    return said % values if values else said


def pgettext(context: str, message: str, /, **values: object) -> str:
    """Return ``message`` as it is said in ``context``, for words that mean several things in English."""
    said = _catalog(current()).pgettext(context, message)
    return said % values if values else said


def ngettext(one: str, many: str, n: int, /, **values: object) -> str:
    """Return the form of the message that goes with ``n``, which stands in it as `%(n)s`."""
    return plural(one, many, n) % {"n": grouped(n), **values}


def plural(one: str, many: str, n: int) -> str:
    """Return the form of the message that goes with ``n``, nothing put in yet."""
    return _catalog(current()).ngettext(one, many, n)


def grouped(n: int) -> str:
    """Return ``n`` with its thousands set apart."""
    return f"{n:,}".replace(",", pgettext("between thousands", ","))


def N_(message: str) -> str:
    """Return ``message`` as it is: it is translated when it is shown."""
    return message


def NP_(context: str, message: str) -> str:
    """Return ``message`` as it is: `pgettext` translates it, as it is said in ``context``, when it is shown."""
    return message


@cache
def _catalog(language: str) -> catalogs.NullTranslations:
    if language == OURS:
        return catalogs.NullTranslations()
    return catalogs.translation("forum", _FOLDER, [language])
