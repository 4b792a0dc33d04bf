"""Changes that still stand are taken back, whatever kind of act made them."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Hashable, Iterable, Sequence
from typing import Any, NamedTuple, TypeVar

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from .. import audit, comments, learning, threads
from ..models import Audit, Comment, Item, Message, Revision, Thread
from . import moving, pages, recipients, reports
from .acts import FROM, Press

K = TypeVar("K", bound=Hashable)


class Change(NamedTuple):
    """One row of the audit log and its subject, which is locked and still as the act left it."""

    row: Audit
    subject: Any

    @property
    def data(self) -> dict[str, Any]:
        """What the act kept for this."""
        return self.row.data or {}


def is_possible(session: Session, row: Audit) -> bool:
    """Whether what taking ``row`` back needs is still there: the text before an edit, the comment answered before."""
    if row.act == "edit":
        return session.get(Revision, (row.data or {})["revision"], with_for_update=True) is not None
    return row.act != "move" or not row.before or moving.has_place(session, int(row.before))


def take_back(session: Session, press: Press, changes: Sequence[Change]) -> None:
    """Undo ``changes``, each with an audit row of its own; ``press`` says who does it and when."""
    # An answer that is taken back waits: its words are somebody's work.
    states = [change for change in changes if change.row.act in FROM or change.row.act == "reply"]
    _states(session, press, states)
    for change in changes:
        if change.row.act == "edit":
            _edit(session, press, change)
        elif change.row.act == "move":
            _move(session, press, change)
        elif isinstance(change.subject, Thread):
            pages.put_back(session, change.subject, change.row.act, change.row.before or "")
    for change in changes:
        change.row.undone_at = press.now
    session.flush()
    audit.record_all(session, [_entry(press, change) for change in changes])


def _entry(press: Press, change: Change) -> dict[str, Any]:
    row = change.row
    said: dict[str, Any] = {"cause": row.act, "before": row.after, "after": row.before}
    return audit.entry(change.subject, "undo", actor=press.actor, now=press.now, **said)


def _states(session: Session, press: Press, changes: Sequence[Change]) -> None:
    ordered = sorted(changes, key=lambda change: change.subject.id)
    for (before, removed_by), group in _grouped((_was(change), change) for change in ordered).items():
        _return(session, press, before, removed_by, group)
    _forget_firsts(session, [change.subject for change in ordered if change.data.get("first")])
    _unlearn(session, ordered)
    _stop_notices(session, [change.data["notice"] for change in ordered if change.data.get("notice")])
    for (actor, at), group in _grouped(((each.row.actor, each.row.at), each) for each in ordered).items():
        reports.reopen(session, [change.subject.id for change in group], actor, at)


def _was(change: Change) -> tuple[str, str | None]:
    return change.row.before or "", change.data.get("removed_by")


def _return(session: Session, press: Press, before: str, removed_by: str | None, changes: Sequence[Change]) -> None:
    if before != "published":
        comments.set_aside(session, [change.subject for change in changes], before, removed_by)
        return
    kept = [change.subject for change in changes if change.subject.state == "published"]
    for comment in kept:
        comment.version += 1
    hidden = [change.subject for change in changes if change.subject.state != "published"]
    comments.publish(session, hidden, press.now)


def _forget_firsts(session: Session, first: Sequence[Comment]) -> None:
    """What was published by the act alone never was, unless somebody has heard of it or answered."""
    ids = [comment.id for comment in first]
    if not ids:
        return
    seen = set(session.scalars(select(Item.comment_id).where(Item.comment_id.in_(ids))))
    answered = (Comment.parent_id.in_(ids), Comment.published_at.is_not(None), Comment.id.not_in(ids))
    answers = select(Comment.parent_id).where(*answered)
    seen |= set(session.scalars(answers))
    for comment in first:
        if comment.id not in seen:
            comment.published_at = None
    session.flush()


def _unlearn(session: Session, changes: Sequence[Change]) -> None:
    taught = [change for change in changes if "learned" in change.data]
    for before, group in _grouped((change.data["learned"], change) for change in taught).items():
        learning.learn_all(session, [change.subject for change in group], before)


def _stop_notices(session: Session, message_ids: Sequence[int]) -> None:
    waiting = update(Message).where(Message.id.in_(message_ids), Message.state == "ready")
    if message_ids:
        stopped = waiting.values(state="cancelled", skip_reason="undone")
        session.execute(stopped.execution_options(synchronize_session=False))


def _edit(session: Session, press: Press, change: Change) -> None:
    comment: Comment = change.subject
    revision = session.get_one(Revision, change.data["revision"])
    learned: Any = comment.learned
    learning.unlearn(session, comment)
    comments.render(comment, revision.source, press.settings)
    edited_at = change.data.get("edited_at")
    comment.edited_at = dt.datetime.fromisoformat(edited_at) if edited_at else None
    session.delete(revision)
    threads.raise_version(session, comment.thread_id)
    session.flush()
    learning.learn_all(session, [comment], learned)


def _move(session: Session, press: Press, change: Change) -> None:
    parent_id = int(change.row.before) if change.row.before else None
    moved = moving.put(session, change.subject, parent_id, change.data["branch"])
    recipients.correct(session, press.keys, press.settings, moved, press.now, press.now)


def _grouped(pairs: Iterable[tuple[K, Change]]) -> dict[K, list[Change]]:
    groups: defaultdict[K, list[Change]] = defaultdict(list)
    for key, change in pairs:
        groups[key].append(change)
    return dict(groups)
