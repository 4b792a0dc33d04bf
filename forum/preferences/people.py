"""People in the mail of an address, and the silence it wants about some of them.

A person has the name of the comment that was mailed. Others may be theirs too, but it is not for us to say so.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from ..errors import NotFound
from ..language import gettext as _
from ..models import ActorMute, Address, Comment, Item

_MOST: Final = 10


@dataclass(frozen=True)
class Person:
    """Somebody the address was told of, under the name of that comment and no other."""

    comment_id: int
    actor_id: int
    name: str


@dataclass(frozen=True)
class MutedPerson:
    """Somebody who is silent for the address, under the name they had in its mail."""

    id: int
    actor_id: int
    name: str


def muted(session: Session, address: Address) -> list[MutedPerson]:
    """Whom ``address`` does not want to hear of, newest first."""
    query = select(ActorMute).where(ActorMute.address_id == address.id).order_by(ActorMute.id.desc())
    return [MutedPerson(row.id, row.actor_id, _name_then(session, row)) for row in session.scalars(query)]


def audible(session: Session, address: Address, muted: Sequence[MutedPerson]) -> list[Person]:
    """The latest people in the mail of ``address`` who are not muted; moderators cannot be."""
    others = (Comment.address_id.is_not(None), Comment.address_id != address.id, Comment.is_moderator.is_(False))
    query = select(Comment).join(Item, Item.comment_id == Comment.id).where(*others, Comment.state == "published")
    told = query.where(Item.address_id == address.id, Item.state == "sent").order_by(Comment.id.desc())
    silent = {(person.actor_id, person.name) for person in muted}
    found: dict[tuple[int, str], Person] = {}
    for comment in session.scalars(told.limit(10 * _MOST)):
        who = (comment.address_id or 0, comment.name)
        if who not in silent:
            found.setdefault(who, Person(comment.id, *who))
    return list(found.values())[:_MOST]


def mute_person(session: Session, address: Address, comment_id: int, now: dt.datetime) -> None:
    """Hear no more of whoever wrote a comment that ``address`` was told of. Raises NotFound for any other comment."""
    told = select(Item.id).where(Item.address_id == address.id, Item.comment_id == comment_id, Item.state == "sent")
    comment = session.get(Comment, comment_id)
    if comment is None or comment.address_id in (None, address.id) or session.scalar(told) is None:
        raise NotFound(_("We have told you of no such comment."))
    known = select(ActorMute).where(ActorMute.address_id == address.id, ActorMute.actor_id == comment.address_id)
    if session.scalar(known) is None:
        session.add(ActorMute(address_id=address.id, actor_id=comment.address_id, created_at=now))
        session.flush()


def unmute_person(session: Session, address: Address, mute_id: int) -> None:
    """Hear of a person again; it is no mistake if that was so already."""
    row = session.get(ActorMute, mute_id)
    if row is not None and row.address_id == address.id:
        session.delete(row)
        session.flush()


def _name_then(session: Session, row: ActorMute) -> str:
    """The name they had in our mail before the mute; with two of them, none: it would give one away by the other."""
    told = (Item.address_id == row.address_id, Item.state == "sent", Comment.address_id == row.actor_id)
    query = select(Comment.name).join(Item, Item.comment_id == Comment.id).where(*told, Comment.name != "")
    names = session.scalars(query.where(Comment.created_at <= row.created_at).distinct().limit(2)).all()
    return names[0] if len(names) == 1 else _("Somebody")
