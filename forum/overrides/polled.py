"""When one process asks the database for overrides, and whether the answer is news."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Callable, Mapping

from ..forks import renew_in_children
from .stored import Override

# Soon enough that a change is felt everywhere at once, seldom enough to cost a busy page nothing.
POLL = dt.timedelta(seconds=2)


class Polled:
    """What this process knows of the overrides; safe among threads. ``take`` is given each answer that is news."""

    def __init__(self, take: Callable[[Mapping[str, Override]], None]) -> None:
        self._take = take
        self._found: Mapping[str, Override] = {}
        self._asked_at: dt.datetime | None = None
        # Counts own changes: an answer from before one of them is old.
        self._changes = 0
        self.renew()
        renew_in_children(self)

    def renew(self) -> None:
        """Begin anew in a forked process."""
        self._lock = threading.Lock()

    def is_due(self, now: dt.datetime) -> int | None:
        """A ticket for whoever asks next, or None while the last answer is fresh."""
        with self._lock:
            # Both ways: a clock that was put back must not end the asking.
            if self._asked_at is not None and abs(now - self._asked_at) < POLL:
                return None
            self._asked_at = now
            return self._changes

    def hear(self, ticket: int, found: Mapping[str, Override]) -> None:
        """Take the answer to the question of ``ticket``, unless it is old or known."""
        with self._lock:
            if ticket == self._changes and found != self._found:
                self._found = found
                self._take(found)

    def forget(self) -> None:
        """Ask again at the next occasion: this process has just committed a change."""
        with self._lock:
            self._asked_at = None
            self._changes += 1
