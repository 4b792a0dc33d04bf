"""One connection to the mail server and the letters that go over it."""

from __future__ import annotations

import datetime as dt
import logging
import time
from dataclasses import dataclass

from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.orm import Session

from .. import outbox
from ..outbox import Try
from . import spool
from .courier import Courier
from .letters import Letter
from .logbook import note_attempt
from .outcome import Outcome
from .outgoing import Outgoing
from .steps import step
from .transport import Transport

log = logging.getLogger("forum.mail")

# With these words the server, not the message, is at fault: going on would only fail again.
_SERVER_AT_FAULT = frozenset({"transport", "sender_refused"})
# These say nothing about the server: nothing was sent, or nobody answered.
_SILENT = frozenset({"poison", "suppressed", "ambiguous"})
# Between two tries to write an outcome down while the database is away, in seconds.
_INSIST = 1.0


@dataclass(frozen=True)
class Sent:
    """A letter that was tried and what became of it; ``at`` is the monotonic time of its lease's beginning."""

    letter: Letter
    outcome: Outcome
    started: dt.datetime
    ended: dt.datetime
    at: float


def run(courier: Courier, outgoing: Outgoing, transport: Transport) -> None:
    """Send letters until there are none; errors end up in ``outgoing.failed``.

    The outcome of a letter is committed together with the beginning of the next one: one commit for each letter, and
    never a second letter on the wire before the first one is written down.
    """
    try:
        _run(courier, outgoing, transport)
    except BaseException as error:
        outgoing.give_up(error)
    finally:
        transport.close()


def _run(courier: Courier, outgoing: Outgoing, transport: Transport) -> None:
    sent: Sent | None = None
    while True:
        letter = outgoing.take_ready()
        if letter is None:
            if sent is not None:
                _write_down(courier, outgoing, sent, None)
            sent, letter = None, outgoing.take()
        if letter is None:
            return
        sent = _send(courier, outgoing, transport, letter, sent)


def _send(
    courier: Courier, outgoing: Outgoing, transport: Transport, letter: Letter, before: Sent | None
) -> Sent | None:
    """Try ``letter`` once what became ``before`` it is written down; None when its lease was lost meanwhile."""
    try:
        if not _write_down(courier, outgoing, before, letter):
            return None
        at, started = time.monotonic(), courier.clock()
        outcome = transport.send(letter.raw, courier.settings.mail_from or "", letter.to)
    finally:
        outgoing.done()
    if outcome.word in _SERVER_AT_FAULT:
        outgoing.down(outcome.text)
    return Sent(letter, outcome, started, courier.clock(), at)


def _write_down(courier: Courier, outgoing: Outgoing, before: Sent | None, letter: Letter | None) -> bool:
    """Commit what became of the letter ``before`` and that ``letter`` is about to go; whether that may go."""

    def work(session: Session, now: dt.datetime) -> tuple[str | None, bool]:
        state = _settle(session, courier, before) if before else None
        return state, letter is not None and outbox.mark_sending(
            session, letter.claim, courier.settings, letter.date, now
        )

    try:
        state, goes = step(courier, work)
    except DBAPIError as error:
        if before is None or not _is_away(error):
            raise
        state, goes = _insist(courier, outgoing, before), False
    if before is not None:
        _tell(courier, outgoing, before, state)
    if letter is not None and not goes:
        log.warning("message %s: the lease was lost before sending", letter.claim.message_id)
        outgoing.report.states["lost"] += 1
    return goes


def _settle(session: Session, courier: Courier, sent: Sent) -> str | None:
    letter = sent.letter
    tried = Try(
        letter.claim,
        letter.address_id,
        courier.worker,
        sent.started,
        sent.ended,
        letter.since,
        asks=letter.asks,
        doubted=letter.doubted,
    )
    return outbox.settle(session, courier.settings, tried, sent.outcome)


def _insist(courier: Courier, outgoing: Outgoing, sent: Sent) -> str | None:
    """The database is away: try for as long as the lease lasts, then keep the outcome in the spool and raise.

    Otherwise a mail that was accepted would be taken for one that may have been lost, and be sent again.
    """
    until = sent.at + courier.settings.mail_lease_seconds
    while True:
        try:
            return step(courier, lambda session, now: _settle(session, courier, sent))
        except DBAPIError as error:
            if not _is_away(error) or time.monotonic() > until or not outgoing.pause(_INSIST):
                spool.keep(courier, sent.letter, sent.outcome, sent.started, sent.ended)
                raise


def _is_away(error: DBAPIError) -> bool:
    """Whether the database may answer again by itself."""
    return error.connection_invalidated or isinstance(error, (OperationalError, InterfaceError))


def _tell(courier: Courier, outgoing: Outgoing, sent: Sent, state: str | None) -> None:
    """Say what became of a letter, which is committed: telling may fail."""
    letter, outcome = sent.letter, sent.outcome
    outgoing.report.states[state or "lost"] += 1
    seconds = (sent.ended - sent.started).total_seconds()
    note_attempt(letter.claim.message_id, letter.kind, letter.to, outcome, seconds, state or "lost")
    if outcome.word not in _SERVER_AT_FAULT | _SILENT:
        outgoing.works()
    if state == "sent":
        courier.sent(letter.claim.message_id)
