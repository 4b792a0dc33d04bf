"""Delivery that goes on by itself: in the foreground for a worker process, or in a thread that a site asked for."""

from __future__ import annotations

import atexit
import logging
import random
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager

from flask import Flask, current_app

from .forks import renew_in_children
from .mail import deliver
from .mail.courier import Courier
from .mail.deliver import Report
from .state import get

log = logging.getLogger("forum.worker")

POLL_SECONDS = 5.0
_PRUNE_SECONDS = 3600.0
# Whoever stops a process waits half a minute before they kill it.
_LAST_MAIL_SECONDS = 20.0
# How long a mail on the wire may take to finish when a web process ends.
_GRACE_SECONDS = 5.0


class Stop:
    """The request to end: begin no further mail, and after twenty seconds end what is still on the wire."""

    def __init__(self) -> None:
        self._since: float | None = None

    def set(self) -> None:
        """Ask; it is safe in a signal handler, and once asked it stays so."""
        self._since = self._since or time.monotonic()

    def is_set(self) -> bool:
        """Whether anybody has asked."""
        return self._since is not None

    def is_overdue(self) -> bool:
        """Whether the time for what was on the wire is over."""
        return self._since is not None and time.monotonic() - self._since > _LAST_MAIL_SECONDS


def drain(app: Flask | None = None, *, seconds: float = 25.0) -> Report:
    """Work through the outbox of ``app``, the current one unless given, until nothing is due or time is up.

    For whatever runs tasks or timers: it takes no payload, so a call that is lost or made twice does no harm, and any
    number may run at once. It begins no mail after ``seconds`` have passed; ``Report.unfinished`` then says that more
    was due. Raises MailNotConfigured when keys are missing without which no mail can be sent.
    """
    # Typed as what it stands for, the proxy is not known to have this.
    app = app or current_app._get_current_object()  # type: ignore[attr-defined]
    until = time.monotonic() + seconds

    def is_over() -> bool:
        return time.monotonic() > until

    with app.app_context():
        state = get()
        state.settings.need_mail()
        courier = state.courier()
        deliver.prune(courier, is_over)
        return deliver.drain(courier, is_over)


def watch(courier: Callable[[], Courier], stop: Stop, wake: threading.Event, poll: float) -> None:
    """Drain the outbox, sleep until something is due or ``wake`` is set, and again, until ``stop`` is set.

    ``poll`` bounds each sleep, in seconds: other processes add work without telling us. What is too old to be kept
    is pruned once an hour. Raises Stuck when it cannot end.
    """
    pruned_at = float("-inf")
    while not stop.is_set():
        try:
            if time.monotonic() - pruned_at > _PRUNE_SECONDS:
                pruned_at = time.monotonic()
                deliver.prune(courier(), stop.is_set)
            report = deliver.drain(courier(), stop.is_set, stop.is_overdue)
            # What is due and was left waits for something else: a throttle, another worker, the mail server.
            pause = deliver.seconds_until_due(courier(), poll) or poll
            if report.down:
                log.warning("the mail server cannot be used: %s", report.down)
        except deliver.Stuck:
            raise
        except Exception:  # the database may be away for a while; the next round tries again
            log.exception("delivery failed and will be tried again")
            pause = poll
        # Workers that were started together part.
        wake.wait(pause * random.uniform(0.8, 1.2))
        wake.clear()


class InProcess:
    """A daemon thread that delivers inside the web process; started by the first kick, never at import."""

    def __init__(self, courier: Callable[[], Courier], context: Callable[[], AbstractContextManager[object]]) -> None:
        self._courier, self._context = courier, context
        self._ends_at_exit = False
        self.renew()
        renew_in_children(self)

    def renew(self) -> None:
        """Begin anew in a forked process: no thread came along, and who held the lock or an event will not let go."""
        self._lock = threading.Lock()
        self._wake, self._stop = threading.Event(), Stop()
        self._thread: threading.Thread | None = None

    def kick(self) -> None:
        """Say that something was committed; returns at once. A thread that died is replaced."""
        self._wake.set()
        with self._lock:
            if not self._stop.is_set() and (self._thread is None or not self._thread.is_alive()):
                self._start()

    def stop(self) -> None:
        """Finish the mail on the wire, if any, and end."""
        self._stop.set()
        self._wake.set()
        if self._thread is not None:
            self._thread.join(_GRACE_SECONDS)

    def _start(self) -> None:
        self._thread = threading.Thread(target=self._run, name="forum-delivery", daemon=True)
        self._thread.start()
        if not self._ends_at_exit:
            atexit.register(self.stop)
            self._ends_at_exit = True

    def _run(self) -> None:
        with self._context():
            watch(self._courier, self._stop, self._wake, POLL_SECONDS)
