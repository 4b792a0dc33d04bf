"""A reply that was put in the wrong place is moved below what it answers, with everything below it."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Row, Select, select, update
from sqlalchemy.orm import Session

from .. import audit, comments, threads, tree
from ..errors import InvalidDraft, NotFound
from ..language import gettext as _
from ..models import Comment, Thread
from . import recipients
from .acts import Done, Press


def move(session: Session, press: Press, comment_id: int, version: int, parent_id: int | None) -> Done:
    """Put a comment, with all below it, below ``parent_id`` of the same thread, or at top level.

    It can answer only what was written before it. Who is not concerned any more is not mailed, who is concerned now is
    told, nobody twice. Raises NotFound; InvalidDraft("parent", …) for a place where it cannot stand; Conflict as
    `acts.decide` does, for a comment that its author has removed, and when it stands there already.
    """
    # Parents are locked before their answers, as ids grow: two moves wait for each other, never for ever.
    parent = None if parent_id is None else _parent(session, comment_id, parent_id)
    comment = comments.get(session, comment_id, for_update=True)
    if parent is not None and parent.thread_id != comment.thread_id:
        raise InvalidDraft("parent", _("That comment stands on another page."))
    gone = comment.removed_by in comments.FOR_GOOD
    if comment.version != version or gone or comment.parent_id == parent_id:
        raise audit.conflict(session, comment)
    before, branch = comment.parent_id, comment.branch
    moved = put(session, comment, parent_id, None)
    data = {"version": comment.version, "branch": branch}
    press.record(session, comment, "move", str(before or ""), str(parent_id or ""), **data)
    recipients.correct(session, press.keys, press.settings, moved, press.now, press.mail_at)
    return Done(comment, "move", comment.state, press.batch)


def put(session: Session, comment: Comment, parent_id: int | None, branch: int | None) -> list[int]:
    """Let a locked comment answer ``parent_id``, or stand at the top as ``branch`` (None takes the next number if it
    ever was published), and return the ids of all that has moved with it.
    """
    below = _below(session, comment)
    # Whoever answers at this moment has stored the answer before this, or reads afterwards where its parent stands.
    new = parent_id is None and branch is None and comment.published_at is not None
    threads.raise_version(session, comment.thread_id, branches=int(new))
    below = _below(session, comment)
    depth = 1
    if parent_id is not None:
        branch, depth = _place(session, parent_id)
    elif new:
        branch = session.scalars(select(Thread.branches).where(Thread.id == comment.thread_id)).one()
    values = {"branch": branch, "depth": Comment.depth + (depth - comment.depth), "version": Comment.version + 1}
    comment.parent_id = parent_id
    session.flush()
    moving = update(Comment).where(Comment.id.in_([row.id for row in below])).values(values)
    session.execute(moving.execution_options(synchronize_session=False))
    session.expire_all()
    return [row.id for row in below]


def has_place(session: Session, parent_id: int) -> bool:
    """Whether there is such a comment to answer; it stays until the transaction ends."""
    return session.execute(_lock(parent_id)).one_or_none() is not None


def _parent(session: Session, comment_id: int, parent_id: int) -> Comment:
    # Ids grow downwards in a branch, so this keeps circles out as well.
    if parent_id >= comment_id:
        raise InvalidDraft("parent", _("A comment can only answer what was written before it."))
    try:
        parent = comments.get(session, parent_id, for_update=True)
    except NotFound:
        raise InvalidDraft("parent", _("There is no such comment.")) from None
    if parent.state != "published":
        raise InvalidDraft("parent", _("The comment it is to answer is not published."))
    return parent


def _place(session: Session, parent_id: int) -> tuple[int | None, int]:
    """Branch and depth of an answer to this comment."""
    branch, depth = session.execute(_lock(parent_id)).one()
    return branch, depth + 1


def _lock(parent_id: int) -> Select[int | None, int]:
    query = select(Comment.branch, Comment.depth).where(Comment.id == parent_id)
    return query.with_for_update(read=True, key_share=True)


def _below(session: Session, comment: Comment) -> Sequence[Row[int, int | None]]:
    """The comment and everything below it, locked in the order of their ids."""
    branch = Comment.id == comment.id if comment.branch is None else Comment.branch == comment.branch
    query = select(Comment.id, Comment.parent_id).where(
        Comment.thread_id == comment.thread_id, branch, Comment.id >= comment.id
    )
    return tree.subtree(session.execute(query.order_by(Comment.id).with_for_update(key_share=True)).all(), comment.id)
