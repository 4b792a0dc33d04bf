"""After a backup was restored: what was mailed since then looks unsent, and only a person can say what was.

Everything written before the restoration is laid aside under one reason, until an operator has it sent or dropped.
"""

from __future__ import annotations

import datetime as dt
from typing import Any, NamedTuple

from sqlalchemy import Update, case, insert, select, update
from sqlalchemy.orm import Session

from ..models import Address, Event, Item, Message
from .questions import CHECKS
from .rows import changed

REASON = "restored"
_LIFE = dt.timedelta(hours=48)
_OPEN = ("ready", "claimed", "sending")


class Laid(NamedTuple):
    """How many rows of each kind were moved."""

    events: int
    items: int
    messages: int

    def __str__(self) -> str:
        """The numbers as an operator reads them."""
        return f"messages: {self.messages}; news for single people: {self.items}; comments: {self.events}"


def hold(session: Session, before: dt.datetime) -> Laid:
    """Lay aside all that is not finished and was written ``before`` then. The caller commits.

    Items of messages that were begun stay with them.
    """
    waiting = update(Item).where(Item.state.in_(("waiting", "waiting_confirm")), Item.created_at < before)
    return Laid(
        _count(session, _events("new").where(Event.created_at < before).values(state="dead", last_error=REASON)),
        _count(session, waiting.values(state="skipped", skip_reason=REASON)),
        _count(
            session,
            update(Message)
            .where(Message.state.in_(_OPEN), Message.created_at < before)
            .values(state="dead", skip_reason=REASON, lease_token=None, lease_until=None),
        ),
    )


def send(session: Session, now: dt.datetime) -> Laid:
    """Have all of it sent after all, perhaps for the second time. The caller commits."""
    fresh: dict[str, Any] = {"not_before": now, "expires_at": now + _LIFE, "attempts": 0}
    confirmed = Item.address_id.in_(select(Address.id).where(Address.state == "confirmed"))
    state = case((confirmed, "waiting"), else_="waiting_confirm")
    back: dict[str, Any] = {"state": state, "skip_reason": None, "due_at": now}
    return Laid(
        _count(session, _held_events().values(state="new", last_error=None, attempts=0, not_before=now)),
        _count(session, update(Item).where(Item.skip_reason == REASON).values(back)),
        _count(session, _held_messages().values(state="ready", skip_reason=None, **fresh)),
    )


def drop(session: Session, now: dt.datetime) -> Laid:
    """Have none of it sent; the rows say why. The caller commits.

    A comment that waits for an opinion is asked about all the same, or it would wait for ever; nobody is mailed of it.
    """
    return Laid(
        _ask(session, now) + _count(session, _held_events().values(state="skipped")),
        # Under another reason: the next restoration shall not find it among what it laid aside.
        _count(session, update(Item).where(Item.skip_reason == REASON).values(skip_reason="dropped")),
        _count(session, _held_messages().values(state="cancelled", skip_reason="dropped")),
    )


def _ask(session: Session, now: dt.datetime) -> int:
    """Put the questions again, and note that what comes of them has been told."""
    asked = select(Event.comment_id).where(Event.state == "dead", Event.last_error == REASON, Event.kind.in_(CHECKS))
    told = select(Event.comment_id).where(Event.kind == "published", Event.comment_id.in_(asked))
    ids = sorted(set(session.scalars(asked)) - set(session.scalars(told)))
    event = {"kind": "published", "state": "done", "not_before": now, "created_at": now}
    if ids:
        session.execute(insert(Event), [event | {"comment_id": id_} for id_ in ids])
    again: dict[str, Any] = {"state": "new", "last_error": None, "attempts": 0, "not_before": now}
    return _count(session, _held_events().where(Event.kind.in_(CHECKS)).values(again))


def _events(state: str) -> Update:
    return update(Event).where(Event.state == state)


def _held_events() -> Update:
    return _events("dead").where(Event.last_error == REASON)


def _held_messages() -> Update:
    return update(Message).where(Message.state == "dead", Message.skip_reason == REASON)


def _count(session: Session, statement: Update) -> int:
    return changed(session.execute(statement.execution_options(synchronize_session=False)))
