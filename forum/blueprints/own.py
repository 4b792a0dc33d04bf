"""Changing and removing one's own comment, by the visitor cookie or the host's identity."""

from __future__ import annotations

import math

from flask import Blueprint, Response, make_response, redirect, request, url_for
from markupsafe import Markup
from sqlalchemy.exc import OperationalError
from werkzeug.exceptions import Forbidden

from .. import comments, render, sanitize
from ..errors import InvalidDraft, NotFound, TooFast
from ..forms import ActForm, FormView, session_token
from ..language import N_
from ..language import gettext as _
from ..models import SHADOW, Comment
from ..network import origin_of
from ..signals import comment_edited, comment_removed
from ..sqlite import begin_writing
from ..state import ForumState, get
from . import giving_back
from .arriving import arrive
from .pages import form_page, limit_body, page, place_of, thread_url

blueprint = Blueprint("own", __name__, url_prefix="/comments/<forum_id:comment_id>")

_SESSION = N_("Your session has changed since this page was opened. Please press the button once more.")
_FOREIGN = N_("This did not come from our page. If it was you, please press the button once more.")
_GONE = N_("The comment you were changing is no longer there. Your text is: please copy what you want to keep.")
_OVER = N_("The time to edit is over. You can post it as a new comment instead.")
BUSY = N_("The site is very busy at this moment. Your text is safe here: please press Save again in a few seconds.")
_ANSWERED = N_("Somebody has answered your comment, so it can no longer be changed. You can post a new one instead.")


@blueprint.route("/edit", methods=["GET", "POST"])
def edit(comment_id: int) -> Response:
    """Change the text while that is allowed; afterwards it can be posted as a new comment."""
    state = get()
    if request.method == "GET":
        comment = _own(comment_id)
        closed = _closed(state, comment)
        return _too_late(state, comment, comment.source, closed) if closed else _editor(state, comment, comment.source)
    limit_body()
    try:
        begin_writing(state.session)
        return _save(state, _own(comment_id, for_update=True))
    except NotFound:
        state.session.rollback()
        return giving_back.nowhere(state, 404, _(_GONE))
    except OperationalError:
        # Locked for writers; reading what the form needs goes on beside them.
        state.session.rollback()
        return _editor(state, _own(comment_id), request.form.get("body", ""), 503, errors={"body": _(BUSY)})


@blueprint.route("/remove", methods=["GET", "POST"])
def remove(comment_id: int) -> Response:
    """Ask, then take the comment away; its answers stay."""
    state = get()
    if request.method == "GET":
        return _ask_removal(state, _own(comment_id))
    begin_writing(state.session)
    comment = _own(comment_id, for_update=True)
    _check_sender(state)
    if _minutes_left(state, comment) <= 0:
        return _ask_removal(state, comment)
    comments.remove(state.session, comment, state.clock())
    comment_removed.send(state.app, comment=comment)
    state.session.commit()
    return make_response(redirect(thread_url(state, comment), 303))


def _save(state: ForumState, comment: Comment) -> Response:
    typed = request.form.get("body", "")
    try:
        _check_sender(state)
    except Forbidden as error:
        return _editor(state, comment, typed, 403, errors={"body": str(error.description)})
    closed = _closed(state, comment)
    return _too_late(state, comment, typed, closed) if closed else _change(state, comment, typed)


def _own(comment_id: int, *, for_update: bool = False) -> Comment:
    """A comment of whoever asks; everybody else is told that there is none."""
    comment = comments.get(get().session, comment_id, for_update=for_update)
    is_there = comment.state in ("published", "held") or comment.removed_by == SHADOW
    if not is_there or not get().reader().owns(comment):
        raise NotFound(_("There is no such comment."))
    return comment


def _check_sender(state: ForumState) -> None:
    """Signed-in people prove the form by the session's token, visitors by where it comes from."""
    if state.identity() is not None:
        if not ActForm(meta={"csrf": True}).validate_on_submit():
            raise Forbidden(_(_SESSION))
    elif origin_of(request, state.settings.base_url) == "cross":
        raise Forbidden(_(_FOREIGN))


