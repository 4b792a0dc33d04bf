"""The pages behind the links in our mails. GET shows, POST acts: mail scanners follow every link they see.

The token is the only authority; no cookie, session or script is needed, and none is set.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from flask import Blueprint, Response, make_response, redirect, request, url_for
from werkzeug.exceptions import BadRequest

from .. import outbox, subscriptions
from ..errors import ExpiredToken
from ..models import Address, Thread
from ..signals import address_confirmed, address_unsubscribed
from ..sqlite import begin_writing
from ..state import ForumState, get
from ..tokens import check_age, read_token
from .pages import bare

blueprint = Blueprint("mail", __name__, url_prefix="/m")

_CONFIRM_DAYS, _REFUSE_DAYS = 7, 30
_ONE_CLICK = ("List-Unsubscribe", "One-Click")
_DONE = {
    "confirmed": (
        "You are confirmed",
        "From now on we write to you when somebody answers. Every mail has a link to stop.",
    ),
    "refused": ("We will not write to you again", "Nobody can make this site write to your address any more."),
    "unsubscribed": ("You get no more mail from us", "That holds at once, for mail that was already waiting too."),
    "muted": ("This conversation is muted", "You hear nothing more of it. Other conversations are not touched."),
    "unmuted": ("You hear from this conversation again", "We write to you when there is something new for you."),
    "renewed": ("Look into your inbox", "If your address still waits to be confirmed, a new link is on its way."),
}


@dataclass(frozen=True)
class Action:
    """One button of a mail page."""

    label: str
    value: str
    primary: bool = False


@dataclass(frozen=True)
class Asked:
    """What a genuine token is about; the rows may be gone by now."""

    address: Address | None
    thread: Thread | None
    generation: int = 0


@blueprint.route("/<any(c, x, u, t):kind>/<token>", methods=["GET", "POST"])
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


@blueprint.get("/done/<any(confirmed, refused, unsubscribed, muted, unmuted, renewed):what>")
def done(what: str) -> Response:
    """Say what was done; this address holds no token and may be kept."""
    title, sentence = _DONE[what]
    return _page(title, [sentence])


def _read(state: ForumState, kind: str, token: str) -> Asked:
    numbers = read_token(state.keys, kind, token)
    address = state.session.get(Address, numbers[0])
    if kind == "c":
        check_age(numbers[2], state.clock(), _CONFIRM_DAYS)
        return Asked(address, None, numbers[1])
    if kind == "x":
        check_age(numbers[1], state.clock(), _REFUSE_DAYS)
        return Asked(address, None)
    return Asked(address, state.session.get(Thread, numbers[1]))


def _show(state: ForumState, kind: str, asked: Asked) -> Response:
    if asked.address is None or (kind != "c" and asked.address.state == "refused"):
        return _page(*_nothing_more())
    title, sentences, actions = _SHOWN[kind](state, asked)
    return _page(title, sentences, actions, asked.address)


def _nothing_more() -> tuple[str, list[str]]:
    return _DONE["unsubscribed"][0], ["We keep no address that this link belongs to."]


def _show_confirm(state: ForumState, asked: Asked) -> tuple[str, list[str], list[Action]]:
    if asked.address is None or asked.generation != asked.address.generation:
        title, sentence = _DONE["confirmed"]
        return title, [sentence], []
    return (
        "Shall we write to you?",
        [
            f"Somebody, hopefully you, asked {state.settings.site_name} to write to this address about answers.",
            "If it was not you, close this page: without your word nothing is ever sent.",
        ],
        [Action("Yes, write to me", "confirm", True)],
    )


def _show_refuse(state: ForumState, asked: Asked) -> tuple[str, list[str], list[Action]]:
    return (
        "Never write to this address?",
        [f"{state.settings.site_name} will then never write to it again, whoever asks."],
        [Action("Never write to me", "refuse", True)],
    )


def _show_unsubscribe(state: ForumState, asked: Asked) -> tuple[str, list[str], list[Action]]:
    actions = [Action("Stop all mail", "unsubscribe", True)]
    if asked.thread is not None:
        actions.append(Action("Only mute this conversation", "mute"))
    about = [f"The last conversation was “{asked.thread.title}”."] if asked.thread is not None else []
    return f"Stop mail from {state.settings.site_name}?", about, actions


def _show_mute(state: ForumState, asked: Asked) -> tuple[str, list[str], list[Action]]:
    if asked.address is None or asked.thread is None:
        return (*_nothing_more(), [])
    muted = subscriptions.is_muted(state.session, asked.address, asked.thread.id, state.clock())
    if muted:
        return "This conversation is muted", [f"“{asked.thread.title}”"], [Action("Hear from it again", "unmute", True)]
    actions = [Action("Mute it", "mute", True), Action("Mute it for 7 days", "mute_week")]
    return "Mute this conversation?", [f"“{asked.thread.title}”"], actions


_SHOWN = {"c": _show_confirm, "x": _show_refuse, "u": _show_unsubscribe, "t": _show_mute}


def _act(state: ForumState, kind: str, asked: Asked) -> Response:
    name, value = _ONE_CLICK
    one_click = kind == "u" and request.form.get(name) == value
    action = "one_click" if one_click else request.form.get("action", "")
    act = _ACTS.get((kind, action))
    if act is None:
        # Scanners do send empty posts.
        raise BadRequest("Please press the button on the page.")
    what = act(state, asked) if asked.address is not None else "unsubscribed"
    state.session.commit()
    if one_click:
        # RFC 8058: the mail provider's machine wants no page and follows no redirect.
        return _one_click_answer()
    state.kick()
    return _private_redirect(url_for("forum.mail.done", what=what))


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
    address = state.session.get(Address, read_token(state.keys, kind, token)[0])
    if kind != "c" or address is None:
        return _page("This link is too old", ["Please use the link in a newer mail."])
    if request.method == "GET":
        return _page(
            "This link is too old",
            ["It was good for seven days. We can send you a new one."],
            [Action("Send me a new link", "renew", True)],
            address,
        )
    if request.form.get("action") != "renew":
        raise BadRequest("Please press the button on the page.")
    outbox.ask_again(state.session, state.keys, state.settings, address, state.network(), state.clock())
    state.session.commit()
    state.kick()
    return _private_redirect(url_for("forum.mail.done", what="renewed"))


def _page(
    title: str, sentences: list[str], actions: list[Action] | None = None, address: Address | None = None
) -> Response:
    return bare(
        "forum/mail_page.html",
        title=title,
        paragraphs=sentences,
        actions=actions or [],
        address_masked=masked(address.email) if address is not None else None,
        site_name=get().settings.site_name,
    )


def masked(email: str) -> str:
    """An address as its owner recognises it and nobody else learns it."""
    local, _, domain = email.rpartition("@")
    return f"{local[:1]}•••@{domain}"


def _one_click_answer() -> Response:
    response = make_response("You get no more mail from us.\n", 200)
    response.mimetype = "text/plain"
    return _unseen(response)


def _private_redirect(url: str) -> Response:
    return _unseen(make_response(redirect(url, 303)))


def _unseen(response: Response) -> Response:
    response.headers["Cache-Control"] = "no-store"
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["X-Robots-Tag"] = "noindex"
    return response
