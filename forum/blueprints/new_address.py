"""The page behind the link that goes to a new address: pressed there, everything moves from the old one to it."""

from __future__ import annotations

import datetime as dt

from flask import Blueprint, Response, request
from werkzeug.exceptions import BadRequest

from .. import addresses, preferences
from ..errors import ExpiredToken
from ..forms import session_token
from ..language import N_
from ..language import gettext as _
from ..mail.notes import LINK_DAYS
from ..models import Address
from ..negotiation import speak
from ..signals import address_confirmed
from ..sqlite import begin_writing
from ..state import ForumState, get
from ..tokens import check_age, read_token
from .mail_pages import (
    DONE,
    PRESS,
    SESSION_CHANGED,
    Action,
    find,
    gone,
    mail_page,
    pressed_twice,
    session_holds,
    to_done,
)

blueprint = Blueprint("new_address", __name__, url_prefix="/m")

_NO_LONGER = N_("This link cannot be used any more")


@blueprint.route("/n/<token>", methods=["GET", "POST"])
@pressed_twice
def page(token: str) -> Response:
    """Ask, then move. Raises BadToken for anything that is not one of our links."""
    state = get()
    if request.method == "POST":
        request.max_content_length = 4096
        begin_writing(state.session)
    old_id, new_id, day = read_token(state.keys, "n", token)
    # Always in one order: two moves against each other would wait for each other.
    found = {id_: find(state, id_) for id_ in sorted((old_id, new_id))}
    old, new = found[old_id], found[new_id]
    if old is None or new is None:
        return gone()
    # The link was mailed to the new one.
    speak(new.locale)
    try:
        check_age(day, state.clock(), LINK_DAYS["n"])
    except ExpiredToken:
        return mail_page(
            _("This link is too old"), [_("Please ask for a new one on the settings page of your old address.")]
        )
    return _act(state, old, new, day) if request.method == "POST" else _show(state, old, new, day)


def _show(state: ForumState, old: Address, new: Address, day: int, error: str | None = None) -> Response:
    if _has_moved(state, old, new, day):
        title, sentence = DONE["moved"]
        return mail_page(_(title), [_(sentence)], address=new)
    if not preferences.may_move(old):
        return mail_page(_(_NO_LONGER), [_("The address it was asked for has changed since.")])
    about = _(
        "All that belongs to %(address)s comes along: comments, what it follows and what it muted.",
        address=addresses.masked(old.email),
    )
    return mail_page(
        _("Use this address from now on?"),
        [error or about],
        [Action(_("Use this address"), "move", True)],
        new,
        status=422 if error else 200,
        csrf_token=session_token(),
    )


def _act(state: ForumState, old: Address, new: Address, day: int) -> Response:
    if request.form.get("action") != "move":
        raise BadRequest(_(PRESS))
    if not session_holds():
        return _show(state, old, new, day, _(SESSION_CHANGED))
    was_confirmed = new.state == "confirmed"
    if not _has_moved(state, old, new, day):
        if not preferences.move(state.session, old, new, state.clock()):
            return mail_page(_(_NO_LONGER), [_("The address it was asked for has changed since.")], status=409)
        if not was_confirmed:
            address_confirmed.send(state.app, address=new)
    state.session.commit()
    state.kick()
    return to_done("moved")


def _has_moved(state: ForumState, old: Address, new: Address, day: int) -> bool:
    since = dt.datetime.fromtimestamp(day * 86400, dt.UTC)
    return preferences.has_moved(state.session, old, new, since)
