"""What is over goes: messages some time after their end, with their attempts; workers a day after their last sign."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from sqlalchemy import Select, delete, func, or_, select, update
from sqlalchemy.orm import Session

from ..models import Attempt, Item, Message, Worker
from . import tallies

MONTH = dt.timedelta(days=30)
_MOST = 500
_WORKERS_STAY = dt.timedelta(days=1)


def prune(
    session: Session, now: dt.datetime, *, keep: dt.timedelta | None = MONTH, confirms_stay: dt.timedelta = MONTH
) -> int:
    """Delete up to 500 messages that ended ``keep`` ago, and return how many; their numbers stay in the tallies.

    With ``keep`` None they stay for ever. What was laid aside after a restoration has not ended: it stays until
    somebody decides. ``confirms_stay`` is how long at least those stay that asked for a confirmation, where limits
    count them over more than that. The caller commits, and begins again after an IntegrityError.
    """
    session.execute(delete(Worker).where(Worker.seen_at < now - _WORKERS_STAY))
    if keep is None:
        return 0
    query = over(now, keep, confirms_stay).limit(_MOST)
    ids = session.scalars(query.with_for_update(skip_locked=True)).all()
    if ids:
        _delete(session, ids)
    return len(ids)


def over(now: dt.datetime, keep: dt.timedelta, confirms_stay: dt.timedelta) -> Select[int]:
    """The ids of all messages that :func:`prune` would delete."""
    before = now - keep
    # Whatever ended it, it ended when its time was over at the latest, or with an attempt that began before that.
    tried = select(Attempt.id).where(Attempt.message_id == Message.id, Attempt.ended_at > before)
    # SQLite gives the highest id again once its row is gone, and Message-IDs and audit rows are made of ids.
    newest = select(func.max(Message.id)).scalar_subquery()
    ended = (Message.state.in_(tallies.ENDED), ~tallies.LAID_ASIDE)
    # The place says nothing new, but there is an index for it: in most hours nothing is over, and that is seen at once.
    past = (Message.place <= before, Message.expires_at <= before)
    uncounted = or_(Message.kind != "confirm", Message.created_at <= now - max(keep, confirms_stay))
    return select(Message.id).where(*ended, *past, ~tried.exists(), Message.id < newest, uncounted)


def _delete(session: Session, ids: Sequence[int]) -> None:
    of_these = Attempt.message_id.in_(ids)
    counts = tallies.added(tallies.of_messages(session, Message.id.in_(ids)), tallies.of_attempts(session, of_these))
    tallies.keep(session, counts)
    # The item stays: nobody hears of one comment twice, however late somebody asks.
    session.execute(update(Item).where(Item.message_id.in_(ids)).values(message_id=None))
    session.execute(delete(Attempt).where(of_these))
    session.execute(delete(Message).where(Message.id.in_(ids)))
