"""Whom moderators trust, hold, shadow or block: what a person is recognised by, and the entries that fit an author.

A leaf: it stands below posting, which asks :func:`fitting` for every draft.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, cast, get_args

from sqlalchemy import and_, bindparam, or_, select
from sqlalchemy.orm import Session

from .. import addresses
from ..addresses import Mailbox
from ..errors import InvalidDraft
from ..language import gettext as _
from ..models import Listing, UtcDateTime
from ..screening import Effect, Listed
from ..screening.lookalikes import skeleton
from ..tokens import Keys, keyed_hashes

Kind = Literal["address", "domain", "name", "network", "identity", "visitor"]
KINDS: Final[tuple[Kind, ...]] = get_args(Kind)
# What a moderator can type; the others are known from a comment only.
TYPED: Final[tuple[Kind, ...]] = ("address", "domain", "name")
EFFECTS: Final[tuple[Effect, ...]] = get_args(Effect)
_PURPOSE = "listing"
PER_PAGE: Final = 50
_LENGTH = 190
# Of a hash people compare the beginning.
_SHOWN = 8


@dataclass(frozen=True)
class Mark:
    """What somebody is recognised by: ``value`` is compared, ``shown`` is what moderators read.

    ``mailbox`` is the key of the address that is theirs for certain, if one is known; it is never stored.
    """

    kind: Kind
    value: str
    shown: str
    mailbox: str | None = None


@dataclass(frozen=True)
class Who:
    """All that somebody can be recognised by; what is not known of them is None, and a name may be empty."""

    mailbox: Mailbox | None = None
    name: str = ""
    network: str | None = None
    identity_ref: str | None = None
    visitor_hash: str | None = None


def by_address(keys: Keys, mailbox: Mailbox) -> Mark:
    """The mark of a mailbox: a keyed hash, and the address with all but its first letter covered."""
    return Mark("address", hashes(keys, mailbox.key)[0], addresses.masked(mailbox.email), mailbox.key)


def by_hash(kind: Literal["network", "visitor"], value: str) -> Mark:
    """The mark of a network or a browser, both stored as hashes."""
    return Mark(kind, value, value[:_SHOWN])


def by_identity(ref: str, mailbox: str | None = None) -> Mark:
    """The mark of somebody whom the host has signed in, with the key of the address it gave them."""
    return Mark("identity", ref, ref, mailbox)


def by_name(name: str) -> Mark:
    """The mark of a name and of all that can be taken for it. Raises InvalidDraft for a name of nothing."""
    value = _bones(name)
    if not value:
        raise InvalidDraft("value", _("Please give a name."))
    return Mark("name", value, " ".join(name.split())[:_LENGTH])


def by_domain(text: str) -> Mark:
    """The mark of a mail domain and all below it, as typed. Raises InvalidDraft."""
    typed = text.strip().removeprefix("*.").rpartition("@")[2]
    try:
        domain = addresses.parse(f"somebody@{typed}").domain
    except InvalidDraft:
        raise InvalidDraft("value", _("Please give a domain such as mail.example.")) from None
    if len(domain) > _LENGTH:
        raise InvalidDraft("value", _("That domain is too long to be kept."))
    return Mark("domain", domain, domain)


def typed(keys: Keys, kind: str, text: str) -> Mark:
    """The mark of what a moderator typed: an address, a domain or a name. Raises InvalidDraft("value", …)."""
    if kind == "domain":
        return by_domain(text)
    if kind == "name":
        return by_name(text)
    try:
        return by_address(keys, addresses.parse(text))
    except InvalidDraft as error:
        raise InvalidDraft("value", error.message) from None


def hashes(keys: Keys, key: str) -> tuple[str, ...]:
    """By what a mailbox, given by its ``key``, may be listed: one hash for each secret, the newest first."""
    return keyed_hashes(keys, _PURPOSE, key)


_STANDS = or_(Listing.until.is_(None), Listing.until > bindparam("now", type_=UtcDateTime()))
_FITS = or_(*(and_(Listing.kind == kind, Listing.value.in_(bindparam(kind, expanding=True))) for kind in KINDS))
# Built once: every draft asks.
_FITTING = select(Listing).where(_FITS, _STANDS).order_by(Listing.id)
_LISTED = _FITTING.with_only_columns(Listing.kind, Listing.shown, Listing.effect)


def fitting(session: Session, keys: Keys, who: Who, now: dt.datetime) -> tuple[Listed, ...]:
    """Every entry that fits the author of a draft and still stands ``now``, the oldest first; one statement."""
    rows = session.execute(_LISTED, _values(keys, who) | {"now": now})
    return tuple(Listed(kind, shown, cast("Effect", effect)) for kind, shown, effect in rows)


def entries(session: Session, keys: Keys, who: Who, now: dt.datetime) -> Sequence[Listing]:
    """The same as rows of the list, with who made each and why."""
    return session.scalars(_FITTING, _values(keys, who) | {"now": now}).all()


def find(
    session: Session, keys: Keys, text: str = "", effect: str = "", before: int | None = None
) -> Sequence[Listing]:
    """Up to 50 entries that say ``text``, or are about the address it is, the newest first, below the id ``before``."""
    query = select(Listing).order_by(Listing.id.desc()).limit(PER_PAGE)
    if text:
        said = (Listing.shown.icontains(text, autoescape=True), Listing.why.icontains(text, autoescape=True))
        query = query.where(or_(*said, Listing.value.in_(_hashes_of(keys, text))))
    if effect:
        query = query.where(Listing.effect == effect)
    return session.scalars(query if before is None else query.where(Listing.id < before)).all()


def _values(keys: Keys, who: Who) -> dict[str, Any]:
    """By what an author may be listed, by kind; under every secret, since the list outlives a rotation."""
    return {
        "address": hashes(keys, who.mailbox.key) if who.mailbox else (),
        "domain": _upwards(who.mailbox.domain) if who.mailbox else (),
        "name": _some(_bones(who.name)),
        "network": _some(who.network),
        "identity": _some(who.identity_ref),
        "visitor": _some(who.visitor_hash),
    }


def _some(value: str | None) -> tuple[str, ...]:
    return (value,) if value else ()


def _upwards(domain: str) -> list[str]:
    """The domain and all above it but the last: whoever owns a domain makes names below it at will."""
    labels = domain.split(".")
    return [".".join(labels[start:]) for start in range(len(labels) - 1)]


def _bones(name: str) -> str:
    """A name of signs alone has no skeleton and is compared as it is."""
    return (skeleton(name) or name.strip().casefold())[:_LENGTH]


def _hashes_of(keys: Keys, text: str) -> tuple[str, ...]:
    try:
        return hashes(keys, addresses.parse(text).key)
    except InvalidDraft:
        return ()
