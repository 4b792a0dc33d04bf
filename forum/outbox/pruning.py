"""What is over goes: messages a month after their end, with their attempts, and workers a day after their last sign."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from sqlalchemy import delete, func, or_, select, update
from sqlalchemy.orm import Session

from ..models import Attempt, Item, Message, Worker
from . import tallies

MONTH = dt.timedelta(days=30)
_MOST = 500
_WORKERS_STAY = dt.timedelta(days=1)


def prune(session: Session, now: dt.datetime, *, confirms_stay: dt.timedelta = MONTH) -> int:
    """Delete up to 500 messages that ended a month ago, and return how many; their numbers stay in the tallies.

    ``confirms_stay`` is how long at least those stay that asked for a confirmation, where limits count them over more
    than a month. The caller commits, and begins again after an IntegrityError.
    """
    session.execute(delete(Worker).where(Worker.seen_at < now - _WORKERS_STAY))
    ids = _over(session, now, max(MONTH, confirms_stay))
    if ids:
        _delete(session, ids)
    return len(ids)


def _over(session: Session, now: dt.datetime, confirms_stay: dt.timedelta) -> Sequence[int]:
    month_ago = now - MONTH
    # Whatever ended it, it ended when its time was over at the latest, or with an attempt that began before that.
    tried = select(Attempt.id).where(Attempt.message_id == Message.id, Attempt.ended_at > month_ago)
    # SQLite gives the highest id again once its row is gone, and Message-IDs and audit rows are made of ids.
    newest = select(func.max(Message.id)).scalar_subquery()
    # The place says nothing new, but there is an index for it: in most hours nothing is over, and that is seen at once.
    over = (Message.state.in_(tallies.ENDED), Message.place <= month_ago, Message.expires_at <= month_ago)
    query = (
        select(Message.id)
        .where(*over, ~tried.exists(), Message.id < newest)
        .where(or_(Message.kind != "confirm", Message.created_at <= now - confirms_stay))
        .limit(_MOST)
    )
    return session.scalars(query.with_for_update(skip_locked=True)).all()


def _delete(session: Session, ids: Sequence[int]) -> None:
    of_these = Attempt.message_id.in_(ids)
    counts = tallies.added(tallies.of_messages(session, Message.id.in_(ids)), tallies.of_attempts(session, of_these))
    tallies.keep(session, counts)
    # The item stays: nobody hears of one comment twice, however late somebody asks.
    session.execute(update(Item).where(Item.message_id.in_(ids)).values(message_id=None))
    session.execute(delete(Attempt).where(of_these))
    session.execute(delete(Message).where(Message.id.in_(ids)))
