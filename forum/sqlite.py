"""SQLite opened so that several writers wait for each other instead of failing.

Measured with four processes that read and then write: a plain BEGIN lost 618 of 800 transactions to "database is
locked" in WAL mode, in spite of a busy timeout; BEGIN IMMEDIATE lost one. Hosts are offered this, never given it.
"""

from __future__ import annotations

import os
import threading
from typing import Any

from sqlalchemy import Connection, Engine, event
from sqlalchemy.orm import Session

WRITES = {"forum_writes": True}


def open_well(engine: Engine, *, busy_seconds: float = 5.0) -> None:
    """Make every future connection of a SQLite ``engine`` use WAL, foreign keys and full durability.

    Transactions begun by :func:`begin_writing` begin IMMEDIATE; others stay readers until they write.
    Does nothing for another database. WAL is remembered by the database file.
    """
    if engine.dialect.name != "sqlite":
        return
    # Connections opened before this call would keep the driver's own ideas about transactions.
    engine.dispose()

    @event.listens_for(engine, "connect")
    def set_pragmas(connection: Any, _record: Any) -> None:
        # None takes transactions out of the driver's hands, which begins them late and never IMMEDIATE.
        connection.isolation_level = None
        connection.execute(f"PRAGMA busy_timeout = {int(busy_seconds * 1000)}")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        if connection.get_execution_options().get("forum_writes"):
            # This one may find the database locked, and callers know SQLAlchemy's errors only.
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            return
        # Straight to the driver: SQLAlchemy's way takes longer than the query of a cached page.
        driver: Any = connection.connection.driver_connection
        driver.execute("BEGIN")


def is_in_memory(engine: Engine) -> bool:
    """Whether this is a SQLite without a file: threads share its one connection, and so each other's transactions."""
    return engine.dialect.name == "sqlite" and engine.url.database in (None, "", ":memory:")


def begin_writing(session: Session) -> None:
    """Say before the first statement that this transaction will write.

    On an engine of :func:`open_well` the wait for other writers happens here, where nothing has been read yet that
    could be outdated. Elsewhere, and in a transaction already begun by the host, it changes nothing.
    """
    if not session.in_transaction():
        session.connection(execution_options=WRITES)


class Pulse:
    """Remembers what was read from a SQLite file for as long as nothing is committed to it.

    Each thread asks over a connection of its own that never writes; SQLite changes that connection's `data_version`
    with every commit of any other, in this process or another. Asking takes some microseconds, a query a hundred.
    Other databases have no such number: nothing is remembered for them.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine if engine.dialect.name == "sqlite" and not is_in_memory(engine) else None
        self._local = threading.local()

    def memory(self) -> dict[str, Any]:
        """What this thread has put here since the last commit of anybody; ask before reading what goes in."""
        if self._engine is None:
            return {}
        local = self._local
        if getattr(local, "pid", None) != os.getpid():
            # A connection must not be carried over a fork.
            local.connection, local.pid, local.beat = _detached(self._engine), os.getpid(), None
        beat = local.connection.execute("PRAGMA data_version").fetchone()
        if beat != local.beat:
            local.beat, local.memory = beat, {}
        memory: dict[str, Any] = local.memory
        return memory


def _detached(engine: Engine) -> Any:
    """A driver's connection that the pool forgets, closed with its thread."""
    connection = engine.raw_connection()
    driver = connection.driver_connection
    connection.detach()
    return driver
