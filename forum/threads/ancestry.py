"""From a comment up to the top of its branch."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from .. import tree
from ..models import Comment


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
