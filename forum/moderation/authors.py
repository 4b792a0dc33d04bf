"""Somebody who writes here, found by one of their comments: what they wrote, what they get, and how they are treated.

An address is what was typed, an identity what the host vouches for; a browser is taken only where neither is known.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.orm import Session, joinedload

from .. import audit, comments, preferences
from ..addresses import Mailbox
from ..models import Comment, Listing, Message, Subscription, Thread
from ..tokens import Keys
from . import acts, listings
from .listings import Kind, Mark

PER_PAGE = 50
_MAILS = 20


@dataclass(frozen=True)
class Author:
    """Whoever wrote ``comment``."""

    comment: Comment

    @property
    def theirs(self) -> ColumnElement[bool]:
        """The condition on comments to be of the same author."""
        comment = self.comment
        known: list[ColumnElement[bool]] = []
        if comment.identity_ref is not None:
            known.append(Comment.identity_ref == comment.identity_ref)
        if comment.address_id is not None:
            known.append(Comment.address_id == comment.address_id)
        if not known and comment.visitor_hash is not None:
            known.append(Comment.visitor_hash == comment.visitor_hash)
        return or_(*known) if known else Comment.id == comment.id

    @property
    def is_proved(self) -> bool:
        """Whether all that is kept under the address is theirs for certain: anybody can type an address."""
        return self.comment.identity_ref is not None or self.mailbox is None

    def marked(self, kind: Kind) -> ColumnElement[bool]:
        """The condition on comments to be of the same author and to bear this mark of theirs.

        An address, its domain and a name are typed: what another account or another browser wrote with them is not
        of the same author.
        """
        comment = self.comment
        bears: dict[Kind, ColumnElement[bool]] = {
            "identity": Comment.identity_ref == comment.identity_ref,
            "visitor": Comment.visitor_hash == comment.visitor_hash,
            "network": Comment.network == comment.network,
            "name": and_(Comment.name == comment.name, self._surely_theirs),
        }
        same_address = and_(Comment.address_id == comment.address_id, self._surely_theirs)
        return and_(self.theirs, bears.get(kind, same_address))

    @property
    def _surely_theirs(self) -> ColumnElement[bool]:
        comment = self.comment
        sure = [Comment.id == comment.id]
        if comment.identity_ref is not None:
            sure.append(Comment.identity_ref == comment.identity_ref)
        if comment.visitor_hash is not None:
            sure.append(and_(Comment.identity_ref.is_(None), Comment.visitor_hash == comment.visitor_hash))
        return or_(*sure)

    @property
    def mailbox(self) -> Mailbox | None:
        """The mailbox that was given with the comment."""
        address = self.comment.address
        return Mailbox(address.email, address.key) if address is not None and address.email else None


@dataclass(frozen=True)
class Numbers:
    """How many comments of an author are in each state, and when the first and the last were written."""

    states: dict[str, int]
    first: dt.datetime
    last: dt.datetime


def of(session: Session, comment_id: int) -> Author:
    """The author of a comment in any state. Raises NotFound."""
    return Author(comments.get(session, comment_id))


def numbers(session: Session, author: Author) -> Numbers:
    """How much the author has written; one statement."""
    query = select(Comment.state, func.count(), func.min(Comment.created_at), func.max(Comment.created_at))
    rows = session.execute(query.where(author.theirs).group_by(Comment.state)).all()
    return Numbers({row[0]: row[1] for row in rows}, min(row[2] for row in rows), max(row[3] for row in rows))


def written(session: Session, author: Author, before: int | None = None) -> Sequence[Comment]:
    """Up to 50 comments of the author with their threads, the newest first, below the id ``before``."""
    query = select(Comment).where(author.theirs).options(joinedload(Comment.thread)).order_by(Comment.id.desc())
    if before is not None:
        query = query.where(Comment.id < before)
    return session.scalars(query.limit(PER_PAGE)).all()


def marks(keys: Keys, author: Author) -> list[Mark]:
    """By what the author can be listed, the surest first."""
    comment, mailbox = author.comment, author.mailbox
    found: list[Mark] = []
    if comment.identity_ref is not None:
        found.append(listings.by_identity(comment.identity_ref, mailbox.key if mailbox else None))
    if mailbox is not None:
        found.append(listings.by_address(keys, mailbox))
    if comment.visitor_hash is not None:
        found.append(listings.by_hash("visitor", comment.visitor_hash))
    if comment.network is not None:
        found.append(listings.by_hash("network", comment.network))
    if mailbox is not None:
        found.append(listings.by_domain(mailbox.domain))
    return [*found, listings.by_name(comment.name)] if comment.name else found


def entries(session: Session, keys: Keys, author: Author, now: dt.datetime) -> Sequence[Listing]:
    """The entries of the list that fit the author ``now``."""
    comment = author.comment
    return listings.entries(
        session,
        keys,
        mailbox=author.mailbox,
        name=comment.name,
        network=comment.network,
        identity_ref=comment.identity_ref,
        visitor_hash=comment.visitor_hash,
        now=now,
    )


def follows(session: Session, author: Author) -> Sequence[tuple[Subscription, Thread]]:
    """What the author has asked to be mailed about, the newest wish first."""
    query = select(Subscription, Thread).join(Thread, Subscription.thread_id == Thread.id)
    mine = query.where(Subscription.address_id == author.comment.address_id)
    return [(row[0], row[1]) for row in session.execute(mine.order_by(Subscription.id.desc()).limit(PER_PAGE))]


def mails(session: Session, author: Author) -> Sequence[Message]:
    """The latest mails to the author."""
    mine = select(Message).where(Message.address_id == author.comment.address_id)
    return session.scalars(mine.order_by(Message.id.desc()).limit(_MAILS)).all()


def on_the_page(session: Session, author: Author, kind: Kind) -> list[tuple[int, int]]:
    """What a block by this mark may take down: the author's held and published comments that bear it, as
    (id, version), for `bulk.Picked`.
    """
    query = select(Comment.id, Comment.version).where(author.marked(kind), acts.possible("spam"), _SHOWN)
    return [(id_, version) for id_, version in session.execute(query.order_by(Comment.id))]


_SHOWN = Comment.state.in_(("held", "published"))


def export(session: Session, author: Author, actor: str, now: dt.datetime) -> dict[str, Any]:
    """All that is kept about the author, as they get it themselves; that somebody took it goes on record."""
    audit.record(session, author.comment, "export", actor=actor, now=now)
    address = author.comment.address
    about = preferences.export(session, address) if address is not None else {}
    return about | {"comments": preferences.export_comments(session, author.theirs)}


def erase(session: Session, keys: Keys, author: Author, actor: str, now: dt.datetime) -> None:
    """Forget the author: the address with all that hangs on it, and who wrote their comments. The words stay."""
    audit.record(session, author.comment, "erase", actor=actor, now=now)
    address = author.comment.address
    preferences.forget_author(session, keys, author.theirs)
    if address is not None:
        preferences.forget(session, keys, address, now, actor=actor)
