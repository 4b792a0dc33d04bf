"""Held comments as a mail shows them to moderators: harmless names, few words, nothing a mail program makes a link."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from .. import sanitize
from ..errors import InvalidDraft
from ..sanitize.defuse import unlinkable
from ..settings import Settings
from .names import display_name, one_line

MOST: Final = 10  # comments told in one mail; the others are read in the queue
_WORDS: Final = 300  # characters of one comment
_LINES: Final = 6
_TITLE: Final = 120
_REASON: Final = 80


@dataclass(frozen=True)
class Case:
    """One comment that waits; names and texts are raw. ``source`` is None where its words shall not be mailed."""

    author: str
    title: str
    reasons: tuple[str, ...]
    source: str | None
    created_at: dt.datetime
    approve: str
    spam: str


@dataclass(frozen=True)
class ShownCase:
    """What the templates get of it: ``text`` is None where nothing of it is shown; the time is in UTC."""

    author: str
    title: str
    reasons: list[str]
    text: str | None
    created_at: dt.datetime
    approve: str
    spam: str


def show_cases(cases: Sequence[Case], settings: Settings, share: float = 1) -> list[ShownCase]:
    """Return what one mail may show: up to ten comments of 300 characters each, or that divided by ``share``."""
    return [_shown(case, settings, int(_WORDS / share)) for case in cases[: max(1, int(MOST / share))]]


def _shown(case: Case, settings: Settings, words: int) -> ShownCase:
    return ShownCase(
        author=unlinkable(display_name(case.author, site_name=settings.site_name, verified=False)),
        title=sanitize.excerpt(one_line(case.title), _TITLE) or one_line(settings.site_name),
        reasons=[unlinkable(sanitize.excerpt(one_line(reason), _REASON)) for reason in case.reasons],
        text=_text(case.source, words),
        created_at=case.created_at.astimezone(dt.UTC),
        approve=case.approve,
        spam=case.spam,
    )


def _text(source: str | None, words: int) -> str | None:
    if source is None:
        return None
    try:
        text = unlinkable(sanitize.plain_text(source, links=False).strip("\n"))
        return sanitize.excerpt(text, words, _LINES)
    except InvalidDraft:
        # Stored under looser bounds than today's: it is read on the page.
        return None
