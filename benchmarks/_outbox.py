"""Databases full of news: conversations that were just answered, and the people who want to hear of it."""

from __future__ import annotations

import datetime as dt
import os
import random
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from flask import Flask
from sqlalchemy import insert
from sqlalchemy.orm import Session

from forum import create_app, outbox, sanitize
from forum.models import Address, Base, Comment, Event, Subscription, Thread
from forum.sqlite import begin_writing
from forum.state import EXTENSION, ForumState
from forum.subscriptions import WORDING

from ._seed import text

_ROOT = Path(__file__).parent.parent
_POSTGRES = os.environ.get("FORUM_BENCH_PG_URL", "postgresql+psycopg://postgres@127.0.0.1:5432/postgres")
_DOMAINS = 20
_TOGETHER = 10
CONFIG: dict[str, Any] = {
    "SECRET_KEY": "a secret for benchmarks",
    "MAIL_SERVER": "127.0.0.1",
    "FORUM_BASE_URL": "http://127.0.0.1:5000",
    "FORUM_MAIL_TRANSPORT": "smtp",
    "FORUM_MAIL_FROM": "notify@forum.example",
    "FORUM_DELIVERY": "off",
    "FORUM_MODERATION": "none",
    "FORUM_RATE_LIMITS": [],
    "FORUM_MIN_SECONDS": 0,
    "FORUM_MAIL_HOLD_SECONDS": 0,
    "FORUM_MAIL_COOLDOWN_SECONDS": 0,
    "FORUM_MAIL_DOMAIN_RATE": 0,
}


@dataclass(frozen=True)
class Talk:
    """A comment of one reader, in a thread, and who follows it; ids of readers and threads begin with 1."""

    thread: int
    reader: int
    followers: Sequence[int]
    scope: str


def crowd(size: int) -> list[Talk]:
    """One comment whose answer ``size`` people are told of."""
    return [Talk(1, 1, range(1, size + 1), "thread")]


