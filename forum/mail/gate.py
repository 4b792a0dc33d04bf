"""The last questions before a mail leaves: each item is judged again, and the host is asked what only it knows."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import replace

from sqlalchemy.orm import Session

from .. import outbox
from ..models import Item, Message
from ..outbox import Facts, audience
from .courier import Courier


def allowed(session: Session, courier: Courier, message: Message, now: dt.datetime) -> list[Item]:
    """The items of ``message`` that may still be told, in the order they were written.

    Each of the others is skipped with its reason. While their reader has paused all mail, all go back to wait.
    """
    items = [item for item in message.items if item.state == "grouped"]
    paused = message.address.paused_until
    if paused is not None and paused > now:
        _wait(items, paused)
        return []
    return [item for item in items if _may_go(session, courier, item, now)]


def refusal(message: Message) -> str:
    """Why nothing of ``message`` may be told, in one word, after :func:`allowed` found nothing."""
    reasons = [item.skip_reason for item in message.items if item.state == "skipped"]
    return next((reason for reason in reasons if reason), "empty")


def _wait(items: Sequence[Item], until: dt.datetime) -> None:
    for item in items:
        item.state, item.message, item.due_at = "waiting", None, until


def _may_go(session: Session, courier: Courier, item: Item, now: dt.datetime) -> bool:
    known = outbox.decide(_facts(session, courier, item, now), dt.timedelta(days=courier.settings.mail_max_age_days))
    why_not = "address_unconfirmed" if known.word == "wait" else known.why_not
    if why_not is not None:
        item.state, item.skip_reason = "skipped", why_not
    return why_not is None


def _facts(session: Session, courier: Courier, item: Item, now: dt.datetime) -> Facts:
    standing = audience.standings(session, courier.keys, [(item.comment, item.address_id)], now)[item.comment_id, item.address_id]
    key, ref = item.comment.thread.key, item.subscription.identity_ref if item.subscription else None
    seen_at = courier.last_seen(key, ref) if ref is not None else None
    since = item.comment.published_at
    return replace(
        standing.facts,
        may_read=courier.may_read(key, item.address.email, ref),
        seen=seen_at is not None and since is not None and seen_at > since,
    )
