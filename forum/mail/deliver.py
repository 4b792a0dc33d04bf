"""From the outbox to the mail server: fan out, group, claim, ask once more, render late, send, settle.

No transaction is open while a mail is rendered or on the wire: on SQLite that would block every commenter.
"""

from __future__ import annotations

import datetime as dt
import logging
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from .. import outbox
from ..models import Message, Worker
from ..outbox import Claim
from ..sqlite import begin_writing
from . import letters
from .courier import Courier
from .transport import Outcome

log = logging.getLogger("forum.mail")
T = TypeVar("T")

# With these words the server, not the message, is at fault: going on would only fail again.
_SERVER_AT_FAULT = frozenset({"transport", "sender_refused"})
_BEAT = dt.timedelta(seconds=15)
_NOT_SENT = Outcome("transport", "render", None, None, "not sent yet", None)


@dataclass
class Report:
    """What one drain did: messages by their new state, and the server's words if it is down."""

    states: Counter[str] = field(default_factory=Counter)
    down: str | None = None


def drain(courier: Courier) -> Report:
    """Repeat fan-out, grouping and sending until nothing is due or the mail server is down.

    Safe to run from any number of processes at once; killing one loses nothing.
    """
    report = Report()
    try:
        _heartbeat(courier)
        _step(courier, lambda session, now: outbox.recover(session, courier.settings, now))
        while _prepare(courier) + _send_batch(courier, report):
            if report.down is not None:
                break
    finally:
        courier.transport.close()
    return report


def seconds_until_due(courier: Courier, at_most: float) -> float:
    """How long a worker may sleep before the outbox has work, from 0 to ``at_most`` seconds."""
    with courier.open_session() as session:
        due = outbox.next_due(session)
    if due is None:
        return at_most
    return min(at_most, max(0.0, (due - courier.clock()).total_seconds()))


def _prepare(courier: Courier) -> int:
    """Events become items, items become messages; returns how much was done."""
    done = 0
    while _step(courier, lambda session, now: outbox.fan_out(session, courier.keys, courier.settings, now)):
        done += 1
    while grouped := _step(courier, lambda session, now: outbox.group(session, courier.keys, courier.settings, now)):
        done += grouped
    return done


def _step(courier: Courier, work: Callable[[Session, dt.datetime], T]) -> T:
    """Run ``work`` in a short transaction of its own; once more if another worker did the same at that moment."""
    try:
        return _transact(courier, work)
    except IntegrityError:
        return _transact(courier, work)


def _transact(courier: Courier, work: Callable[[Session, dt.datetime], T]) -> T:
    with courier.open_session() as session:
        begin_writing(session)
        result = work(session, courier.clock())
        session.commit()
        return result


def _send_batch(courier: Courier, report: Report) -> int:
    claims = _step(courier, lambda session, now: outbox.claim(session, courier.settings, now))
    for n, claim in enumerate(claims):
        outcome = _send(courier, claim, report)
        if outcome is not None and outcome.word in _SERVER_AT_FAULT:
            report.down = outcome.text
            _step(courier, lambda session, now: outbox.release(session, claims[n + 1 :]))  # noqa: B023  # runs at once
            break
    return len(claims)


def _send(courier: Courier, claim: Claim, report: Report) -> Outcome | None:
    """Send one claimed message; None when the gate or a lost lease kept it back."""
    letter = _step(courier, lambda session, now: letters.prepare(session, courier, claim, now))
    if letter is None:
        report.states["cancelled"] += 1
        return None
    started = courier.clock()
    raw, outcome = _render(letter)
    if raw is not None:
        if not _step(courier, lambda session, now: outbox.mark_sending(session, claim, now)):
            log.warning("message %s: the lease was lost before sending", claim.message_id)
            return None
        outcome = courier.transport.send(raw, courier.settings.mail_from or "", letter.to)
    state = _step(courier, lambda session, now: _settle(session, courier, claim, outcome, started, now))
    report.states[state] += 1
    log.info("message %s: %s at %s, now %s", claim.message_id, outcome.word, outcome.phase, state)
    return outcome


def _render(letter: letters.Letter) -> tuple[bytes | None, Outcome]:
    """The bytes of a letter; or none and what is wrong with it, so that one bad template stops no other mail."""
    try:
        return letter.write(), _NOT_SENT
    except Exception as error:  # a host's template may raise anything
        log.exception("message %s cannot be rendered", letter.message_id)
        return None, Outcome("poison", "render", None, None, f"{type(error).__name__}: {error}", None)


def _settle(
    session: Session, courier: Courier, claim: Claim, outcome: Outcome, started: dt.datetime, now: dt.datetime
) -> str:
    state = outbox.settle(session, claim, outcome, courier.settings, worker=courier.worker, started=started, now=now)
    if state == "sent":
        message = session.get_one(Message, claim.message_id)
        letters.note_sent(message, now)
        courier.sent(message)
    return state


def _heartbeat(courier: Courier) -> None:
    def beat(session: Session, now: dt.datetime) -> None:
        worker = session.get(Worker, courier.worker)
        if worker is None:
            session.add(Worker(name=courier.worker, started_at=now, seen_at=now))
        elif now - worker.seen_at > _BEAT:
            worker.seen_at = now

    _step(courier, beat)
