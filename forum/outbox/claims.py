"""Messages are claimed by lease, marked right before the wire, and settled by what the mail server answered.

One portable algorithm for every database: choose, take by conditional update, read back what was really taken.
"""

from __future__ import annotations

import datetime as dt
import random
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from sqlalchemy import CursorResult, Select, func, literal, select, update
from sqlalchemy.orm import Session, aliased

from ..models import Attempt, Item, Message, UtcDateTime
from ..settings import Settings
from . import throttle

_LIVE = ("claimed", "sending")
# Minutes after the n-th transient failure; the first is long enough for greylisting to let us pass.
_RETRY_MINUTES = (5, 5, 15, 30, 60, 120, 240, 480)
_MOST_ATTEMPTS = 12
_MOST_POISONED = 3


@dataclass(frozen=True)
class Claim:
    """A message this worker holds until the lease ends; ``token`` proves it in every later update."""

    message_id: int
    token: str


def claim(session: Session, settings: Settings, now: dt.datetime, limit: int = 10) -> list[Claim]:
    """Take up to ``limit`` due messages, at most one for each address, most urgent first. The caller commits.

    Never two in flight for one address, so that an answer does not overtake its parent.
    """
    token = secrets.token_hex(16)
    ids = throttle.choose(session, settings, _claimable(now), now, limit)
    until = now + dt.timedelta(seconds=settings.mail_lease_seconds)
    session.execute(
        update(Message)
        .where(Message.id.in_(ids), Message.state == "ready")
        .values(state="claimed", lease_token=token, lease_until=until)
    )
    taken = select(Message.id).where(Message.lease_token == token).order_by(Message.place, Message.id)
    return [Claim(id_, token) for id_ in session.scalars(taken)]


def mark_sending(session: Session, claim: Claim, settings: Settings, now: dt.datetime) -> bool:
    """Say that the next thing is the wire; False when the lease was lost and nothing may be sent.

    The lease begins anew: the claims before this one in the batch have used up some of it.
    """
    until = now + dt.timedelta(seconds=settings.mail_lease_seconds)
    changed = session.execute(
        update(Message)
        .where(Message.id == claim.message_id, Message.lease_token == claim.token, Message.lease_until > now)
        .where(Message.state == "claimed")
        .values(
            state="sending",
            lease_until=until,
            first_attempt_at=func.coalesce(Message.first_attempt_at, literal(now, UtcDateTime())),
        )
        .execution_options(synchronize_session=False)
    )
    return isinstance(changed, CursorResult) and changed.rowcount == 1


class Result(Protocol):
    """What became of an attempt; :class:`forum.mail.transport.Outcome` says what each word means."""

    @property
    def word(self) -> str:
        """accepted, transient, refused, bad_mailbox, transport, sender_refused, ambiguous, poison or suppressed."""

    @property
    def phase(self) -> str:
        """How far the conversation with the mail server had got."""

    @property
    def code(self) -> int | None:
        """The server's reply code."""

    @property
    def enhanced(self) -> str | None:
        """Its enhanced status code, such as 5.1.1."""

    @property
    def text(self) -> str:
        """Its words, or ours."""

    @property
    def queue_id(self) -> str | None:
        """The name the server gave the message."""


def settle(
    session: Session,
    claim: Claim,
    result: Result,
    settings: Settings,
    *,
    worker: str,
    started: dt.datetime,
    now: dt.datetime,
) -> str:
    """Write down the outcome of an attempt and return the new state of the message. The caller commits."""
    message = session.get_one(Message, claim.message_id, populate_existing=True)
    if message.lease_token != claim.token:
        return message.state
    session.add(_attempt(message, result, worker, started, now))
    message.lease_token = message.lease_until = None
    message.smtp_code, message.enhanced_code = result.code, result.enhanced
    message.last_error = None if result.word == "accepted" else f"{result.phase}: {result.text}"[:500]
    _move(message, result, settings, now)
    if message.state == "sent":
        session.execute(update(Item).where(Item.message_id == message.id, Item.state == "grouped").values(state="sent"))
    session.flush()
    return message.state


