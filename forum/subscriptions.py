"""Who wants to hear about what: following, and every way of leaving. Each change is idempotent and audited."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from . import addresses, outbox
from .language import current
from .models import Address, Comment, Mute, Subscription
from .tokens import Keys

# Changed with the words beside the tick box, so that each consent can be shown as it was given.
WORDING = "2026-11"


@dataclass(frozen=True)
class Consent:
    """The proof that somebody asked: when, from which network, and under which host identity if any."""

    at: dt.datetime
    network: str | None
    identity_ref: str | None


def follow(
    session: Session, address: Address, comment: Comment, scope: Literal["direct", "branch", "thread"], consent: Consent
) -> Subscription:
    """Subscribe ``address`` to answers, to everything below ``comment``, or to its whole thread.

    It is written to in the language of the page it was first given on, until its owner chooses one.
    """
    target = _target(comment, scope)
    known = _find(session, address, target) if scope == "thread" else None
    subscription = known or Subscription(address=address, target=target, scope=scope, cadence="instant")
    subscription.thread_id = comment.thread_id
    subscription.comment_id = None if scope == "thread" else comment.id
    subscription.state = "active"
    if subscription.cadence == "off":
        # Whoever ticks the box wants to hear of it, whatever they switched off before.
        subscription.cadence = "instant"
    subscription.consent_at, subscription.consent_network = consent.at, consent.network
    subscription.consent_wording, subscription.identity_ref = WORDING, consent.identity_ref
    address.locale = address.locale or current()
    session.add(subscription)
    session.flush()
    return subscription


def asked_with(session: Session, comment_ids: Collection[int]) -> frozenset[int]:
    """Which of these comments were posted together with a wish to hear of answers."""
    same = (Subscription.address_id == Comment.address_id) & (Subscription.consent_at == Comment.created_at)
    query = select(Comment.id).join(Subscription, same).where(Comment.id.in_(comment_ids))
    return frozenset(session.scalars(query))


def confirm(session: Session, address: Address, generation: int, now: dt.datetime) -> bool:
    """Prove the address; answers that waited for it become due. False when the link has done its work already.

    It proves the mailbox and nothing else: no comment is published, changed or claimed by it.
    """
    if generation != address.generation or address.state not in outbox.WAITS:
        return False
    if address.state == "unsubscribed":
        _end_earlier(session, address)
    addresses.note_active(address, now)
    addresses.change(session, address, "confirmed", cause="page", actor="mail", now=now)
    outbox.release_waiting(session, address, now)
    return True


def _end_earlier(session: Session, address: Address) -> None:
    """Whoever comes back after leaving gets what they asked for now, not everything they once asked for."""
    earlier = (Subscription.address_id == address.id, Subscription.consent_at <= address.changed_at)
    session.execute(update(Subscription).where(*earlier).values(state="ended"))


def refuse(session: Session, keys: Keys, address: Address, now: dt.datetime) -> bool:
    """Never write to this address again, whoever types it; final. False when that was so already."""
    if not addresses.change(session, address, "refused", cause="page", actor="mail", now=now):
        return False
    addresses.suppress(session, keys, address, "refused", now)
    session.flush()
    return True


def unsubscribe(session: Session, address: Address, cause: Literal["page", "one_click"], now: dt.datetime) -> bool:
    """Stop all mail to the address at once, what is queued included. False when nothing was left to stop.

    A refusal is stronger and stays. Subscriptions keep their rows: the state of the address rules them.
    """
    if address.state in addresses.SILENT:
        return False
    return addresses.change(session, address, "unsubscribed", cause=cause, actor="mail", now=now)


def mute(session: Session, address: Address, thread_id: int, now: dt.datetime, days: int | None = None) -> None:
    """Silence one thread for ``days``, or for good; direct answers are silenced too."""
    row = _mute(session, address, thread_id) or Mute(address_id=address.id, thread_id=thread_id, created_at=now)
    row.until = None if days is None else now + dt.timedelta(days=days)
    session.add(row)
    session.flush()


def unmute(session: Session, address: Address, thread_id: int) -> None:
    """Hear from the thread again; subscriptions were never touched by the mute."""
    row = _mute(session, address, thread_id)
    if row is not None:
        session.delete(row)
        session.flush()


def is_muted(session: Session, address: Address, thread_id: int, now: dt.datetime) -> bool:
    """Whether the address has silenced the thread at this moment."""
    row = _mute(session, address, thread_id)
    return row is not None and (row.until is None or row.until > now)


def _target(comment: Comment, scope: str) -> str:
    if scope == "thread":
        return f"thread:{comment.thread_id}"
    return f"{'comment' if scope == 'direct' else 'branch'}:{comment.id}"


def _find(session: Session, address: Address, target: str) -> Subscription | None:
    if address.id is None:
        return None
    return session.scalar(
        select(Subscription).where(Subscription.address_id == address.id, Subscription.target == target)
    )


def _mute(session: Session, address: Address, thread_id: int) -> Mute | None:
    return session.scalar(select(Mute).where(Mute.address_id == address.id, Mute.thread_id == thread_id))
