"""What is held about people now: how much of each kind, how old the oldest is, and which setting limits it."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.orm import Session

from ..models import (
    Address,
    Audit,
    Comment,
    Listing,
    Message,
    Refusal,
    Report,
    Revision,
    SignIn,
    Subscription,
    Suppression,
)

_UNPROVED: Final = ("none", "pending")


@dataclass(frozen=True)
class Holding:
    """``number`` rows of a ``kind``, the ``oldest`` from that moment; ``setting`` is None where none limits them."""

    kind: str
    setting: str | None
    number: int
    oldest: dt.datetime | None


def held(session: Session) -> list[Holding]:
    """Each kind, in one statement each."""
    return [_holding(session, *kind) for kind in _KINDS]


def _holding(session: Session, kind: str, setting: str | None, age: Any, *which: ColumnElement[bool]) -> Holding:
    number, oldest = session.execute(select(func.count(), func.min(age)).where(*which)).one()
    return Holding(kind, setting, number, oldest)


_HASHED = or_(Comment.network.is_not(None), Comment.visitor_hash.is_not(None))
_ASIDE = or_(
    Comment.state.in_(("rejected", "spam")), and_(Comment.state == "removed", Comment.removed_by == "moderator")
)
_NETWORK: Final = "keep_network_days"
_REJECTED: Final = "keep_rejected_days"
_KINDS: Final[tuple[tuple[Any, ...], ...]] = (
    ("comments", None, Comment.created_at, Comment.state.in_(("published", "held"))),
    ("rejected", _REJECTED, Comment.created_at, _ASIDE),
    ("revisions", None, Revision.at),
    ("refusals", _REJECTED, Refusal.at),
    ("reports", _REJECTED, Report.created_at),
    ("networks", _NETWORK, Comment.created_at, _HASHED),
    ("consents", _NETWORK, Subscription.consent_at, Subscription.consent_network.is_not(None)),
    ("unconfirmed", "keep_unconfirmed_days", Address.created_at, Address.state.in_(_UNPROVED)),
    ("addresses", None, Address.created_at, Address.state.not_in((*_UNPROVED, "forgotten"))),
    ("wishes", None, Subscription.consent_at),
    ("mail", "keep_message_days", Message.created_at),
    ("suppressions", None, Suppression.since),
    ("listings", None, Listing.created_at),
    ("sign_ins", None, SignIn.created_at),
    ("activity", None, Audit.at),
)
