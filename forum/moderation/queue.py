"""What waits for a moderator, with all that a row of the desk shows."""

from __future__ import annotations

import datetime as dt
import operator as op
import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Select, and_, func, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session, joinedload

from ..models import Audit, Comment, Report
from .filters import TABS, Filter, Tab
from .telling import told

__all__ = [
    "PER_PAGE",
    "TABS",
    "Filter",
    "History",
    "LastDecision",
    "Matches",
    "Page",
    "Row",
    "Tab",
    "Tabs",
    "last_decision",
    "matching",
    "page",
    "tabs",
    "told",
]
PER_PAGE = 50
_OLDEST_FIRST = ("held", "reported")
_ACTS = ("approve", "unapprove", "reject", "spam", "remove", "restore", "edit", "move")


class Tabs(NamedTuple):
    """How many comments each tab has without any filter, and the ``first`` of them that has some (else `held`)."""

    counts: dict[Tab, int]
    first: Tab


class History(NamedTuple):
    """What became of the comments of an address or identity; zeros and ``known`` False where there is neither."""

    approved: int = 0
    spam: int = 0
    rejected: int = 0
    known: bool = True


@dataclass(frozen=True)
class Row:
    """One comment on the desk. Its thread, parent and address are loaded; ``reports`` are the open ones."""

    comment: Comment
    history: History
    first_timer: bool
    reports: Sequence[Report]


@dataclass(frozen=True)
class Page:
    """Up to 50 rows and the cursor of the next page, None on the last one."""

    rows: Sequence[Row]
    next: str | None


class Matches(NamedTuple):
    """How many comments match and the highest id among them; `bulk.Matching` needs it."""

    number: int
    upto: int


class LastDecision(NamedTuple):
    """Who decided last, on what (`approve`, …) and when."""

    by: str
    act: str
    at: dt.datetime


def tabs(session: Session) -> Tabs:
    """The number of comments of each tab, in one statement."""
    numbers = [select(func.count()).where(*Filter(tab).conditions()).scalar_subquery() for tab in TABS]
    counts = dict(zip(TABS, session.execute(select(*numbers)).one(), strict=True))
    return Tabs(counts, next((tab for tab in TABS if counts[tab]), "held"))


def page(session: Session, filter: Filter, cursor: str | None = None) -> Page:
    """A page of what matches, the longest waiting first for `held` and `reported`, the newest first elsewhere.

    Four statements at most, whatever it shows. A cursor that makes no sense shows the first page.
    """
    found = session.scalars(_page(filter, cursor)).all()
    shown = found[:PER_PAGE]
    histories = _histories(session, shown)
    open_reports = _reports(session, [comment.id for comment in shown])
    rows = [_row(comment, histories, open_reports[comment.id]) for comment in shown]
    return Page(rows, _cursor(shown[-1]) if len(found) > PER_PAGE else None)


def matching(session: Session, filter: Filter) -> Matches:
    """How much matches at this moment, for "all 214 matches"; one statement."""
    number, upto = session.execute(select(func.count(), func.max(Comment.id)).where(*filter.conditions())).one()
    return Matches(number, upto or 0)


def last_decision(session: Session) -> LastDecision | None:
    """The newest act of a moderator on a comment, for a desk where nothing waits; None where there was none."""
    query = select(Audit.actor, Audit.act, Audit.at).where(Audit.subject_kind == "comment", Audit.act.in_(_ACTS))
    row = session.execute(query.where(Audit.batch.is_not(None)).order_by(Audit.id.desc()).limit(1)).one_or_none()
    return None if row is None else LastDecision(*row)


def _page(filter: Filter, cursor: str | None) -> Select[Comment]:
    by, upwards = _order(filter.tab)
    where = [*filter.conditions(), *_beyond(by, upwards, cursor)]
    columns = [column.asc() if upwards else column.desc() for column in by]
    # The texts are read of the rows that are shown, not of all that had to be sorted.
    ids = select(Comment.id).where(*where).order_by(*columns).limit(PER_PAGE + 1).subquery()
    around = (joinedload(Comment.thread), joinedload(Comment.address), joinedload(Comment.parent))
    return select(Comment).join(ids, ids.c.id == Comment.id).options(*around).order_by(*columns)


