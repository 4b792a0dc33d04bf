"""One press on many comments: a chunk at a time, each chunk whole or not at all, and going on after an interruption."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import Session

from .. import comments
from ..models import Audit, Comment
from . import acts
from .acts import Act, Press
from .filters import Filter

CHUNK = 500


@dataclass(frozen=True)
class Picked:
    """The comments that were ticked on a page, each as (id, version seen); they are one chunk."""

    seen: Sequence[tuple[int, int]]


@dataclass(frozen=True)
class Matching:
    """Everything that matches ``filter``, as it was ``at`` that moment: nothing above the id ``upto``, nothing edited
    since. ``upto`` comes from the forecast; both travel in the form.
    """

    filter: Filter
    upto: int
    at: dt.datetime


@dataclass(frozen=True)
class Progress:
    """What one call did: how many comments, the ids ``left`` since they had changed, and whether there are ``more``."""

    done: int = 0
    left: list[int] = field(default_factory=list)
    more: bool = False


def act(session: Session, press: Press, act: Act, selection: Picked | Matching) -> Progress:
    """Do ``act`` to what was ticked, or to the next up to 500 that match, in the order they were written.

    The caller commits, and calls again with the same press (the same ``batch``) while there are ``more``; a process
    that was killed in between has lost its chunk only, and whoever calls again goes on. What does not allow the act
    is no match; what was ticked and has changed since is ``left``. All of it is undone by the one batch.
    """
    # Chunks go upwards by id: the last one done says where to go on.
    after = session.scalar(select(func.max(Audit.subject_id)).where(*_of(press.batch))) or 0
    if isinstance(selection, Picked):
        return _picked(session, press, act, selection, after)
    return _matching(session, press, act, selection, after)


def done(session: Session, batch: str) -> int:
    """How many comments the press ``batch`` has changed so far and that are not undone."""
    standing = (*_of(batch), Audit.undone_at.is_(None))
    return session.scalar(select(func.count()).where(*standing)) or 0


def _picked(session: Session, press: Press, act: Act, selection: Picked, after: int) -> Progress:
    seen = {id_: version for id_, version in sorted(selection.seen) if id_ > after}
    found = comments.lock(session, list(seen))
    same = {each.id: each for each in found if each.version == seen[each.id] and acts.allows(session, each, act)}
    acts.carry_out(session, press, act, list(same.values()))
    return Progress(len(same), [id_ for id_ in seen if id_ not in same])


def _matching(session: Session, press: Press, act: Act, selection: Matching, after: int) -> Progress:
    unchanged = or_(Comment.edited_at.is_(None), Comment.edited_at <= selection.at)
    which = (*selection.filter.conditions(), acts.possible(act), unchanged, Comment.id <= selection.upto)
    query = select(Comment.id).where(*which, Comment.id > after).order_by(Comment.id).limit(CHUNK + 1)
    ids = session.scalars(query).all()
    # Between the look and the lock somebody may have been faster.
    locked = [each for each in comments.lock(session, ids[:CHUNK]) if acts.allows(session, each, act)]
    acts.carry_out(session, press, act, locked)
    return Progress(len(locked), [], len(ids) > CHUNK)


def _of(batch: str) -> tuple[ColumnElement[bool], ...]:
    return Audit.batch == batch, Audit.subject_kind == "comment", Audit.act != "undo"
