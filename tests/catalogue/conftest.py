"""Where the catalogue runs: a real mail server, and every test once on SQLite and once on PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from jinja2 import FileSystemBytecodeCache
from sqlalchemy import Engine, create_engine, event, text

from forum.models import Base
from tests.services import Sink
from tests.visitors import Clock, Site

BASE_URL = "https://forum.example"
LONGEST = 998  # octets of a line, RFC 5322
SMTP: dict[str, Any] = {
    "FORUM_BASE_URL": BASE_URL,
    "FORUM_MAIL_TRANSPORT": "smtp",
    "MAIL_SUPPRESS_SEND": False,
    "TESTING": False,
}


@pytest.fixture(scope="module")
def postgres_tables(postgres_url: str) -> Iterator[Engine]:
    """PostgreSQL with our tables, which are made and dropped once: that takes longer than a test."""
    engine = create_engine(postgres_url)
    Base.metadata.create_all(engine)
    yield engine
    Base.metadata.drop_all(engine)
    engine.dispose()


@pytest.fixture(scope="session")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> FileSystemBytecodeCache:
    """Templates compiled once for all: each test makes an app of its own, and would spend half its time on them."""
    return FileSystemBytecodeCache(str(tmp_path_factory.mktemp("templates")))


@pytest.fixture(params=["sqlite", "postgresql"])
def uri(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URI of an empty database of each kind."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'site.db'}"
        return
    engine: Engine = request.getfixturevalue("postgres_tables")
    yield engine.url.render_as_string(hide_password=False)
    with engine.begin() as connection:
        for table in reversed(Base.metadata.sorted_tables):
            connection.execute(text(f"DELETE FROM {table.name}"))


@pytest.fixture
def make_site(
    make_site: Callable[..., Site], uri: str, smtp_sink: Sink, compiled: FileSystemBytecodeCache
) -> Iterator[Callable[..., Site]]:
    """A maker of sites that send to one mail server and share one database and clock; arguments are configuration.

    In the end every mail that arrived is looked at once more: no test may pass with a line no server must take.
    """
    clock = Clock()

    def make(**config: Any) -> Site:
        server = {"MAIL_SERVER": smtp_sink.host, "MAIL_PORT": smtp_sink.port, "SQLALCHEMY_DATABASE_URI": uri}
        made = make_site(**{**SMTP, **server, **config})
        made.app.jinja_env.bytecode_cache = compiled
        _hurry(made)
        return Site(made.app, clock, smtp_sink)

    yield make
    for received in smtp_sink.messages:
        assert received.raw.isascii()
        assert max(map(len, received.raw.split(b"\r\n"))) <= LONGEST
        assert len(received.rcpt_tos) == 1


def _hurry(site: Site) -> None:
    """Let SQLite not wait for the disk: no test of the catalogue pulls the plug, and waiting is a third of its time."""
    with site.app.app_context():
        engine = site.state.db.engine
    if engine.dialect.name == "sqlite":
        # Connections that are open already would go on waiting.
        engine.dispose()
        event.listen(engine, "connect", lambda connection, _record: connection.execute("PRAGMA synchronous = OFF"))
