"""Somebody who writes here, found by one of their comments: what they wrote, what they get, and how they are treated.

An address is what was typed, an identity what the host vouches for; a browser is taken only where neither is known.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session, joinedload, load_only

from .. import audit, comments, preferences
from ..addresses import Mailbox
from ..models import Audit, Comment, Listing, Message, Subscription, Thread
from ..tokens import Keys
from . import acts, listings
from .listings import Kind, Mark, Who

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
    def is_erased(self) -> bool:
        """Whether they were erased: neither a name of theirs is left nor anything to recognise them by."""
        comment = self.comment
        known = (comment.address_id, comment.identity_ref, comment.visitor_hash, comment.network)
        return comment.name in ("", preferences.NOBODY) and not any(known)

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
    who = Who(author.mailbox, comment.name, comment.network, comment.identity_ref, comment.visitor_hash)
    return listings.entries(session, keys, who, now)


def follows(session: Session, author: Author) -> Sequence[tuple[Subscription, Thread]]:
    """What the author has asked to be mailed about, the newest wish first."""
    query = select(Subscription, Thread).join(Thread, Subscription.thread_id == Thread.id)
    mine = query.where(Subscription.address_id == author.comment.address_id)
    return [(row[0], row[1]) for row in session.execute(mine.order_by(Subscription.id.desc()).limit(PER_PAGE))]


def mails(session: Session, author: Author) -> Sequence[Message]:
    """The latest mails to the author."""
    mine = select(Message).where(Message.address_id == author.comment.address_id)
    return session.scalars(mine.order_by(Message.id.desc()).limit(_MAILS)).all()


def behind(session: Session, entries: Sequence[Listing]) -> dict[int, Comment]:
    """The newest comment that bears the mark of each entry, by the entry's id; five statements at most.

    What is not here has no comment, or, as a domain and a name, is not one person's alone.
    """
    found: dict[int, Comment] = {}
    for kind, column in _BORNE.items():
        mine = {row.value: row.id for row in entries if row.kind == kind}
        found |= {mine[getattr(each, column.key)]: each for each in _newest(session, column, mine)}
    addresses = _addresses_of(session, [row.id for row in entries if row.kind == "address"])
    newest = {each.address_id: each for each in _newest(session, Comment.address_id, addresses.values())}
    return found | {id_: newest[number] for id_, number in addresses.items() if number in newest}


_BORNE: Final[dict[str, InstrumentedAttribute[str | None]]] = {
    "identity": Comment.identity_ref,
    "visitor": Comment.visitor_hash,
    "network": Comment.network,
}


def _newest(session: Session, column: InstrumentedAttribute[Any], values: Collection[Any]) -> Sequence[Comment]:
    if not values:
        return []
    ids = select(func.max(Comment.id)).where(column.in_(values)).group_by(column)
    return session.scalars(select(Comment).where(Comment.id.in_(ids)).options(load_only(Comment.name, column))).all()


def _addresses_of(session: Session, listing_ids: Collection[int]) -> dict[int, int]:
    """Whose mailbox is behind an entry only the log knows: the entry holds a hash."""
    about = (Audit.subject_kind == "listing", Audit.subject_id.in_(listing_ids), Audit.act == "list")
    rows = session.execute(select(Audit.subject_id, Audit.data).where(*about)).all() if listing_ids else []
    return {id_: data["address"] for id_, data in rows if data and "address" in data}


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
