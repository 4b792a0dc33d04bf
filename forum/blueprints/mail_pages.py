"""What all pages behind mail links look like: a few words, a few buttons, and a last page that holds no token."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import ParamSpec

from flask import Response, make_response, redirect, request, url_for
from limits import parse
from limits.errors import StorageError
from sqlalchemy.exc import IntegrityError
from werkzeug.exceptions import BadRequest

from .. import addresses, preferences
from ..errors import TooFast
from ..forms import ActForm, session_token
from ..language import N_, ngettext
from ..language import gettext as _
from ..models import Address
from ..negotiation import speak, spoken
from ..state import ForumState, get
from .pages import bare

log = logging.getLogger("forum")

SESSION_CHANGED = N_("Your session has changed since this page was opened. Please press the button once more.")
# To scanners, which do send empty posts, and whoever has an old page open.
PRESS = N_("Please press a button on the page.")
_TOO_OLD = N_("This link is too old")
# One household asks for a link now and then; whoever asks for many is looking for somebody.
_LIMIT = parse("10 per hour")
DONE = {
    "confirmed": (
        N_("You are confirmed"),
        N_("From now on we write to you when somebody answers. Every mail has a link to stop."),
    ),
    "refused": (N_("We will not write to you again"), N_("Nobody can make this site write to your address any more.")),
    "unsubscribed": (
        N_("You get no more mail from us"),
        N_("That holds at once, for mail that was already waiting too."),
    ),
    "muted": (
        N_("This conversation is muted"),
        N_("You hear nothing more of it. Other conversations are not touched."),
    ),
    "unmuted": (
        N_("You hear from this conversation again"),
        N_("We write to you when there is something new for you."),
    ),
    "renewed": (
        N_("Look into your inbox"),
        N_("If your address still waits to be confirmed, a new link is on its way."),
    ),
    "linked": (N_("Look into your inbox"), N_("If we may write to your address, a new link is on its way.")),
    "asked": (
        N_("Look into your inbox"),
        N_("If this comment was written with that address, a link to it is on its way. It is good for seven days."),
    ),
    "moved": (
        N_("From now on we use your new address"),
        N_("Your comments, what you follow and what you have muted came along."),
    ),
    "withdrawn": (N_("Your comment is gone"), N_("Its words and your name are erased. Answers to it stay.")),
    "forgotten": (N_("Your address is forgotten"), N_("Your comments stay, without your name. Nothing more is sent.")),
}


P = ParamSpec("P")


@dataclass(frozen=True)
class Action:
    """One button of a mail page."""

    label: str
    value: str
    primary: bool = False


def mail_page(
    title: str,
    sentences: list[str],
    actions: list[Action] | None = None,
    address: Address | None = None,
    *,
    status: int = 200,
    csrf_token: str | None = None,
) -> Response:
    """A page of words and buttons; ``address`` is shown as its owner knows it and nobody else learns it."""
    return bare(
        "forum/mail_page.html",
        status,
        title=title,
        paragraphs=sentences,
        actions=actions or [],
        address_masked=addresses.masked(address.email) if address is not None else None,
        site_name=get().settings.site_name,
        csrf_token=csrf_token,
    )


def gone() -> Response:
    """What there is to say where no address is left."""
    return mail_page(_(DONE["unsubscribed"][0]), [_("We keep no address that this link belongs to.")])


def nothing_here(sentence: str) -> Response:
    """What whoever follows a damaged link reads, on a site without a page of its own for what does not exist."""
    return mail_page(_("Nothing here"), [sentence], status=404)


def find(state: ForumState, address_id: int) -> Address | None:
    """The address a token is about, unless it was forgotten; for a press it is locked until that is carried out.

    From here on the request is answered in its language, as the mail with the link was written.
    """
    address = addresses.get(state.session, address_id, for_update=request.method == "POST")
    if address is None or preferences.is_forgotten(address):
        return None
    speak(address.locale)
    return address


def expired(state: ForumState, address: Address, days: int, comment_id: int | None = None) -> Response:
    """A genuine link whose time is over: whoever holds it may have a new one sent to the same mailbox."""
    good_for = ngettext("It was good for %(n)s day.", "It was good for %(n)s days.", days)
    words = [good_for, _("We can send you a new one.")]
    if request.method == "GET":
        return _renewal(words, address)
    if request.form.get("action") != "renew":
        raise BadRequest(_(PRESS))
    if not session_holds():
        return _renewal([_(SESSION_CHANGED)], address, 422)
    try:
        count_asking(state)
    except TooFast as error:
        return too_fast(_renewal([error.message], address, 429), error)
    now, network = state.clock(), state.network()
    preferences.mail_link(
        state.session, state.keys, state.settings, address, now, comment_id=comment_id, network=network
    )
    state.session.commit()
    state.kick()
    return to_done("linked")


def _renewal(words: list[str], address: Address, status: int = 200) -> Response:
    actions = [Action(_("Send me a new link"), "renew", True)]
    return mail_page(_(_TOO_OLD), words, actions, address, status=status, csrf_token=session_token())


def pressed_twice(view: Callable[P, Response]) -> Callable[P, Response]:
    """Where the same press came at the same moment and was faster, look again and find it done."""

    @wraps(view)
    def answer(*args: P.args, **kwargs: P.kwargs) -> Response:
        try:
            return view(*args, **kwargs)
        except IntegrityError:
            get().session.rollback()
            return view(*args, **kwargs)

    return answer


def session_holds() -> bool:
    """Whether the form was sent by the session it was shown to."""
    return bool(ActForm(meta={"csrf": True}).validate_on_submit())


def count_asking(state: ForumState) -> None:
    """Count one request for a link from this network. Raises TooFast after ten in an hour.

    Where they are counted elsewhere and that place is away, nothing is counted: people come before limits.
    """
    try:
        is_welcome = state.limiter.hit(_LIMIT, "links", state.network() or "unknown")
    except StorageError as error:
        log.warning("the store of the rate limits is away: %s", error)
        return
    if not is_welcome:
        raise TooFast(_("That was often. Please look into your inbox, or try again in an hour."), 3600)


def too_fast(response: Response, error: TooFast) -> Response:
    """Say to programs too when the next try is welcome."""
    response.headers["Retry-After"] = str(error.retry_after)
    return response


def to_done(what: str) -> Response:
    """Lead away from the page with the token."""
    return unseen(make_response(redirect(url_for("forum.mail.done", what=what, language=spoken()), 303)))


def unseen(response: Response) -> Response:
    """Let nobody keep the answer or learn where its reader came from."""
    response.headers["Cache-Control"] = "no-store"
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["X-Robots-Tag"] = "noindex"
    return response
