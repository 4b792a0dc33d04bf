"""A claimed message in, a letter ready to be written out: the late gate, and what the letter will say.

Everything is read here, in one short transaction; writing the letter then needs no database.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from urllib.parse import urljoin

from sqlalchemy import select
from sqlalchemy.orm import Session

from .. import addresses, outbox, threads
from ..models import Comment, Item, Message, SignIn, Thread
from ..outbox import Claim, audience
from ..tokens import day_number, make_token, message_id
from . import compose
from .courier import Courier
from .wire import Envelope

SIGN_IN_MINUTES = 30
_MOST_REFERENCES = 8


@dataclass(frozen=True)
class Letter:
    """One mail before it is rendered; ``write`` makes its bytes and may raise whatever a template raises."""

    message_id: int
    to: str
    write: Callable[[], bytes]


def gate(session: Session, courier: Courier, claim: Claim, now: dt.datetime) -> Letter | None:
    """Ask every question once more; None when nothing is left to say, and the message is cancelled.

    The Date of the first attempt is kept for all later ones: a duplicate shall look like one.
    """
    message = session.get_one(Message, claim.message_id)
    if message.lease_token != claim.token:
        return None
    message.date_header = message.date_header or now
    letter, refusal = _KINDS[message.kind](session, courier, message, now)
    if letter is None:
        message.state, message.skip_reason = "cancelled", refusal
        message.lease_token = message.lease_until = None
    session.flush()
    return letter


def _confirm(
    session: Session, courier: Courier, message: Message, now: dt.datetime
) -> tuple[Letter | None, str | None]:
    address, generation = message.address, message.data["generation"]
    if address.state not in outbox.WAITS or address.generation != generation:
        return None, f"address_{address.state}"
    suppressed = addresses.suppressed(session, courier.keys, address.key, now)
    if suppressed is not None:
        return None, f"suppressed:{suppressed}"
    day = day_number(message.created_at)
    confirm_url = _page(courier, "c", address.id, generation, day)
    refuse_url = _page(courier, "x", address.id, day)
    write = partial(compose.confirm, courier.env, courier.settings, _envelope(message))
    return _letter(message, partial(write, confirm_url=confirm_url, refuse_url=refuse_url)), None


def _sign_in(
    session: Session, courier: Courier, message: Message, now: dt.datetime
) -> tuple[Letter | None, str | None]:
    row = session.get(SignIn, message.data["sign_in"])
    if row is None or row.used_at is not None or row.expires_at <= now:
        return None, "link_used"
    url = courier.urls("forum.sign_in.enter", token=make_token(courier.keys, "s", row.id))
    write = partial(compose.sign_in, courier.env, courier.settings, _envelope(message))
    return _letter(message, partial(write, url=url, minutes=SIGN_IN_MINUTES)), None


def _reply(session: Session, courier: Courier, message: Message, now: dt.datetime) -> tuple[Letter | None, str | None]:
    items = [item for item in message.items if item.state == "grouped"]
    allowed = [item for item in items if _still_allowed(session, courier, item, now)]
    if not allowed:
        return None, items[0].skip_reason if items else "empty"
    thread = session.get_one(Thread, message.thread_id)
    links = compose.Links(
        unsubscribe=_page(courier, "u", message.address_id, thread.id),
        mute=_page(courier, "t", message.address_id, thread.id),
    )
    envelope = _envelope(message, *_ancestry(session, courier, message, allowed[0].comment))
    # Bound now, as plain values: when the letter is written the session is closed.
    write = partial(
        compose.reply,
        courier.env,
        courier.settings,
        envelope,
        thread_id=thread.id,
        title=thread.title,
        subject=compose.subject_of(thread.subject or thread.title, courier.settings.site_name),
        thread_url=urljoin((courier.settings.base_url or "") + "/", thread.url),
        answers=[_answer(courier, item) for item in allowed],
        links=links,
        reason=_strongest(allowed),
    )
    return _letter(message, write), None


def _still_allowed(session: Session, courier: Courier, item: Item, now: dt.datetime) -> bool:
    """Judge an item again as at fan-out, and ask the host whether the reader may still see the page."""
    known = audience.standings(session, courier.keys, item.comment, [item.address_id], now)
    facts = known[item.address_id].facts
    decision = outbox.decide(facts, dt.timedelta(days=courier.settings.mail_max_age_days))
    why_not = decision.why_not
    if decision.word == "wait":
        why_not = "address_unconfirmed"
    elif why_not is None and not _may_read(courier, item):
        why_not = "access"
    if why_not is None:
        return True
    item.state, item.skip_reason = "skipped", why_not
    return False


def _may_read(courier: Courier, item: Item) -> bool:
    ref = item.subscription.identity_ref if item.subscription else None
    return courier.may_read(item.comment.thread.key, item.address.email, ref)


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


def _ancestry(session: Session, courier: Courier, message: Message, comment: Comment) -> tuple[str, tuple[str, ...]]:
    """In-Reply-To and References: the thread's own root first, then the nearest ancestors down to the parent."""
    domain = courier.settings.mail_domain or ""
    root = f"<a{comment.thread_id}@{domain}>"
    chain = threads.above(session, comment)[:_MOST_REFERENCES]
    carried = _carried(session, message.address_id, chain)
    ids = [
        carried.get(above) or message_id(courier.keys, domain, "c", above, "reply", message.address_id)
        for above in reversed(chain)
    ]
    references = tuple(dict.fromkeys([root, *ids]))
    return references[-1], references


def _carried(session: Session, address_id: int, comment_ids: Sequence[int]) -> dict[int, str]:
    """Which mail told this address of which comment: several may have travelled in one."""
    rows = session.execute(
        select(Item.comment_id, Message.rfc_message_id)
        .join(Message, Item.message_id == Message.id)
        .where(Item.address_id == address_id, Item.comment_id.in_(comment_ids), Item.state == "sent")
    )
    return dict(rows.all())


def _strongest(items: Sequence[Item]) -> str:
    reasons = {item.reason for item in items}
    return next(reason for reason in ("reply", "branch", "thread") if reason in reasons)


def _envelope(message: Message, in_reply_to: str | None = None, references: tuple[str, ...] = ()) -> Envelope:
    date = message.date_header or message.created_at
    return Envelope(message.to_addr, message.rfc_message_id, date, in_reply_to, references)


def _letter(message: Message, write: Callable[[], bytes]) -> Letter:
    return Letter(message.id, message.to_addr, write)


def _page(courier: Courier, kind: str, *numbers: int) -> str:
    return courier.urls("forum.mail.page", kind=kind, token=make_token(courier.keys, kind, *numbers))


_KINDS = {"confirm": _confirm, "reply": _reply, "sign_in": _sign_in}
