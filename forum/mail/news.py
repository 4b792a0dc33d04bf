"""The mails that bring news of comments, from their rows to plain words; nothing is asked of the database here."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Sequence
from itertools import groupby
from typing import Any

from ..models import Item, Message
from ..outbox import audience
from ..tokens import day_number, make_token
from . import ancestry, compose
from .ancestry import Lineage
from .courier import Courier
from .notes import page, thread_url
from .patterns import mark
from .words import Words, language_of

KINDS = frozenset({"reply", "digest"})
_DORMANT_AFTER = dt.timedelta(days=365)


def write(courier: Courier, message: Message, items: Sequence[Item], lineage: Lineage, now: dt.datetime) -> Words:
    """The words of a message that tells of ``items``, which are at least one."""
    kind = _reply if message.kind == "reply" else _digest
    return kind(courier, message, items, lineage, now)


def still_there(message: Message, now: dt.datetime) -> bool:
    """Whether to ask if anybody reads this: nobody has done anything here for a year."""
    return now - message.address.active_at > _DORMANT_AFTER


def _reply(courier: Courier, message: Message, items: Sequence[Item], lineage: Lineage, now: dt.datetime) -> Words:
    thread = items[0].comment.thread
    arguments = {
        "thread_id": thread.id,
        "title": thread.title,
        "subject": compose.subject_of(thread.subject or thread.title, courier.settings.site_name),
        "thread_url": thread_url(courier, thread),
        "answers": tuple(_answer(courier, item) for item in items),
        "links": _links(courier),
        "reason": _strongest(items),
        "hourly": bool(message.data.get("hourly")),
    }
    values = _own(courier, message, thread.id)
    follows = ancestry.of(courier, lineage, message.address_id, items[0].comment)
    return Words(compose.reply, arguments | _asking(courier, message, now), values, *follows)


def _digest(courier: Courier, message: Message, items: Sequence[Item], lineage: Lineage, now: dt.datetime) -> Words:
    in_order = sorted(items, key=lambda item: (item.thread_id, item.comment_id))
    together = [list(some) for _, some in groupby(in_order, lambda item: item.thread_id)]
    threads = tuple(_digest_thread(courier, some) for some in together)
    cadence = message.data["cadence"]
    arguments = {
        "threads": threads,
        "links": _links(courier),
        "cadence": "daily" if cadence == "rolled" else cadence,
        "rolled": cadence == "rolled",
    }
    values = _own(courier, message, threads[0].thread_id)
    values |= {_mute(n): make_token(courier.keys, "t", message.address_id, n) for n in (t.thread_id for t in threads)}
    root = (ancestry.root_of(courier, threads[0].thread_id),) if len(threads) == 1 else ()
    return Words(compose.digest, arguments | _asking(courier, message, now), values, root[0] if root else None, root)


def _digest_thread(courier: Courier, items: Sequence[Item]) -> compose.DigestThread:
    thread = items[0].comment.thread
    return compose.DigestThread(
        thread_id=thread.id,
        title=thread.title,
        url=thread_url(courier, thread),
        answers=tuple(_answer(courier, item) for item in items),
        mute=page(courier, "t", mark(_mute(thread.id))),
    )


def _mute(thread_id: int) -> str:
    """The name of the mark for what silences one thread of a digest."""
    return f"t{thread_id}"


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
        url=f"{courier.comments}{comment.id}?since={_just_before(comment.created_at)}",
        reply_to_you=to_you,
        your_words=parent.source if parent is not None and to_you else None,
        parent_author=parent.name if parent is not None and not to_you else None,
    )


def _just_before(moment: dt.datetime) -> int:
    """The last whole second before ``moment``: the page marks what came after it as new, this comment included."""
    return math.ceil(moment.timestamp()) - 1


def _links(courier: Courier) -> compose.Links:
    """The links of everybody, with a mark where the recipient's own token goes."""
    return compose.Links(
        unsubscribe=page(courier, "u", mark("u")),
        mute=page(courier, "t", mark("t")),
        preferences=page(courier, "p", mark("p")),
    )


def _own(courier: Courier, message: Message, thread_id: int) -> dict[str, str]:
    numbers = {"u": (thread_id,), "t": (thread_id,), "p": (day_number(message.created_at),)}
    return {kind: make_token(courier.keys, kind, message.address_id, *more) for kind, more in numbers.items()}


def _asking(courier: Courier, message: Message, now: dt.datetime) -> dict[str, Any]:
    """Whether the mail asks if anybody reads it, and is the last before we take the silence for an answer."""
    asks = still_there(message, now)
    last = asks and message.address.nudges + 1 >= audience.DORMANT_AFTER
    return {"still_there": asks, "last": last, "language": language_of(courier.settings, message)}


def _strongest(items: Sequence[Item]) -> str:
    reasons = {item.reason for item in items}
    return next(reason for reason in ("reply", "branch", "thread") if reason in reasons)
