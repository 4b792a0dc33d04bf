"""What the connections of one process have to write down goes into one commit for all who wait at that moment.

A commit waits for the disk, and the connections would otherwise wait for each other's as well.
"""

from __future__ import annotations

import datetime as dt
import threading
from collections import deque
from dataclasses import dataclass
from functools import partial

from .. import outbox
from ..outbox import Try
from .courier import Courier
from .letters import Letter
from .outcome import Outcome
from .steps import insist


@dataclass(frozen=True)
class Sent:
    """A letter that was tried and what became of it; ``at`` is the monotonic time of its lease's beginning."""

    letter: Letter
    outcome: Outcome
    started: dt.datetime
    ended: dt.datetime
    at: float


@dataclass
class Entry:
    """What became of one letter, if any, and the next one of the same connection, if any, which is about to go.

    Once written, ``state`` is the new state of the first, None when its lease had been lost, and ``goes`` says
    whether the second one may go.
    """

    sent: Sent | None
    letter: Letter | None
    state: str | None = None
    goes: bool = False
    written: bool = False
    error: Exception | None = None


class Ledger:
    """Takes entries from any number of threads; each returns when its own is committed."""

    def __init__(self, courier: Courier) -> None:
        self._courier = courier
        # Kept open: to take one out of the pool for each mail costs as much as a statement.
        self._connection = courier.connect()
        self._waiting: deque[Entry] = deque()
        self._turn = threading.Lock()

    def close(self) -> None:
        """Give the connection back."""
        self._connection.close()

    def write(self, sent: Sent | None, letter: Letter | None) -> Entry:
        """Commit that ``sent`` is over and that ``letter`` is about to go. Raises what the database raises."""
        entry = Entry(sent, letter)
        # Only whoever has the turn takes entries away, so none can be missed between counting and taking.
        self._waiting.append(entry)
        with self._turn:
            if not entry.written:
                self._write_all([self._waiting.popleft() for _ in range(len(self._waiting))])
        if entry.error is not None:
            raise entry.error
        return entry

    def _write_all(self, entries: list[Entry]) -> None:
        try:
            insist(partial(self._transact, entries))
        except Exception as error:
            if len(entries) > 1:
                for entry in entries:
                    self._write_all([entry])
                return
            entries[0].error = error
        for entry in entries:
            entry.written = True

    def _transact(self, entries: list[Entry]) -> None:
        with self._courier.writing, self._connection.begin():
            for entry in entries:
                self._write(entry)

    def _write(self, entry: Entry) -> None:
        settings, now = self._courier.settings, self._courier.clock()
        if entry.sent is not None:
            tried, outcome = self._tried(entry.sent), entry.sent.outcome
            entry.state = outbox.settle(self._connection, settings, tried, outcome)
        if entry.letter is not None:
            claim, date = entry.letter.claim, entry.letter.date
            entry.goes = outbox.mark_sending(self._connection, claim, settings, date, now)

    def _tried(self, sent: Sent) -> Try:
        letter = sent.letter
        return Try(
            letter.claim,
            letter.address_id,
            self._courier.worker,
            sent.started,
            sent.ended,
            letter.since,
            asks=letter.asks,
            doubted=letter.doubted,
        )
