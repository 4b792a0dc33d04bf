"""What a mail server answered becomes the next state of the message, a row of the ledger, and news for its address."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import Connection
from sqlalchemy.orm import Session

from ..models import Message
from ..settings import Settings
from . import bounces, schedule, tallies, throttle, tries
from .acceptance import accepted
from .tries import Result, Try

# A full mailbox is emptied within a day, or nobody reads it any more.
_FULL_FOR = dt.timedelta(hours=24)
_AGAIN_ONCE = dt.timedelta(minutes=5)
_FINAL = {"refused": "failed", "doubtful": "failed", "bad_mailbox": "failed", "full": "failed", "syntax": "dead"}
# What these say about the mailbox.
_WEIGHTS = {"bad_mailbox": bounces.CERTAIN, "doubtful": bounces.DOUBTFUL, "full": bounces.DOUBTFUL}


def settle(connection: Connection, settings: Settings, tried: Try, result: Result) -> str | None:
    """Write down what became of a try and return the new state of the message. The caller commits.

    None when the lease had been lost: then what others do with the message stands, unless this try was accepted and
    nobody has begun another one. The try goes on record all the same.
    """
    if result.word == "accepted":
        state = accepted(connection, tried, result)
    else:
        with Session(connection, join_transaction_mode="rollback_only") as session:
            state = _not_accepted(session, settings, tried, result)
    if state is None:
        tries.record_late(connection, tried, result)
    return state


def _not_accepted(session: Session, settings: Settings, tried: Try, result: Result) -> str | None:
    message = session.get(Message, tried.claim.message_id, with_for_update=True)
    if message is None or message.lease_token != tried.claim.token:
        return None
    tries.record(session.connection(), tried, result)
    message.lease_token = message.lease_until = None
    message.smtp_code, message.enhanced_code = result.code, result.enhanced
    message.last_error = f"{result.phase}: {result.text}"[:500]
    _move(session, message, result, settings, tried.ended)
    if result.word == "refused":
        tallies.note_policy(session, message.domain, settings.mail_big_domains)
    if result.slow_down:
        throttle.slow_down(session, settings, message.domain, message.last_error, tried.ended)
    session.flush()
    return message.state


def _move(session: Session, message: Message, result: Result, settings: Settings, now: dt.datetime) -> None:
    """The next state of a message that was not accepted."""
    if result.word in ("transport", "sender_refused"):
        # Not the recipient's fault: no attempt is counted, everybody waits for the server.
        message.state = "ready"
    elif result.word == "suppressed":
        message.state, message.skip_reason = "cancelled", "sending_suppressed"
    else:
        message.attempts += 1
        _move_counted(session, message, result, settings, now)


def _move_counted(session: Session, message: Message, result: Result, settings: Settings, now: dt.datetime) -> None:
    if result.word == "ambiguous":
        _again_once(message, settings, now)
    elif result.word == "poison":
        _again(message, schedule.unwritten(message.attempts, now), schedule.MOST_UNWRITTEN)
    elif result.word == "transient" or (result.word == "full" and not _is_full_for_long(message, now)):
        _again(message, schedule.later(message.attempts, result.code, now), schedule.MOST_TRIES)
    else:
        _end(session, message, result.word, now)


def _is_full_for_long(message: Message, now: dt.datetime) -> bool:
    return now - (message.first_attempt_at or now) > _FULL_FOR


def _again_once(message: Message, settings: Settings, now: dt.datetime) -> None:
    """The mail may have arrived: at most one more try, with the same Message-ID and Date."""
    message.ambiguous += 1
    again = settings.mail_on_ambiguous == "retry" and message.ambiguous == 1
    message.state, message.not_before = ("ready" if again else "dead"), now + _AGAIN_ONCE


def _again(message: Message, at: dt.datetime, most: int) -> None:
    message.state, message.not_before = ("dead" if message.attempts >= most else "ready"), at


def _end(session: Session, message: Message, word: str, now: dt.datetime) -> None:
    message.state = _FINAL[word]
    if word in _WEIGHTS:
        bounces.note(session, message, _WEIGHTS[word], now)
