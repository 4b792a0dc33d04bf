"""SQLite, opened so that writers wait for each other."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from pathlib import Path

from sqlalchemy import Engine, create_engine, text
from sqlalchemy.orm import Session

from forum.sqlite import Pulse, begin_writing, open_well
from tests.visitors import Site


def opened(path: Path) -> Engine:
    """A well-opened engine on ``path``."""
    engine = create_engine(f"sqlite:///{path}")
    open_well(engine)
    return engine


def count_up(path: Path, times: int) -> None:
    """Read a number and write the next one, as often as said."""
    engine = opened(path)
    for _ in range(times):
        with Session(engine) as session:
            begin_writing(session)
            number = session.scalar(text("SELECT n FROM counter"))
            session.execute(text("UPDATE counter SET n = :n"), {"n": (number or 0) + 1})
            session.commit()
    engine.dispose()


def test_four_processes_lose_no_write(tmp_path: Path) -> None:
    """Four processes that read and then write fifty times each arrive at two hundred, without an error."""
    engine = opened(tmp_path / "a.db")
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE counter (n INTEGER)"))
        connection.execute(text("INSERT INTO counter VALUES (0)"))
    engine.dispose()
    spawn = multiprocessing.get_context("spawn")
    writers = [spawn.Process(target=count_up, args=(tmp_path / "a.db", 50)) for _ in range(4)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert [writer.exitcode for writer in writers] == [0] * 4
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT n FROM counter")) == 200
    engine.dispose()


def test_the_reference_site_opens_it_well(site: Site) -> None:
    """WAL, foreign keys and full durability hold on every connection of the reference site."""
    with site.session() as session:
        pragmas = [session.scalar(text(f"PRAGMA {name}")) for name in ("journal_mode", "foreign_keys", "synchronous")]
    assert pragmas == ["wal", 1, 2]


def test_reading_does_not_lock(tmp_path: Path) -> None:
    """While one session writes, another reads without waiting."""
    engine = opened(tmp_path / "a.db")
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE t (n INTEGER)"))
    with Session(engine) as writer, Session(engine) as reader:
        begin_writing(writer)
        writer.execute(text("INSERT INTO t VALUES (1)"))
        assert reader.scalar(text("SELECT count(*) FROM t")) == 0
        writer.rollback()
    engine.dispose()


def test_what_was_read_is_remembered_until_a_commit(tmp_path: Path) -> None:
    """The memory of a file is empty after a commit of anybody, another process included, and kept until then."""
    engine = opened(tmp_path / "a.db")
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE counter (n INTEGER)"))
        connection.execute(text("INSERT INTO counter VALUES (0)"))
    pulse = Pulse(engine)
    pulse.memory()["page"] = "old"
    assert pulse.memory() == {"page": "old"}
    with engine.begin() as connection:
        connection.execute(text("UPDATE counter SET n = 1"))
    assert pulse.memory() == {}
    pulse.memory()["page"] = "new"
    writer = multiprocessing.get_context("spawn").Process(target=count_up, args=(tmp_path / "a.db", 1))
    writer.start()
    writer.join()
    assert pulse.memory() == {}
    engine.dispose()


def test_a_commit_while_reading_is_not_missed(tmp_path: Path) -> None:
    """What is put into a memory that was asked for before a commit is never found after it."""
    engine = opened(tmp_path / "a.db")
    pulse = Pulse(engine)
    before = pulse.memory()
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE t (n INTEGER)"))
    before["page"] = "read too early"
    assert pulse.memory() == {}
    engine.dispose()


def test_other_databases_remember_nothing(postgres_url: str) -> None:
    """Where a commit of others cannot be noticed, nothing is kept."""
    engine = create_engine(postgres_url)
    pulse = Pulse(engine)
    pulse.memory()["page"] = "old"
    assert pulse.memory() == {}
    engine.dispose()


def test_without_a_file_mail_has_one_connection(make_host: Callable[..., Site]) -> None:
    """In memory all threads share one transaction, so mail goes over one connection whatever the settings say."""
    config = {"FORUM_MAIL_CONNECTIONS": 4, "FORUM_MAIL_TRANSPORT": "smtp", "MAIL_SERVER": "localhost"}
    assert make_host(**config).state.courier().connections == 1


def test_with_a_file_mail_has_its_connections(make_host: Callable[..., Site], tmp_path: Path) -> None:
    """On a SQLite file mail goes over as many connections as the settings say."""
    config = {"FORUM_MAIL_CONNECTIONS": 4, "FORUM_MAIL_TRANSPORT": "smtp", "MAIL_SERVER": "localhost"}
    config["SQLALCHEMY_DATABASE_URI"] = f"sqlite:///{tmp_path / 'a.db'}"
    assert make_host(**config).state.courier().connections == 4
