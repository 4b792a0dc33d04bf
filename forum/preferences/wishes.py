"""What an address asked for and asked to be spared, and every way of changing it. Nothing touches another address."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Final, Literal, get_args

from sqlalchemy import Select, func, select, update
from sqlalchemy.orm import Session

from .. import addresses, outbox
from ..errors import Conflict, NotFound
from ..language import gettext as _
from ..models import Address, Comment, Item, Mute, Subscription, Thread
from ..settings import Settings
from ..subscriptions import Consent
from . import people, waiting
from .people import MutedPerson, Person

Scope = Literal["direct", "branch", "thread"]
Cadence = Literal["instant", "hourly", "daily", "weekly", "off"]
SCOPES: Final[tuple[Scope, ...]] = get_args(Scope)
CADENCES: Final[tuple[Cadence, ...]] = get_args(Cadence)
# The words beside the choice on the settings page; a wish widened there is a consent of its own.
WORDING: Final = "2026-11 settings"
# Somebody who follows hundreds changes them all at once or by the newest.
_MOST_SHOWN: Final = 50


@dataclass(frozen=True)
class Wish:
    """One active subscription; ``scopes`` are what it can be changed to, ``words`` the comment it hangs on."""

    id: int
    scope: str
    scopes: tuple[str, ...]
    cadence: str
    thread: Thread
    words: str
    identity_ref: str | None


@dataclass(frozen=True)
class MutedThread:
    """A thread that is silent for the address, until a time or for good."""

    thread: Thread
    until: dt.datetime | None


@dataclass(frozen=True)
class Wishes:
    """Everything the settings page shows; ``more`` subscriptions are not in the list."""

    wishes: list[Wish]
    more: int
    threads: list[MutedThread]
    muted: list[MutedPerson]
    people: list[Person]


def wishes(session: Session, address: Address, now: dt.datetime) -> Wishes:
    """What ``address`` hears of and what it is spared, newest first."""
    rows = list(session.execute(_active(address).order_by(Subscription.id.desc()).limit(_MOST_SHOWN)))
    total = session.scalar(select(func.count()).select_from(_active(address).subquery())) or 0
    anchors = _anchors(session, address, [thread.id for _, thread in rows])
    muted = people.muted(session, address)
    return Wishes(
        wishes=[_wish(session, subscription, thread, anchors) for subscription, thread in rows],
        more=total - len(rows),
        threads=_muted_threads(session, address, now),
        muted=muted,
        people=people.audible(session, address, muted),
    )


def change(
    session: Session,
    settings: Settings,
    address: Address,
    subscription_id: int,
    scope: str,
    cadence: str,
    consent: Consent,
) -> Subscription:
    """Change what a subscription reaches and how often it is told of; returns the one that holds now.

    What waits because of it is told at the new time. Where the address asks for that already, the two become one.
    Raises NotFound for a subscription that is not an active one of ``address``, Conflict for a scope or cadence it
    cannot have.
    """
    wish = _own(session, address, subscription_id)
    if cadence not in CADENCES:
        raise Conflict(_("That is none of the times we can write to you."))
    if scope != wish.scope:
        wish = _rescope(session, address, wish, scope, consent)
    if cadence != wish.cadence or wish.id != subscription_id:
        wish.cadence = cadence
        because = Item.subscription_id.in_((subscription_id, wish.id))
        waiting.retime(session, settings, address, cadence, consent.at, because)
    session.flush()
    return wish


def change_all(session: Session, settings: Settings, address: Address, cadence: str, now: dt.datetime) -> None:
    """Give every active subscription one cadence, and what waits because of them too.

    Raises Conflict for a cadence that does not exist.
    """
    if cadence not in CADENCES:
        raise Conflict(_("That is none of the times we can write to you."))
    mine = (Subscription.address_id == address.id, Subscription.state == "active")
    changed = session.scalars(select(Subscription.id).where(*mine, Subscription.cadence != cadence)).all()
    session.execute(update(Subscription).where(*mine).values(cadence=cadence))
    waiting.retime(session, settings, address, cadence, now, Item.subscription_id.in_(changed))


def end(session: Session, address: Address, subscription_id: int) -> None:
    """End one subscription; ending it again is no mistake. Raises NotFound for one that is somebody else's."""
    wish = session.get(Subscription, subscription_id)
    if wish is None or wish.address_id != address.id:
        raise NotFound(_("There is no such subscription."))
    wish.state = "ended"
    session.flush()


