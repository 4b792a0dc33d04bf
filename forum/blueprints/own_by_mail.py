"""One's own comment without the cookie, however old: a link goes to the mailbox it was written with, and opens it.

Whoever asks learns nothing from the answer: it is the same for every address and for every state of it.
"""

from __future__ import annotations

from flask import Blueprint, Response, make_response, redirect, request, url_for
from markupsafe import Markup
from sqlalchemy.exc import OperationalError
from werkzeug.exceptions import BadRequest, Forbidden

from .. import addresses, audit, comments, preferences, render, sanitize
from ..errors import ExpiredToken, InvalidDraft, NotFound, TooFast
from ..forms import session_token
from ..language import N_
from ..language import gettext as _
from ..mail.notes import LINK_DAYS
from ..models import Address, Comment
from ..network import origin_of
from ..signals import comment_edited, comment_removed
from ..sqlite import begin_writing
from ..state import ForumState, get
from ..tokens import check_age, read_token
from .mail_pages import (
    PRESS,
    SESSION_CHANGED,
    count_asking,
    expired,
    find,
    gone,
    mail_page,
    pressed_twice,
    session_holds,
    to_done,
    too_fast,
    unseen,
)
from .own import BUSY
from .pages import bare, limit_body

blueprint = Blueprint("own_by_mail", __name__)

_SAVED = {"saved": N_("Saved."), "anonymised": N_("Your name is gone from this comment.")}
_HELD = N_("A moderator reads this before others see it.")
_ANSWERED = N_(
    "Somebody has answered, so the words can no longer be changed. You can still take them or your name away."
)


@blueprint.route("/comments/<forum_id:comment_id>/mine", methods=["GET", "POST"])
@pressed_twice
def ask(comment_id: int) -> Response:
    """Ask for the address a comment was written with, and mail it a link."""
    state = get()
    request.max_content_length = 4096
    if not state.settings.mail_enabled:
        return mail_page(_("This site sends no mail"), [_("Please write to whoever runs it.")])
    if request.method == "POST":
        return _mail(state, comment_id)
    comments.get(state.session, comment_id)
    return _ask_form(comment_id)


def _mail(state: ForumState, comment_id: int) -> Response:
    if origin_of(request, state.settings.base_url) == "cross":
        raise Forbidden(_("This request did not come from our page."))
    try:
        mailbox = addresses.parse(request.form.get("email", ""), sender=state.settings.mail_from)
        count_asking(state)
    except InvalidDraft as error:
        return _ask_form(comment_id, 422, error.message)
    except TooFast as error:
        return too_fast(_ask_form(comment_id, 429, error.message), error)
    begin_writing(state.session)
    comment = comments.get(state.session, comment_id)
    # Written for every answer, so that a right guess takes no longer than a wrong one.
    audit.record(state.session, comment, "link_asked", actor="visitor", now=state.clock())
    address, network = addresses.find(state.session, mailbox.key), state.network()
    preferences.mail_link(
        state.session, state.keys, state.settings, address, state.clock(), comment_id=comment_id, network=network
    )
    state.session.commit()
    state.kick()
    return to_done("asked")


def _ask_form(comment_id: int, status: int = 200, error: str | None = None) -> Response:
    return bare(
        "forum/own_by_mail_ask.html",
        status,
        site_name=get().settings.site_name,
        action=url_for("forum.own_by_mail.ask", comment_id=comment_id),
        back=url_for("forum.comments.permalink", comment_id=comment_id),
        email=request.form.get("email", ""),
        error=error,
    )


@blueprint.route("/m/o/<token>", methods=["GET", "POST"])
@pressed_twice
def page(token: str) -> Response:
    """Show one's own comment, or change it. Raises BadToken for anything that is not one of our links."""
    state = get()
    address_id, comment_id, day = read_token(state.keys, "o", token)
    if request.method == "GET":
        return _open(state, address_id, comment_id, day)
    limit_body()
    try:
        begin_writing(state.session)
        return _open(state, address_id, comment_id, day)
    except OperationalError:
        # Locked for writers; reading what the page needs goes on beside them.
        state.session.rollback()
        comment = preferences.own_comment(state.session, find(state, address_id), comment_id)
        return gone() if comment is None else _show(state, comment, 503, BUSY)