def dialogues(size: int) -> list[Talk]:
    """``size`` comments, ten in a thread, of as many people, each of whom is told of an answer of their own."""
    return [Talk(1 + at // _TOGETHER, 1 + at, [1 + at], "direct") for at in range(size)]


def key(thread: int) -> str:
    """The key of a thread by its number."""
    return f"page:{thread}"


def parent(at: int) -> int:
    """The id of the comment that opens the talk at this place of the list, from 0."""
    return 2 * at + 1


def site(config: dict[str, Any], talks: Sequence[Talk], *, answered: bool) -> Flask:
    """The site on an empty database, which now holds these talks, each with an answer nobody was told of yet."""
    app = create_app(_ROOT, **config)
    state: ForumState = app.extensions[EXTENSION]
    with app.app_context(), state.open_session() as session:
        Base.metadata.create_all(session.connection())
        session.commit()
        _seed(session, talks, answered)
        session.execute(sa.text("ANALYZE"))
        session.commit()
    return app


@dataclass(frozen=True)
class Prepared:
    """Seconds from news to items (``fan_out``) and from items to messages (``group``)."""

    fan_out: float
    group: float


def prepare(app: Flask) -> Prepared:
    """Do all that comes before sending, so that every message is ready."""
    with app.app_context():
        state: ForumState = app.extensions[EXTENSION]
        return Prepared(_repeat(state, outbox.fan_out), _repeat(state, outbox.group))


def _repeat(state: ForumState, step: Callable[..., object]) -> float:
    start = time.perf_counter()
    done: object = True
    while done:
        with state.open_session() as session:
            begin_writing(session)
            done = step(session, state.keys, state.settings, state.clock())
            session.commit()
    return time.perf_counter() - start


def _seed(session: Session, talks: Sequence[Talk], answered: bool) -> None:
    """Write the talks in bulk; the answers come from nobody in particular, so that nobody is spared."""
    dice, now = random.Random(7), dt.datetime.now(dt.UTC)
    readers = sorted({talk.reader for talk in talks} | {reader for talk in talks for reader in talk.followers})
    session.execute(insert(Address), [_address(reader, now) for reader in readers])
    session.execute(insert(Thread), [_thread(number, now) for number in sorted({talk.thread for talk in talks})])
    session.execute(insert(Comment), [_comment(dice, parent(at), talk, now) for at, talk in enumerate(talks)])
    wishes = [_wish(parent(at), talk, reader, now) for at, talk in enumerate(talks) for reader in talk.followers]
    session.execute(insert(Subscription), wishes)
    if answered:
        session.execute(insert(Comment), [_answer(dice, parent(at), talk, now) for at, talk in enumerate(talks)])
        session.execute(insert(Event), [_event(parent(at) + 1, now) for at in range(len(talks))])


def _address(reader: int, now: dt.datetime) -> dict[str, Any]:
    email = f"reader{reader}@mail{reader % _DOMAINS}.example"
    since = {"active_at": now, "changed_at": now, "created_at": now, "confirmed_at": now}
    return {"id": reader, "key": email, "email": email, "state": "confirmed", **since}


def _thread(number: int, now: dt.datetime) -> dict[str, Any]:
    title = f"The loaf of day {number}"
    return {"id": number, "key": key(number), "title": title, "url": f"/loaves/{number}", "created_at": now}


def _comment(dice: random.Random, id_: int, talk: Talk, now: dt.datetime) -> dict[str, Any]:
    source = text(dice)
    return {
        "id": id_,
        "thread_id": talk.thread,
        "branch": id_,
        "depth": 1,
        "parent_id": None,
        "address_id": talk.reader,
        "state": "published",
        "name": f"Reader {talk.reader}",
        "source": source,
        "html": sanitize.comment_html(source),
        "renderer": sanitize.renderer("bleach"),
        "nonce": f"seed-{id_}",
        "digest": "",
        "created_at": now,
        "published_at": now,
    }


def _answer(dice: random.Random, to: int, talk: Talk, now: dt.datetime) -> dict[str, Any]:
    answer = _comment(dice, to + 1, talk, now)
    return answer | {"branch": to, "depth": 2, "parent_id": to, "address_id": None, "name": "Somebody else"}


def _wish(comment_id: int, talk: Talk, reader: int, now: dt.datetime) -> dict[str, Any]:
    direct = talk.scope == "direct"
    return {
        "address_id": reader,
        "thread_id": talk.thread,
        "comment_id": comment_id if direct else None,
        "target": f"comment:{comment_id}" if direct else f"thread:{talk.thread}",
        "scope": talk.scope,
        "consent_at": now,
        "consent_wording": WORDING,
    }


def _event(comment_id: int, now: dt.datetime) -> dict[str, Any]:
    return {"kind": "published", "comment_id": comment_id, "not_before": now, "created_at": now}


@contextmanager
def empty_postgres() -> Iterator[str]:
    """The URL of a new PostgreSQL database, dropped afterwards."""
    name, url = f"forum_bench_{os.getpid()}_{time.monotonic_ns()}", sa.make_url(_POSTGRES)
    _execute(f"CREATE DATABASE {name} ENCODING 'UTF8' TEMPLATE template0")
    try:
        yield url.set(database=name).render_as_string(hide_password=False)
    finally:
        _execute(f"DROP DATABASE {name} WITH (FORCE)")


def postgres_answers() -> bool:
    """Whether there is a PostgreSQL to make databases on: ``FORUM_BENCH_PG_URL``, or one on this machine."""
    try:
        _execute("SELECT 1")
    except (sa.exc.DBAPIError, ImportError):
        return False
    return True


def _execute(statement: str) -> None:
    engine = sa.create_engine(_POSTGRES, isolation_level="AUTOCOMMIT", connect_args={"connect_timeout": 3})
    with engine.connect() as connection:
        connection.execute(sa.text(statement))
    engine.dispose()
