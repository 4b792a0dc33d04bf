"""The letters of one process, shared by its connections: whoever is free takes the next one.

So a connection that hangs holds up the one letter it has, not those behind it.
"""

from __future__ import annotations

import datetime as dt
import logging
import math
import threading
import time
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from sqlalchemy.orm import Session

from .. import outbox
from ..models import Worker
from ..outbox import Claim, Try
from . import letters
from .courier import Courier
from .letters import Letter, Prepared, Unwritten
from .outcome import Outcome, masked
from .steps import step

log = logging.getLogger("forum.mail")

BATCH = 50
# What was asked of the gate is not asked again within this time, in seconds.
_FRESH = 2.0
# How long idle connections wait before one of them looks for new mail while others are busy, in seconds.
_LOOK = 1.0
# How long whoever ends waits for a connection that is being given its letter, in seconds.
_PATIENCE = 1.0
_BEAT = dt.timedelta(seconds=15)


@dataclass
class Report:
    """What one drain did: messages by their new state, the server's words if it is down, and whether work was left."""

    states: Counter[str] = field(default_factory=Counter)
    down: str | None = None
    unfinished: bool = False


class Outgoing:
    """Where letters come from: events become items, items messages, and those due are claimed and written.

    ``server`` names the mail server for its breaker; ``stopped`` says when no letter is to be begun any more.
    """

    def __init__(self, courier: Courier, report: Report, stopped: Callable[[], bool], server: str) -> None:
        self.courier, self.report = courier, report
        self._stopped, self._server = stopped, server
        self._lock = threading.Condition()
        # With each the moment from which its answers are: the host may take long to give those of the others.
        self._letters: deque[tuple[float, Letter]] = deque()
        self._taken = 0
        self._done: deque[None] = deque()
        # When a look began that found nothing, and when an outcome was written down last.
        self._empty_at = self._settled_at = -math.inf
        self._probe = False
        self.failed: BaseException | None = None

    @property
    def ends(self) -> bool:
        """Whether no further letter is to be begun."""
        return self._stopped() or self.report.down is not None or self.failed is not None

    def take_ready(self) -> Letter | None:
        """The next letter if one is written already; never waits. Each letter taken is followed by :meth:`done`."""
        if not self._lock.acquire(blocking=False):
            return None
        try:
            return self._pop() if self._is_fresh() else None
        finally:
            self._lock.release()

    def take(self) -> Letter | None:
        """The next letter; None when nothing is due and no other connection is busy, or this process is to end.

        A busy one may be stuck, and what is written meanwhile shall not wait for it.
        """
        with self._lock:
            while not self.ends:
                letter = self._next()
                if letter is not None:
                    return letter
                if self._taken == len(self._done):
                    break
                self._lock.wait(_LOOK)
            return None

    def done(self) -> None:
        """A letter that was taken needs no connection any more; never waits: its outcome is not written down yet."""
        self._done.append(None)
        self._wake()

    def settled(self, state: str) -> None:
        """The outcome of a letter is written down: what waited for it may be due."""
        self.report.states[state] += 1
        self._settled_at = time.monotonic()

    def pause(self, seconds: float) -> bool:
        """Wait; False when this process is to end."""
        if self._lock.acquire(timeout=seconds):
            self._lock.wait(seconds)
            self._lock.release()
        return not self._stopped()

    def give_up(self, error: BaseException) -> None:
        """Something is wrong with this process or the database: begin nothing more."""
        self.failed = self.failed or error
        self._wake()

    def down(self, why: str) -> None:
        """The mail server cannot be used: begin nothing more, and tell the other workers."""
        self.report.down = why
        self._wake()
        step(
            self.courier,
            lambda session, now: outbox.breaker.trip(session, self._server, why, now, probe=self._probe),
        )

    def works(self) -> None:
        """The mail server took a message: whoever waited for that may go on."""
        if self._probe:
            self._probe = False
            step(self.courier, lambda session, now: outbox.breaker.close(session, self._server))

    def release(self) -> None:
        """Give back what was claimed and not begun, unless somebody asks the host about it who never answers."""
        if not self._lock.acquire(timeout=_PATIENCE):
            return
        claims = [letter.claim for _, letter in self._letters]
        self._letters.clear()
        self._lock.release()
        if claims:
            step(self.courier, lambda session, now: outbox.release(session, claims))

    def look_after(self) -> None:
        """Show that this process lives, and give back what dead ones held."""

        def work(session: Session, now: dt.datetime) -> int:
            _beat(session, self.courier.worker, now)
            return outbox.recover(session, self.courier.settings, now)

        doubted = step(self.courier, work)
        if doubted:
            log.warning("%s messages were on the wire when their worker died", doubted)

    def _wake(self) -> None:
        # Never waits: whoever has the lock may be asking the host, for ever if that hangs, and looks again afterwards.
        if self._lock.acquire(blocking=False):
            self._lock.notify_all()
            self._lock.release()

    def _pop(self) -> Letter | None:
        if not self._letters or self.ends:
            return None
        self._taken += 1
        return self._letters.popleft()[1]

    def _is_fresh(self) -> bool:
        return not self._letters or time.monotonic() - self._letters[0][0] < _FRESH

    def _next(self) -> Letter | None:
        while not self.ends and (self._letters or self._refill()):
            if not self._is_fresh():
                self._ask_again()
            if self._letters:
                return self._pop()
        return None

    def _refill(self) -> bool:
        """Claim and write what is due; False when nothing was, now or when another connection looked just now."""
        if self._empty_at > max(self._settled_at, time.monotonic() - _LOOK):
            return False
        began = time.monotonic()
        prepare(self.courier, lambda: self.ends)
        claims = [] if self.ends else step(self.courier, self._claim)
        self._write(claims)
        self._empty_at = -math.inf if claims else began
        return bool(claims)

    def _claim(self, session: Session, now: dt.datetime) -> list[Claim]:
        if self._probe and self._taken == len(self._done):
            # What was claimed for the try never met the server: the try is still ours.
            return outbox.claim(session, self.courier.settings, now, 1)
        room = outbox.breaker.room(session, self._server, now, BATCH)
        self._probe = self._probe or room.probe
        return outbox.claim(session, self.courier.settings, now, room.messages) if room.messages else []

    def _ask_again(self) -> None:
        """Time has passed: keep the leases, and ask the gate once more about the letter whose turn it is."""
        claims = [letter.claim for _, letter in self._letters]
        held = set(step(self.courier, lambda session, now: outbox.renew(session, self.courier.settings, claims)))
        others = deque(each for each in self._letters if each[1].claim in held)
        self._letters.clear()
        while others and not self._letters:
            self._write([others.popleft()[1].claim])
        self._letters.extend(others)

    def _write(self, claims: list[Claim]) -> None:
        if not claims:
            return
        asked_at = time.monotonic()
        prepared = letters.prepare(self.courier, claims)
        self._letters.extend((asked_at, letter) for letter in prepared.letters)
        if prepared.refusals or prepared.unwritten or prepared.left:
            self._note(prepared)

    def _note(self, prepared: Prepared) -> None:
        def note(session: Session, now: dt.datetime) -> None:
            for refusal in prepared.refusals:
                outbox.refuse(session, refusal.claim, refusal.changes, refusal.why_not)
            for unwritten in prepared.unwritten:
                self._settle_unwritten(session, unwritten, now)
            outbox.release(session, prepared.left)

        step(self.courier, note)
        self.report.states["cancelled"] += sum(refusal.why_not is not None for refusal in prepared.refusals)

    def _settle_unwritten(self, session: Session, unwritten: Unwritten, now: dt.datetime) -> None:
        tried = Try(unwritten.claim, unwritten.address_id, self.courier.worker, now, now, unwritten.since)
        outcome = Outcome("poison", "render", text=masked(unwritten.error))
        state = outbox.settle(session.connection(), self.courier.settings, tried, outcome)
        self.report.states[state or "lost"] += 1


def prepare(courier: Courier, stopped: Callable[[], bool]) -> None:
    """Events become items, items become messages, until there are no more or ``stopped`` says so."""
    while not stopped() and step(courier, partial(_fan_out, courier)):
        pass
    while not stopped() and step(courier, partial(_group, courier)):
        pass


def _fan_out(courier: Courier, session: Session, now: dt.datetime) -> bool:
    return outbox.fan_out(session, courier.keys, courier.settings, now)


def _group(courier: Courier, session: Session, now: dt.datetime) -> int:
    return outbox.group(session, courier.keys, courier.settings, now)


def _beat(session: Session, name: str, now: dt.datetime) -> None:
    worker = session.get(Worker, name)
    if worker is None:
        session.add(Worker(name=name, started_at=now, seen_at=now))
    elif now - worker.seen_at > _BEAT:
        worker.seen_at = now
