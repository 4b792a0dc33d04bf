"""How fast mail may flow: lively threads slow down for their readers, new authors reach few people at first."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from ..models import Comment, Item, Pace

_HOUR = dt.timedelta(hours=1)
# More news than this in an hour is a chat: whoever wants that reads the page.
_LIVELY = 20
_SLOW_FOR = dt.timedelta(hours=24)
# A troll who answers everybody reaches this many people an hour until three comments of theirs have stood.
_NEW_AUTHOR_REACHES = 50
_NO_LONGER_NEW = 3


def slow_down(session: Session, thread_id: int, address_ids: Collection[int], now: dt.datetime) -> None:
    """Let those who heard of this thread more than twenty times within the hour hear of it hourly for a day."""
    news = (
        select(Item.address_id)
        .where(Item.thread_id == thread_id, Item.address_id.in_(address_ids), Item.cadence == "instant")
        .where(Item.created_at > now - _HOUR, Item.state != "skipped")
        .group_by(Item.address_id)
        .having(func.count() > _LIVELY)
    )
    paced = select(Pace).where(Pace.thread_id == thread_id, Pace.address_id.in_(address_ids))
    known = {row.address_id: row for row in session.scalars(paced)}
    for address_id in session.scalars(news).all():
        row = known.get(address_id) or Pace(address_id=address_id, thread_id=thread_id)
        row.until = now + _SLOW_FOR
        session.add(row)


def is_slow(session: Session, address_id: int, thread_id: int, now: dt.datetime) -> bool:
    """Whether this person hears of this thread once an hour for now."""
    query = select(Pace.id).where(Pace.address_id == address_id, Pace.thread_id == thread_id, Pace.until > now)
    return session.scalar(query) is not None


def delay(room: int) -> dt.timedelta:
    """How much later somebody hears of it for whom there was no ``room`` within the hour; fifty more each hour."""
    return _HOUR * -(room // _NEW_AUTHOR_REACHES) if room < 0 else dt.timedelta(0)


def room_for(session: Session, comment: Comment, now: dt.datetime) -> int:
    """How many more people the author of ``comment`` may reach within this hour."""
    if comment.is_moderator or comment.identity_ref is not None or comment.address_id is None:
        # Without an address nobody can be told apart; the rate limits of the form hold for them.
        return _UNLIMITED
    own = Comment.address_id == comment.address_id
    stood = session.scalar(select(func.count()).where(own, Comment.state == "published")) or 0
    if stood > _NO_LONGER_NEW:
        return _UNLIMITED
    reached = select(func.count()).select_from(Item).join(Comment, Item.comment_id == Comment.id)
    recent = reached.where(own, Item.created_at > now - _HOUR, Item.state != "skipped")
    return _NEW_AUTHOR_REACHES - (session.scalar(recent) or 0)


_UNLIMITED = 2**31
