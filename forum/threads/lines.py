"""Comments as a page needs them, and what each reader may see of them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Row, Select, and_, exists, false, or_, select
from sqlalchemy.orm import Session

from .. import tree
from ..models import SHADOW, Comment
from .heads import Head


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
LINE = [Comment.__table__.c[name] for name in Line._fields]
# What its author alone sees waiting. Who is shadowed sees what everybody sees whose comment waits.
_WAITS = or_(Comment.state == "held", and_(Comment.state == "spam", Comment.removed_by == SHADOW))


def branch(session: Session, comment: Comment, reader: Reader = NOBODY) -> list[Line]:
    """One comment and everything below it, in one query."""
    within = Comment.branch == comment.branch
    seen = or_(and_(within, Comment.published_at.is_not(None)), own(within, reader))
    query = select(*LINE).where(Comment.thread_id == comment.thread_id, seen)
    return tree.subtree(shown(session.execute(in_order(query)).all(), reader), comment.id)


def pinned(session: Session, head: Head) -> Line | None:
    """The comment that stands before all others, in one query; None, without asking, where nothing is pinned.

    What is not published is not shown, and stands there again when it is.
    """
    if head.pinned_id is None:
        return None
    at_top = (Comment.id == head.pinned_id, Comment.thread_id == head.id, Comment.state == "published")
    row = session.execute(select(*LINE).where(*at_top)).one_or_none()
    return None if row is None else Line._make(row)


def has_own(session: Session, thread_id: int, reader: Reader, since: dt.datetime) -> bool:
    """Whether ``reader`` wrote something here that is held, or that is younger than ``since``."""
    young = or_(_WAITS, and_(Comment.state == "published", Comment.created_at > since))
    return bool(session.scalar(select(exists().where(Comment.thread_id == thread_id, or_(*_by(reader)), young))))


def own(within: ColumnElement[bool], reader: Reader) -> ColumnElement[bool]:
    """What waits of the reader's own; at the top it has no branch yet, and so belongs to no page or to any."""
    return and_(_WAITS, or_(false(), *_by(reader)), or_(within, Comment.branch.is_(None)))


def in_order(query: Select[Any]) -> Select[Any]:
    """Branches in their order, and in each of them parents before their replies."""
    return query.order_by(Comment.branch, Comment.id)


def shown(rows: Sequence[Row[Any]], reader: Reader) -> list[Line]:
    """The lines of ``rows`` that ``reader`` may see; a removed comment keeps its place above one that is shown."""
    lines = [_as_its_author_sees(Line._make(row[: len(LINE)])) for row in rows]
    # NULL sorts first on some databases and last on others.
    lines.sort(key=lambda line: line.branch is None)
    return tree.visible(lines, lambda line: line.state == "published" or (line.state == "held" and reader.owns(line)))


def _by(reader: Reader) -> list[ColumnElement[bool]]:
    conditions = []
    if reader.visitor_hash:
        conditions.append(Comment.visitor_hash == reader.visitor_hash)
    if reader.identity_ref:
        conditions.append(Comment.identity_ref == reader.identity_ref)
    return conditions


def _as_its_author_sees(line: Line) -> Line:
    return line._replace(state="held") if line.removed_by == SHADOW else line