def _open(state: ForumState, address_id: int, comment_id: int, day: int) -> Response:
    address = find(state, address_id)
    if address is None:
        return gone()
    acts = request.method == "POST"
    comment = preferences.own_comment(state.session, address, comment_id, for_update=acts)
    if comment is None:
        return _nothing_left(state, address, comment_id)
    try:
        check_age(day, state.clock(), LINK_DAYS["o"])
    except ExpiredToken:
        return expired(state, address, LINK_DAYS["o"], comment_id)
    return _act(state, comment) if acts else _show(state, comment)


def _nothing_left(state: ForumState, address: Address, comment_id: int) -> Response:
    """The comment was taken away, or belongs to a newer address: the same press twice is no mistake."""
    comment = state.session.get(Comment, comment_id)
    if comment is None or comment.address_id != address.id:
        raise NotFound(_("There is no such comment."))
    if request.form.get("action") == "withdraw" and comment.removed_by == "author":
        return to_done("withdrawn")
    return mail_page(_("Your comment is gone"), [_("It is no longer shown, so there is nothing to change here.")])


def _act(state: ForumState, comment: Comment) -> Response:
    act = _ACTS.get(request.form.get("action", ""))
    if act is None:
        raise BadRequest(_(PRESS))
    if not session_holds():
        return _show(state, comment, 422, _(SESSION_CHANGED))
    try:
        return act(state, comment)
    except InvalidDraft as error:
        return _show(state, comment, 422, error.message)
    except TooFast as error:
        return too_fast(_show(state, comment, 429, error.message), error)


def _save(state: ForumState, comment: Comment) -> Response:
    body = _typed(state, comment)
    rules = tuple(state.hooks.screens)
    if comments.edit(state.session, comment, body, state.settings, state.clock(), rules, state.desk, by_mail=True):
        comment_edited.send(state.app, comment=comment)
    return _done(state, "saved")


def _preview(state: ForumState, comment: Comment) -> Response:
    html = sanitize.comment_html(_typed(state, comment), engine=state.settings.sanitizer)
    return _show(state, comment, preview=Markup(html))  # just sanitised


def _typed(state: ForumState, comment: Comment) -> str:
    if comments.is_answered(state.session, comment):
        raise InvalidDraft("body", _(_ANSWERED))
    state.limit(state.network())
    return sanitize.body(request.form.get("body", ""), max_length=state.settings.max_length)


def _anonymise(state: ForumState, comment: Comment) -> Response:
    preferences.anonymise(state.session, comment)
    return _done(state, "anonymised")


def _withdraw(state: ForumState, comment: Comment) -> Response:
    comments.remove(state.session, comment, state.clock())
    comment_removed.send(state.app, comment=comment)
    state.session.commit()
    return to_done("withdrawn")


_ACTS = {"save": _save, "preview": _preview, "anonymise": _anonymise, "withdraw": _withdraw}


def _done(state: ForumState, what: str) -> Response:
    state.session.commit()
    return unseen(make_response(redirect(f"{request.script_root}{request.path}?done={what}", 303)))


def _show(
    state: ForumState, comment: Comment, status: int = 200, error: str | None = None, preview: Markup | None = None
) -> Response:
    done = _SAVED.get(request.args.get("done", "")) if error is None and preview is None else None
    return bare(
        "forum/own_by_mail.html",
        status,
        site_name=state.settings.site_name,
        thread_title=comment.thread.title,
        comment=render.shown(state, comment),
        nameless=comment.name == preferences.NOBODY and comment.website is None,
        answered=_(_ANSWERED) if comments.is_answered(state.session, comment) else None,
        waiting=_(_HELD) if comment.state == "held" else None,
        body=request.form.get("body", comment.source),
        preview=preview,
        csrf_token=session_token(),
        error=error,
        notice=None if done is None else _(done),
    )
