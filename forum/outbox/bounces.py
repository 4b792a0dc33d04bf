"""What a refused mail says about the address: one refusal is a bad hour, several are a mailbox that is gone.

Providers have incidents in which they deny every mailbox for an hour. So one certain refusal makes the address rest
for a day, a second one within two weeks or a score of four ends its mail, and a domain that denies very many at once
is not believed at all.
"""

from __future__ import annotations

import datetime as dt
import logging

from sqlalchemy import ColumnElement, Connection, func, select, update
from sqlalchemy.orm import Session

from .. import addresses
from ..models import Address, Attempt, Message, columns

log = logging.getLogger("forum.outbox")

CERTAIN, DOUBTFUL = 2.0, 1.0
_ENOUGH = 4.0
_ERODES = 0.1
_REST = dt.timedelta(hours=24)
_QUIET = dt.timedelta(days=30)
_TWICE_WITHIN = dt.timedelta(days=14)
_INCIDENT = dt.timedelta(minutes=10)
_INCIDENT_SIZE = 20


def note(session: Session, message: Message, weight: float, now: dt.datetime) -> None:
    """The mailbox of ``message`` refused it, with ``CERTAIN`` or ``DOUBTFUL`` words. The caller commits."""
    address = message.address
    if address.state != "confirmed":
        return
    if disbelieved(session, now, Message.domain == message.domain):
        log.warning("%s denies very many mailboxes at once, and is not believed", message.domain)
        return
    if address.bounced_at is not None and now - address.bounced_at > _QUIET:
        address.bounce_score = 0
    address.bounce_score += weight
    address.bounced_at = now
    if address.bounce_score >= _ENOUGH or (weight == CERTAIN and _has_happened(session, message, now)):
        addresses.change(session, address, "bounced", cause="bounce", actor="mail server", now=now)
    elif weight == CERTAIN:
        address.resting_until = now + _REST


def disbelieved(session: Session, now: dt.datetime, *which: ColumnElement[bool]) -> list[str]:
    """The domains that deny so many mailboxes at once that they must be ill themselves, by their names.

    Of all, or of those of the messages ``which``. What they say of an address is not held against it meanwhile.
    """
    denied = select(Message.domain).join(Attempt, Attempt.message_id == Message.id)
    denied = denied.where(Message.state == "failed", *which).where(
        Attempt.outcome == "bad_mailbox", Attempt.ended_at > now - _INCIDENT
    )
    many = denied.group_by(Message.domain).having(func.count() > _INCIDENT_SIZE)
    return list(session.scalars(many.order_by(Message.domain)))


def erode(connection: Connection, address_id: int) -> None:
    """A mail was accepted: old refusals weigh a little less. The caller commits."""
    people = columns(Address)
    doubted = update(people).where(people.c.id == address_id, people.c.bounce_score > 0)
    connection.execute(doubted.values(bounce_score=people.c.bounce_score - _ERODES))


def _has_happened(session: Session, message: Message, now: dt.datetime) -> bool:
    """Whether another message to this address was refused as certainly within two weeks."""
    earlier = select(Attempt.id).join(Message, Attempt.message_id == Message.id)
    earlier = earlier.where(Message.address_id == message.address_id, Message.id != message.id)
    earlier = earlier.where(Attempt.outcome == "bad_mailbox", Attempt.ended_at > now - _TWICE_WITHIN)
    return session.scalar(earlier.limit(1)) is not None