def _closed(state: ForumState, comment: Comment) -> str | None:
    """Why the text can no longer be changed, or None."""
    if _minutes_left(state, comment) <= 0:
        return _(_OVER)
    return _(_ANSWERED) if comments.is_answered(state.session, comment) else None


def _seconds_left(state: ForumState, comment: Comment) -> int:
    age = (state.clock() - comment.created_at).total_seconds()
    return max(0, math.ceil(state.settings.edit_seconds - age))


def _minutes_left(state: ForumState, comment: Comment) -> int:
    return math.ceil(_seconds_left(state, comment) / 60)


def _change(state: ForumState, comment: Comment, typed: str) -> Response:
    try:
        state.limit(state.network())
        body = sanitize.body(typed, max_length=state.settings.max_length)
        if request.form.get("preview"):
            html = sanitize.comment_html(body, engine=state.settings.sanitizer)
            return _editor(state, comment, typed, preview=Markup(html))  # just sanitised
        rules = tuple(state.hooks.screens)
        changed = comments.edit(state.session, comment, body, state.settings, state.clock(), rules, state.desk)
    except InvalidDraft as error:
        return _editor(state, comment, typed, 422, errors={error.field: error.message})
    except TooFast as error:
        response = _editor(state, comment, typed, 429, errors={"body": error.message})
        response.headers["Retry-After"] = str(error.retry_after)
        return response
    if changed:
        comment_edited.send(state.app, comment=comment)
    state.session.commit()
    held = url_for("forum.comments.held", comment_id=comment.id)
    return arrive(thread_url(state, comment) if comment.state == "published" else held, is_new=False)


def _editor(
    state: ForumState,
    comment: Comment,
    body: str,
    status: int = 200,
    *,
    errors: dict[str, str] | None = None,
    preview: Markup | None = None,
) -> Response:
    form = {
        "body": body,
        "errors": errors or {},
        "action": url_for("forum.own.edit", comment_id=comment.id),
        "minutes_left": _minutes_left(state, comment),
        "seconds_left": _seconds_left(state, comment),
        "csrf_token": session_token() if state.identity() else None,
        "preview_html": preview,
    }
    return page("forum/edit.html", status, comment=render.shown(state, comment), form=form)


def _too_late(state: ForumState, comment: Comment, body: str, why: str) -> Response:
    """The time is over, the words are not: offer them as a new comment below the same parent."""
    place = place_of(comment.thread)
    parent = comment.parent if comment.parent is not None and comment.parent.state == "published" else None
    form: FormView = render.blank_form(state, render.fresh_stamp(state, place), parent=parent)
    form.body, form.name, form.summary = body, comment.name, why
    return form_page(422 if request.method == "POST" else 200, _("Your comment"), form, place, parent=parent)


def _ask_removal(state: ForumState, comment: Comment) -> Response:
    back = (_("Back to your comment"), thread_url(state, comment))
    if _minutes_left(state, comment) <= 0:
        return page(
            "forum/plain_page.html",
            200 if request.method == "GET" else 403,
            title=_("This comment can no longer be deleted here"),
            paragraphs=[
                _("The time to delete it here is over. With a link that we mail to you it is always possible.")
            ],
            link=(_("Manage this comment by mail"), url_for("forum.own_by_mail.ask", comment_id=comment.id))
            if state.settings.mail_enabled and comment.address_id
            else back,
            actions=[],
        )
    return page(
        "forum/plain_page.html",
        title=_("Delete your comment?"),
        paragraphs=[_("Your words and your name go away for good. Answers to it stay.")],
        link=back,
        actions=[(_("Delete"), "remove", url_for("forum.own.remove", comment_id=comment.id), "danger")],
        hidden={"csrf_token": session_token()} if state.identity() else {},
    )
