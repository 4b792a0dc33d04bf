"""The event: one row that commits together with what it tells of."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from ..models import Comment, Event, Item


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
        update(Event).where(Event.comment_id == comment.id, Event.state == "skipped").values(state="new", cursor=0)
    )
    session.execute(
        update(Item)
        .where(Item.comment_id == comment.id, Item.state == "skipped", Item.skip_reason == "comment_gone")
        .values(state="waiting", skip_reason=None, message_id=None, due_at=now)
    )
