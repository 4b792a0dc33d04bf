"""Delivery that goes on by itself: in the foreground for a worker process, or in a thread that a site asked for."""

from __future__ import annotations

import atexit
import logging
import os
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager

from .mail.courier import Courier
from .mail.deliver import drain, seconds_until_due

log = logging.getLogger("forum.worker")

POLL_SECONDS = 5.0
# How long a mail on the wire may take to finish when the process ends.
_GRACE_SECONDS = 5.0


def watch(courier: Callable[[], Courier], stop: threading.Event, wake: threading.Event, poll: float) -> None:
    """Drain the outbox, sleep until something is due or ``wake`` is set, and again, until ``stop`` is set.

    ``poll`` bounds each sleep, in seconds: other processes add work without telling us.
    """
    while not stop.is_set():
        try:
            report = drain(courier(), stop.is_set)
            # What is due and was left waits for something else: a throttle, another worker, the mail server.
            pause = seconds_until_due(courier(), poll) or poll
            if report.down:
                log.warning("the mail server cannot be used: %s", report.down)
        except Exception:  # the database may be away for a while; the next round tries again
            log.exception("delivery failed and will be tried again")
            pause = poll
        wake.wait(pause)
        wake.clear()


class InProcess:
    """A daemon thread that delivers inside the web process; started by the first kick, never at import."""

    def __init__(self, courier: Callable[[], Courier], context: Callable[[], AbstractContextManager[object]]) -> None:
        self._courier, self._context = courier, context
        self._lock = threading.Lock()
        self._wake, self._stop = threading.Event(), threading.Event()
        self._thread: threading.Thread | None = None
        self._pid = 0

    def kick(self) -> None:
        """Say that something was committed; returns at once."""
        self._wake.set()
        with self._lock:
            # A thread does not survive a fork, its object does.
            if self._thread is None or self._pid != os.getpid():
                self._start()

    def stop(self) -> None:
        """Finish the mail on the wire, if any, and end."""
        self._stop.set()
        self._wake.set()
        if self._thread is not None and self._pid == os.getpid():
            self._thread.join(_GRACE_SECONDS)

    def _start(self) -> None:
        self._pid = os.getpid()
        self._thread = threading.Thread(target=self._run, name="forum-delivery", daemon=True)
        self._thread.start()
        atexit.register(self.stop)

    def _run(self) -> None:
        with self._context():
            watch(self._courier, self._stop, self._wake, POLL_SECONDS)
