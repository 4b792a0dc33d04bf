"""From the outbox to the mail server: fan out, group, claim, ask once more, write, send, settle.

No transaction is open while a mail is written or on the wire: on SQLite that would block every commenter.
"""

from __future__ import annotations

import logging
import sys
import threading
import time
import traceback
from collections.abc import Callable, Sequence
from types import FrameType

from sqlalchemy.exc import SQLAlchemyError

from .. import outbox
from ..errors import ForumError
from . import spool
from .asking import ask
from .courier import Courier
from .keeping import prune
from .ledger import Ledger
from .outgoing import Outgoing, Report
from .sender import Sender
from .transport import Transport

__all__ = ["Report", "Stuck", "drain", "prune", "seconds_until_due"]

log = logging.getLogger("forum.mail")

# How often a working process shows that it lives and looks for the leases of dead ones, in seconds.
_LOOK_AFTER = 5.0
_TICK = 0.2
# How long a connection that was cut off may take to write down what became of its letter, in seconds.
_LAST_WORDS = 5.0


class Stuck(ForumError):
    """A connection does not end although it was told to: code of the host, such as a hook, hangs in it."""


def drain(
    courier: Courier, stopped: Callable[[], bool] = lambda: False, overdue: Callable[[], bool] = lambda: False
) -> Report:
    """Repeat fan-out, grouping and sending until nothing is due, the mail server is down, or ``stopped`` says so.

    Once ``overdue`` says so what is on the wire is cut off too. Safe to run from any number of processes at once;
    killing one loses nothing. Raises what went wrong with the database, and Stuck five seconds after ``overdue`` when
    something in this process hangs: what it held goes on when its leases end.
    """
    report = Report()
    spool.replay(courier)
    ask(courier, stopped)
    transports = [courier.transport() for _ in range(courier.connections)]
    outgoing = Outgoing(courier, report, stopped, transports[0].name)
    outgoing.look_after()
    try:
        _send_all(courier, outgoing, transports, overdue)
    finally:
        outgoing.release()
    if outgoing.failed is not None:
        raise outgoing.failed
    report.unfinished = stopped() and seconds_until_due(courier, at_most=1) == 0
    return report


def seconds_until_due(courier: Courier, at_most: float) -> float:
    """How long a worker may sleep before the outbox has work, from 0 to ``at_most`` seconds."""
    with courier.open_session() as session:
        due = outbox.next_due(session)
    if due is None:
        return at_most
    return min(at_most, max(0.0, (due - courier.clock()).total_seconds()))


def _send_all(
    courier: Courier, outgoing: Outgoing, transports: Sequence[Transport], overdue: Callable[[], bool]
) -> None:
    """Let each connection send in a thread of its own, and watch over them until all have ended."""
    ledger = Ledger(courier)
    senders = [Sender(courier, outgoing, ledger, transport) for transport in transports]
    threads = [
        threading.Thread(target=sender.run, name=f"forum-sender-{number}", daemon=True)
        for number, sender in enumerate(senders, 1)
    ]
    try:
        for thread in threads:
            thread.start()
        _watch(outgoing, threads, overdue)
    except BaseException as error:
        outgoing.give_up(error)
        raise
    finally:
        _end(threads, transports)
        ledger.close()


def _watch(outgoing: Outgoing, threads: Sequence[threading.Thread], overdue: Callable[[], bool]) -> None:
    """Return when all connections have ended, or should have."""
    looked_at = time.monotonic()
    while (alive := _alive(threads)) and not overdue():
        alive[0].join(_TICK)
        if time.monotonic() - looked_at > _LOOK_AFTER:
            looked_at = time.monotonic()
            _look_after(outgoing)


def _look_after(outgoing: Outgoing) -> None:
    try:
        outgoing.look_after()
    except SQLAlchemyError as error:
        # What was sent meanwhile must still be written down: the connections end by themselves.
        outgoing.give_up(error)


def _end(threads: Sequence[threading.Thread], transports: Sequence[Transport]) -> None:
    """Cut off what is on the wire until all connections have ended. Raises Stuck when some do not."""
    until = time.monotonic() + _LAST_WORDS
    while (alive := _alive(threads)) and time.monotonic() < until:
        for transport in transports:
            transport.abort()
        alive[0].join(_TICK)
    if alive:
        frames = sys._current_frames()
        for thread in alive:
            log.critical("%s hangs:\n%s", thread.name, _where(frames.get(thread.ident or 0)))
        names = ", ".join(thread.name for thread in alive)
        raise Stuck(f"Delivery was ended while it hung in {names}; the log shows where.")


def _alive(threads: Sequence[threading.Thread]) -> list[threading.Thread]:
    return [thread for thread in threads if thread.is_alive()]


def _where(frame: FrameType | None) -> str:
    return "".join(traceback.format_stack(frame)) if frame else ""
