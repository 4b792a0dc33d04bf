"""The mails that bring no news of comments: links somebody asked for, notices and warnings."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from urllib.parse import urljoin

from sqlalchemy.orm import Session

from .. import outbox
from ..language import using
from ..models import Comment, Message, SignIn, Thread
from ..tokens import day_number, make_token
from . import compose, desk
from .courier import Courier
from .patterns import mark
from .words import Words, language_of

SIGN_IN_MINUTES = 30
# How long each link is good, in days; the pages behind them hold to it.
LINK_DAYS = {"p": 30, "o": 7, "n": 7}


def write(session: Session, courier: Courier, message: Message, now: dt.datetime) -> Words | str:
    """The words of ``message``, or the reason in a word why it must not be sent or nothing is left to say."""
    why_not = _unreachable(session, courier, message, now)
    if why_not is not None:
        return why_not
    # What the screening said of a comment is put into words here.
    with using(language_of(courier.settings, message)):
        return _KINDS[message.kind](session, courier, message, now)


def thread_url(courier: Courier, thread: Thread) -> str:
    """The absolute address of the page a thread belongs to."""
    return urljoin((courier.settings.base_url or "") + "/", thread.url)


def page(courier: Courier, kind: str, token: str) -> str:
    """The address of a mail page: all lie side by side below one path, whichever view answers."""
    return f"{courier.mail_pages}{kind}/{token}"


def _unreachable(session: Session, courier: Courier, message: Message, now: dt.datetime) -> str | None:
    # Signing in is a moderator's duty: it does not depend on what they think of mail about comments.
    if message.kind == "sign_in":
        return None
    return outbox.unreachable(session, courier.keys, message.address, now)


def _confirm(session: Session, courier: Courier, message: Message, now: dt.datetime) -> Words | str:
    address, generation = message.address, message.data["generation"]
    if address.state not in outbox.WAITS or address.generation != generation:
        return f"address_{address.state}"
    day = day_number(message.created_at)
    return Words(
        compose.confirm,
        {
            "confirm_url": page(courier, "c", mark("c")),
            "refuse_url": page(courier, "x", mark("x")),
            "language": language_of(courier.settings, message),
        },
        {
            "c": make_token(courier.keys, "c", address.id, generation, day),
            "x": make_token(courier.keys, "x", address.id, day),
        },
    )


def _sign_in(session: Session, courier: Courier, message: Message, now: dt.datetime) -> Words | str:
    row = session.get(SignIn, message.data["sign_in"])
    if row is None or row.used_at is not None or row.expires_at <= now:
        return "link_used"
    arguments = {"url": courier.urls("forum.sign_in.enter", token=mark("s")), "minutes": SIGN_IN_MINUTES}
    arguments["language"] = language_of(courier.settings, message)
    return Words(compose.sign_in, arguments, {"s": make_token(courier.keys, "s", row.id)})


def _link(session: Session, courier: Courier, message: Message, now: dt.datetime) -> Words:
    kind, day = message.data["page"], day_number(message.created_at)
    numbers = {
        "p": (message.address_id,),
        "o": (message.address_id, message.data.get("comment", 0)),
        # Sent to the new address, about the old one it is to take over from.
        "n": (message.data.get("address", 0), message.address_id),
    }[kind]
    url = page(courier, kind, mark(kind))
    arguments = {"page": kind, "url": url, "days": LINK_DAYS[kind], "language": language_of(courier.settings, message)}
    return Words(compose.link, arguments, {kind: make_token(courier.keys, kind, *numbers, day)})


def _notice(session: Session, courier: Courier, message: Message, now: dt.datetime) -> Words | str:
    comment, decision = session.get(Comment, message.data["comment"]), message.data["decision"]
    expected = {"approve": "published", "reject": "rejected"}[decision]
    if comment is None or comment.state != expected:
        return "comment_gone"
    # A rejected comment is nowhere to be seen, not even by its author.
    url = thread_url(courier, comment.thread) if decision == "reject" else f"{courier.comments}{comment.id}"
    arguments = {"decision": decision, "thread_title": comment.thread.title, "url": url}
    return Words(compose.notice, arguments | {"language": language_of(courier.settings, message)})


def _moved(session: Session, courier: Courier, message: Message, now: dt.datetime) -> Words:
    return Words(compose.moved, {"language": language_of(courier.settings, message)})


_KINDS: dict[str, Callable[[Session, Courier, Message, dt.datetime], Words | str]] = {
    "confirm": _confirm,
    "sign_in": _sign_in,
    "link": _link,
    "notice": _notice,
    "moved": _moved,
    "queue": desk.write,
}
