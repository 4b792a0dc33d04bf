"""The one mail an unconfirmed address may get, and the limits that keep it from becoming a weapon.

Double opt-in alone does not stop subscription bombing: confirmation mails are the bombs. So they are counted by
address, network, domain and site, and every one that was not written leaves a row that says why.
"""

from __future__ import annotations

import datetime as dt

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from .. import addresses
from ..models import Address, Comment, Message, Subscription
from ..settings import Settings
from ..tokens import Keys, message_id
from . import writing

_LIFE = dt.timedelta(hours=24)
# Whoever unsubscribed and ticks a box again is asked like a stranger; until they confirm they stay unsubscribed.
WAITS = frozenset({"none", "pending", "unsubscribed"})


def ask_author(session: Session, keys: Keys, settings: Settings, comment: Comment, now: dt.datetime) -> None:
    """Ask the author of a published comment to confirm, if they ticked the box and have not yet."""
    if comment.address is not None and _ticked(session, comment):
        ask_again(session, keys, settings, comment.address, comment.network, now)


def ask_again(
    session: Session, keys: Keys, settings: Settings, address: Address, network: str | None, now: dt.datetime
) -> None:
    """Write one confirmation mail to an address that waits for it, within the limits; to others nothing."""
    if address.state not in WAITS:
        return
    if addresses.suppressed(session, keys, address.key, now) is not None:
        return
    if address.state == "none":
        addresses.change(session, address, "pending", cause="comment", actor="visitor", now=now)
    message = _message(session, keys, settings, address, network, now)
    limit = _limit_reached(session, settings, message, now)
    if limit is not None:
        message.state, message.skip_reason = "cancelled", f"limit:{limit}"
    session.add(message)
    session.flush()


def _ticked(session: Session, comment: Comment) -> bool:
    """Whether a box was ticked with this very comment; an older wish asks nobody again."""
    query = select(Subscription.id).where(
        Subscription.address_id == comment.address_id,
        Subscription.thread_id == comment.thread_id,
        Subscription.state == "active",
        Subscription.consent_at >= comment.created_at,
    )
    return session.scalar(query.limit(1)) is not None


def _message(
    session: Session, keys: Keys, settings: Settings, address: Address, network: str | None, now: dt.datetime
) -> Message:
    number = writing.next_number(session)
    rfc_id = message_id(keys, settings.mail_domain or "", f"s{address.id}.", number, "confirm", address.id)
    data = {"generation": address.generation}
    return writing.message(address, "confirm", rfc_id, now, _LIFE, data=data, network=network)


def _limit_reached(session: Session, settings: Settings, message: Message, now: dt.datetime) -> str | None:
    for scope, limit in settings.mail_confirm_items:
        same = _same(scope, message, settings)
        if same is None:
            continue
        since = now - dt.timedelta(seconds=limit.get_expiry())
        query = select(func.count()).where(
            Message.kind == "confirm", Message.state != "cancelled", Message.created_at > since, same
        )
        with session.no_autoflush:
            if (session.scalar(query) or 0) >= limit.amount:
                return scope
    return None


def _same(scope: str, message: Message, settings: Settings) -> ColumnElement[bool] | None:
    """Which earlier confirmation mails count against this one; None where the limit does not apply."""
    if scope == "address":
        return Message.address_id == message.address.id
    if scope == "network":
        return None if message.network is None else Message.network == message.network
    if scope == "domain":
        return None if message.domain in settings.mail_big_domains else Message.domain == message.domain
    return Message.id.is_not(None)
