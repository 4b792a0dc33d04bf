"""How fast mail may flow: for one reader, from one thread, and from an author who is new here."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection

from sqlalchemy import and_, func, insert, or_, select, update
from sqlalchemy.orm import Session

from ..models import Comment, Item, Message, Pace
from ..settings import Settings

# The ids of an address and a thread.
Pair = tuple[int, int | None]

_HOUR = dt.timedelta(hours=1)
_ON_THE_WAY = ("ready", "claimed", "sending")
_DAY = dt.timedelta(hours=24)
_NEVER_LEFT = ("cancelled", "expired", "failed", "dead")
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
    lively = session.scalars(news).all()
    if lively:
        _hear_hourly(session, thread_id, lively, now + _SLOW_FOR)


def slow_pairs(session: Session, address_ids: Collection[int], now: dt.datetime) -> set[Pair]:
    """Which threads these people hear of once an hour for now."""
    query = select(Pace.address_id, Pace.thread_id).where(Pace.address_id.in_(address_ids), Pace.until > now)
    return {(address_id, thread_id) for address_id, thread_id in session.execute(query)}


def cool_at(
    session: Session, settings: Settings, address_ids: Collection[int], slow: Collection[Pair], now: dt.datetime
) -> dict[Pair, dt.datetime]:
    """When the next mail about a thread may follow the last one, where that is later than ``now``.

    One that is made and has not left yet counts from when it was made: it will, at any moment.
    """
    cooldown = dt.timedelta(seconds=settings.mail_cooldown_seconds)
    longest = max(cooldown, _HOUR)
    pair = (Message.address_id, Message.thread_id)
    made = and_(Message.state.in_(_ON_THE_WAY), Message.created_at > now - longest)
    last_time = func.max(func.coalesce(Message.accepted_at, Message.created_at))
    recent = select(*pair, last_time).where(or_(Message.accepted_at > now - longest, made))
    times = {}
    for address_id, thread_id, last in session.execute(recent.where(pair[0].in_(address_ids)).group_by(*pair)):
        wait = longest if (address_id, thread_id) in slow else cooldown
        if last is not None and last + wait > now:
            times[address_id, thread_id] = last + wait
    return times


class Day:
    """How many mails with answers each of some people got within a day, and may still get."""

    def __init__(self, session: Session, settings: Settings, address_ids: Collection[int], now: dt.datetime) -> None:
        self._most, self._now = settings.mail_max_per_day, now
        today = (Message.kind == "reply", Message.created_at > now - _DAY, Message.state.not_in(_NEVER_LEFT))
        query = select(Message.address_id, func.count(), func.min(Message.created_at)).where(*today)
        rows = session.execute(query.where(Message.address_id.in_(address_ids)).group_by(Message.address_id))
        self._got = {address_id: (number, oldest) for address_id, number, oldest in rows}

    def free_at(self, address_id: int) -> dt.datetime | None:
        """When somebody who got all mails of a day may get the next one, as a digest; None while there is room."""
        number, oldest = self._got.get(address_id, (0, self._now))
        return oldest + _DAY if number >= self._most else None

    def count(self, address_id: int) -> None:
        """One more is made for this person."""
        number, oldest = self._got.get(address_id, (0, self._now))
        self._got[address_id] = number + 1, oldest


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


def _hear_hourly(session: Session, thread_id: int, address_ids: Collection[int], until: dt.datetime) -> None:
    paced = (Pace.thread_id == thread_id, Pace.address_id.in_(address_ids))
    known = set(session.scalars(select(Pace.address_id).where(*paced)))
    session.execute(update(Pace).where(*paced).values(until=until).execution_options(synchronize_session=False))
    new = [{"address_id": id_, "thread_id": thread_id, "until": until} for id_ in address_ids if id_ not in known]
    if new:
        session.execute(insert(Pace), new)
