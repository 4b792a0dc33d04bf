"""The database is away, for each kind of database in a way that it knows, and comes back."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from typing import Protocol

from sqlalchemy import Engine, create_engine, make_url, text
from sqlalchemy.exc import DBAPIError

from tests.services import missing


class Outage(Protocol):
    """Takes the database away from all who use it as ``url`` says, from any thread, and gives it back."""

    url: str

    def begin(self) -> None:
        """Take it away."""

    def end(self) -> None:
        """Give it back; twice does no harm."""

    def close(self) -> None:
        """Give it back and leave nothing behind."""


class Locked:
    """A SQLite whose lock somebody else has got and keeps."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._somebody = sqlite3.connect(make_url(url).database or "", isolation_level=None, check_same_thread=False)

    def begin(self) -> None:
        self._somebody.execute("BEGIN IMMEDIATE")

    def end(self) -> None:
        self._somebody.rollback()

    def close(self) -> None:
        self._somebody.close()


class Closed:
    """A PostgreSQL that ends all connections to the database and takes no new ones."""

    def __init__(self, url: str) -> None:
        found = make_url(url)
        self.url, self._name = url, found.database
        self._engine = create_engine(found.set(database="postgres"), isolation_level="AUTOCOMMIT")

    def begin(self) -> None:
        _run(self._engine, f"ALTER DATABASE {self._name} ALLOW_CONNECTIONS false")
        _run(self._engine, f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{self._name}'")

    def end(self) -> None:
        _run(self._engine, f"ALTER DATABASE {self._name} ALLOW_CONNECTIONS true")

    def close(self) -> None:
        self.end()
        self._engine.dispose()


class Barred:
    """A MariaDB that ends all connections of one user, who has the database in ``url``, and takes no new ones."""

    def __init__(self, url: str) -> None:
        found = make_url(url)
        self._engine = create_engine(found, isolation_level="AUTOCOMMIT")
        name = f"forum_{os.getpid()}"
        with self._engine.connect() as connection:
            host = connection.scalar(text("SELECT substring_index(user(), '@', -1)"))
        self._user = f"'{name}'@'{host}'"
        try:
            _run(self._engine, f"CREATE USER {self._user} IDENTIFIED BY 'forum'")
        except DBAPIError:
            missing("MariaDB whose users may be made", "let the user of FORUM_TEST_MYSQL_URL make others")
        _run(self._engine, f"GRANT ALL ON `{found.database}`.* TO {self._user}")
        self.url = found.set(username=name, password="forum").render_as_string(hide_password=False)

    def begin(self) -> None:
        _run(self._engine, f"ALTER USER {self._user} ACCOUNT LOCK")
        _run(self._engine, f"KILL USER {self._user}")

    def end(self) -> None:
        _run(self._engine, f"ALTER USER {self._user} ACCOUNT UNLOCK")

    def close(self) -> None:
        _run(self._engine, f"DROP USER {self._user}")
        self._engine.dispose()


def outage_of(url: str) -> Outage:
    """The outage that fits the database."""
    kinds: dict[str, Callable[[str], Outage]] = {"sqlite": Locked, "postgresql": Closed, "mysql": Barred}
    return kinds[make_url(url).get_backend_name()](url)


def _run(engine: Engine, statement: str) -> None:
    with engine.connect() as connection:
        connection.execute(text(statement))
