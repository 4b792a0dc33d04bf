"""What is known of a thread before any of its comments is read."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from typing import NamedTuple

from sqlalchemy import bindparam, select, update
from sqlalchemy.orm import Session

from ..models import Thread


class Head(NamedTuple):
    """A thread as a page needs it before it knows whether the rest is in the cache."""

    id: int
    version: int
    comments: int
    branches: int
    closed: bool
    pinned_id: int | None = None
    created_at: dt.datetime | None = None


# Built once, of the table and not of the entity: this is what a cached page costs.
HEAD = [Thread.__table__.c[name] for name in Head._fields]
_BY_KEY = select(*HEAD).where(Thread.__table__.c.key == bindparam("key"))


def head(session: Session, key: str) -> Head | None:
    """The thread of ``key``, or None while nobody has commented; one query."""
    row = session.execute(_BY_KEY, {"key": key}).one_or_none()
    return None if row is None else Head(*row)


def counts(session: Session, keys: Collection[str]) -> dict[str, int]:
    """The number of published comments of each key; keys without a thread count 0. One query."""
    rows = session.execute(select(Thread.key, Thread.comments).where(Thread.key.in_(keys)))
    return dict.fromkeys(keys, 0) | dict(rows.all())


def raise_version(session: Session, thread_id: int, *, comments: int = 0, branches: int = 0) -> None:
    """Outgrow every cached page of the thread; call it in the transaction of each change a reader could see."""
    session.execute(
        update(Thread)
        .where(Thread.id == thread_id)
        .values(version=Thread.version + 1, comments=Thread.comments + comments, branches=Thread.branches + branches)
        .execution_options(synchronize_session=False)
    )
