"""What is known about a draft beside its words, asked of the database in as few statements as it takes."""

from __future__ import annotations

import datetime as dt
import hashlib
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, Protocol

from sqlalchemy import BindParameter, ScalarSelect, Select, bindparam, exists, func, select
from sqlalchemy.orm import Session, aliased

from ..addresses import Mailbox
from ..models import Address, Comment, Thread, UtcDateTime
from ..screening import Context, Draft, Listed
from ..screening.bayes import Opinion
from ..screening.links import links
from ..screening.words import words_of
from ..settings import Settings

# Two people say "Thank you very much" on two pages; that is no copy.
_FEW_WORDS = 5
# More tell a moderator nothing more.
_MOST_COPIES = 100
_DAY = dt.timedelta(days=1)


@dataclass(frozen=True)
class Author:
    """By what the author of a draft can be recognised; None is what is not known."""

    name: str
    mailbox: Mailbox | None = None
    network: str | None = None
    identity_ref: str | None = None
    visitor_hash: str | None = None
    # Signed in where moderators sit: it is their own name.
    at_desk: bool = False


class Desk(Protocol):
    """What moderators have laid down, each answer at the price of one statement at most."""

    def staff(self, session: Session, settings: Settings, now: dt.datetime) -> tuple[str, ...]:
        """The names of those who moderate here."""

    def listed(self, session: Session, author: Author, now: dt.datetime) -> tuple[Listed, ...]:
        """The entries of their lists that fit the author."""

    def opinion(self, session: Session, draft: Draft, now: dt.datetime) -> Opinion | None:
        """What the filter that learns from them thinks of the draft; None while it knows too little."""


class Past(NamedTuple):
    """What counts of the past: approved comments of the address and of the identity, copies of the text on other
    pages, whether this form has brought a comment before, and whether this visitor has one on a page under the
    address.
    """

    by_address: int = 0
    by_identity: int = 0
    copies: int = 0
    is_spent: bool = False
    is_known: bool = False


def text_hash(body: str) -> str | None:
    """What copies of a text have in common, whatever their case, accents and signs; None where it says nothing."""
    words = words_of(body)
    if not words or (len(words) < _FEW_WORDS and not links(body)):
        return None
    return hashlib.sha256(" ".join(words).encode()).hexdigest()


def _number(comments: Select[int], most: int | BindParameter[int]) -> ScalarSelect[int]:
    """How many there are, counted up to a bound: an author may have thousands."""
    few = comments.limit(most).subquery()
    return select(func.count()).select_from(few).scalar_subquery()


_MINE, _OTHER = aliased(Address), aliased(Thread)
# Not the bare column: SQLite would take the index of states, and with it read every comment there is.
_PUBLISHED = select(Comment.id).where(func.coalesce(Comment.state, "") == "published")
_KEY = select(_MINE.id).where(_MINE.key == bindparam("address_key")).scalar_subquery()
_COPIES = (
    select(Comment.id)
    .join(_OTHER, _OTHER.id == Comment.thread_id)
    .where(
        Comment.text_hash == bindparam("text_hash"),
        Comment.created_at > bindparam("copied_since", type_=UtcDateTime()),
        # Whoever took it away from the wrong page may put it on the right one.
        Comment.state != "removed",
        _OTHER.key != bindparam("key"),
    )
)
_SPENT = exists().where(Comment.nonce == bindparam("nonce"))
_KNOWN = exists().where(
    Comment.address_id == _KEY, Comment.visitor_hash == bindparam("visitor"), Comment.state == "published"
)
# The columns of Past, for any statement that is run with `values`. Each count apart: with address and identity in one
# condition SQLite reads the whole table.
PAST = (
    _number(_PUBLISHED.where(Comment.address_id == _KEY), bindparam("most")),
    _number(_PUBLISHED.where(Comment.identity_ref == bindparam("identity")), bindparam("most")),
    _number(_COPIES, _MOST_COPIES),
    _SPENT,
    _KNOWN,
)


def values(
    settings: Settings, author: Author, draft: Draft, nonce: str, hashed: str | None, now: dt.datetime
) -> dict[str, Any]:
    """What PAST is asked with; ``hashed`` is the draft's :func:`text_hash`."""
    return {
        "address_key": author.mailbox.key if author.mailbox else None,
        "identity": author.identity_ref,
        "visitor": author.visitor_hash,
        "text_hash": hashed if settings.duplicate_hours else None,
        "copied_since": now - dt.timedelta(hours=settings.duplicate_hours),
        "key": draft.thread_key,
        "nonce": nonce,
        "most": settings.first_approvals,
    }


def judges(settings: Settings, *, is_moderator: bool) -> bool:
    """Whether the site's own rules can hold anything: what they alone look at need not be asked otherwise."""
    return settings.moderation != "none" and not is_moderator


def ask(session: Session, desk: Desk | None, author: Author, draft: Draft, known: Context, now: dt.datetime) -> Context:
    """``known`` with what the desk has to say; of moderators it is not asked."""
    if desk is None or known.is_moderator:
        return known
    settings = known.settings
    filtered = settings.spam_hold_percent and judges(settings, is_moderator=False)
    opinion = desk.opinion(session, draft, now) if filtered else None
    return replace(
        known,
        listed=desk.listed(session, author, now),
        staff=() if author.at_desk or known.is_identity else desk.staff(session, settings, now),
        odds=opinion.odds if opinion else None,
        telling=opinion.telling if opinion else (),
    )
