"""The event: one row that commits together with what it tells of."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection

from sqlalchemy import CursorResult, func, select, update
from sqlalchemy.orm import Session

from ..models import Comment, Event, Item
from . import tallies
from .restore import REASON as RESTORED

# Minutes after the n-th failure; the fifth is the last.
_RETRY_MINUTES = (1, 5, 15, 30)
_ERROR_LENGTH = 500


def enqueue(session: Session, comment: Comment, now: dt.datetime) -> None:
    """Write down, in the comment's own transaction, that its publication is to be told."""
    session.add(Event(kind="published", comment_id=comment.id, not_before=now, created_at=now, state="new"))


def forget_news(session: Session, comment_ids: Collection[int]) -> None:
    """Tell nobody of these comments: they were brought in from elsewhere and are no news."""
    session.execute(update(Event).where(Event.comment_id.in_(comment_ids)).values(state="done"))


def reopen(session: Session, comment: Comment, now: dt.datetime) -> None:
    """Published again after it was taken away: whoever was spared its mail then gets it now, nobody twice."""
    # Fan-out may be about to skip it: wait for that, or be waited for.
    session.execute(select(Event.id).where(Event.comment_id == comment.id).with_for_update())
    session.execute(
        update(Event)
        .where(Event.comment_id == comment.id, Event.state == "skipped")
        .values(state="new", cursor=0, attempts=0)
    )
    again = (Item.comment_id == comment.id, Item.state == "skipped", Item.skip_reason == "comment_gone")
    # They were spared it once, whatever becomes of it now.
    spared = session.scalar(select(func.count()).where(*again)) or 0
    tallies.keep(session, {("skips", ("comment_gone",)): spared} if spared else {})
    session.execute(update(Item).where(*again).values(state="waiting", skip_reason=None, message_id=None, due_at=now))


def lay_aside(event: Event, error: Exception, now: dt.datetime) -> None:
    """Try an event that raised ``error`` again later, more and more so, and at last leave it to an operator."""
    words = f"{type(error).__name__}: {error}"
    # Not every database stores every character an error may quote.
    event.last_error = "".join(char if char.isprintable() else " " for char in words)[:_ERROR_LENGTH]
    event.attempts += 1
    if event.attempts > len(_RETRY_MINUTES):
        event.state = "dead"
    else:
        event.not_before = now + dt.timedelta(minutes=_RETRY_MINUTES[event.attempts - 1])


def revive(session: Session, now: dt.datetime) -> int:
    """Give up no event: those that failed too often are worked on once more; return how many."""
    failed = (Event.state == "dead", Event.last_error.is_distinct_from(RESTORED))
    dead = update(Event).where(*failed).values(state="new", attempts=0, not_before=now)
    revived = session.execute(dead.execution_options(synchronize_session=False))
    return revived.rowcount if isinstance(revived, CursorResult) else 0