def recover(session: Session, settings: Settings, now: dt.datetime) -> None:
    """Give back what dead workers held, and end what is too old to be sent. The caller commits."""
    lost = (Message.lease_until <= now,)
    session.execute(
        update(Message)
        .where(Message.state == "claimed", *lost)
        .values(state="ready", lease_token=None, lease_until=None)
    )
    again = settings.mail_on_ambiguous == "retry"
    fresh = (Message.state == "sending", *lost)
    unknown = {"lease_token": None, "lease_until": None, "last_error": "the worker died between sending and settling"}
    if again:
        session.execute(
            update(Message).where(*fresh, Message.ambiguous == 0).values(state="ready", ambiguous=1, **unknown)
        )
    session.execute(update(Message).where(*fresh).values(state="dead", **unknown))
    session.execute(
        update(Message)
        .where(Message.state == "ready", Message.expires_at <= now)
        .values(state="expired", skip_reason="expired")
    )


def release(session: Session, claims: Sequence[Claim]) -> None:
    """Give claims back unused; nothing of them was on the wire. The caller commits."""
    for claim in claims:
        session.execute(
            update(Message)
            .where(Message.id == claim.message_id, Message.lease_token == claim.token, Message.state == "claimed")
            .values(state="ready", lease_token=None, lease_until=None)
        )


def _claimable(now: dt.datetime) -> Select[int]:
    other = aliased(Message)
    in_flight = select(other.id).where(other.address_id == Message.address_id, other.state.in_(_LIVE))
    before = select(other.id).where(
        other.address_id == Message.address_id, other.state == "ready", other.id < Message.id, other.not_before <= now
    )
    return (
        select(Message.id)
        .where(Message.state == "ready", Message.not_before <= now, Message.expires_at > now)
        .where(~in_flight.exists(), ~before.exists())
        .order_by(Message.place, Message.id)
    )


def _attempt(message: Message, result: Result, worker: str, started: dt.datetime, now: dt.datetime) -> Attempt:
    return Attempt(
        message_id=message.id,
        n=message.attempts + 1,
        worker=worker,
        started_at=started,
        ended_at=now,
        phase=result.phase,
        outcome=result.word,
        code=result.code,
        text=result.text[:500],
    )


def _move(message: Message, result: Result, settings: Settings, now: dt.datetime) -> None:
    """The next state of a message after one attempt."""
    if result.word == "accepted":
        message.state, message.accepted_at, message.queue_id = "sent", now, result.queue_id
        message.attempts += 1
    elif result.word in ("transport", "sender_refused"):
        # Not the recipient's fault: no attempt is counted, everybody waits for the server.
        message.state, message.not_before = "ready", now + dt.timedelta(seconds=15)
    elif result.word == "ambiguous":
        _again_once(message, settings, now)
    elif result.word == "poison":
        _again_later(message, now, _MOST_POISONED)
    elif result.word == "transient":
        _again_later(message, now, _MOST_ATTEMPTS)
    elif result.word == "suppressed":
        message.state, message.skip_reason = "cancelled", "sending_suppressed"
    else:
        message.state = "failed"
        message.attempts += 1


def _again_once(message: Message, settings: Settings, now: dt.datetime) -> None:
    """The mail may have arrived: at most one more try, with the same Message-ID and Date."""
    message.attempts += 1
    message.ambiguous += 1
    again = settings.mail_on_ambiguous == "retry" and message.ambiguous == 1
    message.state, message.not_before = ("ready" if again else "dead"), now + dt.timedelta(minutes=5)


def _again_later(message: Message, now: dt.datetime, most: int) -> None:
    message.attempts += 1
    minutes = _RETRY_MINUTES[min(message.attempts, len(_RETRY_MINUTES)) - 1]
    message.not_before = now + dt.timedelta(minutes=minutes * random.uniform(0.75, 1.25))  # jitter
    message.state = "dead" if message.attempts >= most else "ready"
