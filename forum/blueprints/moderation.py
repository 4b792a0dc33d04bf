"""The moderators' desk: what is held, and a decision on each. For everybody else none of this exists."""

from __future__ import annotations

import re
from typing import Any, get_args

from flask import Blueprint, Response, make_response, redirect, request, session, url_for
from markupsafe import Markup
from werkzeug.exceptions import BadRequest, NotFound

from .. import moderation, render, sanitize
from ..errors import Conflict
from ..forms import ActForm, session_token
from ..models import Comment
from ..signals import comment_published, comment_rejected
from ..sqlite import begin_writing
from ..state import ForumState, get
from .pages import bare

blueprint = Blueprint("moderation", __name__, url_prefix="/moderation")

SESSION_KEY = "forum_moderator"
_COUNTED = ("published", "rejected", "spam", "removed")
_FLASH = {
    "approve": "Approved.",
    "reject": "Rejected. The comment is kept, nobody sees it.",
    "spam": "Marked as spam. The comment is kept, nobody sees it.",
    "conflict": "Somebody was faster: that comment has been dealt with already.",
    "csrf": "Your session has changed since the page was opened. Nothing was done; please try again.",
}


@blueprint.get("/")
def queue() -> Response:
    """The held comments, longest waiting first."""
    state = get()
    if moderator(state) is None:
        return _strangers(state)
    rows = [_row(state, comment) for comment in moderation.queue(state.session)]
    counts = moderation.counts(state.session)
    return bare(
        "forum/moderation/queue.html",
        held=rows,
        waiting=counts.get("held", 0),
        csrf_token=session_token(),
        counts={word: counts[word] for word in _COUNTED if word in counts},
        flash=_FLASH.get(request.args.get("done", "")),
    )


@blueprint.post("/comments/<forum_id:comment_id>")
def decide(comment_id: int) -> Response:
    """Carry out a decision, if the comment still is as the moderator saw it."""
    state = get()
    actor = moderator(state)
    if actor is None:
        raise NotFound
    if not ActForm(meta={"csrf": True}).validate_on_submit():
        return _back("csrf")
    decision, version = request.form.get("action", ""), request.form.get("version", "")
    if decision not in get_args(moderation.Decision) or not re.fullmatch("[0-9]{1,9}", version):
        raise BadRequest("Please press one of the buttons of the queue.")
    return _decide(state, comment_id, decision, int(version), actor)


def moderator(state: ForumState) -> str | None:
    """Who acts as a moderator in this request: an identity of the host, or an address that signed in here."""
    identity = state.identity()
    if identity is not None and identity.is_moderator:
        return f"identity:{identity.key}"
    email: str | None = session.get(SESSION_KEY)
    return email if email in state.settings.moderators else None


def _decide(state: ForumState, comment_id: int, decision: Any, version: int, actor: str) -> Response:
    begin_writing(state.session)
    try:
        comment = moderation.decide(
            state.session, comment_id, decision, version=version, actor=actor, now=state.clock()
        )
    except Conflict:
        state.session.rollback()
        return _back("conflict")
    moderation.tell(state.session, state.keys, state.settings, comment, decision, state.clock())
    (comment_published if decision == "approve" else comment_rejected).send(state.app, comment=comment)
    state.session.commit()
    state.kick()
    return _back(decision)


def _back(done: str) -> Response:
    return make_response(redirect(url_for("forum.moderation.queue", done=done), 303))


def _strangers(state: ForumState) -> Response:
    """On a site without accounts moderators sign in by mail; elsewhere the page does not exist for strangers."""
    if state.settings.moderators and state.identity() is None:
        return make_response(redirect(url_for("forum.sign_in.ask")))
    raise NotFound


def _row(state: ForumState, comment: Comment) -> dict[str, Any]:
    return {
        "comment": render.shown(state, comment),
        # Links are spelled out: what a stranger wrote is not followed by a slip of the mouse.
        "html": Markup(sanitize.mail_html(comment.source, links=True)),  # just sanitised
        "source": comment.source,
        "parent": render.shown(state, comment.parent) if comment.parent else None,
        "thread_title": comment.thread.title,
        "thread_url": comment.thread.url,
        "reasons": comment.reasons,
        "email": comment.address.email if comment.address else None,
        "created_at": comment.created_at,
        "decide_url": url_for("forum.moderation.decide", comment_id=comment.id),
        "version": comment.version,
    }
