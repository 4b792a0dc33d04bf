"""From the outbox to the mail server: fan out, group, claim, ask once more, write, send, settle.

No transaction is open while a mail is written or on the wire: on SQLite that would block every commenter.
"""

from __future__ import annotations

import datetime as dt
import threading
import time
from collections.abc import Callable, Sequence

from sqlalchemy.exc import SQLAlchemyError

from .. import outbox
from . import spool
from .courier import Courier
from .ledger import Ledger
from .outgoing import Outgoing, Report
from .sender import Sender
from .steps import step
from .transport import Transport

__all__ = ["Report", "drain", "prune", "seconds_until_due"]

# How often a working process shows that it lives and looks for the leases of dead ones, in seconds.
_LOOK_AFTER = 5.0
_TICK = 0.2
# How long a connection that was cut off may take to write down what became of its letter, in seconds.
_LAST_WORDS = 5.0


def drain(
    courier: Courier, stopped: Callable[[], bool] = lambda: False, overdue: Callable[[], bool] = lambda: False
) -> Report:
    """Repeat fan-out, grouping and sending until nothing is due, the mail server is down, or ``stopped`` says so.

    Once ``overdue`` says so what is on the wire is cut off too. Safe to run from any number of processes at once;
    killing one loses nothing. Raises what went wrong with the database.
    """
    report = Report()
    spool.replay(courier)
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


def prune(courier: Courier) -> None:
    """Delete what is too old to be kept; what is counted stays counted."""
    counted = [dt.timedelta(seconds=limit.get_expiry()) for _, limit in courier.settings.mail_confirm_items]
    longest = max(counted, default=dt.timedelta(0))
    while step(courier, lambda session, now: outbox.prune(session, now, confirms_stay=longest)):
        pass


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
    threads = [threading.Thread(target=sender.run, name="forum-sender", daemon=True) for sender in senders]
    try:
        for thread in threads:
            thread.start()
        _watch(outgoing, threads, transports, overdue)
    except BaseException as error:
        outgoing.give_up(error)
        _cut_off(transports)
        for thread in threads:
            if thread.ident is not None:
                thread.join(_LAST_WORDS)
        raise
    finally:
        if not any(thread.is_alive() for thread in threads):
            ledger.close()


def _watch(
    outgoing: Outgoing,
    threads: Sequence[threading.Thread],
    transports: Sequence[Transport],
    overdue: Callable[[], bool],
) -> None:
    looked_at = time.monotonic()
    while any(thread.is_alive() for thread in threads):
        for thread in threads:
            thread.join(_TICK)
        if overdue():
            _cut_off(transports)
        if time.monotonic() - looked_at > _LOOK_AFTER:
            looked_at = time.monotonic()
            _look_after(outgoing)


def _look_after(outgoing: Outgoing) -> None:
    try:
        outgoing.look_after()
    except SQLAlchemyError as error:
        # What was sent meanwhile must still be written down: the connections end by themselves.
        outgoing.give_up(error)


def _cut_off(transports: Sequence[Transport]) -> None:
    for transport in transports:
        transport.abort()
