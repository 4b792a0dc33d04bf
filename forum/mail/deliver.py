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

from sqlalchemy.exc import IntegrityError, OperationalError, SQLAlchemyError
from sqlalchemy.orm import Session

from .. import outbox
from ..clashes import is_clash
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
_TRIES = 3


@dataclass
class Report:
    """What one drain did: messages by their new state, the server's words if it is down, and whether work was left."""

    states: Counter[str] = field(default_factory=Counter)
    down: str | None = None
    unfinished: bool = False


def drain(courier: Courier, stopped: Callable[[], bool] = lambda: False) -> Report:
    """Repeat fan-out, grouping and sending until nothing is due, the mail server is down, or ``stopped`` says so.

    Safe to run from any number of processes at once; killing one loses nothing.
    """
    report = Report()
    try:
        _heartbeat(courier)
        _step(courier, lambda session, now: outbox.recover(session, courier.settings, now))
        while not stopped() and _prepare(courier) + _send_batch(courier, report, stopped):
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
    """Run ``work`` in a short transaction of its own; again if another worker got in its way at that moment."""
    for _ in range(_TRIES - 1):
        try:
            return _transact(courier, work)
        except (IntegrityError, OperationalError) as error:
            if not is_clash(error):
                raise
    return _transact(courier, work)


def _transact(courier: Courier, work: Callable[[Session, dt.datetime], T]) -> T:
    with courier.open_session() as session:
        begin_writing(session)
        result = work(session, courier.clock())
        session.commit()
        return result


def _send_batch(courier: Courier, report: Report, stopped: Callable[[], bool]) -> int:
    """Send what can be claimed; whatever ends the batch early, claims that were not used are given back."""
    claims = _step(courier, lambda session, now: outbox.claim(session, courier.settings, now))
    left = list(claims)
    try:
        while left and report.down is None and not stopped():
            outcome = _send(courier, left.pop(0), report)
            if outcome is not None and outcome.word in _SERVER_AT_FAULT:
                report.down = outcome.text
    finally:
        if left:
            _step(courier, lambda session, now: outbox.release(session, left))
    return len(claims)


def _send(courier: Courier, claim: Claim, report: Report) -> Outcome | None:
    """Send one claimed message; None when the gate or a lost lease kept it back."""
    started = courier.clock()
    try:
        letter = _step(courier, lambda session, now: letters.prepare(session, courier, claim, now))
        if letter is None:
            report.states["cancelled"] += 1
            return None
        raw = letter.write()
    except SQLAlchemyError:
        raise
    except Exception as error:  # a host's hook or template may raise anything: one bad mail must stop no other
        log.exception("message %s cannot be written", claim.message_id)
        outcome = Outcome("poison", "render", None, None, f"{type(error).__name__}: {error}", None)
    else:
        if not _step(courier, lambda session, now: outbox.mark_sending(session, claim, courier.settings, now)):
            log.warning("message %s: the lease was lost before sending", claim.message_id)
            report.states["lost"] += 1
            return None
        outcome = courier.transport.send(raw, courier.settings.mail_from or "", letter.to)
    _settle(courier, claim, outcome, started, report)
    return outcome


def _settle(courier: Courier, claim: Claim, outcome: Outcome, started: dt.datetime, report: Report) -> None:
    """Write the outcome down and commit it; only then is anybody told, since telling may fail."""

    def settle(session: Session, now: dt.datetime) -> str:
        state = outbox.settle(
            session, claim, outcome, courier.settings, worker=courier.worker, started=started, now=now
        )
        if state == "sent":
            letters.note_sent(session.get_one(Message, claim.message_id), now)
        return state

    state = _step(courier, settle)
    report.states[state] += 1
    log.info("message %s: %s at %s, now %s", claim.message_id, outcome.word, outcome.phase, state)
    if state == "sent":
        courier.sent(claim.message_id)


def _heartbeat(courier: Courier) -> None:
    def beat(session: Session, now: dt.datetime) -> None:
        worker = session.get(Worker, courier.worker)
        if worker is None:
            session.add(Worker(name=courier.worker, started_at=now, seen_at=now))
        elif now - worker.seen_at > _BEAT:
            worker.seen_at = now

    _step(courier, beat)
