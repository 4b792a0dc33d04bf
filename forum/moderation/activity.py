"""The audit log as moderators read it: rows found by who, what, about what and when, with what they are about."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Final, NamedTuple

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.orm import Session, aliased, load_only

from .. import audit
from ..models import Address, Audit, Comment, Thread
from ..outbox.postbox import number
from . import days

PER_PAGE: Final = 50
KINDS: Final = ("comment", "thread", "address", "listing", "setting", "sign_in", "outbox", "retention")
# Of these `undo` knows the way back.
_UNDOABLE: Final = ("comment", "thread", "listing")
_LENGTH: Final = 190
_UNDO: Final = "undo"


@dataclass(frozen=True)
class Search:
    """Which rows: the beginning of an actor, an act, a kind of subject and its number, days in UTC, both included.

    ``press`` is the number of a row, and asks for each of those that were written with it.
    """

    actor: str = ""
    act: str = ""
    kind: str = ""
    number: int | None = None
    since: dt.date | None = None
    until: dt.date | None = None
    press: int | None = None

    @classmethod
    def parse(cls, values: Mapping[str, str]) -> Search:
        """Read the search of a URL; what makes no sense there is as if it was not there."""
        actor, act = (values.get(name, "").replace("\0", "").strip()[:_LENGTH] for name in ("actor", "act"))
        kind = next((name for name in KINDS if name == values.get("kind")), "")
        since, until = (days.read(values.get(name, "")) for name in ("since", "until"))
        press = number(values.get("press", ""))
        return cls(actor, act, kind, number(values.get("number", "")), since, until, press)

    def serialise(self) -> dict[str, str]:
        """The same as a flat dict for a URL: ``parse`` gives an equal search."""
        return {each.name: str(value) for each in fields(self) if (value := getattr(self, each.name)) not in ("", None)}

    def __bool__(self) -> bool:
        """Whether anything is asked for."""
        return self != Search()


class Together(NamedTuple):
    """What one press did to many: to how many, and what they had all been and have all become, where that is one."""

    many: int
    before: str | None
    after: str | None


class Page(NamedTuple):
    """Some rows, the newest first, and what ``before`` to ask for to see older ones; None at the end.

    Of what one press did to many only the last row is here; ``together`` has the rest by its number.
    """

    rows: Sequence[Audit]
    together: Mapping[int, Together]
    before: int | None


class Subjects(NamedTuple):
    """What some rows are about, by their numbers, as far as it is still there."""

    comments: Mapping[int, Comment]
    threads: Mapping[int, Thread]
    addresses: Mapping[int, Address]


def page(session: Session, search: Search, before: int | None = None) -> Page:
    """Up to 50 rows that are searched for, written before the row ``before``; three statements at most."""
    asked = _conditions(search, Audit)
    query = select(Audit).where(*asked, *_alone(search))
    if before is not None:
        query = query.where(Audit.id < before)
    found = session.scalars(query.order_by(Audit.id.desc()).limit(PER_PAGE + 1)).all()
    rows = found[:PER_PAGE]
    together = {} if search.press else _together(session, rows, asked)
    return Page(rows, together, rows[-1].id if len(found) > PER_PAGE else None)


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


def _conditions(search: Search, row: type[Audit]) -> list[ColumnElement[bool]]:
    asked: list[ColumnElement[bool]] = []
    if search.actor:
        stored = row.actor.istartswith(search.actor, autoescape=True)
        asked.append(or_(stored, row.actor.in_(audit.called(search.actor))))
    if search.act:
        asked.append(row.act == search.act)
    if search.kind:
        asked.append(row.subject_kind == search.kind)
    if search.number is not None:
        asked.append(row.subject_id == search.number)
    if search.since is not None:
        asked.append(days.since(row.at, search.since))
    if search.until is not None:
        asked.append(days.until(row.at, search.until))
    return asked


def _alone(search: Search) -> list[ColumnElement[bool]]:
    """Of each press the last row that is searched for; or each row of the one that is asked for."""
    other = aliased(Audit)
    if search.press is not None:
        return [select(other.id).where(other.id == search.press, _with(other)).exists()]
    later = select(other.id).where(other.id > Audit.id, *_conditions(search, other))
    # Apart from each other: each finds its way through an index of its own.
    return [~later.where(same).exists() for same in (_in_batch(other), _undone_with(other))]


def _with(other: type[Audit]) -> ColumnElement[bool]:
    return or_(other.id == Audit.id, _in_batch(other), _undone_with(other))


def _in_batch(other: type[Audit]) -> ColumnElement[bool]:
    return and_(other.batch == Audit.batch, other.act == Audit.act)


def _undone_with(other: type[Audit]) -> ColumnElement[bool]:
    """What is taken back at one press is written at one moment: it belongs to no batch that could be undone again."""
    same = (getattr(other, name) == getattr(Audit, name) for name in ("at", "actor", "cause"))
    return and_(Audit.act == _UNDO, other.act == _UNDO, *same)


def _together(session: Session, rows: Sequence[Audit], asked: Sequence[ColumnElement[bool]]) -> dict[int, Together]:
    said = (func.count(), *(each(word) for word in (Audit.before, Audit.after) for each in (func.min, func.max)))
    last = select(func.max(Audit.id), *said).where(*asked).having(func.count() > 1)
    batches = {row.batch for row in rows if row.batch}
    moments = {row.at for row in rows if row.act == _UNDO}
    found: list[Any] = []
    if batches:
        found += session.execute(last.where(Audit.batch.in_(batches)).group_by(Audit.batch, Audit.act))
    if moments:
        undone = last.where(Audit.act == _UNDO, Audit.at.in_(moments))
        found += session.execute(undone.group_by(Audit.at, Audit.actor, Audit.cause))
    return {row[0]: Together(row[1], _one(row[2], row[3]), _one(row[4], row[5])) for row in found}


def _one(least: str | None, most: str | None) -> str | None:
    return least if least == most else None


def _ids(rows: Sequence[Audit], kind: str) -> set[int]:
    return {row.subject_id for row in rows if row.subject_kind == kind}


def _comments(session: Session, ids: Collection[int]) -> dict[int, Comment]:
    query = select(Comment).where(Comment.id.in_(ids)).options(load_only(Comment.name, Comment.state))
    return {row.id: row for row in session.scalars(query)} if ids else {}


def _threads(session: Session, ids: Collection[int]) -> dict[int, Thread]:
    return {row.id: row for row in session.scalars(select(Thread).where(Thread.id.in_(ids)))} if ids else {}


def _addresses(session: Session, ids: Collection[int]) -> dict[int, Address]:
    return {row.id: row for row in session.scalars(select(Address).where(Address.id.in_(ids)))} if ids else {}
