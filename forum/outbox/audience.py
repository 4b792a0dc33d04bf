"""What is known about the people a comment may be told to: the only queries behind :func:`decide`."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, and_, or_, select
from sqlalchemy.orm import Session

from .. import threads
from ..models import ActorMute, Address, Comment, Mute, Subscription, Suppression
from ..tokens import Keys, keyed_hashes
from .decide import Facts

# One mail that asks whether somebody is still there, and three more that ask again.
DORMANT_AFTER = 4


@dataclass(frozen=True)
class Standing:
    """How a person stands to a comment, and the subscription that says so most strongly, if there is one."""

    facts: Facts
    subscription_id: int | None
    cadence: str
    paused_until: dt.datetime | None


def candidates(session: Session, comment: Comment, after: int, limit: int) -> list[int]:
    """The next ``limit`` address ids above ``after`` that follow something the comment belongs to.

    The author of the parent is among them even without having asked: their "no" deserves its reason too.
    """
    followers = select(Subscription.address_id).where(_reaches(comment, threads.above(session, comment)))
    parent_author = select(Comment.address_id).where(Comment.id == comment.parent_id)
    query = select(Address.id).where(or_(Address.id.in_(followers), Address.id.in_(parent_author)), Address.id > after)
    return list(session.scalars(query.order_by(Address.id).limit(limit)))


def standings(
    session: Session, keys: Keys, comment: Comment, address_ids: Collection[int], now: dt.datetime
) -> dict[int, Standing]:
    """How each of these addresses stands to the comment at this moment, in a fixed number of queries."""
    people = session.scalars(select(Address).where(Address.id.in_(address_ids))).all()
    wishes = _wishes(session, comment, address_ids)
    known = _Known(
        muted=_muted(session, comment, address_ids, now),
        actor_muted=_actor_muted(session, comment, address_ids),
        suppressed=_suppressed(session, keys, people, now),
    )
    return {person.id: _standing(comment, person, wishes.get(person.id, []), known, now) for person in people}


@dataclass(frozen=True)
class _Known:
    muted: set[int]
    actor_muted: set[int]
    suppressed: dict[int, str]


def _standing(
    comment: Comment, person: Address, wishes: Sequence[Subscription], known: _Known, now: dt.datetime
) -> Standing:
    heard = [wish for wish in wishes if wish.cadence != "off"]
    strongest = next(iter(heard or wishes), None)
    paused = person.paused_until if person.paused_until is not None and person.paused_until > now else None
    return Standing(
        facts=_facts(comment, person, wishes, known),
        subscription_id=strongest.id if strongest else None,
        cadence=strongest.cadence if strongest else "instant",
        paused_until=paused,
    )


def _facts(comment: Comment, person: Address, wishes: Sequence[Subscription], known: _Known) -> Facts:
    parent, actor = comment.parent, comment.address
    refs = {wish.identity_ref for wish in wishes if wish.identity_ref}
    wrote_parent = parent is not None and parent.address_id == person.id
    return Facts(
        comment_state=comment.state,
        parent_state=parent.state if parent else None,
        actor_state=actor.state if actor else "none",
        # The same mailbox, or the same account under another mailbox.
        is_actor=comment.address_id == person.id or comment.identity_ref in refs,
        scopes=frozenset(wish.scope for wish in wishes),
        on_parent=wrote_parent or any(wish.comment_id == comment.parent_id for wish in wishes if wish.comment_id),
        address_state=person.state,
        suppressed=known.suppressed.get(person.id),
        muted=person.id in known.muted,
        delay=(comment.published_at or comment.created_at) - comment.created_at,
        off=bool(wishes) and all(wish.cadence == "off" for wish in wishes),
        actor_muted=person.id in known.actor_muted,
        dormant=person.nudges >= DORMANT_AFTER,
        page_gone=comment.thread.gone,
    )


def _reaches(comment: Comment, above: Sequence[int]) -> ColumnElement[bool]:
    """The condition on a subscription to concern this comment."""
    return and_(
        Subscription.thread_id == comment.thread_id,
        Subscription.state == "active",
        or_(
            Subscription.scope == "thread",
            and_(Subscription.scope == "direct", Subscription.comment_id == comment.parent_id),
            and_(Subscription.scope == "branch", Subscription.comment_id.in_(above)),
        ),
    )


def _wishes(session: Session, comment: Comment, address_ids: Collection[int]) -> dict[int, list[Subscription]]:
    query = select(Subscription).where(
        _reaches(comment, threads.above(session, comment)),
        Subscription.address_id.in_(address_ids),
    )
    wishes: dict[int, list[Subscription]] = {}
    # The wish that hangs nearest to the comment comes first: ids grow downwards in a branch.
    for wish in sorted(session.scalars(query), key=lambda wish: (-(wish.comment_id or 0), wish.scope)):
        wishes.setdefault(wish.address_id, []).append(wish)
    return wishes


def _muted(session: Session, comment: Comment, address_ids: Collection[int], now: dt.datetime) -> set[int]:
    query = select(Mute.address_id).where(
        Mute.thread_id == comment.thread_id,
        Mute.address_id.in_(address_ids),
        or_(Mute.until.is_(None), Mute.until > now),
    )
    return set(session.scalars(query))


def _actor_muted(session: Session, comment: Comment, address_ids: Collection[int]) -> set[int]:
    # What a moderator says in their office must reach people.
    if comment.address_id is None or comment.is_moderator:
        return set()
    query = select(ActorMute.address_id).where(
        ActorMute.actor_id == comment.address_id, ActorMute.address_id.in_(address_ids)
    )
    return set(session.scalars(query))


def _suppressed(session: Session, keys: Keys, people: Sequence[Address], now: dt.datetime) -> dict[int, str]:
    owner = {hashed: person.id for person in people for hashed in keyed_hashes(keys, "suppression", person.key)}
    rows = session.execute(
        select(Suppression.key_hash, Suppression.why).where(
            Suppression.key_hash.in_(owner), or_(Suppression.until.is_(None), Suppression.until > now)
        )
    )
    return {owner[hashed]: why for hashed, why in rows}
