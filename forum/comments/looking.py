"""What the database knows of a submission: its page, what it answers, its author, and whether it came before."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from sqlalchemy import and_, bindparam, literal, or_, select
from sqlalchemy.orm import Session, aliased

from ..models import SHADOW, Address, Comment, Thread, UtcDateTime
from ..settings import Settings
from . import gathering
from .gathering import Past
from .submission import Submission

_PARENT, _FIRST = aliased(Comment), aliased(Comment)
_IS_PARENT = and_(_PARENT.thread_id == Thread.id, _PARENT.id == bindparam("parent"))
# The same form sent again, or a form that was filled in again after the back button, by the same visitor.
_IS_RETYPED = and_(
    _FIRST.visitor_hash == bindparam("visitor"),
    _FIRST.created_at > bindparam("since", type_=UtcDateTime()),
    or_(_FIRST.state.in_(("published", "held")), _FIRST.removed_by == SHADOW),
)
_IS_SAME = and_(
    _FIRST.thread_id == Thread.id,
    _FIRST.digest == bindparam("digest"),
    or_(_FIRST.nonce == bindparam("nonce"), _IS_RETYPED),
)
_ONE = select(literal(1).label("one")).subquery()
# Always true: SQLAlchemy takes a join that compares no columns for a forgotten one, on MariaDB.
_ANY_THREAD, _ANY_ADDRESS = Thread.id >= _ONE.c.one, Address.id >= _ONE.c.one
# Built once: that takes longer than the query itself. It has a row whether or not the thread is there.
_FOUND = (
    select(Thread, _PARENT, _FIRST, Address)
    .select_from(_ONE)
    .outerjoin(Thread, and_(Thread.key == bindparam("key"), _ANY_THREAD))
    .outerjoin(_PARENT, _IS_PARENT)
    .outerjoin(_FIRST, _IS_SAME)
    .outerjoin(Address, and_(Address.key == bindparam("address_key"), _ANY_ADDRESS))
    .order_by(_FIRST.id)
    .limit(1)
)
_FOUND_AND_PAST = _FOUND.add_columns(*gathering.PAST)
_RETYPED = dt.timedelta(hours=24)


@dataclass(frozen=True)
class Found:
    """What the database knows of a submission; ``first`` is what was stored of the same one before."""

    thread: Thread | None
    parent: Comment | None
    first: Comment | None
    address: Address | None
    text_hash: str | None
    past: Past


def look(session: Session, submission: Submission, settings: Settings, now: dt.datetime) -> Found:
    """All that is looked up for a submission but what the desk says: one query."""
    draft, stamp = submission.draft, submission.stamp
    hashed = gathering.text_hash(draft.body)
    values = {
        **gathering.values(settings, submission.author, draft, stamp.nonce, hashed, now),
        "parent": draft.parent_id,
        "digest": submission.digest,
        "since": now - _RETYPED,
    }
    judged = gathering.judges(settings, is_moderator=submission.is_moderator)
    row = session.execute(_FOUND_AND_PAST if judged else _FOUND, values).one()
    return Found(row[0], row[1], row[2], row[3], hashed, Past(*row[4:]))
