"""Threads as they are read: found by key, counted, paged by whole branches.

Reading uses Core rows, never ORM entities: 200 of those cost half as much again as the page itself.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Select, and_, bindparam, exists, or_, select, update
from sqlalchemy.orm import Session

from . import tree
from .models import SHADOW, Comment, Thread


class Line(NamedTuple):
    """One comment as a page needs it; the names are the columns'."""

    id: int
    parent_id: int | None
    branch: int | None
    depth: int
    state: str
    removed_by: str | None
    name: str
    website: str | None
    html: str
    is_moderator: bool
    version: int
    created_at: dt.datetime
    edited_at: dt.datetime | None
    visitor_hash: str | None
    identity_ref: str | None


class Head(NamedTuple):
    """A thread as a page needs it before it knows whether the rest is in the cache."""

    id: int
    version: int
    comments: int
    branches: int
    closed: bool
    pinned_id: int | None = None
    created_at: dt.datetime | None = None


@dataclass(frozen=True)
class Reader:
    """Whose held comments may be shown to whom: the hash of a visitor cookie, an identity, or both.

    ``asked`` are the comments with which this reader asked for mail.
    """

    visitor_hash: str | None = None
    identity_ref: str | None = None
    asked: frozenset[int] = frozenset()

    def __bool__(self) -> bool:
        return bool(self.visitor_hash or self.identity_ref)

    def owns(self, line: Line | Comment) -> bool:
        """Whether the comment was written by this reader."""
        if self.visitor_hash and line.visitor_hash == self.visitor_hash:
            return True
        return bool(self.identity_ref and line.identity_ref == self.identity_ref)


NOBODY = Reader()
# What its author alone sees waiting. Who is shadowed sees what everybody sees whose comment waits.
_WAITS = or_(Comment.state == "held", and_(Comment.state == "spam", Comment.removed_by == SHADOW))
_LINE = [Comment.__table__.c[name] for name in Line._fields]
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


def last_page(branches: int, per_page: int) -> int:
    """The number of the last page of a thread, at least 1."""
    return max(1, -(-branches // per_page))


def page_of(branch: int | None, branches: int, per_page: int) -> int:
    """The page that shows a branch; what has no branch yet would come last."""
    return last_page(branches if branch is None else branch, per_page)


def page(session: Session, thread_id: int, number: int, per_page: int, reader: Reader = NOBODY) -> list[Line]:
    """What ``reader`` may see of one page, parents before their replies, in one query.

    Pages are ranges of branch numbers: the last page of a long thread costs what the first one does.
    """
    first = (number - 1) * per_page + 1
    within = Comment.branch.between(first, first + per_page - 1)
    return _lines(session, _readable(thread_id, within, reader), reader)


def branch(session: Session, comment: Comment, reader: Reader = NOBODY) -> list[Line]:
    """One comment and everything below it, in one query."""
    rows = _lines(session, _readable(comment.thread_id, Comment.branch == comment.branch, reader), reader)
    return tree.subtree(rows, comment.id)


def pinned(session: Session, head: Head) -> Line | None:
    """The comment that stands before all others, in one query; None, without asking, where nothing is pinned.

    What is not published is not shown, and stands there again when it is.
    """
    if head.pinned_id is None:
        return None
    shown = (Comment.id == head.pinned_id, Comment.thread_id == head.id, Comment.state == "published")
    row = session.execute(select(*_LINE).where(*shown)).one_or_none()
    return None if row is None else Line._make(row)


def has_own(session: Session, thread_id: int, reader: Reader, since: dt.datetime) -> bool:
    """Whether ``reader`` wrote something here that is held, or that is younger than ``since``."""
    own = or_(*_own(reader))
    young = or_(_WAITS, and_(Comment.state == "published", Comment.created_at > since))
    return bool(session.scalar(select(exists().where(Comment.thread_id == thread_id, own, young))))


def above(session: Session, comment: Comment) -> list[int]:
    """Ids of the comments it answers, from its parent up to the top; one query whatever the depth."""
    return above_each(session, [comment])[comment.id]


def above_each(session: Session, comments: Sequence[Comment]) -> dict[int, list[int]]:
    """The same for several comments by their ids; one query for all of them."""
    replies = [comment for comment in comments if comment.parent_id is not None]
    parents: dict[int, int | None] = {}
    if replies:
        within = (
            Comment.thread_id.in_({comment.thread_id for comment in replies}),
            Comment.branch.in_({comment.branch for comment in replies}),
        )
        parents = dict(session.execute(select(Comment.id, Comment.parent_id).where(*within)).all())
    return {comment.id: tree.ancestors(parents, comment.id) for comment in comments}


def raise_version(session: Session, thread_id: int, *, comments: int = 0, branches: int = 0) -> None:
    """Outgrow every cached page of the thread; call it in the transaction of each change a reader could see."""
    session.execute(
        update(Thread)
        .where(Thread.id == thread_id)
        .values(version=Thread.version + 1, comments=Thread.comments + comments, branches=Thread.branches + branches)
        .execution_options(synchronize_session=False)
    )


def _readable(thread_id: int, within: ColumnElement[bool], reader: Reader) -> Select[Any]:
    seen = and_(within, Comment.published_at.is_not(None))
    own = _own(reader)
    if own:
        # A held top-level comment has no branch yet: its author sees it at the end of every page.
        mine = and_(_WAITS, or_(*own), or_(within, Comment.branch.is_(None)))
        seen = or_(seen, mine)
    return select(*_LINE).where(Comment.thread_id == thread_id, seen).order_by(Comment.branch, Comment.id)


def _as_its_author_sees(line: Line) -> Line:
    return line._replace(state="held") if line.removed_by == SHADOW else line


def _own(reader: Reader) -> list[ColumnElement[bool]]:
    conditions = []
    if reader.visitor_hash:
        conditions.append(Comment.visitor_hash == reader.visitor_hash)
    if reader.identity_ref:
        conditions.append(Comment.identity_ref == reader.identity_ref)
    return conditions


def _lines(session: Session, query: Select[Any], reader: Reader) -> list[Line]:
    rows = [_as_its_author_sees(Line._make(row)) for row in session.execute(query)]
    # NULL sorts first on some databases and last on others.
    rows.sort(key=lambda line: line.branch is None)
    return tree.visible(rows, lambda line: line.state == "published" or (line.state == "held" and reader.owns(line)))
