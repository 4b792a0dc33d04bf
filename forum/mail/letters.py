"""A claimed message in, a letter ready to be written out, or the reason why there is nothing left to say.

Everything is read here, in one short transaction; writing the letter then needs no database.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from urllib.parse import urljoin

from sqlalchemy.orm import Session

from .. import addresses, outbox
from ..models import Comment, Item, Message, SignIn, Thread
from ..outbox import Claim, audience
from ..tokens import day_number, make_token
from . import ancestry, compose, gate
from .courier import Courier
from .wire import Envelope

SIGN_IN_MINUTES = 30
# How long each link is good, in days; the pages behind them hold to it.
LINK_DAYS = {"p": 30, "o": 7, "n": 7}
_DORMANT_AFTER = dt.timedelta(days=365)

Write = Callable[[], bytes]


@dataclass(frozen=True)
class Letter:
    """One mail before it is rendered; ``write`` makes its bytes and may raise whatever a template raises."""

    message_id: int
    to: str
    write: Write


def prepare(session: Session, courier: Courier, claim: Claim, now: dt.datetime) -> Letter | None:
    """Ask every question once more; None when nothing is left to say, and the message is cancelled.

    The Date of the first attempt is kept for all later ones: a duplicate shall look like one.
    """
    message = session.get_one(Message, claim.message_id)
    if message.lease_token != claim.token:
        return None
    message.date_header = message.date_header or now
    write = _KINDS[message.kind](session, courier, message, now)
    if isinstance(write, str):
        message.state, message.skip_reason = "cancelled", write
        message.lease_token = message.lease_until = None
    session.flush()
    return None if isinstance(write, str) else Letter(message.id, message.to_addr, write)


def _confirm(session: Session, courier: Courier, message: Message, now: dt.datetime) -> Write | str:
    address, generation = message.address, message.data["generation"]
    if address.state not in outbox.WAITS or address.generation != generation:
        return f"address_{address.state}"
    suppressed = addresses.suppressed(session, courier.keys, address.key, now)
    if suppressed is not None:
        return f"suppressed:{suppressed}"
    day = day_number(message.created_at)
    return partial(
        compose.confirm,
        courier.env,
        courier.settings,
        _envelope(message),
        confirm_url=_page(courier, "c", address.id, generation, day),
        refuse_url=_page(courier, "x", address.id, day),
        language=_language(message),
    )


def _sign_in(session: Session, courier: Courier, message: Message, now: dt.datetime) -> Write | str:
    row = session.get(SignIn, message.data["sign_in"])
    if row is None or row.used_at is not None or row.expires_at <= now:
        return "link_used"
    url = courier.urls("forum.sign_in.enter", token=make_token(courier.keys, "s", row.id))
    write = partial(compose.sign_in, courier.env, courier.settings, _envelope(message))
    return partial(write, url=url, minutes=SIGN_IN_MINUTES)


def _link(session: Session, courier: Courier, message: Message, now: dt.datetime) -> Write | str:
    page, day = message.data["page"], day_number(message.created_at)
    numbers = {
        "p": (message.address_id,),
        "o": (message.address_id, message.data.get("comment", 0)),
        # Sent to the new address, about the old one it is to take over from.
        "n": (message.data.get("address", 0), message.address_id),
    }[page]
    return partial(
        compose.link,
        courier.env,
        courier.settings,
        _envelope(message),
        page=page,
        url=_page(courier, page, *numbers, day),
        days=LINK_DAYS[page],
        language=_language(message),
    )


def _notice(session: Session, courier: Courier, message: Message, now: dt.datetime) -> Write | str:
    comment = session.get(Comment, message.data["comment"])
    expected = {"approve": "published", "reject": "rejected"}[message.data["decision"]]
    if comment is None or comment.state != expected:
        return "comment_gone"
    return partial(
        compose.notice,
        courier.env,
        courier.settings,
        _envelope(message),
        decision=message.data["decision"],
        thread_title=comment.thread.title,
        # A rejected comment is nowhere to be seen, not even by its author.
        url=_thread_url(courier, comment.thread)
        if message.data["decision"] == "reject"
        else courier.urls("forum.comments.permalink", comment_id=comment.id),
        language=_language(message),
    )


def _moved(session: Session, courier: Courier, message: Message, now: dt.datetime) -> Write | str:
    return partial(compose.moved, courier.env, courier.settings, _envelope(message), language=_language(message))


def _reply(session: Session, courier: Courier, message: Message, now: dt.datetime) -> Write | str:
    items = gate.allowed(session, courier, message, now)
    if not items:
        return gate.refusal(message)
    thread = session.get_one(Thread, message.thread_id)
    # Bound now, as plain values: when the letter is written the session is closed.
    return partial(
        compose.reply,
        courier.env,
        courier.settings,
        _envelope(message, *ancestry.of(session, courier, message, items[0].comment)),
        thread_id=thread.id,
        title=thread.title,
        subject=compose.subject_of(thread.subject or thread.title, courier.settings.site_name),
        thread_url=_thread_url(courier, thread),
        answers=[_answer(courier, item) for item in items],
        links=_links(courier, message, thread.id),
        reason=_strongest(items),
        hourly=bool(message.data.get("hourly")),
        still_there=_still_there(message, now),
        last=_is_last(message, now),
        language=_language(message),
    )


def _digest(session: Session, courier: Courier, message: Message, now: dt.datetime) -> Write | str:
    items = gate.allowed(session, courier, message, now)
    if not items:
        return gate.refusal(message)
    in_order = sorted(items, key=lambda item: (item.thread_id, item.comment_id))
    together = [list(some) for _, some in groupby(in_order, lambda item: item.thread_id)]
    threads = [_digest_thread(courier, message, some) for some in together]
    root = (ancestry.root_of(courier, threads[0].thread_id),) if len(threads) == 1 else ()
    cadence = message.data["cadence"]
    return partial(
        compose.digest,
        courier.env,
        courier.settings,
        _envelope(message, root[0] if root else None, root),
        threads=threads,
        links=_links(courier, message, threads[0].thread_id),
        cadence="daily" if cadence == "rolled" else cadence,
        rolled=cadence == "rolled",
        still_there=_still_there(message, now),
        last=_is_last(message, now),
        language=_language(message),
    )


def _digest_thread(courier: Courier, message: Message, items: Sequence[Item]) -> compose.DigestThread:
    thread = items[0].comment.thread
    return compose.DigestThread(
        thread_id=thread.id,
        title=thread.title,
        url=_thread_url(courier, thread),
        answers=[_answer(courier, item) for item in items],
        mute=_page(courier, "t", message.address_id, thread.id),
    )


def _answer(courier: Courier, item: Item) -> compose.Answer:
    comment, parent = item.comment, item.comment.parent
    to_you = parent is not None and parent.address_id == item.address_id
    return compose.Answer(
        comment_id=comment.id,
        author=comment.name,
        # Links of strangers do not become clickable in a mailbox; the host vouches for its own people.
        trusted=comment.is_moderator or comment.identity_ref is not None,
        verified=comment.identity_ref is not None,
        moderator=comment.is_moderator,
        source=comment.source,
        created_at=comment.created_at,
        url=courier.urls("forum.comments.permalink", comment_id=comment.id),
        reply_to_you=to_you,
        your_words=parent.source if parent is not None and to_you else None,
        parent_author=parent.name if parent is not None and not to_you else None,
    )


def _links(courier: Courier, message: Message, thread_id: int) -> compose.Links:
    return compose.Links(
        unsubscribe=_page(courier, "u", message.address_id, thread_id),
        mute=_page(courier, "t", message.address_id, thread_id),
        preferences=_page(courier, "p", message.address_id, day_number(message.created_at)),
    )


def _still_there(message: Message, now: dt.datetime) -> bool:
    """Whether to ask if anybody reads this: nobody has done anything here for a year."""
    return now - message.address.active_at > _DORMANT_AFTER


def _is_last(message: Message, now: dt.datetime) -> bool:
    """Whether this is the last mail before we take the silence for an answer."""
    return _still_there(message, now) and message.address.nudges + 1 >= audience.DORMANT_AFTER


def note_sent(message: Message, now: dt.datetime) -> None:
    """Count the mails that asked whether anybody still reads them; after a few unanswered ones no more are sent."""
    if message.kind in ("reply", "digest") and _still_there(message, now):
        message.address.nudges += 1


def _strongest(items: Sequence[Item]) -> str:
    reasons = {item.reason for item in items}
    return next(reason for reason in ("reply", "branch", "thread") if reason in reasons)


def _thread_url(courier: Courier, thread: Thread) -> str:
    return urljoin((courier.settings.base_url or "") + "/", thread.url)


def _language(message: Message) -> str:
    return message.address.locale or "en"


def _envelope(message: Message, in_reply_to: str | None = None, references: tuple[str, ...] = ()) -> Envelope:
    date = message.date_header or message.created_at
    return Envelope(message.to_addr, message.rfc_message_id, date, in_reply_to, references)


def _page(courier: Courier, kind: str, *numbers: int) -> str:
    """The address of a mail page: all lie side by side below one path, whichever view answers."""
    root = courier.urls("forum.mail.done", what="muted").removesuffix("done/muted")
    return f"{root}{kind}/{make_token(courier.keys, kind, *numbers)}"


_KINDS: dict[str, Callable[[Session, Courier, Message, dt.datetime], Write | str]] = {
    "confirm": _confirm,
    "sign_in": _sign_in,
    "link": _link,
    "notice": _notice,
    "moved": _moved,
    "reply": _reply,
    "digest": _digest,
}
