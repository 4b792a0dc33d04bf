"""Mailboxes: how one is recognised, and the states it passes from unknown to confirmed to silent."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from email_validator import EmailNotValidError, validate_email
from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from . import audit
from .errors import InvalidDraft
from .language import OURS, current
from .language import gettext as _
from .models import Address, Suppression
from .tokens import Keys, keyed_hash, keyed_hashes

_MONTH = dt.timedelta(days=30)
_SHOWN = 190
# Nobody reads these as a person, and mail to them comes back as complaints.
_ROLES = frozenset({"postmaster", "abuse", "noreply", "no-reply", "mailer-daemon"})
# States in which nothing is sent; confirmation through a new link is the way back from some of them.
SILENT = frozenset({"refused", "unsubscribed", "bounced", "complained", "blocked"})


_UNPROVED = frozenset({"none", "pending"})
# How a row is locked that is about to change: others may go on to store what merely refers to it, such as an answer to
# a comment. With a stronger lock they would wait here for us, who may wait for their thread.
LOCK = {"key_share": True}


@dataclass(frozen=True)
class Mailbox:
    """A well-formed address: ``email`` is written to, ``key`` is what two spellings have in common."""

    email: str
    key: str

    @property
    def domain(self) -> str:
        """The part after the last @, in lower-case A-labels."""
        return self.key.rpartition("@")[2]


def parse(text: str, *, sender: str | None = None) -> Mailbox:
    """Read an address as typed. Raises InvalidDraft("email", …) with a sentence that says what is wrong.

    ``sender`` is the address the site itself sends from: writing to it would be a loop.
    """
    typed = text.strip()
    # Longer ones cannot exist, and judging 100 KB of them takes a third of a second.
    if len(typed) > 254:
        raise InvalidDraft("email", _("That e-mail address is too long to be real; the longest has 254 characters."))
    try:
        valid = validate_email(typed, check_deliverability=False, allow_smtputf8=False)
    except EmailNotValidError as error:
        # What exactly is wrong the library says in English only.
        why = f" {error}" if current() == OURS else ""
        raise InvalidDraft("email", _("That does not look like an e-mail address.") + why) from None
    mailbox = Mailbox(_spell(valid.local_part, valid.ascii_domain), _key(valid.local_part, valid.ascii_domain))
    if valid.local_part.casefold() in _ROLES:
        raise InvalidDraft("email", _("Nobody reads mail at that address as a person. Please give your own."))
    if sender is not None and mailbox.key == sender.casefold():
        raise InvalidDraft("email", _("That address belongs to this site itself. Please give your own."))
    return mailbox


def masked(email: str) -> str:
    """An address as its owner recognises it and nobody else learns it, no longer than what our columns hold."""
    local, _at, domain = email.rpartition("@")
    return f"{local[:1]}•••@{domain}"[:_SHOWN]


def get(session: Session, address_id: int, *, for_update: bool = False) -> Address | None:
    """The address with this id; ``for_update`` waits for whoever is changing it, and gives it as they left it."""
    if not for_update:
        return session.get(Address, address_id)
    return session.get(Address, address_id, with_for_update=LOCK, populate_existing=True)


def find(session: Session, key: str) -> Address | None:
    """The address with this normalised key."""
    return session.scalar(select(Address).where(Address.key == key))


def meet(session: Session, mailbox: Mailbox, now: dt.datetime, *, confirmed: bool = False) -> Address:
    """The address of ``mailbox``, added when it is new; ``confirmed`` when the host vouches for it.

    What is known of an address is never changed by somebody typing it.
    """
    address = find(session, mailbox.key)
    if address is None:
        return add(session, mailbox, now, confirmed=confirmed)
    if confirmed:
        vouch(session, address, now)
    return address


def add(session: Session, mailbox: Mailbox, now: dt.datetime, *, confirmed: bool = False) -> Address:
    """A new address; ``confirmed`` when the host vouches for it."""
    address = Address(
        key=mailbox.key,
        email=mailbox.email,
        state="confirmed" if confirmed else "none",
        generation=0,
        confirmed_at=now if confirmed else None,
        active_at=now,
        nudges=0,
        changed_at=now,
        created_at=now,
    )
    session.add(address)
    return address


def note_active(address: Address, now: dt.datetime) -> None:
    """A sign of life: somebody used the address. Written once a month at most, since every comment passes here."""
    if address.nudges or now - address.active_at > _MONTH:
        address.active_at, address.nudges = now, 0


def vouch(session: Session, address: Address, now: dt.datetime) -> None:
    """The host has proved the address: that stands for a confirmation, and never for the way back from silence."""
    if address.state not in _UNPROVED:
        return
    # Its owner may be saying no at this moment.
    session.refresh(address, with_for_update=LOCK)
    if address.state in _UNPROVED:
        change(session, address, "confirmed", cause="host", actor="host", now=now)


def change(session: Session, address: Address, state: str, *, cause: str, actor: str, now: dt.datetime) -> bool:
    """Move ``address`` to ``state`` with an audit row; False when it was there already."""
    if address.state == state:
        return False
    audit.record(session, address, "state", actor=actor, now=now, cause=cause, before=address.state, after=state)
    address.state = state
    address.changed_at = now
    if state == "confirmed":
        # Whoever confirms has read a mail there.
        address.bounce_score, address.resting_until = 0, None
        address.confirmed_at = now
        address.generation += 1
    session.flush()
    return True


def suppress(session: Session, keys: Keys, address: Address, why: str, now: dt.datetime) -> None:
    """Remember, in a form that outlives an erasure, that this mailbox must not be written to."""
    session.add(Suppression(key_hash=keyed_hash(keys, "suppression", address.key), why=why, since=now))


def suppressed(session: Session, keys: Keys, key: str, now: dt.datetime) -> str | None:
    """Why this mailbox must not be written to, or None."""
    rows = session.scalars(select(Suppression).where(_hashes_of(keys, key)))
    return next((row.why for row in rows if row.until is None or row.until > now), None)


def _hashes_of(keys: Keys, key: str) -> ColumnElement[bool]:
    return Suppression.key_hash.in_(keyed_hashes(keys, "suppression", key))


def _spell(local: str, domain: str) -> str:
    return f"{local}@{domain}"


def _key(local: str, domain: str) -> str:
    return f"{local.casefold()}@{domain.casefold().rstrip('.')}"
