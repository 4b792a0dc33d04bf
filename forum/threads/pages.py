"""Which part of a thread stands on one page: a range of branches, and of each of them as much as there is room for."""

from __future__ import annotations

from collections import Counter
from typing import Any, Literal, NamedTuple

from sqlalchemy import ColumnElement, Subquery, and_, func, or_, select
from sqlalchemy.orm import Session, aliased

from ..models import Comment, Thread
from .heads import Head
from .lines import LINE, NOBODY, Line, Reader, in_order, own, shown

Order = Literal["oldest", "newest"]
# Published comments on one page: beyond, people scroll past what they came for, and a phone renders for a second.
CAP = 200


class Page(NamedTuple):
    """The lines of one page, and by their branches how many comments there was no room for."""

    lines: list[Line]
    left_out: dict[int, int]


def last_page(branches: int, per_page: int) -> int:
    """The number of the last page of a thread, at least 1."""
    return max(1, -(-branches // per_page))


def page_of(branch: int | None, branches: int, per_page: int, order: Order = "oldest") -> int:
    """The page that shows a branch; what has no branch yet would come after the newest."""
    at = branches if branch is None else branch
    return last_page(at if order == "oldest" else branches - at + 1, per_page)


def page(session: Session, head: Head, number: int, per_page: int, order: Order, reader: Reader = NOBODY) -> Page:
    """What ``reader`` may see of one page, parents before their replies, in one query.

    Pages are ranges of branch numbers: the last page of a long thread costs what the first one does.
    """
    within = _range(head.branches, number, per_page, order)
    read = _some if head.comments > CAP else _all
    found = read(session, head.id, within, reader)
    if page_of(None, head.branches, per_page, order) != number:
        # A held comment at the top would be its newest branch, and stands on the page of that.
        found = Page([line for line in found.lines if line.branch is not None], found.left_out)
    if order == "newest":
        # Stable: only branches turn round, replies stay in the order they were written.
        found.lines.sort(key=lambda line: -(line.branch or head.branches + 1))
    return found


def cut_off(session: Session, comment: Comment, per_page: int, order: Order) -> int | None:
    """The id of the first comment of its branch, where its page has no room for ``comment``; else None.

    One query, and none in a thread that fits on a page.
    """
    thread: Thread = comment.thread
    if thread.comments <= CAP or comment.branch is None or comment.state != "published":
        return None
    number = page_of(comment.branch, thread.branches, per_page, order)
    kept = _kept(thread.id, _range(thread.branches, number, per_page, order))
    first = aliased(Comment)
    top = (first.thread_id == thread.id, first.branch == comment.branch, first.parent_id.is_(None))
    query = select(first.id, kept.c.id).outerjoin(kept, kept.c.id == comment.id).where(*top)
    top_id, kept_id = session.execute(query).one()
    return top_id if kept_id is None else None


def _range(branches: int, number: int, per_page: int, order: Order) -> ColumnElement[bool]:
    if order == "newest":
        newest = branches - (number - 1) * per_page
        return Comment.branch.between(newest - per_page + 1, newest)
    first = (number - 1) * per_page + 1
    return Comment.branch.between(first, first + per_page - 1)


def _all(session: Session, thread_id: int, within: ColumnElement[bool], reader: Reader) -> Page:
    seen = or_(and_(within, Comment.published_at.is_not(None)), own(within, reader))
    query = select(*LINE).where(Comment.thread_id == thread_id, seen)
    return Page(shown(session.execute(in_order(query)).all(), reader), {})


def _some(session: Session, thread_id: int, within: ColumnElement[bool], reader: Reader) -> Page:
    """The same where the thread holds more than a page may."""
    kept = _kept(thread_id, within)
    # What keeps the place of a removed comment takes no room: it is shown only above one that is.
    gone = and_(within, Comment.published_at.is_not(None), Comment.state != "published")
    seen = or_(kept.c.id.is_not(None), gone, own(within, reader))
    tables = Comment.__table__.outerjoin(kept, kept.c.id == Comment.id)
    query = select(*LINE, kept.c.total).select_from(tables).where(Comment.thread_id == thread_id, seen)
    rows = session.execute(in_order(query)).all()
    lines = shown(rows, reader)
    known = {line.id for line in lines}
    return Page([line for line in lines if line.parent_id is None or line.parent_id in known], _left_out(rows))


def _kept(thread_id: int, within: ColumnElement[bool]) -> Subquery:
    """The published comments a page has room for, each with the number of all in its branch.

    Every branch gets the same room: the first of each, then the second of each, until the page is full. A parent was
    written before its replies, so what is kept of a branch hangs together.
    """
    place = func.row_number().over(partition_by=Comment.branch, order_by=Comment.id).label("place")
    total: Any = func.count().over(partition_by=Comment.branch).label("total")
    query = select(Comment.id, Comment.branch, place, total)
    query = query.where(Comment.thread_id == thread_id, within, Comment.state == "published")
    return query.order_by(place, Comment.branch).limit(CAP).subquery("kept")


def _left_out(rows: Any) -> dict[int, int]:
    kept = Counter(row.branch for row in rows if row.total is not None)
    totals = {row.branch: row.total for row in rows if row.total is not None}
    return {branch: totals[branch] - number for branch, number in kept.items() if totals[branch] > number}
