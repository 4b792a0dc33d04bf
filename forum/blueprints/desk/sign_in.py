"""Signing in to moderate the stand-alone site: a link by mail that works once, pressed on a page; and signing out."""

from __future__ import annotations

import logging

from flask import Blueprint, Response, make_response, redirect, request, url_for
from limits import parse
from limits.errors import StorageError
from werkzeug.exceptions import NotFound

from ... import addresses
from ...errors import BadToken
from ...forms import session_token
from ...language import N_
from ...language import gettext as _
from ...models import SignIn
from ...moderation import sign_in
from ...sqlite import begin_writing
from ...state import ForumState, get
from ...tokens import keyed_hash, read_token
from ..mail_pages import SESSION_CHANGED, mail_page, session_holds
from ..pages import bare
from .access import begin_session, end_session, moderator, sign_in_of_session
from .said import lead_to

blueprint = Blueprint("sign_in", __name__)
log = logging.getLogger("forum")

# For one network and for one address: enough for a moderator with a slow mailbox, too few to flood one.
_LIMIT = parse("10 per hour")
_USED = N_("This link has been used or is too old. We can send you a new one.")
_NO_MAIL = [
    N_("Mail is not set up on this site, so no link can be sent."),
    N_("Whoever runs it can print one on the server, with the command: flask forum moderator link ADDRESS"),
]
_TOO_OFTEN = N_("That was often. Please look into your inbox, or try again in an hour.")


@blueprint.route("/sign-in", methods=["GET", "POST"])
def ask() -> Response:
    """Ask for an address and mail it a link, with the same answer for every address."""
    state = _state()
    if not state.settings.mail_enabled:
        return mail_page(_("This site sends no mail"), [_(words) for words in _NO_MAIL])
    if request.method == "GET":
        return _form()
    if not session_holds():
        return _form(422, _(SESSION_CHANGED))
    email = request.form.get("email", "").strip()
    if not _may_ask(state, email):
        return _form(429, _(_TOO_OFTEN))
    begin_writing(state.session)
    sign_in.mail_link(state.session, state.keys, state.settings, email, state.clock())
    state.session.commit()
    state.kick()
    minutes = int(sign_in.LINK_LIFE.total_seconds() // 60)
    return bare("forum/moderation/sign_in_sent.html", minutes=minutes)


@blueprint.route("/sign-in/<token>", methods=["GET", "POST"])
def enter(token: str) -> Response:
    """Show a button, and sign in when it is pressed: scanners follow links, people press."""
    state = _state()
    if request.method == "POST":
        begin_writing(state.session)
    row = _row(state, token)
    if row is None:
        return _form(404, _(_USED))
    if request.method == "GET" or not session_holds():
        return bare(
            "forum/moderation/sign_in_enter.html",
            action=request.path,
            csrf_token=session_token(),
            address_masked=addresses.masked(row.email),
        )
    return _enter(state, row)


@blueprint.post("/sign-out")
def leave() -> Response:
    """Sign out, here or, with the field ``everywhere``, wherever this moderator has signed in."""
    state = _state()
    actor, row_id = moderator(state), sign_in_of_session()
    if row_id is None:
        # An identity of the host signs out where it signed in.
        raise NotFound
    if not session_holds():
        return lead_to("forum.moderation.queue", "csrf")
    begin_writing(state.session)
    sign_in.sign_out(state.session, row_id, actor.ref, everywhere="everywhere" in request.form)
    state.session.commit()
    end_session()
    return make_response(redirect(url_for("forum.sign_in.ask", out="yes"), 303))


def _state() -> ForumState:
    state = get()
    if not state.settings.moderators:
        raise NotFound
    # Room for an address and the session's token: whoever asks has proved nothing yet.
    request.max_content_length = 4096
    return state


def _may_ask(state: ForumState, email: str) -> bool:
    """Count one request. Where the store of the limits is away nothing is counted: somebody must be able to get in."""
    # Only a hash of what was typed is handed to the store.
    address = keyed_hash(state.keys, "sign-in", email.casefold())
    try:
        return state.limiter.hit(_LIMIT, "sign-in", state.network() or "unknown") and state.limiter.hit(
            _LIMIT, "sign-in-address", address
        )
    except StorageError as error:
        log.warning("the store of the rate limits is away: %s", error)
        return True


def _row(state: ForumState, token: str) -> SignIn | None:
    try:
        (row_id,) = read_token(state.keys, "s", token)
    except BadToken:
        return None
    return sign_in.open_link(state.session, row_id, state.settings, state.clock())


def _enter(state: ForumState, row: SignIn) -> Response:
    if not sign_in.use(state.session, row, state.clock()):
        return _form(404, _(_USED))
    row_id = row.id
    state.session.commit()
    begin_session(row_id, state.clock())
    return make_response(redirect(url_for("forum.moderation.queue"), 303))


def _form(status: int = 200, error: str | None = None) -> Response:
    return bare(
        "forum/moderation/sign_in.html",
        status,
        action=url_for("forum.sign_in.ask"),
        email=request.form.get("email", ""),
        error=error,
        csrf_token=session_token(),
    )