def pause(address: Address, until: dt.datetime) -> None:
    """Keep all mail back until then; nothing is lost, it comes together afterwards."""
    address.paused_until = until


def resume(session: Session, settings: Settings, address: Address, now: dt.datetime) -> None:
    """End a pause now: what it kept back is due at once, or at the next hour of a digest."""
    until, address.paused_until = address.paused_until, None
    if until is not None and until > now:
        waiting.retime(session, settings, address, None, now, Item.due_at >= until)


def come_back(session: Session, address: Address, now: dt.datetime) -> bool:
    """Write to an address again that left or never confirmed, with the wishes it sees before it; False elsewhere.

    A link to this page proves the mailbox just as a confirmation does. A refusal is final.
    """
    if address.state not in outbox.WAITS:
        return False
    addresses.change(session, address, "confirmed", cause="settings", actor="mail", now=now)
    outbox.release_waiting(session, address, now)
    return True


def _active(address: Address) -> Select[Subscription, Thread]:
    mine = (Subscription.address_id == address.id, Subscription.state == "active")
    return select(Subscription, Thread).join(Thread, Subscription.thread_id == Thread.id).where(*mine)


def _anchors(session: Session, address: Address, thread_ids: list[int]) -> dict[int, int]:
    """The newest own comment in each thread: what a wish for the whole thread can be narrowed to."""
    query = select(Comment.thread_id, func.max(Comment.id)).where(
        Comment.address_id == address.id, Comment.thread_id.in_(thread_ids), Comment.state == "published"
    )
    return dict(session.execute(query.group_by(Comment.thread_id)).all())


def _wish(session: Session, subscription: Subscription, thread: Thread, anchors: dict[int, int]) -> Wish:
    anchor = subscription.comment_id or anchors.get(thread.id)
    comment = session.get(Comment, subscription.comment_id) if subscription.comment_id else None
    return Wish(
        id=subscription.id,
        scope=subscription.scope,
        scopes=SCOPES if anchor else ("thread",),
        cadence=subscription.cadence,
        thread=thread,
        words=comment.source if comment is not None and comment.address_id == subscription.address_id else "",
        identity_ref=subscription.identity_ref,
    )


def _own(session: Session, address: Address, subscription_id: int) -> Subscription:
    wish = session.get(Subscription, subscription_id)
    if wish is None or wish.address_id != address.id or wish.state != "active":
        raise NotFound(_("There is no such subscription."))
    return wish


def _rescope(session: Session, address: Address, wish: Subscription, scope: str, consent: Consent) -> Subscription:
    anchor = wish.comment_id or _anchors(session, address, [wish.thread_id]).get(wish.thread_id)
    if scope not in SCOPES or (scope != "thread" and anchor is None):
        raise Conflict(_("That conversation cannot be followed in this way."))
    target = {"direct": f"comment:{anchor}", "branch": f"branch:{anchor}", "thread": f"thread:{wish.thread_id}"}[scope]
    same = select(Subscription).where(Subscription.address_id == address.id, Subscription.target == target)
    other = session.scalar(same)
    if other is not None:
        # One wish per target: the older row keeps what was mailed because of it, the other one takes over.
        wish.state, wish = "ended", other
    wish.target, wish.scope, wish.state = target, scope, "active"
    wish.comment_id = None if scope == "thread" else anchor
    wish.consent_at, wish.consent_network, wish.consent_wording = consent.at, consent.network, WORDING
    return wish


def _muted_threads(session: Session, address: Address, now: dt.datetime) -> list[MutedThread]:
    query = select(Thread, Mute.until).join(Mute, Mute.thread_id == Thread.id).where(Mute.address_id == address.id)
    rows = session.execute(query.order_by(Mute.id.desc()))
    return [MutedThread(thread, until) for thread, until in rows if until is None or until > now]
