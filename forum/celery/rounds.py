"""The task `forum.deliver`: how a Celery comes to have it, and what its workers do then."""

from __future__ import annotations

import os
from functools import partial
from typing import TYPE_CHECKING

from flask import Flask

from ..state import EXTENSION, ForumState
from ..worker import drain
from .bell import Bell

if TYPE_CHECKING:
    from celery import Celery

TASK = "forum.deliver"
SWEEP_SECONDS = 30.0
# A worker that is told to stop finishes its task first, and most supervisors give it 30 seconds.
_DRAIN_SECONDS = 25.0
# A task that waited longer has been overtaken by a sweep.
_EXPIRES_SECONDS = 60
_PATIENCE_SECONDS = 2.0
# The drivers have different names for it, and each ignores what it does not know.
_IMPATIENT = {
    "max_retries": 0,
    "socket_connect_timeout": _PATIENCE_SECONDS,
    "socket_timeout": _PATIENCE_SECONDS,
    "read_timeout": _PATIENCE_SECONDS,
    "write_timeout": _PATIENCE_SECONDS,
}


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


class Rounds:
    """What a worker does for ``app``: go through the outbox, and ask for another round where time was too short."""

    def __init__(self, app: Flask, bell: Bell) -> None:
        self._app, self._bell = app, bell
        self._state: ForumState = app.extensions[EXTENSION]
        self._pid = os.getpid()

    def deliver(self) -> None:
        """The task. Raises MailNotConfigured where this process lacks settings that the web process has."""
        report = drain(self._app, seconds=_DRAIN_SECONDS)
        # A mail server that is down would be asked again at once, and for ever.
        if report.unfinished and not report.down:
            self._bell.reach()

    def begin_anew(self, **_: object) -> None:
        """Forget the parent's connections in a forked process: two processes on one would talk at the same time."""
        if self._pid != os.getpid():
            with self._app.app_context():
                self._state.db.engine.dispose(close=False)


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
