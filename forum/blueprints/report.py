"""A reader says that something is wrong with a comment; everybody gets the same thanks."""

from __future__ import annotations

from dataclasses import dataclass, field

from flask import Blueprint, Response, request, url_for
from sqlalchemy.exc import IntegrityError
from werkzeug.exceptions import Forbidden

from .. import comments, render
from ..errors import NotFound, TooFast
from ..forms import ActForm, session_token
from ..language import N_, ngettext, number
from ..language import gettext as _
from ..models import Comment
from ..moderation import reports
from ..network import origin_of, widest_network_of
from ..signals import comment_removed
from ..sqlite import begin_writing
from ..state import ForumState, get
from .pages import limit_body, page, thread_url

blueprint = Blueprint("report", __name__, url_prefix="/comments/<forum_id:comment_id>/report")

REASONS: dict[reports.Reason, str] = {
    "spam": N_("It is advertising or spam."),
    "insulting": N_("It insults or threatens somebody."),
    "private": N_("It tells what should stay private."),
    "harmful": N_("Its advice can do harm."),
    "other": N_("Something else."),
}
_FOREIGN = N_("This form did not come from our page. Nothing is lost: if you wrote this, please press Send once more.")
_OLD = N_("This page was open for a while. Nothing is lost: please press Send once more.")


@dataclass
class _Typed:
    """The form as somebody left it, and what is to be put right."""

    reason: str = ""
    note: str = ""
    errors: dict[str, str] = field(default_factory=dict)
    summary: str | None = None


@blueprint.get("")
def form(comment_id: int) -> Response:
    """Ask what is wrong."""
    comment = _readable(comment_id)
    return _own(comment) if get().reader().owns(comment) else _form(comment, _Typed())


@blueprint.post("")
def send(comment_id: int) -> Response:
    """Keep the report. What came of it, or of others before it, is not told."""
    state = get()
    limit_body()
    comment = _readable(comment_id)
    if state.reader().owns(comment):
        raise Forbidden(_("One does not report one's own comment."))
    typed = _read()
    refusal = _refusal(state, comment, typed)
    if refusal is not None:
        return refusal
    try:
        state.limit(state.network(), of="reports")
    except TooFast as error:
        typed.summary = error.message
        response = _form(comment, typed, 429)
        response.headers["Retry-After"] = str(error.retry_after)
        return response
    back = thread_url(state, comment)
    # What was read until here may be outdated; the report reads again what it locks.
    state.session.rollback()
    _keep(state, comment_id, typed)
    return _thanks(back)


def _readable(comment_id: int) -> Comment:
    """A comment that was published once: one that was hidden meanwhile gets the same thanks."""
    comment = comments.get(get().session, comment_id)
    if comment.published_at is None or comment.state == "removed" or not get().may_see(comment.thread.key):
        raise NotFound(_("There is no such comment."))
    return comment


def _read() -> _Typed:
    typed = _Typed(request.form.get("reason", ""), request.form.get("note", "").replace("\0", ""))
    if typed.reason not in reports.REASONS:
        typed.errors["reason"] = _("Please say what is wrong.")
    length = len(typed.note.replace("\r\n", "\n"))
    if length > reports.NOTE_LENGTH:
        typed.errors["note"] = ngettext(
            "That is %(length)s characters long; it may have up to %(n)s.",
            "That is %(length)s characters long; it may have up to %(n)s.",
            reports.NOTE_LENGTH,
            length=number(length),
        )
    return typed


def _refusal(state: ForumState, comment: Comment, typed: _Typed) -> Response | None:
    """The form once more, if this one is not in order or somebody else's page may have sent it."""
    if state.identity() is not None:
        holds = bool(ActForm(meta={"csrf": True}).validate_on_submit())
    else:
        holds = state.keys.verify("report", _sealed(state, comment), request.form.get("seal", ""))
    if origin_of(request, state.settings.base_url) == "cross":
        typed.summary, status = _(_FOREIGN), 403
    elif not holds:
        typed.summary, status = _(_OLD), 422
    elif typed.errors:
        status = 422
    else:
        return None
    return _form(comment, typed, status)


def _sealed(state: ForumState, comment: Comment) -> str:
    # Bound to the network that asked: another site cannot fetch a seal for its victim.
    return f"{comment.id}|{state.network()}"


def _keep(state: ForumState, comment_id: int, typed: _Typed) -> None:
    reason = next(reason for reason in reports.REASONS if reason == typed.reason)
    note = typed.note.replace("\r\n", "\n").strip()
    begin_writing(state.session)
    try:
        reports.report(state.session, state.settings, comment_id, reason, note, _reporter(state), state.clock())
    except (NotFound, IntegrityError):
        # It was hidden meanwhile, or the same press came twice.
        state.session.rollback()
        return
    comment = comments.get(state.session, comment_id)
    if comment.state != "published":
        comment_removed.send(state.app, comment=comment)
    state.session.commit()


def _reporter(state: ForumState) -> str:
    identity, widest = state.identity(), widest_network_of(request, state.keys)
    return reports.reporter(state.keys, identity.key if identity else None, state.network(), widest)


def _form(comment: Comment, typed: _Typed, status: int = 200) -> Response:
    state = get()
    signed_in = state.identity() is not None
    return page(
        "forum/report.html",
        status,
        title=_("Report a comment"),
        comment=render.shown(state, comment),
        thread_title=comment.thread.title,
        form=typed,
        reasons=[(reason, _(sentence)) for reason, sentence in REASONS.items()],
        action=url_for("forum.report.send", comment_id=comment.id),
        hidden={"csrf_token": session_token()}
        if signed_in
        else {"seal": state.keys.sign("report", _sealed(state, comment))},
    )


def _own(comment: Comment) -> Response:
    return page(
        "forum/plain_page.html",
        title=_("This is your own comment"),
        paragraphs=[_("You can delete it while the time for that lasts, but not report it.")],
        link=(_("Back to your comment"), thread_url(get(), comment)),
        actions=[],
    )


def _thanks(back: str) -> Response:
    return page(
        "forum/plain_page.html",
        title=_("Thank you"),
        paragraphs=[_("A moderator will look at it.")],
        link=(_("Back to the conversation"), back),
        actions=[],
    )
