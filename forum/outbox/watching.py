"""What waits in the outbox: for workers that want to sleep, and for whoever wants to know that none of them does."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import and_, func, or_, select
from sqlalchemy.orm import Session, aliased

from ..models import Event, Item, Message
from .questions import CHECKS


def next_due(session: Session) -> dt.datetime | None:
    """When the outbox will next have something to do, or None while it is empty."""
    return _earliest(
        session.scalar(select(func.min(Event.not_before)).where(Event.state == "new")),
        session.scalar(select(func.min(Item.due_at)).where(Item.state == "waiting")),
        session.scalar(select(func.min(Message.not_before)).where(Message.state == "ready")),
    )


def waiting_since(session: Session, now: dt.datetime) -> dt.datetime | None:
    """Since when the oldest thing waits that should have been dealt with at once, or None.

    That is news nobody has looked at, items past their hour, and messages no mail server has answered: while the
    server is down each try moves ``not_before`` on, so these count from when they were written, as does news that
    could not be worked on. A question that was put off because nobody answered it counts from when it is due again.
    """
    failing = (Event.state == "new", Event.attempts > 0, Event.kind.not_in(CHECKS))
    stuck = (Message.state == "ready", Message.attempts == 0, Message.last_error.is_not(None))
    other = aliased(Message)
    # It waits for one that is on its way to the same address, however long that takes.
    behind = select(other.id).where(other.address_id == Message.address_id, other.state.in_(("claimed", "sending")))
    due = (Message.state == "ready", Message.not_before <= now, ~behind.exists())
    return _earliest(
        session.scalar(select(func.min(Event.not_before)).where(Event.state == "new", Event.not_before <= now)),
        session.scalar(select(func.min(Item.due_at)).where(Item.state == "waiting", Item.due_at <= now)),
        session.scalar(select(func.min(Message.not_before)).where(*due)),
        session.scalar(select(func.min(Message.created_at)).where(*stuck)),
        session.scalar(select(func.min(Event.created_at)).where(*failing)),
    )


def in_front(session: Session, message: Message, now: dt.datetime) -> int | None:
    """The id of a mail to the same address that goes before ``message``, which is due; None when nothing does."""
    on_the_way = Message.state.in_(("claimed", "sending"))
    sooner = and_(Message.state == "ready", Message.id < message.id, Message.not_before <= now)
    others = (Message.address_id == message.address_id, Message.id != message.id, or_(on_the_way, sooner))
    return session.scalar(select(Message.id).where(*others).order_by(Message.id).limit(1))


def _earliest(*times: dt.datetime | None) -> dt.datetime | None:
    return min((time for time in times if time is not None), default=None)
