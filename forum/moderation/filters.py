"""Which comments a moderator looks at: read from a URL, written to one, and as conditions of a query."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal, get_args

from sqlalchemy import ColumnElement, Text, and_, cast, func, or_, select

from ..comments import FOR_GOOD
from ..models import Address, Comment, Thread
from . import days, reports

Tab = Literal["held", "reported", "spam", "published", "bin", "all"]
TABS: tuple[Tab, ...] = get_args(Tab)
_LENGTH = 190


@dataclass(frozen=True)
class Filter:
    """Which comments: ``tab``, and whatever else was typed; empty fields ask for nothing.

    ``text``, ``author`` and ``email`` are looked for inside, whatever their case; ``thread`` is a key, or part of a
    title; ``reason`` is a rule (`links`) or a whole reason; ``network`` is the stored hash; ``since`` and ``until``
    are days in UTC, both included.
    """

    tab: Tab = "held"
    text: str = ""
    author: str = ""
    email: str = ""
    thread: str = ""
    reason: str = ""
    network: str = ""
    since: dt.date | None = None
    until: dt.date | None = None

    @classmethod
    def parse(cls, values: Mapping[str, str], tab: Tab = "held") -> Filter:
        """Read the filter of a URL; what makes no sense there is as if it was not there. ``tab`` is the default."""
        words = {name: values.get(name, "").replace("\0", "").strip()[:_LENGTH] for name in _WORDS}
        known = next((name for name in TABS if name == values.get("tab")), tab)
        return cls(known, since=days.read(values.get("since", "")), until=days.read(values.get("until", "")), **words)

    def serialise(self) -> dict[str, str]:
        """The same as a flat dict for a URL, the tab and what is not empty: ``parse`` gives an equal filter."""
        return {
            "tab": self.tab,
            **{each.name: str(value) for each in fields(self) if (value := getattr(self, each.name))},
        }

    def __bool__(self) -> bool:
        """Whether anything beside the tab is asked for."""
        return self != Filter(self.tab)

    def conditions(self) -> list[ColumnElement[bool]]:
        """The filter as conditions on comments."""
        asked = [make(getattr(self, name)) for name, make in _CONDITIONS.items() if getattr(self, name)]
        return [_TABS[self.tab](), *asked]


_WORDS = [each.name for each in fields(Filter) if each.name not in ("tab", "since", "until")]


def _by_email(part: str) -> ColumnElement[bool]:
    return Comment.address_id.in_(select(Address.id).where(Address.email.icontains(part, autoescape=True)))


def _by_thread(text: str) -> ColumnElement[bool]:
    named = or_(Thread.key == text, Thread.title.icontains(text, autoescape=True))
    return Comment.thread_id.in_(select(Thread.id).where(named))


def _by_reason(reason: str) -> ColumnElement[bool]:
    """The stored list is searched as the text it is: its entries are JSON strings, `"rule"` or `"rule:detail"`."""
    stored, begin = cast(Comment.reasons, Text), json.dumps(reason)[:-1]
    return or_(stored.contains(f'{begin}"', autoescape=True), stored.contains(f"{begin}:", autoescape=True))


_CONDITIONS: dict[str, Any] = {
    "text": lambda part: Comment.source.icontains(part, autoescape=True),
    "author": lambda part: Comment.name.icontains(part, autoescape=True),
    "email": _by_email,
    "thread": _by_thread,
    "reason": _by_reason,
    "network": lambda hashed: Comment.network == hashed,
    "since": lambda day: days.since(Comment.created_at, day),
    "until": lambda day: days.until(Comment.created_at, day),
}
_BY_MODERATOR = and_(Comment.state == "removed", func.coalesce(Comment.removed_by, "").not_in(FOR_GOOD))
_TABS: dict[Tab, Any] = {
    "held": lambda: Comment.state == "held",
    "reported": lambda: and_(Comment.state.in_(("published", "held")), reports.open_for()),
    "spam": lambda: Comment.state == "spam",
    "published": lambda: Comment.state == "published",
    "bin": lambda: or_(Comment.state == "rejected", _BY_MODERATOR),
    # What is removed for good has no words left to look at.
    "all": lambda: or_(Comment.state != "removed", _BY_MODERATOR),
}
