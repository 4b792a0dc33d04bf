"""A press taken back: whatever still stands as it left it returns to what it was, the rest is reported."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from .. import comments
from ..models import Audit, Comment, Thread
from ..settings import Settings
from ..tokens import Keys
from . import enlisting, pages
from .acts import Press
from .returning import Change, is_possible, take_back

CHUNK = 500
_KINDS = ("comment", "thread")


@dataclass(frozen=True)
class Left:
    """What was changed since and is left alone: ``kind`` is comment, thread or listing; ``by``, ``act`` and ``at``
    say who did what when, and are None where that is not on record (an author who removed their comment).
    """

    kind: str
    id: int
    by: str | None
    act: str | None
    at: dt.datetime | None


@dataclass(frozen=True)
class Undone:
    """How many changes were taken back and which were left; ``below`` is for the next call, and None at the end."""

    done: int = 0
    left: list[Left] = field(default_factory=list)
    below: int | None = None


def undo(
    session: Session,
    keys: Keys,
    settings: Settings,
    batch: str,
    *,
    actor: str,
    now: dt.datetime,
    below: int | None = None,
) -> Undone:
    """Take back up to 500 changes of the press ``batch``. The caller commits, and calls again with what ``below`` of
    the answer says until that is None.

    Comments, threads, replies' places, texts and reports are again as they were; the spam filter forgets the lesson;
    mail that has not left stays here. A batch that does not exist, or was undone before, undoes nothing.
    """
    rows = _rows(session, batch, below)
    chunk = rows[:CHUNK]
    standing, left = _standing(session, chunk)
    take_back(session, Press(keys, settings, actor, now), standing)
    unlisted, others = enlisting.take_back(session, keys, batch, actor, now) if below is None else (0, [])
    left += _left(session, others)
    return Undone(len(standing) + unlisted, left, chunk[-1].id if len(rows) > CHUNK else None)


def _rows(session: Session, batch: str, below: int | None) -> Sequence[Audit]:
    """What the press did and nobody has undone, the last first. Two who undo at one moment wait for each other."""
    query = select(Audit).where(Audit.batch == batch, Audit.undone_at.is_(None), Audit.subject_kind.in_(_KINDS))
    if below is not None:
        query = query.where(Audit.id < below)
    return session.scalars(query.order_by(Audit.id.desc()).limit(CHUNK + 1)).all()


def _standing(session: Session, rows: Sequence[Audit]) -> tuple[list[Change], list[Left]]:
    """Those changes whose subject, locked now, is as they left it; and the others."""
    comment_ids = [row.subject_id for row in rows if row.subject_kind == "comment"]
    found: dict[tuple[str, int], Comment | Thread] = {
        ("comment", each.id): each for each in comments.lock(session, comment_ids)
    }
    threads = sorted({row.subject_id for row in rows if row.subject_kind == "thread"})
    found |= {("thread", id_): pages.get(session, id_) for id_ in threads}
    standing: list[Change] = []
    others: list[Audit] = []
    for row in rows:
        subject = found.get((row.subject_kind, row.subject_id))
        if subject is not None and _stands(session, row, subject):
            standing.append(Change(row, subject))
        else:
            others.append(row)
    return standing, _left(session, others)


def _stands(session: Session, row: Audit, subject: Comment | Thread) -> bool:
    if isinstance(subject, Comment):
        return subject.version == (row.data or {}).get("version") and is_possible(session, row)
    return pages.value(subject, row.act) == row.after and not _is_turned_again(session, row)


def _is_turned_again(session: Session, row: Audit) -> bool:
    """Whether somebody has decided the same of this page since: that it stands as then is their doing."""
    about = (Audit.subject_kind == row.subject_kind, Audit.subject_id == row.subject_id)
    later = (Audit.id > row.id, Audit.act.in_(_alike(row.act)), Audit.undone_at.is_(None))
    return session.scalar(select(Audit.id).where(*about, *later).limit(1)) is not None


def _alike(act: str) -> tuple[str, str]:
    """What turns the same switch of a page, to and fro."""
    return next((names for names in pages.ACTS.values() if act in names), pages.PINS)


def _left(session: Session, rows: Sequence[Audit]) -> list[Left]:
    """What became of the subjects of ``rows`` since, as the newest row about each says, if there is a newer one."""
    of_these = (Audit.subject_kind.in_((*_KINDS, "listing")), Audit.subject_id.in_({row.subject_id for row in rows}))
    newest = select(func.max(Audit.id)).where(*of_these).group_by(Audit.subject_kind, Audit.subject_id)
    query = select(Audit).where(Audit.id.in_(newest)) if rows else None
    last = {(row.subject_kind, row.subject_id): row for row in session.scalars(query)} if query is not None else {}
    return [_tell(row, last[row.subject_kind, row.subject_id]) for row in rows]


def _tell(row: Audit, last: Audit) -> Left:
    if last.id == row.id:
        return Left(row.subject_kind, row.subject_id, None, None, None)
    return Left(row.subject_kind, row.subject_id, last.actor, last.act, last.at)
