"""The host hears by signal of every comment that moderators have changed, whether they did one or thousands."""

from __future__ import annotations

from blinker import NamedSignal
from sqlalchemy import ColumnElement, func, select

from ...models import Audit, Comment
from ...signals import comment_edited, comment_published, comment_rejected, comment_removed
from ...state import ForumState

_SIGNALS = (comment_edited, comment_published, comment_rejected, comment_removed)


def newest(state: ForumState) -> int:
    """A mark in the audit log: what comes later is new."""
    return state.session.scalar(select(func.max(Audit.id))) or 0


def announce(state: ForumState, batch: str, after: int) -> None:
    """Send the signals of what ``batch`` has changed since the mark ``after``."""
    for row, comment in _changed(state, Audit.batch == batch, Audit.id > after):
        _send(state, comment, row.act, row.before, row.after)


def announce_undone(state: ForumState, batch: str, after: int) -> None:
    """Send the signals of what was taken back of ``batch``; ``after`` is a mark from before that."""
    undone = select(Audit.subject_id).where(Audit.act == "undo", Audit.id > after)
    for row, comment in _changed(state, Audit.batch == batch, Audit.subject_id.in_(undone)):
        _send(state, comment, row.act, row.after, row.before)


def _changed(state: ForumState, *which: ColumnElement[bool]) -> list[tuple[Audit, Comment]]:
    if not any(signal.receivers for signal in _SIGNALS):
        return []
    query = select(Audit, Comment).join(Comment, Comment.id == Audit.subject_id).order_by(Audit.id)
    return [
        (row, comment) for row, comment in state.session.execute(query.where(Audit.subject_kind == "comment", *which))
    ]


def _send(state: ForumState, comment: Comment, act: str, before: str | None, after: str | None) -> None:
    signal = comment_edited if act == "edit" else _of(before, after)
    if signal is not None and act != "move":
        signal.send(state.app, comment=comment)


def _of(before: str | None, after: str | None) -> NamedSignal | None:
    if before == after:
        return None
    if after == "published":
        return comment_published
    if after in ("spam", "rejected"):
        return comment_rejected
    return comment_removed if after == "removed" or before == "published" else None
