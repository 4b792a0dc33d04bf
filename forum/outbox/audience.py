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
    identity_ref: str | None
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
    session: Session, keys: Keys, pairs: Sequence[tuple[Comment, int]], now: dt.datetime
) -> dict[tuple[int, int], Standing]:
    """How each of these addresses stands to its comment at this moment, by (comment id, address id).

    The number of queries does not depend on the number of pairs, as long as the comments come with their parent,
    author and thread.
    """
    comments = list({comment.id: comment for comment, _ in pairs}.values())
    address_ids = {address_id for _, address_id in pairs}
    people = {person.id: person for person in session.scalars(select(Address).where(Address.id.in_(address_ids)))}
    known = _know(session, keys, comments, people, now)
    return {
        (comment.id, address_id): _standing(comment, people[address_id], known, now)
        for comment, address_id in pairs
        if address_id in people
    }


@dataclass(frozen=True)
class _Known:
    """``wishes`` by address; ``muted`` as (address, thread), ``actor_muted`` as (address, actor)."""

    above: dict[int, list[int]]
    wishes: dict[int, list[Subscription]]
    muted: set[tuple[int, int]]
    actor_muted: set[tuple[int, int]]
    suppressed: dict[int, str]


def _know(
    session: Session, keys: Keys, comments: Sequence[Comment], people: dict[int, Address], now: dt.datetime
) -> _Known:
    above = threads.above_each(session, comments)
    thread_ids = {comment.thread_id for comment in comments}
    return _Known(
        above=above,
        wishes=_wishes(session, thread_ids, set().union(*above.values()), people),
        muted=_muted(session, thread_ids, people, now),
        actor_muted=_actor_muted(session, comments, people),
        suppressed=_suppressed(session, keys, list(people.values()), now),
    )


def _standing(comment: Comment, person: Address, known: _Known, now: dt.datetime) -> Standing:
    wishes = [wish for wish in known.wishes.get(person.id, []) if _concerns(wish, comment, known.above[comment.id])]
    heard = [wish for wish in wishes if wish.cadence != "off"]
    strongest = next(iter(heard or wishes), None)
    return Standing(
        facts=_facts(comment, person, wishes, known),
        subscription_id=strongest.id if strongest else None,
        identity_ref=strongest.identity_ref if strongest else None,
        cadence=strongest.cadence if strongest else "instant",
        paused_until=paused(person, now),
    )


def paused(person: Address, now: dt.datetime) -> dt.datetime | None:
    """Until when a person gets no mail, because they asked for a pause or because their mailbox refused us."""
    return max((time for time in (person.paused_until, person.resting_until) if time and time > now), default=None)


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
        muted=(person.id, comment.thread_id) in known.muted,
        delay=(comment.published_at or comment.created_at) - comment.created_at,
        off=bool(wishes) and all(wish.cadence == "off" for wish in wishes),
        # What a moderator says in their office must reach people.
        actor_muted=not comment.is_moderator and (person.id, comment.address_id) in known.actor_muted,
        dormant=person.nudges >= DORMANT_AFTER,
        page_gone=comment.thread.gone,
        page_silent=comment.thread.silent,
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


def _concerns(wish: Subscription, comment: Comment, above: Sequence[int]) -> bool:
    """Whether a subscription reaches this comment, as :func:`_reaches` asks the database."""
    if wish.thread_id != comment.thread_id:
        return False
    if wish.scope == "direct":
        return wish.comment_id == comment.parent_id
    return wish.scope == "thread" or wish.comment_id in above


def _wishes(
    session: Session, thread_ids: Collection[int], above: Collection[int], address_ids: Collection[int]
) -> dict[int, list[Subscription]]:
    query = select(Subscription).where(
        Subscription.address_id.in_(address_ids),
        Subscription.thread_id.in_(thread_ids),
        Subscription.state == "active",
        or_(Subscription.scope == "thread", Subscription.comment_id.in_(above)),
    )
    wishes: dict[int, list[Subscription]] = {}
    # The wish that hangs nearest to the comment comes first: ids grow downwards in a branch.
    for wish in sorted(session.scalars(query), key=lambda wish: (-(wish.comment_id or 0), wish.scope)):
        wishes.setdefault(wish.address_id, []).append(wish)
    return wishes


def _muted(
    session: Session, thread_ids: Collection[int], address_ids: Collection[int], now: dt.datetime
) -> set[tuple[int, int]]:
    query = select(Mute.address_id, Mute.thread_id).where(
        Mute.thread_id.in_(thread_ids),
        Mute.address_id.in_(address_ids),
        or_(Mute.until.is_(None), Mute.until > now),
    )
    return {(address_id, thread_id) for address_id, thread_id in session.execute(query)}


def _actor_muted(session: Session, comments: Sequence[Comment], address_ids: Collection[int]) -> set[tuple[int, int]]:
    actors = {comment.address_id for comment in comments if comment.address_id is not None}
    query = select(ActorMute.address_id, ActorMute.actor_id).where(
        ActorMute.actor_id.in_(actors), ActorMute.address_id.in_(address_ids)
    )
    return {(address_id, actor_id) for address_id, actor_id in session.execute(query)}


def _suppressed(session: Session, keys: Keys, people: Sequence[Address], now: dt.datetime) -> dict[int, str]:
    owner = {hashed: person.id for person in people for hashed in keyed_hashes(keys, "suppression", person.key)}
    rows = session.execute(
        select(Suppression.key_hash, Suppression.why).where(
            Suppression.key_hash.in_(owner), or_(Suppression.until.is_(None), Suppression.until > now)
        )
    )
    return {owner[hashed]: why for hashed, why in rows}
