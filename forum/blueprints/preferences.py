"""The settings page of an address, reached by a link in each mail: what it hears of, how often, and every way out.

GET shows, POST acts. The link proves the mailbox, the session's token that the press was made on our page.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable

from flask import Blueprint, Response, make_response, redirect, request
from werkzeug.exceptions import BadRequest

from .. import addresses, outbox, preferences, subscriptions
from ..errors import Conflict, ExpiredToken, InvalidDraft, NotFound, TooFast
from ..forms import session_token
from ..language import LANGUAGES, N_
from ..language import gettext as _
from ..mail import languages
from ..mail.notes import LINK_DAYS
from ..models import Address, Thread
from ..preferences import Wish
from ..signals import address_confirmed, address_unsubscribed
from ..sqlite import begin_writing
from ..state import ForumState, get
from ..subscriptions import Consent
from ..tokens import check_age, read_token
from .mail_pages import (
    PRESS,
    SESSION_CHANGED,
    count_asking,
    expired,
    find,
    gone,
    pressed_twice,
    session_holds,
    to_done,
    unseen,
)
from .pages import bare

blueprint = Blueprint("preferences", __name__, url_prefix="/m")

PAUSES = (1, 7, 30)
_SAVED = {
    "saved": N_("Saved."),
    "ended": N_("You hear no more of that."),
    "paused": N_("Paused. What happens meanwhile reaches you afterwards."),
    "resumed": N_("We write to you again."),
    "muted": N_("You hear no more of them."),
    "unmuted": N_("You hear of them again."),
    "sent": N_("If we may write to that address, a link is on its way there. It is good for seven days."),
}
_HIDDEN_TITLE = N_("A page you cannot see at the moment")


@blueprint.route("/p/<token>", methods=["GET", "POST"])
@pressed_twice
def page(token: str) -> Response:
    """Show the settings of an address or change one. Raises BadToken for anything that is not one of our links."""
    state = get()
    if request.method == "POST":
        request.max_content_length = 4096
        begin_writing(state.session)
    address_id, day = read_token(state.keys, "p", token)
    address = find(state, address_id)
    if address is None:
        return gone()
    try:
        check_age(day, state.clock(), LINK_DAYS["p"])
    except ExpiredToken:
        return expired(state, address, LINK_DAYS["p"])
    return _act(state, address) if request.method == "POST" else _show(state, address)


def _act(state: ForumState, address: Address) -> Response:
    act = _ACTS.get(request.form.get("action", ""))
    if act is None:
        raise BadRequest(_(PRESS))
    if not session_holds():
        return _show(state, address, 422, _(SESSION_CHANGED))
    try:
        answer = act(state, address)
    except (Conflict, InvalidDraft, NotFound, TooFast) as error:
        state.session.rollback()
        return _show(state, address, 429 if isinstance(error, TooFast) else 422, error.message)
    if not preferences.is_forgotten(address):
        addresses.note_active(address, state.clock())
    state.session.commit()
    state.kick()
    return answer if isinstance(answer, Response) else unseen(_back(answer))


def _back(done: str) -> Response:
    """Back to the page, which then says what was done."""
    return make_response(redirect(f"{request.script_root}{request.path}?done={done}", 303))


def _number(field: str) -> int:
    text = request.form.get(field, "")
    if not (text.isascii() and text.isdigit() and len(text) <= 18):
        raise Conflict(_("That is no longer there."))
    return int(text)


def _save(state: ForumState, address: Address) -> str:
    consent = Consent(state.clock(), state.network(), None)
    scope, cadence = request.form.get("scope", ""), request.form.get("cadence", "")
    preferences.change(state.session, state.settings, address, _number("id"), scope, cadence, consent)
    return "saved"


def _save_all(state: ForumState, address: Address) -> str:
    cadence = request.form.get("cadence", "")
    preferences.change_all(state.session, state.settings, address, cadence, state.clock())
    return "saved"


def _end(state: ForumState, address: Address) -> str:
    preferences.end(state.session, address, _number("id"))
    return "ended"


def _language(state: ForumState, address: Address) -> str:
    language = request.form.get("language", "")
    if language not in languages.offered(state.app.jinja_env.list_templates()):
        raise Conflict(_("Please choose one of the languages."))
    address.locale = language
    return "saved"


def _pause(state: ForumState, address: Address) -> str:
    days = _number("days")
    if days not in PAUSES:
        raise Conflict(_("Please choose one of the times."))
    preferences.pause(address, state.clock() + dt.timedelta(days=days))
    return "paused"


def _resume(state: ForumState, address: Address) -> str:
    preferences.resume(state.session, state.settings, address, state.clock())
    return "resumed"


def _unmute(state: ForumState, address: Address) -> str:
    subscriptions.unmute(state.session, address, _number("id"))
    return "unmuted"


def _mute_person(state: ForumState, address: Address) -> str:
    preferences.mute_person(state.session, address, _number("id"), state.clock())
    return "muted"


def _unmute_person(state: ForumState, address: Address) -> str:
    preferences.unmute_person(state.session, address, _number("id"))
    return "unmuted"


def _come_back(state: ForumState, address: Address) -> str:
    if preferences.come_back(state.session, address, state.clock()):
        address_confirmed.send(state.app, address=address)
    return "resumed"


def _stop(state: ForumState, address: Address) -> Response:
    if subscriptions.unsubscribe(state.session, address, "page", state.clock()):
        address_unsubscribed.send(state.app, address=address)
    return to_done("unsubscribed")


def _move(state: ForumState, address: Address) -> str:
    mailbox = addresses.parse(request.form.get("email", ""), sender=state.settings.mail_from)
    if mailbox.key == address.key:
        raise Conflict(_("That is the address we use already."))
    if not preferences.may_move(address):
        raise Conflict(_("This address cannot be exchanged for another one."))
    count_asking(state)
    preferences.request_move(
        state.session, state.keys, state.settings, address, mailbox, state.clock(), state.network()
    )
    return "sent"


def _export(state: ForumState, address: Address) -> Response:
    text = json.dumps(preferences.export(state.session, address), ensure_ascii=False, indent=2)
    response = make_response(text + "\n")
    response.mimetype = "application/json"
    response.headers["Content-Disposition"] = 'attachment; filename="my-data.json"'
    response.headers["X-Content-Type-Options"] = "nosniff"
    return unseen(response)


def _forget(state: ForumState, address: Address) -> Response:
    if request.form.get("sure") != "yes":
        raise Conflict(_("Please tick the box first: what is forgotten cannot be brought back."))
    if address.state not in addresses.SILENT:
        # Before it is empty: a host may keep the address somewhere too.
        address_unsubscribed.send(state.app, address=address)
    preferences.forget(state.session, state.keys, address, state.clock())
    return to_done("forgotten")


_ACTS: dict[str, Callable[[ForumState, Address], str | Response]] = {
    "save": _save,
    "save_all": _save_all,
    "end": _end,
    "language": _language,
    "pause": _pause,
    "resume": _resume,
    "unmute": _unmute,
    "mute_person": _mute_person,
    "unmute_person": _unmute_person,
    "come_back": _come_back,
    "unsubscribe": _stop,
    "move": _move,
    "export": _export,
    "forget": _forget,
}


def _show(state: ForumState, address: Address, status: int = 200, error: str | None = None) -> Response:
    now, done = state.clock(), _SAVED.get(request.args.get("done", ""))
    paused = address.paused_until if address.paused_until is not None and address.paused_until > now else None
    return bare(
        "forum/preferences.html",
        status,
        site_name=state.settings.site_name,
        address_masked=addresses.masked(address.email),
        state=address.state,
        may_come_back=address.state in outbox.WAITS,
        may_move=preferences.may_move(address) and state.settings.mail_enabled,
        paused_until=paused,
        pauses=PAUSES,
        wishes=preferences.wishes(state.session, address, now),
        title_of=lambda wish: _title(state, address, wish),
        muted_title=lambda thread: _thread_title(state, address, thread, None),
        cadences=preferences.CADENCES,
        languages=languages.offered(state.app.jinja_env.list_templates()),
        language_names=LANGUAGES,
        language=address.locale or state.settings.language,
        csrf_token=session_token(),
        error=error,
        notice=None if error or done is None else _(done),
    )


def _title(state: ForumState, address: Address, wish: Wish) -> str:
    return _thread_title(state, address, wish.thread, wish.identity_ref)


def _thread_title(state: ForumState, address: Address, thread: Thread, ref: str | None) -> str:
    """What a thread is called, unless its page has become private since."""
    may_read = state.hooks.may_read
    visible = may_read is None or may_read(thread.key, address.email, ref)
    return thread.title if visible else _(_HIDDEN_TITLE)
