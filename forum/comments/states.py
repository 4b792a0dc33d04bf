"""What happens to a stored comment: it is published, edited, removed. Flushes, never commits.

Whoever changes one takes it from :func:`get` with ``for_update``, and asks for its state after that.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Literal

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from .. import outbox, sanitize, screening, threads
from ..addresses import LOCK
from ..errors import Conflict, InvalidDraft, NotFound
from ..models import Comment, Thread
from ..screening import Context, Draft, Rule
from ..settings import Settings

# A spammer is not told which rule fired; a person learns what to do.
REJECTED = "That was not accepted. Please read your comment over once more, then press Post."


def publish(session: Session, comment: Comment, now: dt.datetime) -> None:
    """Make a stored comment visible; its event is enqueued at the first time only, for life."""
    if comment.state == "published":
        raise Conflict("This comment is published already.")
    comment.state = "published"
    comment.version += 1
    if comment.published_at is None:
        number(session, comment, now)
        outbox.enqueue(session, comment, now)
    else:
        threads.raise_version(session, comment.thread_id, comments=1)
        outbox.reopen(session, comment, now)
    session.flush()


def edit(
    session: Session, comment: Comment, body: str, settings: Settings, now: dt.datetime, rules: Sequence[Rule] = ()
) -> bool:
    """Replace the text, screened like a new one; False when it is the same. Nobody is mailed, and what has not left
    yet has the new text.

    What would be held as a new comment is held again. Raises InvalidDraft when it would be rejected.
    """
    html = sanitize.comment_html(body, engine=settings.sanitizer)
    if body == comment.source:
        return False
    verdict = screening.screen(_draft(comment, body), _context(comment, settings), rules)
    if verdict.word == "reject":
        raise InvalidDraft("body", REJECTED)
    if verdict.word == "hold" and comment.state == "published":
        comment.state, comment.reasons = "held", list(verdict.reasons)
        threads.raise_version(session, comment.thread_id, comments=-1)
    comment.source, comment.html, comment.renderer = body, html, sanitize.renderer(settings.sanitizer)
    comment.edited_at = now
    comment.version += 1
    threads.raise_version(session, comment.thread_id)
    session.flush()
    return True


def _draft(comment: Comment, body: str) -> Draft:
    email = comment.address.email if comment.address else None
    return Draft(comment.thread.key, comment.parent_id, comment.name, email, comment.website, body)


def _context(comment: Comment, settings: Settings) -> Context:
    return Context(
        moderation=settings.moderation,
        trusted=comment.state == "published",
        is_moderator=comment.is_moderator,
        honeypot=False,
        seconds=settings.min_seconds,
        min_seconds=settings.min_seconds,
    )


def remove(session: Session, comment: Comment, by: Literal["author", "moderator"]) -> None:
    """Take a comment away; its answers stay below a tombstone. An author's own words are erased at once."""
    was_published = comment.state == "published"
    comment.state, comment.removed_by = "removed", by
    comment.version += 1
    if by == "author":
        comment.name, comment.website, comment.source, comment.html = "", None, "", ""
    threads.raise_version(session, comment.thread_id, comments=-1 if was_published else 0)
    session.flush()


def get(session: Session, comment_id: int, *, for_update: bool = False) -> Comment:
    """The comment with this id in any state. Raises NotFound.

    ``for_update`` waits for whoever is changing it, and gives it as they left it.
    """
    lock = LOCK if for_update else None
    comment = session.get(Comment, comment_id, with_for_update=lock, populate_existing=for_update)
    if comment is None:
        raise NotFound("There is no such comment.")
    return comment


def is_answered(session: Session, comment: Comment) -> bool:
    """Whether somebody's reply to it has been published."""
    return bool(
        session.scalar(select(exists().where(Comment.parent_id == comment.id, Comment.published_at.is_not(None))))
    )


def number(session: Session, comment: Comment, now: dt.datetime) -> None:
    """Give a comment its place among the published, taking the next branch number for a top-level one.

    The thread's row is updated before it is read: the update locks it, so two authors never get one number.
    """
    thread = comment.thread
    comment.published_at = now
    if thread.id is None:
        thread.comments, thread.branches = 1, 1
        comment.branch = 1
        return
    thread.version = Thread.version + 1
    thread.comments = Thread.comments + 1
    if comment.parent is None:
        thread.branches = Thread.branches + 1
        session.flush()
        comment.branch = thread.branches
