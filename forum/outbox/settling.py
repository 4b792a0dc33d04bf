"""What a mail server answered becomes the next state of the message, a row of the ledger, and news for its address."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Protocol

from sqlalchemy import Connection, and_, bindparam, insert, or_, update
from sqlalchemy.orm import Session

from ..models import Address, Attempt, Item, Message, UtcDateTime, columns
from ..settings import Settings
from . import bounces, schedule, throttle
from .claims import Claim
from .restore import REASON as RESTORED

# A full mailbox is emptied within a day, or nobody reads it any more.
_FULL_FOR = dt.timedelta(hours=24)
_AGAIN_ONCE = dt.timedelta(minutes=5)
_FINAL = {"refused": "failed", "doubtful": "failed", "bad_mailbox": "failed", "syntax": "dead"}


class Result(Protocol):
    """What became of an attempt; :class:`forum.mail.transport.Outcome` says what each word means."""

    @property
    def word(self) -> str:
        """accepted, transient, full, refused, doubtful, bad_mailbox, transport, sender_refused, ambiguous, syntax,
        poison or suppressed.
        """

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

    @property
    def slow_down(self) -> bool:
        """Whether the server asked for fewer mails to this domain."""

    @property
    def opening(self) -> float:
        """Seconds to an open connection."""

    @property
    def envelope(self) -> float:
        """Seconds for sender, recipient and the leave to go on."""

    @property
    def content(self) -> float:
        """Seconds for the content until it was answered."""


@dataclass(frozen=True)
class Try:
    """One try with a claimed message: who made it, when, and what the message is.

    ``since`` is when the news it brings was published. ``asks`` says that it asks whether anybody still reads it,
    ``doubted`` that its address has refused mail before.
    """

    claim: Claim
    address_id: int
    worker: str
    started: dt.datetime
    ended: dt.datetime
    since: dt.datetime
    asks: bool = False
    doubted: bool = False


def settle(connection: Connection, settings: Settings, tried: Try, result: Result) -> str | None:
    """Write down what became of a try and return the new state of the message. The caller commits.

    None when the lease had been lost: then what others do with the message stands, unless this try was accepted and
    nobody has begun another one.
    """
    if result.word == "accepted":
        return _accepted(connection, tried, result)
    with Session(connection, join_transaction_mode="rollback_only") as session:
        return _not_accepted(session, settings, tried, result)


def _not_accepted(session: Session, settings: Settings, tried: Try, result: Result) -> str | None:
    message = session.get(Message, tried.claim.message_id, with_for_update=True)
    if message is None or message.lease_token != tried.claim.token:
        return None
    session.connection().execute(_TRIED, _attempt(tried, result))
    message.lease_token = message.lease_until = None
    message.smtp_code, message.enhanced_code = result.code, result.enhanced
    message.last_error = f"{result.phase}: {result.text}"[:500]
    _move(session, message, result, settings, tried.ended)
    if result.slow_down:
        throttle.slow_down(session, settings, message.domain, message.last_error, tried.ended)
    session.flush()
    return message.state


# Made once: building a statement takes longer than running it. Whoever finds a message accepted that another worker
# has not begun to send keeps that one from sending it again.
_MESSAGE, _ITEM = columns(Message), columns(Item)
_SENT = (
    update(_MESSAGE)
    .where(_MESSAGE.c.id == bindparam("of"))
    .where(
        or_(
            _MESSAGE.c.lease_token == bindparam("token"),
            _MESSAGE.c.state.in_(("ready", "claimed")),
            and_(_MESSAGE.c.state == "dead", or_(_MESSAGE.c.ambiguous > 0, _MESSAGE.c.skip_reason == RESTORED)),
        )
    )
    .values(
        state="sent",
        attempts=_MESSAGE.c.attempts + 1,
        accepted_at=bindparam("at", type_=UtcDateTime()),
        queue_id=bindparam("queue"),
        smtp_code=bindparam("code"),
        enhanced_code=bindparam("enhanced"),
        last_error=None,
        skip_reason=None,
        lease_token=None,
        lease_until=None,
    )
)
_ITEMS_SENT = (
    update(_ITEM).where(_ITEM.c.message_id == bindparam("of"), _ITEM.c.state == "grouped").values(state="sent")
)
_TRIED = insert(columns(Attempt))


def _accepted(connection: Connection, tried: Try, result: Result) -> str | None:
    of = tried.claim.message_id
    values = {"of": of, "token": tried.claim.token, "at": tried.ended, "queue": result.queue_id}
    if connection.execute(_SENT, {**values, "code": result.code, "enhanced": result.enhanced}).rowcount == 0:
        return None
    connection.execute(_TRIED, _attempt(tried, result))
    connection.execute(_ITEMS_SENT, {"of": of})
    if tried.doubted:
        bounces.erode(connection, tried.address_id)
    if tried.asks:
        people = columns(Address)
        connection.execute(update(people).where(people.c.id == tried.address_id).values(nudges=people.c.nudges + 1))
    return "sent"


def _attempt(tried: Try, result: Result) -> dict[str, object]:
    return {
        "message_id": tried.claim.message_id,
        "n": tried.claim.attempts + 1,
        "worker": tried.worker,
        "started_at": tried.started,
        "ended_at": tried.ended,
        "phase": result.phase,
        "outcome": result.word,
        "code": result.code,
        "text": result.text[:500],
        "opening": result.opening,
        "envelope": result.envelope,
        "content": result.content,
        "waited": (tried.ended - tried.since).total_seconds(),
    }


def _move(session: Session, message: Message, result: Result, settings: Settings, now: dt.datetime) -> None:
    """The next state of a message that was not accepted."""
    if result.word in ("transport", "sender_refused"):
        # Not the recipient's fault: no attempt is counted, everybody waits for the server.
        message.state = "ready"
        return
    if result.word == "suppressed":
        message.state, message.skip_reason = "cancelled", "sending_suppressed"
        return
    message.attempts += 1
    if result.word == "ambiguous":
        _again_once(message, settings, now)
    elif result.word == "poison":
        _again(message, schedule.unwritten(message.attempts, now), schedule.MOST_UNWRITTEN)
    elif result.word == "full" and now - (message.first_attempt_at or now) > _FULL_FOR:
        message.state = "failed"
        bounces.note(session, message, bounces.DOUBTFUL, now)
    elif result.word in ("transient", "full"):
        _again(message, schedule.later(message.attempts, result.code, now), schedule.MOST_TRIES)
    else:
        message.state = _FINAL[result.word]
        _note_bounce(session, message, result.word, now)


def _note_bounce(session: Session, message: Message, word: str, now: dt.datetime) -> None:
    weights = {"bad_mailbox": bounces.CERTAIN, "doubtful": bounces.DOUBTFUL}
    if word in weights:
        bounces.note(session, message, weights[word], now)


def _again_once(message: Message, settings: Settings, now: dt.datetime) -> None:
    """The mail may have arrived: at most one more try, with the same Message-ID and Date."""
    message.ambiguous += 1
    again = settings.mail_on_ambiguous == "retry" and message.ambiguous == 1
    message.state, message.not_before = ("ready" if again else "dead"), now + _AGAIN_ONCE


def _again(message: Message, at: dt.datetime, most: int) -> None:
    message.state, message.not_before = ("dead" if message.attempts >= most else "ready"), at
