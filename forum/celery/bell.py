"""From a committed comment to the broker, in a thread of its own: whoever posts never waits for it."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable

log = logging.getLogger("forum.celery")

# One ring after a moment's pause stands for all comments of that moment.
_PAUSE_SECONDS = 1.0
# How long a broker that failed is left alone.
_REST_SECONDS = 30.0


class Bell:
    """Calls ``publish`` soon after it was rung, from a thread: no broker, however it fails, holds up who rings.

    Rings of the same moment are one; after a failure of ``publish`` there is a longer rest. Seconds are given by
    ``pause`` and ``rest``.
    """

    def __init__(
        self, publish: Callable[[], object], *, pause: float = _PAUSE_SECONDS, rest: float = _REST_SECONDS
    ) -> None:
        self._publish, self._pause, self._rest = publish, pause, rest
        self._fails = self._rung = self._busy = False
        self._lock, self._pid = threading.Lock(), os.getpid()

    def ring(self) -> None:
        """Say that something was committed; returns at once and never raises."""
        if self._pid != os.getpid():
            self._renew()
        with self._lock:
            self._rung = True
            if self._busy:
                return
            self._busy = True
        try:
            threading.Thread(target=self._answer, name="forum-bell", daemon=True).start()
        except RuntimeError:  # no thread is to be had at the limit of the system or at the end of the process
            self._busy = False

    def reach(self) -> bool:
        """Publish now; of failures in a row the first is logged. Returns whether it could be done."""
        try:
            self._publish()
        except Exception as error:  # a broker, its driver or a receiver of the host's may raise anything
            if not self._fails:
                log.warning("the broker cannot be reached, the next sweep delivers: %s", error)
            self._fails = True
        else:
            self._fails = False
        return not self._fails

    def _renew(self) -> None:
        # Not by a hook on fork, which servers written in C go past. No thread came along, and a lock may be held.
        self._lock = threading.Lock()
        self._rung = self._busy = False
        self._pid = os.getpid()

    def _answer(self) -> None:
        while self._is_rung():
            time.sleep(self._pause if self.reach() else self._rest)

    def _is_rung(self) -> bool:
        """Take the ring, if there is one; without one the thread ends, and the next ring starts another."""
        with self._lock:
            self._busy, self._rung = self._rung, False
            return self._busy