def _order(tab: Tab) -> tuple[list[InstrumentedAttribute[Any]], bool]:
    """Each tab in the order of an index, and whether that goes upwards."""
    return ([Comment.id] if tab == "all" else [Comment.created_at, Comment.id]), tab in _OLDEST_FIRST


def _beyond(by: Sequence[InstrumentedAttribute[Any]], upwards: bool, cursor: str | None) -> list[ColumnElement[bool]]:
    place = _place(cursor)
    if place is None:
        return []
    at, id_ = place
    further = Comment.id > id_ if upwards else Comment.id < id_
    if len(by) == 1:
        return [further]
    # The bare bound as well: not every database finds its way through an index by the other one alone.
    bound, beyond = (op.ge, op.gt) if upwards else (op.le, op.lt)
    return [bound(Comment.created_at, at), or_(beyond(Comment.created_at, at), and_(Comment.created_at == at, further))]


def _cursor(comment: Comment) -> str:
    return f"{comment.created_at.isoformat()}~{comment.id}"


def _place(cursor: str | None) -> tuple[dt.datetime, int] | None:
    at, _, id_ = (cursor or "").partition("~")
    if not re.fullmatch("[0-9]{1,18}", id_):
        return None
    try:
        moment = dt.datetime.fromisoformat(at)
        return (moment.astimezone(dt.UTC), int(id_)) if moment.tzinfo else None
    except (ValueError, OverflowError):
        return None


def _row(comment: Comment, histories: _Histories, open_reports: Sequence[Report]) -> Row:
    if comment.address_id is None and comment.identity_ref is None:
        return Row(comment, History(known=False), False, open_reports)
    counts = histories.of(comment)
    history = History(counts["published"], counts["spam"], counts["rejected"])
    # Whose only comment this is.
    others = sum(history[:3]) - (comment.state in ("published", "spam", "rejected"))
    return Row(comment, history, others == 0, open_reports)


class _Histories:
    """The numbers of comments by state, of each address and of each identity."""

    def __init__(self) -> None:
        self.by_address: defaultdict[int, dict[str, int]] = defaultdict(dict)
        self.by_identity: defaultdict[str, dict[str, int]] = defaultdict(dict)

    def of(self, comment: Comment) -> defaultdict[str, int]:
        """The identity tells more: it stays the same under another mailbox."""
        if comment.identity_ref is not None:
            return defaultdict(int, self.by_identity[comment.identity_ref])
        return defaultdict(int, self.by_address[comment.address_id or 0])


def _histories(session: Session, comments: Sequence[Comment]) -> _Histories:
    known = _Histories()
    identities = {comment.identity_ref for comment in comments if comment.identity_ref is not None}
    addresses = {comment.address_id for comment in comments if comment.address_id is not None}
    for identity, state, number in _counts(session, Comment.identity_ref, identities):
        known.by_identity[identity][state] = number
    for address, state, number in _counts(session, Comment.address_id, addresses):
        known.by_address[address][state] = number
    return known


def _counts(session: Session, column: InstrumentedAttribute[Any], values: set[Any]) -> Sequence[Any]:
    query = select(column, Comment.state, func.count()).where(column.in_(values)).group_by(column, Comment.state)
    return session.execute(query).all() if values else []


def _reports(session: Session, ids: Sequence[int]) -> defaultdict[int, list[Report]]:
    query = select(Report).where(Report.comment_id.in_(ids), Report.settled_at.is_(None)).order_by(Report.id)
    found: defaultdict[int, list[Report]] = defaultdict(list)
    for each in session.scalars(query):
        found[each.comment_id].append(each)
    return found
