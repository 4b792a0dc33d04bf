"""The pages behind the links in our mails. GET shows, POST acts: mail scanners follow every link they see.

The token is the only authority; no cookie, session or script is needed, and none is set.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from flask import Blueprint, Response, make_response, request
from werkzeug.exceptions import BadRequest

from .. import addresses, outbox, subscriptions
from ..errors import ExpiredToken
from ..language import gettext as _
from ..models import Address, Thread
from ..negotiation import speak
from ..signals import address_confirmed, address_unsubscribed
from ..sqlite import begin_writing
from ..state import ForumState, get
from ..tokens import check_age, read_token
from .mail_pages import DONE, PRESS, Action, find, gone, mail_page, pressed_twice, to_done, unseen

blueprint = Blueprint("mail", __name__, url_prefix="/m")

_CONFIRM_DAYS, _REFUSE_DAYS = 7, 30
_ONE_CLICK = ("List-Unsubscribe", "One-Click")


@dataclass(frozen=True)
class Asked:
    """What a genuine token is about; the rows may be gone by now."""

    address: Address | None
    thread: Thread | None
    generation: int = 0


@blueprint.route("/<any(c, x, u, t):kind>/<token>", methods=["GET", "POST"])
@pressed_twice
def page(kind: str, token: str) -> Response:
    """Show what the link is about, or do it. Raises BadToken for anything that is not one of our links."""
    state = get()
    if request.method == "POST":
        request.max_content_length = 4096
        begin_writing(state.session)
    try:
        asked = _read(state, kind, token)
    except ExpiredToken:
        return _expired(state, kind, token)
    return _act(state, kind, asked) if request.method == "POST" else _show(state, kind, asked)


@blueprint.get(f"/done/<any({', '.join(DONE)}):what>")
def done(what: str) -> Response:
    """Say what was done; this address holds no token and may be kept, and so it names the language."""
    speak(request.args.get("language"))
    title, sentence = DONE[what]
    return mail_page(_(title), [_(sentence)])


def _read(state: ForumState, kind: str, token: str) -> Asked:
    numbers = read_token(state.keys, kind, token)
    address = find(state, numbers[0])
    if kind == "c":
        check_age(numbers[2], state.clock(), _CONFIRM_DAYS)
        return Asked(address, None, numbers[1])
    if kind == "x":
        check_age(numbers[1], state.clock(), _REFUSE_DAYS)
        return Asked(address, None)
    return Asked(address, state.session.get(Thread, numbers[1]))


def _show(state: ForumState, kind: str, asked: Asked) -> Response:
    if asked.address is None or (kind != "c" and asked.address.state == "refused"):
        return gone()
    title, sentences, actions = _SHOWN[kind](state, asked)
    return mail_page(title, sentences, actions, asked.address)


def _show_confirm(state: ForumState, asked: Asked) -> tuple[str, list[str], list[Action]]:
    if asked.address is None or asked.generation != asked.address.generation:
        title, sentence = DONE["confirmed"]
        return _(title), [_(sentence)], []
    site = state.settings.site_name
    return (
        _("Shall we write to you?"),
        [
            _("Somebody, probably you, asked %(site)s to write to this address when a comment is answered.", site=site),
            _("If it was not you, close this page: without your word nothing is ever sent."),
        ],
        [Action(_("Yes, write to me"), "confirm", True)],
    )


def _show_refuse(state: ForumState, asked: Asked) -> tuple[str, list[str], list[Action]]:
    return (
        _("Never write to this address?"),
        [_("%(site)s will then never write to it again, whoever asks.", site=state.settings.site_name)],
        [Action(_("Never write to me"), "refuse", True)],
    )


def _show_unsubscribe(state: ForumState, asked: Asked) -> tuple[str, list[str], list[Action]]:
    actions = [Action(_("Stop all mail"), "unsubscribe", True)]
    if asked.thread is not None:
        actions.append(Action(_("Only mute this conversation"), "mute"))
    about = [_("The last conversation was “%(title)s”.", title=asked.thread.title)] if asked.thread is not None else []
    return _("Stop mail from %(site)s?", site=state.settings.site_name), about, actions


def _show_mute(state: ForumState, asked: Asked) -> tuple[str, list[str], list[Action]]:
    if asked.address is None or asked.thread is None:
        return _("There is nothing to mute"), [_("The conversation this link belongs to is gone.")], []
    muted = subscriptions.is_muted(state.session, asked.address, asked.thread.id, state.clock())
    about = [_("“%(title)s”", title=asked.thread.title)]
    if muted:
        return _("This conversation is muted"), about, [Action(_("Hear from it again"), "unmute", True)]
    actions = [Action(_("Mute it"), "mute", True), Action(_("Mute it for 7 days"), "mute_week")]
    return _("Mute this conversation?"), about, actions


_SHOWN = {"c": _show_confirm, "x": _show_refuse, "u": _show_unsubscribe, "t": _show_mute}


def _act(state: ForumState, kind: str, asked: Asked) -> Response:
    name, value = _ONE_CLICK
    one_click = kind == "u" and request.form.get(name) == value
    action = "one_click" if one_click else request.form.get("action", "")
    act = _ACTS.get((kind, action))
    if act is None:
        raise BadRequest(_(PRESS))
    what = "unsubscribed"
    if asked.address is not None:
        what = act(state, asked)
        addresses.note_active(asked.address, state.clock())
    state.session.commit()
    if one_click:
        # RFC 8058: the mail provider's machine wants no page and follows no redirect.
        return _one_click_answer()
    state.kick()
    return to_done(what)


def _confirm(state: ForumState, asked: Asked) -> str:
    assert asked.address is not None
    if subscriptions.confirm(state.session, asked.address, asked.generation, state.clock()):
        address_confirmed.send(state.app, address=asked.address)
    return "confirmed"


def _refuse(state: ForumState, asked: Asked) -> str:
    assert asked.address is not None
    subscriptions.refuse(state.session, state.keys, asked.address, state.clock())
    return "refused"


def _unsubscribe(cause: Literal["page", "one_click"]) -> Callable[[ForumState, Asked], str]:
    def act(state: ForumState, asked: Asked) -> str:
        assert asked.address is not None
        if subscriptions.unsubscribe(state.session, asked.address, cause, state.clock()):
            address_unsubscribed.send(state.app, address=asked.address)
        return "unsubscribed"

    return act


def _mute(days: int | None) -> Callable[[ForumState, Asked], str]:
    def act(state: ForumState, asked: Asked) -> str:
        if asked.address is not None and asked.thread is not None:
            subscriptions.mute(state.session, asked.address, asked.thread.id, state.clock(), days)
        return "muted"

    return act


def _unmute(state: ForumState, asked: Asked) -> str:
    if asked.address is not None and asked.thread is not None:
        subscriptions.unmute(state.session, asked.address, asked.thread.id)
    return "unmuted"


_ACTS: dict[tuple[str, str], Callable[[ForumState, Asked], str]] = {
    ("c", "confirm"): _confirm,
    ("x", "refuse"): _refuse,
    ("u", "one_click"): _unsubscribe("one_click"),
    ("u", "unsubscribe"): _unsubscribe("page"),
    ("u", "mute"): _mute(None),
    ("t", "mute"): _mute(None),
    ("t", "mute_week"): _mute(7),
    ("t", "unmute"): _unmute,
}


def _expired(state: ForumState, kind: str, token: str) -> Response:
    """A genuine link whose time is over: a confirmation can be asked for again, within the usual limits."""
    address = find(state, read_token(state.keys, kind, token)[0])
    if kind != "c" or address is None:
        return mail_page(_("This link is too old"), [_("Please use the link in a newer mail.")])
    if request.method == "GET":
        return mail_page(
            _("This link is too old"),
            [_("It was good for seven days."), _("We can send you a new one.")],
            [Action(_("Send me a new link"), "renew", True)],
            address,
        )
    if request.form.get("action") != "renew":
        raise BadRequest(_(PRESS))
    outbox.ask_again(state.session, state.keys, state.settings, address, state.network(), state.clock())
    state.session.commit()
    state.kick()
    return to_done("renewed")


def _one_click_answer() -> Response:
    response = make_response(_("You get no more mail from us") + ".\n", 200)
    response.mimetype = "text/plain"
    return unseen(response)
