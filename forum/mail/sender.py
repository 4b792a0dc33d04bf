"""One connection to the mail server and the letters that go over it."""

from __future__ import annotations

import logging
import time

from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError, SQLAlchemyError, TimeoutError

from . import spool
from .courier import Courier
from .ledger import Entry, Ledger, Sent
from .letters import Letter
from .logbook import note_attempt
from .outcome import DISPATCHED
from .outgoing import Outgoing
from .transport import Transport

log = logging.getLogger("forum.mail")

# With these words the server, not the message, is at fault: going on would only fail again.
_SERVER_AT_FAULT = frozenset({"transport", "sender_refused"})
# These say nothing about the server: nothing was sent, or nobody answered.
_SILENT = frozenset({"poison", "suppressed", "ambiguous"})
# Between two tries to write an outcome down while the database is away, in seconds.
_INSIST = 1.0


class Sender:
    """Sends letters one after the other; errors end up in ``outgoing.failed``.

    The outcome of a letter is committed together with the beginning of the next one: one commit for each letter, and
    never a second letter on the wire before the first one is written down.
    """

    def __init__(self, courier: Courier, outgoing: Outgoing, ledger: Ledger, transport: Transport) -> None:
        self._courier, self._outgoing, self._ledger, self._transport = courier, outgoing, ledger, transport

    def run(self) -> None:
        """Send until there are no letters, or this process is to end."""
        try:
            self._run()
        except BaseException as error:
            self._outgoing.give_up(error)
        finally:
            self._transport.close()

    def _run(self) -> None:
        sent: Sent | None = None
        while True:
            # What the host does when it is told may take its time: no letter may be marked or in doubt meanwhile.
            letter = None if sent is not None and self._courier.listens() else self._outgoing.take_ready()
            if letter is None:
                if sent is not None:
                    self._write_down(sent, None)
                sent, letter = None, self._outgoing.take()
            if letter is None:
                return
            sent = self._send(letter, sent)

    def _send(self, letter: Letter, before: Sent | None) -> Sent | None:
        """Try ``letter`` once what became ``before`` it is written down; None when its lease was lost meanwhile."""
        try:
            if not self._write_down(before, letter):
                return None
            at, started = time.monotonic(), self._courier.clock()
            outcome = self._transport.send(letter.raw, self._courier.settings.mail_from or "", letter.to)
        finally:
            self._outgoing.done()
        # Whoever is told to end may have cut the conversation off: that says nothing about the server.
        if outcome.word in _SERVER_AT_FAULT and not self._outgoing.ends:
            self._outgoing.down(outcome.text)
        return Sent(letter, outcome, started, self._courier.clock(), at)

    def _write_down(self, before: Sent | None, letter: Letter | None) -> bool:
        """Commit what became of the letter ``before`` and that ``letter`` is about to go; whether that may go."""
        entry = self._entry(before, letter)
        if before is not None:
            self._tell(before, entry.state)
        if letter is not None and not entry.goes:
            log.warning("message %s: the lease was lost before sending", letter.claim.message_id)
            self._outgoing.report.states["lost"] += 1
        return entry.goes

    def _entry(self, before: Sent | None, letter: Letter | None) -> Entry:
        try:
            return self._ledger.write(before, letter)
        except SQLAlchemyError as error:
            if before is None:
                raise
            if not _is_away(error):
                spool.keep(self._courier, before)
                raise
        return self._insist(before)

    def _insist(self, sent: Sent) -> Entry:
        """The database is away: try for as long as the lease lasts, then keep the outcome in the spool and raise.

        Otherwise a mail that was accepted would be taken for one that may have been lost, and be sent again.
        """
        until = sent.at + self._courier.settings.mail_lease_seconds
        while True:
            try:
                return self._ledger.write(sent, None)
            except SQLAlchemyError as error:
                if not _is_away(error) or time.monotonic() > until or not self._outgoing.pause(_INSIST):
                    spool.keep(self._courier, sent)
                    raise

    def _tell(self, sent: Sent, state: str | None) -> None:
        """Say what became of a letter, which is committed: telling may fail."""
        letter, outcome = sent.letter, sent.outcome
        self._outgoing.settled(state or "lost")
        seconds = (sent.ended - sent.started).total_seconds()
        note_attempt(letter.claim.message_id, letter.kind, letter.to, outcome, seconds, state or "lost")
        if outcome.word not in _SERVER_AT_FAULT | _SILENT:
            self._outgoing.works()
        if state == "sent":
            self._courier.sent(letter.claim.message_id)
        if outcome.word in DISPATCHED:
            self._courier.dispatched(letter.raw, letter.to)


def _is_away(error: SQLAlchemyError) -> bool:
    """Whether the database may answer again by itself."""
    if isinstance(error, (OperationalError, InterfaceError, TimeoutError)):
        return True
    return isinstance(error, DBAPIError) and error.connection_invalidated
