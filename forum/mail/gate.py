"""The last questions before a mail leaves: each item is judged again, and the host is asked what only it knows.

The host is asked while no transaction is open: it may take its time, or write to the same database.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from .. import outbox
from ..models import Item, Message
from ..outbox import Facts, Standing
from .courier import Courier

Standings = Mapping[tuple[int, int], Standing]


@dataclass
class Verdict:
    """What of a message may be told: the ``items`` that go, and what ``changes`` in the rows of the others.

    ``why_not`` is the reason in a word when nothing may be told.
    """

    items: list[Item] = field(default_factory=list)
    changes: dict[int, dict[str, Any]] = field(default_factory=dict)
    why_not: str | None = None


def judge(courier: Courier, message: Message, standings: Standings, now: dt.datetime) -> Verdict:
    """Judge the items of ``message`` in the order they were written; raises what a hook of the host raises.

    While their reader has paused all mail, or their mailbox rests after a refusal, all go back to wait.
    """
    items = [item for item in message.items if item.state == "grouped"]
    until = outbox.paused(message.address, now)
    if until is not None:
        back = {"state": "waiting", "message_id": None, "due_at": until}
        return Verdict(changes={item.id: back for item in items}, why_not="empty")
    verdict = Verdict()
    for item in items:
        why_not = _why_not(courier, item, message.address.email, standings[item.comment_id, item.address_id])
        if why_not is None:
            verdict.items.append(item)
        else:
            verdict.changes[item.id] = {"state": "skipped", "skip_reason": why_not}
            verdict.why_not = verdict.why_not or why_not
    verdict.why_not = None if verdict.items else verdict.why_not or "empty"
    return verdict


def _why_not(courier: Courier, item: Item, email: str, standing: Standing) -> str | None:
    facts = _ask_host(courier, item, email, standing)
    known = outbox.decide(facts, dt.timedelta(days=courier.settings.mail_max_age_days))
    return "address_unconfirmed" if known.word == "wait" else known.why_not


def _ask_host(courier: Courier, item: Item, email: str, standing: Standing) -> Facts:
    key, ref = item.comment.thread.key, standing.identity_ref
    seen_at = courier.last_seen(key, ref) if ref is not None else None
    since = item.comment.published_at
    return replace(
        standing.facts,
        may_read=courier.may_read(key, email, ref),
        seen=seen_at is not None and since is not None and seen_at > since,
    )
