"""The breaker of a mail server: while it cannot be used nobody tries but one message at a time, ever more rarely."""

from __future__ import annotations

import datetime as dt
from typing import NamedTuple

from sqlalchemy import ColumnElement, delete, or_, select, update
from sqlalchemy.orm import Session

from ..models import Throttle
from . import schedule
from .rows import changed

SCOPE = "transport"
# A worker that died while it tried the server leaves the next try to another one.
_TRYING = dt.timedelta(minutes=1)


class Room(NamedTuple):
    """How many messages may be claimed; ``probe`` says that the one there is room for shows if the server is back."""

    messages: int
    probe: bool = False


def room(session: Session, name: str, now: dt.datetime, limit: int) -> Room:
    """The room there is for messages to the server ``name``. The caller commits."""
    row = session.execute(select(Throttle.id, Throttle.open_until).where(*_of(name))).one_or_none()
    if row is None:
        return Room(limit)
    if _is_open(row.open_until, now):
        return Room(0)
    return Room(1, probe=True) if _takes_the_try(session, row.id, now) else Room(0)


def trip(session: Session, name: str, why: str, now: dt.datetime, *, probe: bool) -> None:
    """The server failed: leave it alone for longer than after the last time. The caller commits.

    Several connections may find out at once; only the first of them counts, and after it the ``probe``.
    """
    row = session.scalar(select(Throttle).where(*_of(name)).with_for_update())
    if row is None:
        row = Throttle(scope=SCOPE, key=name, failures=0, since=now)
        session.add(row)
    elif not probe and _is_open(row.open_until, now):
        return
    row.failures += 1
    row.open_until, row.last_error, row.changed_at = schedule.server(row.failures, now), why[:500], now
    session.flush()


def close(session: Session, name: str) -> None:
    """The server works again. The caller commits."""
    session.execute(delete(Throttle).where(*_of(name)))


def _of(name: str) -> tuple[ColumnElement[bool], ...]:
    return Throttle.scope == SCOPE, Throttle.key == name


def _is_open(until: dt.datetime | None, now: dt.datetime) -> bool:
    """Whether the server is left alone; a time that no rest lasts to was written by a clock that ran ahead."""
    return until is not None and now < until <= now + schedule.LONGEST_REST


def _takes_the_try(session: Session, row_id: int, now: dt.datetime) -> bool:
    over = or_(Throttle.open_until <= now, Throttle.open_until > now + schedule.LONGEST_REST)
    mine = update(Throttle).where(Throttle.id == row_id, over).values(open_until=now + _TRYING)
    return changed(session.execute(mine.execution_options(synchronize_session=False))) == 1
