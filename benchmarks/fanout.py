"""Fan-out and grouping of one comment to a crowd: ``python -m benchmarks.fanout [PEOPLE]`` (10,000).

Every step commits, as delivery has it. SQLite is opened as the reference site opens it; PostgreSQL is measured where
one answers, at FORUM_TEST_PG_URL or here. CPU is our own processor time, which hardly moves when the machine is busy.
Memory is what Python holds at most, in a run of its own since counting it takes time.
"""

from __future__ import annotations

import datetime as dt
import os
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from flask import Flask
from sqlalchemy import create_engine, func, insert, make_url, select, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from forum import create_app, outbox
from forum.models import Address, Base, Comment, Event, Message, Subscription, Thread
from forum.sqlite import begin_writing
from forum.state import EXTENSION, ForumState

_ROOT = Path(__file__).parent.parent
_POSTGRES = "postgresql+psycopg://postgres@127.0.0.1:5432/postgres"
_START = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
_NOW = _START + dt.timedelta(days=1)


def main() -> None:
    """Print a line for each database."""
    people = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    print(_row("database", "people", "fan-out s", "CPU", "grouping s", "CPU", "messages/s", "peak MB"))
    with tempfile.TemporaryDirectory() as folder:
        print(_line("SQLite", [f"sqlite:///{folder}/{name}.db" for name in ("time", "memory")], people))
    with suppress(OperationalError), _scratch("time") as timed, _scratch("memory") as traced:
        print(_line("PostgreSQL", [timed, traced], people))


def _row(name: str, *cells: object) -> str:
    return " ".join([f"{name:<11}", *(f"{cell:>10}" for cell in cells)])


def _line(name: str, uris: list[str], people: int) -> str:
    timed, traced = (_open(uri, people) for uri in uris)
    (spread, spread_cpu), (grouped, grouped_cpu) = _run(timed)
    assert _messages(timed) == people
    tracemalloc.start()
    _run(traced)
    peak = tracemalloc.get_traced_memory()[1] / 1e6
    tracemalloc.stop()
    for app in (timed, traced):
        _close(app)
    times = (f"{seconds:.2f}" for seconds in (spread, spread_cpu, grouped, grouped_cpu))
    return _row(name, people, *times, f"{people / (spread + grouped):,.0f}", f"{peak:.1f}")


def _run(app: Flask) -> list[tuple[float, float]]:
    """Seconds, and those of the processor, until fan-out and then grouping find nothing to do."""
    return [_seconds(app, step) for step in (outbox.fan_out, outbox.group)]


def _seconds(app: Flask, step: Callable[..., int]) -> tuple[float, float]:
    state: ForumState = app.extensions[EXTENSION]
    begun = time.perf_counter(), time.process_time()
    with app.app_context():
        while _committed(state, step):
            pass
    return time.perf_counter() - begun[0], time.process_time() - begun[1]


def _committed(state: ForumState, step: Callable[..., int]) -> int:
    with state.open_session() as session:
        begin_writing(session)
        done = step(session, state.keys, state.settings, _NOW)
        session.commit()
        return done


def _messages(app: Flask) -> int:
    with app.app_context(), app.extensions[EXTENSION].open_session() as session:
        return session.scalar(select(func.count()).select_from(Message)) or 0


def _close(app: Flask) -> None:
    with app.app_context():
        app.extensions["sqlalchemy"].engine.dispose()


def _open(uri: str, people: int) -> Flask:
    """A site on a new database: one comment, not yet told, and ``people`` who follow its thread."""
    quiet = {"SECRET_KEY": "a secret for benchmarks", "FORUM_DELIVERY": "off", "SQLALCHEMY_DATABASE_URI": uri}
    app = create_app(_ROOT, **quiet)
    with app.app_context():
        Base.metadata.create_all(app.extensions["sqlalchemy"].engine)
        with app.extensions[EXTENSION].open_session() as session:
            _seed(session, people)
            session.commit()
    return app


def _seed(session: Session, people: int) -> None:
    session.add(Thread(id=1, key="article:bread", title="Bread", url="/articles/bread", created_at=_START))
    session.flush()
    session.add(_comment())
    session.flush()
    session.add(Event(comment_id=1, state="new", not_before=_START, created_at=_START))
    session.execute(insert(Address), [_address(number) for number in range(1, people + 1)])
    session.execute(insert(Subscription), [_wish(number) for number in range(1, people + 1)])


def _comment() -> Comment:
    words = {"source": "A fine loaf.", "html": "<p>A fine loaf.</p>", "renderer": "markdown"}
    proof = {"nonce": "n", "digest": "d", "created_at": _START, "published_at": _START}
    return Comment(id=1, thread_id=1, branch=1, depth=1, state="published", name="Ann", **words, **proof)


def _address(number: int) -> dict[str, object]:
    email = f"reader{number}@reader{number % 100}.example"
    since = {"active_at": _START, "changed_at": _START, "created_at": _START}
    return {"id": number, "key": email, "email": email, "state": "confirmed", **since}


def _wish(number: int) -> dict[str, object]:
    consent = {"consent_at": _START, "consent_wording": "box"}
    return {"address_id": number, "thread_id": 1, "target": "thread:1", "scope": "thread", **consent}


@contextmanager
def _scratch(purpose: str) -> Iterator[str]:
    """Make a database of our own on the PostgreSQL that answers, and drop it in the end."""
    url = make_url(os.environ.get("FORUM_TEST_PG_URL", _POSTGRES))
    name = f"forum_bench_{purpose}_{os.getpid()}"
    server = create_engine(url, isolation_level="AUTOCOMMIT", connect_args={"connect_timeout": 3})
    try:
        with server.connect() as connection:
            connection.execute(text(f"CREATE DATABASE {name}"))
            try:
                yield url.set(database=name).render_as_string(hide_password=False)
            finally:
                connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    finally:
        server.dispose()


if __name__ == "__main__":
    main()
