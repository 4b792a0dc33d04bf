"""Delivery by Celery: a comment rings for a worker, the beat comes by anyway, and the outbox knows what is to be done.

Tasks are alarm clocks without a payload: one that is lost is made good by the next sweep, one that comes twice finds
nothing to do.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable
from functools import partial
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from flask import Flask

from .errors import MailNotConfigured, SettingsError
from .settings import Settings
from .state import EXTENSION, ForumState
from .worker import drain

if TYPE_CHECKING:
    from celery import Celery

log = logging.getLogger("forum.celery")

TASK = "forum.deliver"
SWEEP_SECONDS = 30.0
# A worker that is told to stop finishes its task first, and most supervisors give it 30 seconds.
_DRAIN_SECONDS = 25.0
# A task that waited longer has been overtaken by a sweep.
_EXPIRES_SECONDS = 60
# One ring after a moment's pause stands for all comments of that moment.
_PAUSE_SECONDS = 1.0
# How long a broker that failed is left alone.
_REST_SECONDS = 30.0
_PATIENCE_SECONDS = 2.0
# The drivers have different names for it, and each ignores what it does not know.
_IMPATIENT = {
    "max_retries": 0,
    "socket_connect_timeout": _PATIENCE_SECONDS,
    "socket_timeout": _PATIENCE_SECONDS,
    "read_timeout": _PATIENCE_SECONDS,
    "write_timeout": _PATIENCE_SECONDS,
}
_REMEDY = "Install it: pip install 'flask-forum[celery]'."


def deliver_with(celery: Celery, app: Flask) -> None:
    """Let the workers of ``celery`` deliver the mail of ``app``, on which Forum is set up already.

    Registers the task `forum.deliver`, has the beat run it every 30 seconds, and has comments ask for it as soon as
    they are committed. With FORUM_DELIVERY = "in-process" the web process goes on delivering by itself, and without
    the settings for mail nothing is asked for. One Celery works for one app.
    """
    state: ForumState = app.extensions[EXTENSION]
    bell = Bell(partial(_publish, celery))
    _register(celery, Rounds(app, bell), state.settings.mail_lease_seconds)
    if state.settings.mail_enabled:
        celery.add_periodic_task(SWEEP_SECONDS, celery.signature(TASK), name=TASK)
        if state.settings.delivery != "in-process":
            state.kick = bell.ring


def site_celery(app: Flask) -> Celery:
    """A Celery for a site that has no other: over FORUM_CELERY_BROKER, without results, on a queue of its own.

    It delivers the mail of ``app`` and is found in ``app.extensions["celery"]``. Raises SettingsError where
    FORUM_DELIVERY is not "celery", or where the broker or a package for it is missing.
    """
    if "celery" in app.extensions:
        return app.extensions["celery"]
    settings: Settings = app.extensions[EXTENSION].settings
    lacking = _lacking(settings)
    if lacking:
        raise SettingsError([lacking])
    from celery import Celery

    celery = Celery("forum", set_as_current=False)
    celery.config_from_object(_configuration(settings))
    deliver_with(celery, app)
    app.extensions["celery"] = celery
    return celery


class Rounds:
    """What a worker does for ``app``: go through the outbox, and ask for another round where time was too short."""

    def __init__(self, app: Flask, bell: Bell) -> None:
        self._app, self._bell = app, bell
        self._state: ForumState = app.extensions[EXTENSION]
        self._pid = os.getpid()

    def deliver(self) -> None:
        """The task. Raises MailNotConfigured where this process lacks settings that the web process has."""
        missing = self._state.settings.mail_missing
        if missing:
            raise MailNotConfigured(f"Mail cannot be sent: set {', '.join(missing)} for the workers, too.")
        report = drain(self._app, seconds=_DRAIN_SECONDS)
        # A mail server that is down would be asked again at once, and for ever.
        if report.unfinished and not report.down:
            self._bell.reach()

    def begin_anew(self, **_: object) -> None:
        """Forget the parent's connections in a forked process: two processes on one would talk at the same time."""
        if self._pid != os.getpid():
            with self._app.app_context():
                self._state.db.engine.dispose(close=False)


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


def _register(celery: Celery, rounds: Rounds, lease: int) -> None:
    from celery.signals import worker_process_init

    @celery.task(  # type: ignore[untyped-decorator]  # Celery ships no types
        name=TASK,
        # Otherwise every other Celery in the process would have it as well.
        shared=False,
        ignore_result=True,
        acks_late=True,
        expires=_EXPIRES_SECONDS,
        # The outbox tries again, and knows when.
        max_retries=0,
        # By then the lease of any mail it may hang on is over, and another worker has it.
        time_limit=int(_DRAIN_SECONDS) + lease,
    )
    def deliver() -> None:
        rounds.deliver()

    # Held weakly by the signal, and by the task above for as long as there is one. Older versions of Celery take the
    # methods of two objects for one.
    worker_process_init.connect(rounds.begin_anew, dispatch_uid=id(rounds))


def _publish(celery: Celery) -> None:
    """Put the task into its queue, over a connection of its own.

    Celery's pool keeps connections that a firewall has long forgotten, waits as long as the host's settings say, and
    would be shared with forked processes; a connection made for one task costs some milliseconds.
    """
    with celery.connection_for_write(
        connect_timeout=_PATIENCE_SECONDS, transport_options=dict(_IMPATIENT)
    ) as connection:
        celery.tasks[TASK].apply_async(connection=connection, retry=False)


def _lacking(settings: Settings) -> str | None:
    """The sentence that says why the reference site can have no Celery, or None."""
    if settings.delivery != "celery":
        return f'FORUM_DELIVERY = "{settings.delivery}" uses no Celery: set it to "celery" where its workers run.'
    if settings.celery_broker is None:
        return (
            'FORUM_CELERY_BROKER is not set, and FORUM_DELIVERY = "celery" needs it: give the URL of a Redis or a '
            "RabbitMQ, such as redis://localhost:6379/1 or amqp://forum:password@localhost/forum."
        )
    if find_spec("celery") is None:
        return f'FORUM_DELIVERY = "celery" needs the package celery. {_REMEDY}'
    if settings.celery_broker.startswith("redis") and find_spec("redis") is None:
        return f"FORUM_CELERY_BROKER names a Redis, which needs the package redis. {_REMEDY}"
    return None


def _configuration(settings: Settings) -> dict[str, Any]:
    return {
        "broker_url": settings.celery_broker,
        "broker_connection_retry_on_startup": True,
        # Not the usual one, "celery": on a broker that is shared, the workers of others would take our tasks.
        "task_default_queue": "forum",
        "task_ignore_result": True,
        "task_serializer": "json",
        "accept_content": ["json"],
        "timezone": "UTC",
        "worker_prefetch_multiplier": 1,
        "worker_hijack_root_logger": False,
        # A broker that went away is no reason to kill a mail on the wire.
        "worker_cancel_long_running_tasks_on_connection_loss": False,
        # One entry that repeats needs no memory, and so no file to keep it in.
        "beat_scheduler": "celery.beat:Scheduler",
    }
