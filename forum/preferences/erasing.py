"""Names taken off, and whole addresses forgotten: what was said stays in its conversation, who said it does not."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Sequence

from sqlalchemy import ColumnElement, delete, select, update
from sqlalchemy.orm import Session

from .. import addresses, audit, learning, threads
from ..models import (
    ActorMute,
    Address,
    Attempt,
    Audit,
    Captured,
    Comment,
    Item,
    Message,
    Mute,
    Pace,
    Subscription,
    Suppression,
)
from ..outbox import tallies
from ..tokens import Keys, keyed_hashes
from . import desk

NOBODY = "Someone"
# Whoever said no stays spared, by a hash that cannot be read back; nobody else leaves even that.
_SAID_NO = frozenset({"unsubscribed", "refused", "complained"})


def anonymise(session: Session, comment: Comment) -> None:
    """Take name and website off a comment, and what the spam filter learned of it; its author keeps the right to it."""
    _anonymise(session, [comment])


def _anonymise(session: Session, comments: Sequence[Comment]) -> None:
    # Deleted by its author a comment has no name already, and is shown as nobody's.
    named = [comment for comment in comments if comment.name and (comment.name, comment.website) != (NOBODY, None)]
    for comment in named:
        threads.raise_version(session, comment.thread_id)
    # By the names, too, the words were counted.
    learning.learn_all(session, comments, None)
    for comment in named:
        comment.name, comment.website = NOBODY, None
        comment.version += 1
    session.flush()


def forget(session: Session, keys: Keys, address: Address, now: dt.datetime, *, actor: str = "mail") -> None:
    """Erase the address and all that hangs on it; its comments stay, written by "Someone". ``actor`` goes on record.

    The row remains as an empty shell, because messages are counted by it and old links name its number.
    """
    session.refresh(address, with_for_update=addresses.LOCK)
    if is_forgotten(address):
        return
    _keep_the_no(session, keys, address, now)
    email, key = address.email, address.key
    forget_author(session, keys, Comment.address_id == address.id)
    desk.forget(session, keys, email, key)
    _erase_mail(session, address)
    tallies.keep(session, tallies.of_items(session, Item.address_id == address.id))
    for model in (Item, Subscription, Mute, Pace):
        session.execute(delete(model).where(model.address_id == address.id))
    session.execute(delete(ActorMute).where((ActorMute.address_id == address.id) | (ActorMute.actor_id == address.id)))
    session.execute(delete(Captured).where(Captured.envelope_to.in_((email, key))))
    _empty(session, address, actor, now)
    for earlier in _earlier(session, address):
        forget(session, keys, earlier, now, actor=actor)


def forget_author(session: Session, keys: Keys, *which: ColumnElement[bool]) -> None:
    """Forget who wrote these comments, what they said before they were edited, and what was refused of them."""
    locked = select(Comment).where(*which).order_by(Comment.id).with_for_update(key_share=True)
    mine = session.scalars(locked.execution_options(populate_existing=True)).all()
    desk.forget_writing(session, keys, mine)
    _anonymise(session, mine)
    for comment in mine:
        unsign(comment)
    session.flush()


def unsign(comment: Comment) -> None:
    """Take off a comment everything by which its author is recognised."""
    comment.address_id = comment.identity_ref = comment.visitor_hash = comment.network = None
    # It was made of the address too, and whoever has a guess could check it.
    comment.digest = hashlib.sha256(f"forgotten {comment.id}".encode()).hexdigest()


def is_forgotten(address: Address) -> bool:
    """Whether only the shell of it is left."""
    return address.state == "forgotten"


def _keep_the_no(session: Session, keys: Keys, address: Address, now: dt.datetime) -> None:
    hashes = keyed_hashes(keys, "suppression", address.key)
    if address.state not in _SAID_NO:
        said = Suppression.why.in_(_SAID_NO)
        session.execute(delete(Suppression).where(Suppression.key_hash.in_(hashes), ~said))
    elif session.scalar(select(Suppression.id).where(Suppression.key_hash.in_(hashes)).limit(1)) is None:
        addresses.suppress(session, keys, address, address.state, now)


def _earlier(session: Session, address: Address) -> Sequence[Address]:
    """Addresses of the same person that were exchanged for this one and not used since."""
    came_here = select(Audit.subject_id).where(
        Audit.subject_kind == "address", Audit.act == "moved", Audit.after == str(address.id)
    )
    used = select(Comment.id).where(Comment.address_id == Address.id)
    unused = (Address.id.in_(came_here), Address.state == "none", ~used.exists())
    return session.scalars(select(Address).where(*unused)).all()


def _erase_mail(session: Session, address: Address) -> None:
    """What waits is not sent; of what was sent only the kind, the time and the outcome remain."""
    mine = select(Message.id).where(Message.address_id == address.id)
    # Servers like to repeat the address in their answers.
    session.execute(update(Attempt).where(Attempt.message_id.in_(mine)).values(text=""))
    session.execute(
        update(Message)
        .where(Message.address_id == address.id, Message.state.in_(("ready", "claimed", "sending")))
        .values(state="cancelled", skip_reason="erased", lease_token=None, lease_until=None)
    )
    session.execute(
        update(Message)
        .where(Message.address_id == address.id)
        .values(to_addr="", domain="", network=None, last_error=None, data={})
    )


def _empty(session: Session, address: Address, actor: str, now: dt.datetime) -> None:
    address.key, address.email = f"forgotten:{address.id}", ""
    address.locale = address.paused_until = address.confirmed_at = None
    address.generation += 1
    audit.record(session, address, "forgotten", actor=actor, now=now, before=address.state, after="forgotten")
    address.state, address.changed_at = "forgotten", now
    session.flush()
