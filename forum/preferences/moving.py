"""From one address to another: asked for at the old one, proved at the new one, and only then carried out.

Until the proof mail goes on to the old address, so that a slip in the new one costs nothing but what was already
queued. That follows if the proof comes within a day.
"""

from __future__ import annotations

import datetime as dt

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from .. import addresses, audit, outbox, subscriptions
from ..addresses import Mailbox
from ..models import ActorMute, Address, Audit, Comment, Item, Message, Mute, Pace, Subscription
from ..settings import Settings
from ..tokens import Keys

# Who may go: a mailbox that stopped working is the best reason.
_LEAVES = frozenset({"confirmed", "bounced"})
_QUEUED = ("waiting", "waiting_confirm", "grouped")
_FRESH = dt.timedelta(hours=24)


def may_move(address: Address) -> bool:
    """Whether ``address`` can be exchanged for another; one that left or was blocked takes no detour."""
    return address.state in _LEAVES


def request_move(
    session: Session,
    keys: Keys,
    settings: Settings,
    address: Address,
    mailbox: Mailbox,
    now: dt.datetime,
    network: str | None = None,
) -> None:
    """Mail a link to ``mailbox``; what is queued for ``address`` stops, since its owner reads elsewhere now.

    Nothing tells the asker whether the new address is known here, or wants no mail.
    """
    new = addresses.meet(session, mailbox, now)
    session.flush()
    data = {"page": "n", "address": address.id}
    outbox.write(session, keys, settings, new, "link", data, now, network)
    # Whoever holds a forwarded settings link must not take an address over in silence.
    outbox.write(session, keys, settings, address, "moved", {}, now, network)
    _stop_queued(session, address)
    audit.record(session, address, "move_asked", actor="mail", now=now, cause="settings")
    session.flush()


def has_moved(session: Session, old: Address, new: Address, since: dt.datetime) -> bool:
    """Whether this move was carried out after ``since``."""
    rows = select(Audit.id).where(
        Audit.subject_kind == "address",
        Audit.subject_id == old.id,
        Audit.act == "moved",
        Audit.after == str(new.id),
        Audit.at >= since,
    )
    return session.scalar(rows.limit(1)) is not None


def move(session: Session, old: Address, new: Address, now: dt.datetime) -> bool:
    """Give ``new`` everything that belongs to ``old``; the press on its link has confirmed it.

    False when that cannot be any more. Where both had a wish or a mute, the one that says more stays. The old row
    becomes an address nobody has used: it may be given again, and no older link of it does anything.
    """
    if not may_move(old) or (new.state != "confirmed" and new.state not in outbox.WAITS):
        return False
    subscriptions.confirm(session, new, new.generation, now)
    new.paused_until, new.locale = old.paused_until, new.locale or old.locale
    _move_subscriptions(session, old, new)
    _move_mutes(session, old, new)
    _move_people(session, old, new)
    _move_items(session, old, new, now)
    session.execute(update(Comment).where(Comment.address_id == old.id).values(address_id=new.id))
    for pace in session.scalars(select(Pace).where(Pace.address_id == old.id)):
        session.delete(pace)
    _leave_empty(session, old, new, now)
    return True


def _stop_queued(session: Session, old: Address) -> None:
    """Skip what waits for ``old``, and take back the mails that were made of it and have not left."""
    gone = select(Message.id).where(Message.address_id == old.id, Message.state.in_(("sending", "sent")))
    session.execute(
        update(Item)
        .where(Item.address_id == old.id, Item.state.in_(_QUEUED))
        .where(Item.message_id.is_(None) | Item.message_id.not_in(gone))
        .values(state="skipped", skip_reason="address_changed", message_id=None)
        .execution_options(synchronize_session="fetch")
    )
    session.execute(
        update(Message)
        .where(Message.address_id == old.id, Message.state.in_(("ready", "claimed")))
        .where(Message.kind.in_(("reply", "digest")))
        .values(state="cancelled", skip_reason="address_changed", lease_token=None, lease_until=None)
    )


def _move_subscriptions(session: Session, old: Address, new: Address) -> None:
    known = {wish.target: wish for wish in _wishes(session, new)}
    for wish in _wishes(session, old):
        same = known.get(wish.target)
        if same is None:
            wish.address_id = new.id
        elif wish.state == "active":
            _unite(same, wish)


def _unite(same: Subscription, wish: Subscription) -> None:
    """Keep the living one of two wishes for one target."""
    if same.state != "active":
        same.state, same.cadence, same.scope = "active", wish.cadence, wish.scope
        same.consent_at, same.consent_network = wish.consent_at, wish.consent_network
        same.consent_wording, same.identity_ref = wish.consent_wording, wish.identity_ref
    wish.state = "ended"


def _wishes(session: Session, address: Address) -> list[Subscription]:
    return list(session.scalars(select(Subscription).where(Subscription.address_id == address.id)))


def _move_mutes(session: Session, old: Address, new: Address) -> None:
    known = {mute.thread_id: mute for mute in session.scalars(select(Mute).where(Mute.address_id == new.id))}
    for mute in session.scalars(select(Mute).where(Mute.address_id == old.id)).all():
        same = known.get(mute.thread_id)
        if same is None:
            mute.address_id = new.id
            continue
        # The longer silence; None is for good.
        same.until = None if mute.until is None or same.until is None else max(mute.until, same.until)
        session.delete(mute)


def _move_people(session: Session, old: Address, new: Address) -> None:
    """Whom they muted, and who muted them: a new address is no way around somebody's wish."""

    def now_is(id_: int) -> int:
        return new.id if id_ == old.id else id_

    either = ActorMute.address_id.in_((old.id, new.id)) | ActorMute.actor_id.in_((old.id, new.id))
    rows = session.scalars(select(ActorMute).where(either).order_by(ActorMute.id)).all()
    seen: set[tuple[int, int]] = set()
    pairs = [(row, (now_is(row.address_id), now_is(row.actor_id))) for row in rows]
    for row, pair in pairs:
        if pair in seen or pair[0] == pair[1]:
            session.delete(row)
        seen.add(pair)
    session.flush()
    for row, pair in pairs:
        if row in session:
            row.address_id, row.actor_id = pair


def _move_items(session: Session, old: Address, new: Address, now: dt.datetime) -> None:
    """What was told goes along too, so that nothing is told twice; what both were told of stays where it is."""
    _stop_queued(session, old)
    # Asked for before: MySQL reads no table in the statement that changes it.
    told = session.scalars(select(Item.comment_id).where(Item.address_id == new.id)).all()
    theirs = update(Item).where(Item.address_id == old.id, Item.comment_id.not_in(told))
    fresh = (Item.state == "skipped", Item.skip_reason == "address_changed", Item.created_at > now - _FRESH)
    again = theirs.where(*fresh).values(address_id=new.id, state="waiting", skip_reason=None, message_id=None)
    for change in (again, theirs.values(address_id=new.id)):
        session.execute(change.execution_options(synchronize_session="fetch"))


def _leave_empty(session: Session, old: Address, new: Address, now: dt.datetime) -> None:
    addresses.change(session, old, "none", cause="moved", actor="mail", now=now)
    # An older confirm link of it must not bring back what has moved on.
    old.generation += 1
    old.paused_until = old.confirmed_at = None
    audit.record(session, old, "moved", actor="mail", now=now, cause="settings", after=str(new.id))
    session.flush()
