"""Signing in to moderate the stand-alone site: a link by mail that works once, pressed on a page."""

from __future__ import annotations

from flask import Blueprint, Response, make_response, redirect, request, session, url_for
from limits import parse
from werkzeug.exceptions import NotFound

from .. import moderation
from ..errors import BadToken, InvalidDraft
from ..forms import ActForm, session_token
from ..models import SignIn
from ..sqlite import begin_writing
from ..state import ForumState, get
from ..tokens import read_token
from .mail_pages import SESSION_CHANGED, mail_page, masked
from .moderation import SESSION_KEY
from .pages import bare

blueprint = Blueprint("sign_in", __name__, url_prefix="/sign-in")

# Enough for a moderator with a slow mailbox, too few to make the site flood one.
_LIMIT = parse("10 per hour")
_USED = "This link has been used or is too old. We can send you a new one."
_NO_MAIL = [
    "Mail is not set up on this site, so no link can be sent.",
    "Whoever runs it can print one on the server, with the command: flask forum moderator link ADDRESS",
]
_TOO_OFTEN = "That was often. Please look into your inbox, or try again in an hour."


@blueprint.route("", methods=["GET", "POST"])
def ask() -> Response:
    """Ask for an address and mail it a link, with the same answer for every address."""
    state = _state()
    if not state.settings.mail_enabled:
        return mail_page("This site sends no mail", _NO_MAIL)
    if request.method == "GET":
        return _form()
    if not ActForm(meta={"csrf": True}).validate_on_submit():
        return _form(422, SESSION_CHANGED)
    if not state.limiter.hit(_LIMIT, "sign-in", state.network() or "unknown"):
        return _form(429, _TOO_OFTEN)
    _mail(state, request.form.get("email", "").strip())
    minutes = int(moderation.LINK_LIFE.total_seconds() // 60)
    return bare("forum/moderation/sign_in_sent.html", minutes=minutes)


@blueprint.route("/<token>", methods=["GET", "POST"])
def enter(token: str) -> Response:
    """Show a button, and sign in when it is pressed: scanners follow links, people press."""
    state = _state()
    if request.method == "POST":
        begin_writing(state.session)
    row = _row(state, token)
    if row is None:
        return _form(404, _USED)
    if request.method == "GET" or not ActForm(meta={"csrf": True}).validate_on_submit():
        return bare(
            "forum/moderation/sign_in_enter.html",
            action=request.path,
            csrf_token=session_token(),
            address_masked=masked(row.email),
        )
    return _enter(state, row)


def _state() -> ForumState:
    state = get()
    if not state.settings.moderators:
        raise NotFound
    # Room for an address and the session's token: whoever asks has proved nothing yet.
    request.max_content_length = 4096
    return state


def _row(state: ForumState, token: str) -> SignIn | None:
    try:
        (row_id,) = read_token(state.keys, "s", token)
    except BadToken:
        return None
    return moderation.open_link(state.session, row_id, state.settings, state.clock())


def _enter(state: ForumState, row: SignIn) -> Response:
    # Two presses at one moment: the second waits here and finds the link used.
    state.session.refresh(row, with_for_update=True)
    if row.used_at is not None:
        return _form(404, _USED)
    row.used_at = state.clock()
    state.session.commit()
    # A token from before the sign-in must not be good for what comes after it.
    session.pop("csrf_token", None)
    session[SESSION_KEY] = row.email
    return make_response(redirect(url_for("forum.moderation.queue"), 303))


def _mail(state: ForumState, email: str) -> None:
    try:
        begin_writing(state.session)
        moderation.mail_link(state.session, state.keys, state.settings, email, state.clock())
    except InvalidDraft:
        return
    state.session.commit()
    state.kick()


def _form(status: int = 200, error: str | None = None) -> Response:
    return bare(
        "forum/moderation/sign_in.html",
        status,
        action=url_for("forum.sign_in.ask"),
        email=request.form.get("email", ""),
        error=error,
        csrf_token=session_token(),
    )
