"""The site in numbers: what waits and for how long, the comments of the last days, and how mail is doing."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, get_args

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from .. import outbox
from ..models import Address, Comment, Message, Refusal, Report, Worker
from ..outbox import vitals
from ..outbox.vitals import Breaker, GivenUp

Verdict = Literal["published", "held", "spam", "refused"]
VERDICTS: Final[tuple[Verdict, ...]] = get_args(Verdict)
DAYS: Final = 30
_DAY: Final = dt.timedelta(days=1)
# What was removed had been published, or had waited for a decision that its author took back.
_VERDICTS: Final[dict[str, Verdict]] = {
    "published": "published",
    "removed": "published",
    "held": "held",
    "spam": "spam",
    "rejected": "refused",
}
_NEWEST: Final = 3


@dataclass(frozen=True)
class Waiting:
    """How much waits, and since when the oldest of it."""

    number: int
    since: dt.datetime | None


@dataclass(frozen=True)
class Day:
    """One day in UTC, and what became of the comments that were written on it."""

    date: dt.date
    numbers: Mapping[Verdict, int]

    @property
    def total(self) -> int:
        """How many comments were written."""
        return sum(self.numbers.values())


@dataclass(frozen=True)
class Mail:
    """How mail is doing: ``states`` as :func:`vitals.message_states` counts them, ``due_since`` as the outbox says."""

    states: Mapping[str, int]
    due_since: dt.datetime | None
    sent_today: int
    bounced: int
    breaker: Breaker | None
    worker: Worker | None
    errors: Sequence[GivenUp]


def held(session: Session) -> Waiting:
    """The comments that wait for a moderator."""
    return _waiting(session, select(func.count(), func.min(Comment.created_at)).where(Comment.state == "held"))


def reported(session: Session) -> Waiting:
    """The comments that readers have reported and no moderator has looked at, and the oldest report."""
    many = func.count(Report.comment_id.distinct())
    return _waiting(session, select(many, func.min(Report.created_at)).where(Report.settled_at.is_(None)))


def days(session: Session, now: dt.datetime) -> list[Day]:
    """The last 30 days in UTC up to today, in their order; each with all comments that were written on it.

    What was turned away at the door counts as refused for as long as it is kept.
    """
    first = midnight(now) - (DAYS - 1) * _DAY
    numbers: dict[str, dict[Verdict, int]] = {}
    for day, state, many in session.execute(_written(first)):
        _add(numbers, str(day), _VERDICTS[state], many)
    for day, many in session.execute(_turned_away(first)):
        _add(numbers, str(day), "refused", many)
    dates = [(first + number * _DAY).date() for number in range(DAYS)]
    return [Day(date, {each: numbers.get(str(date), {}).get(each, 0) for each in VERDICTS}) for date in dates]


def mail(session: Session, now: dt.datetime) -> Mail:
    """How mail is doing at ``now``."""
    workers = vitals.workers(session)
    return Mail(
        states=vitals.message_states(session),
        due_since=outbox.waiting_since(session, now),
        sent_today=_count(session, select(func.count()).where(Message.accepted_at >= midnight(now))),
        bounced=_count(session, select(func.count()).where(Address.state == "bounced")),
        breaker=vitals.breaker(session, now),
        worker=workers[0] if workers else None,
        errors=vitals.given_up(session, _NEWEST),
    )


def midnight(now: dt.datetime) -> dt.datetime:
    """The beginning of the day in UTC."""
    return now.astimezone(dt.UTC).replace(hour=0, minute=0, second=0, microsecond=0)


def _written(first: dt.datetime) -> Select[Any]:
    # Times are stored without a zone and mean UTC, so that every database cuts the same days out of them. All states
    # are named: the index is by state and time.
    day = func.date(Comment.created_at).label("day")
    recent = (Comment.state.in_(_VERDICTS), Comment.created_at >= first)
    return select(day, Comment.state, func.count()).where(*recent).group_by("day", Comment.state)


def _turned_away(first: dt.datetime) -> Select[Any]:
    day = func.date(Refusal.at).label("day")
    return select(day, func.count()).where(Refusal.at >= first).group_by("day")


def _add(numbers: dict[str, dict[Verdict, int]], day: str, verdict: Verdict, many: int) -> None:
    of_day = numbers.setdefault(day, {})
    of_day[verdict] = of_day.get(verdict, 0) + many


def _waiting(session: Session, query: Select[int, dt.datetime]) -> Waiting:
    number, since = session.execute(query).one()
    return Waiting(number, since)


def _count(session: Session, query: Select[Any]) -> int:
    return session.scalar(query) or 0
