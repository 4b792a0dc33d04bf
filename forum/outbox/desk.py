"""What waits for a moderator becomes one mail for each of them: it is made once, and joined until it leaves."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from sqlalchemy import and_, func, select
from sqlalchemy.orm import Session

from .. import addresses
from ..addresses import Mailbox
from ..models import Address, Comment, Event, Message
from ..settings import Settings
from ..tokens import Keys, message_id
from .audience import paused
from .cadence import due_at
from .writing import message, unreachable

KIND = "queue"
HELD = "held"
_CHUNK = 500
_APART = dt.timedelta(minutes=15)
_LIFE = dt.timedelta(hours=24)
_NEVER = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_UNTRIED = and_(Message.state == "ready", Message.attempts == 0, Message.ambiguous == 0)
_NEVER_LEFT = ("cancelled", "expired", "failed", "dead")


def tell(session: Session, keys: Keys, settings: Settings, event: Event, now: dt.datetime) -> None:
    """Deal with ``event``, which says that a comment is held, and with all others of its kind that are due.

    Each moderator's waiting mail tells of them too, and where none waits one is made. What is written in it is found
    out when it leaves, so that nobody is sent to a comment that was decided on meanwhile.
    """
    events = _due(session, now)
    wanted = settings.mail_enabled and settings.mail_moderators != "off"
    if wanted and _any_waits(session, events):
        for key in sorted(settings.moderators):
            address = _locked(session, key, now)
            if why_not(session, keys, settings, address, now) is None:
                _tell(session, keys, settings, address, events, now)
    for each in events:
        each.state, each.attempts = "done", 0


def why_not(session: Session, keys: Keys, settings: Settings, address: Address, now: dt.datetime) -> str | None:
    """Why this address gets no mail about what waits, in a word; None when it does.

    The operator has named it, so nobody asks whether it is confirmed; its owner's no holds all the same.
    """
    if settings.mail_moderators == "off":
        return "queue_off"
    if address.key not in settings.moderators:
        return "not_moderator"
    if address.state == "unsubscribed":
        return "suppressed:unsubscribed"
    return unreachable(session, keys, address, now)


def _due(session: Session, now: dt.datetime) -> Sequence[Event]:
    due = (Event.kind == HELD, Event.state == "new", Event.not_before <= now)
    query = select(Event).where(*due).order_by(Event.id).limit(_CHUNK)
    return session.scalars(query.with_for_update(skip_locked=True)).all()


def _any_waits(session: Session, events: Sequence[Event]) -> bool:
    held = (Comment.id.in_([event.comment_id for event in events]), Comment.state == "held")
    return session.scalar(select(Comment.id).where(*held).limit(1)) is not None


def _locked(session: Session, key: str, now: dt.datetime) -> Address:
    """The moderator's address; two workers that make its mail at one moment would otherwise make two."""
    address = addresses.meet(session, Mailbox(key, key), now)
    session.flush()
    session.refresh(address, with_for_update=addresses.LOCK)
    return address


def _tell(
    session: Session, keys: Keys, settings: Settings, address: Address, events: Sequence[Event], now: dt.datetime
) -> None:
    due = _leaves_at(session, settings, address, events[0], now)
    waiting = _waiting(session, address)
    if waiting is not None:
        waiting.data = {**waiting.data, "last": events[-1].id}
        waiting.not_before = min(waiting.not_before, due)
        return
    rfc_id = message_id(keys, settings.mail_domain or "", f"q{address.id}.", events[0].id, KIND, address.id)
    new = message(address, KIND, rfc_id, now, _LIFE, data={"first": events[0].id, "last": events[-1].id})
    new.not_before = new.place = due
    new.expires_at = due + _LIFE
    session.add(new)
    session.flush()


def _waiting(session: Session, address: Address) -> Message | None:
    """The mail that may still grow. One that was tried may have arrived, and its reader would miss what came later."""
    query = select(Message).where(Message.address_id == address.id, Message.kind == KIND, _UNTRIED)
    return session.scalar(query.order_by(Message.id.desc()).limit(1).with_for_update())


def _leaves_at(session: Session, settings: Settings, address: Address, event: Event, now: dt.datetime) -> dt.datetime:
    if settings.mail_moderators == "daily":
        at = due_at(now, "daily", settings.mail_digest_hour)
    else:
        held = event.created_at + dt.timedelta(seconds=settings.mail_hold_seconds)
        at = max(held, _left_at(session, address) + _APART)
    return max(at, paused(address, now) or at)


def _left_at(session: Session, address: Address) -> dt.datetime:
    """When the last mail about what waits left this site for the address, or will."""
    left = func.max(func.coalesce(Message.accepted_at, Message.not_before))
    mine = (Message.address_id == address.id, Message.kind == KIND, Message.state.not_in(_NEVER_LEFT))
    at: dt.datetime | None = session.scalar(select(left).where(*mine, ~_UNTRIED))
    return at or _NEVER
