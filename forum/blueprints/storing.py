"""A submission in, a committed comment out, and the signals that tell of it."""

from __future__ import annotations

from dataclasses import dataclass

from flask import url_for
from sqlalchemy.exc import IntegrityError, OperationalError

from .. import comments
from ..akismet import ASKED
from ..clashes import is_clash
from ..comments import Posted, Submission
from ..models import SHADOW, Comment
from ..signals import comment_posted, comment_published
from ..state import ForumState
from .pages import thread_url

_TRIES = 3


@dataclass(frozen=True)
class Stored:
    """Where a stored comment is seen by its author, and whether there is somebody to tell of it, or to ask.

    ``is_copy`` says that another form of the same person had brought the very same before. ``waiting`` is the id of a
    comment that only its author sees.
    """

    url: str
    is_news: bool
    is_copy: bool
    waiting: int | None


def store(state: ForumState, submission: Submission) -> Stored:
    """Store and commit once; somebody else's simultaneous first comment or double click makes us look again."""
    for left in reversed(range(_TRIES)):
        try:
            posted = _try(state, submission)
            if not posted.repeated:
                _announce(state, posted.comment)
            # Read before the commit, which makes a session forget what it knows and ask for it again.
            stored = _stored(state, posted, submission)
            state.session.commit()
            return stored
        except (IntegrityError, OperationalError) as error:
            state.session.rollback()
            if not left or not is_clash(error):
                raise
    raise AssertionError("unreachable")


def _try(state: ForumState, submission: Submission) -> Posted:
    rules = tuple(state.hooks.screens)
    return comments.post(state.session, submission, state.settings, state.clock(), rules, state.desk)


def _announce(state: ForumState, comment: Comment) -> None:
    comment_posted.send(state.app, comment=comment)
    if comment.state == "published":
        comment_published.send(state.app, comment=comment)


def _stored(state: ForumState, posted: Posted, submission: Submission) -> Stored:
    comment = posted.comment
    is_due = comment.state == "published" or ASKED in comment.reasons
    is_copy = posted.repeated and comment.nonce != submission.stamp.nonce
    waits = comment.state == "held" or comment.removed_by == SHADOW
    url = url_for("forum.comments.held", comment_id=comment.id) if waits else thread_url(state, comment)
    return Stored(url, is_due and not posted.repeated, is_copy, comment.id if waits else None)
