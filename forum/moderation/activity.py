"""The audit log as moderators read it: rows found by who, what, about what and when, with what they are about."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Final, NamedTuple

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session, load_only

from ..models import Address, Audit, Comment, Thread
from ..outbox.postbox import number

PER_PAGE: Final = 50
KINDS: Final = ("comment", "thread", "address", "listing", "report", "setting", "sign_in", "outbox")
# Of these `undo` knows the way back.
_UNDOABLE: Final = ("comment", "thread", "listing")
_LENGTH: Final = 190
_DAY: Final = dt.timedelta(days=1)


@dataclass(frozen=True)
class Search:
    """Which rows: the beginning of an actor, an act, a kind of subject and its number, days in UTC, both included."""

    actor: str = ""
    act: str = ""
    kind: str = ""
    number: int | None = None
    since: dt.date | None = None
    until: dt.date | None = None

    @classmethod
    def parse(cls, values: Mapping[str, str]) -> Search:
        """Read the search of a URL; what makes no sense there is as if it was not there."""
        actor, act = (values.get(name, "").replace("\0", "").strip()[:_LENGTH] for name in ("actor", "act"))
        kind = next((name for name in KINDS if name == values.get("kind")), "")
        days = (_day(values.get(name, "")) for name in ("since", "until"))
        return cls(actor, act, kind, number(values.get("number", "")), *days)

    def serialise(self) -> dict[str, str]:
        """The same as a flat dict for a URL: ``parse`` gives an equal search."""
        return {each.name: str(value) for each in fields(self) if (value := getattr(self, each.name)) not in ("", None)}

    def __bool__(self) -> bool:
        """Whether anything is asked for."""
        return self != Search()


class Page(NamedTuple):
    """Some rows, the newest first, and what ``before`` to ask for to see older ones; None at the end."""

    rows: Sequence[Audit]
    before: int | None


class Subjects(NamedTuple):
    """What some rows are about, by their numbers, as far as it is still there."""

    comments: Mapping[int, Comment]
    threads: Mapping[int, Thread]
    addresses: Mapping[int, Address]


def page(session: Session, search: Search, before: int | None = None) -> Page:
    """Up to 50 rows that are searched for, written before the row ``before``."""
    query = select(Audit).where(*_conditions(search))
    if before is not None:
        query = query.where(Audit.id < before)
    rows = session.scalars(query.order_by(Audit.id.desc()).limit(PER_PAGE + 1)).all()
    return Page(rows[:PER_PAGE], rows[PER_PAGE - 1].id if len(rows) > PER_PAGE else None)


def subjects(session: Session, rows: Sequence[Audit]) -> Subjects:
    """What ``rows`` are about, in three statements at most."""
    return Subjects(
        _comments(session, _ids(rows, "comment")),
        _threads(session, _ids(rows, "thread")),
        _addresses(session, _ids(rows, "address")),
    )


def undoable(session: Session, rows: Sequence[Audit]) -> dict[str, int]:
    """The presses among ``rows`` that can be taken back, with the number of changes that nobody has undone."""
    batches = {row.batch for row in rows if row.batch and row.undone_at is None and row.subject_kind in _UNDOABLE}
    mine = (Audit.batch.in_(batches), Audit.undone_at.is_(None), Audit.subject_kind.in_(_UNDOABLE))
    query = select(Audit.batch, func.count()).where(*mine).group_by(Audit.batch)
    return {str(batch): many for batch, many in session.execute(query)} if batches else {}


def newest(session: Session, kind: str, subject_id: int, acts: Collection[str]) -> Audit | None:
    """The last of ``acts`` that somebody has done to one subject."""
    about = (Audit.subject_kind == kind, Audit.subject_id == subject_id, Audit.act.in_(acts))
    return session.scalar(select(Audit).where(*about).order_by(Audit.id.desc()).limit(1))


def _conditions(search: Search) -> list[ColumnElement[bool]]:
    asked: list[ColumnElement[bool]] = []
    if search.actor:
        asked.append(Audit.actor.istartswith(search.actor, autoescape=True))
    if search.act:
        asked.append(Audit.act == search.act)
    if search.kind:
        asked.append(Audit.subject_kind == search.kind)
    if search.number is not None:
        asked.append(Audit.subject_id == search.number)
    return [*asked, *_days(search)]


def _days(search: Search) -> list[ColumnElement[bool]]:
    asked: list[ColumnElement[bool]] = []
    if search.since is not None:
        asked.append(Audit.at >= _midnight(search.since))
    # Nothing is later than the last day there is.
    if search.until is not None and search.until < dt.date.max:
        asked.append(Audit.at < _midnight(search.until + _DAY))
    return asked


def _midnight(day: dt.date) -> dt.datetime:
    return dt.datetime.combine(day, dt.time(), dt.UTC)


def _day(text: str) -> dt.date | None:
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        return None


def _ids(rows: Sequence[Audit], kind: str) -> set[int]:
    return {row.subject_id for row in rows if row.subject_kind == kind}


def _comments(session: Session, ids: Collection[int]) -> dict[int, Comment]:
    query = select(Comment).where(Comment.id.in_(ids)).options(load_only(Comment.name, Comment.state))
    return {row.id: row for row in session.scalars(query)} if ids else {}


def _threads(session: Session, ids: Collection[int]) -> dict[int, Thread]:
    return {row.id: row for row in session.scalars(select(Thread).where(Thread.id.in_(ids)))} if ids else {}


def _addresses(session: Session, ids: Collection[int]) -> dict[int, Address]:
    return {row.id: row for row in session.scalars(select(Address).where(Address.id.in_(ids)))} if ids else {}
