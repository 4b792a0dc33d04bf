"""Addresses that get no mail: why, and what an admin may do about it."""

from __future__ import annotations

import datetime as dt
from typing import Final

from sqlalchemy import delete
from sqlalchemy.orm import Session

from .. import addresses, audit
from ..errors import Conflict, NotFound
from ..language import gettext as _
from ..models import Address, Suppression
from ..tokens import Keys, keyed_hashes

ADMIN: Final = "admin"
RESTING: Final = "resting"
# Everything else somebody asked for themselves, and only they can take it back.
LIFTED: Final = frozenset({ADMIN, "bounced", "complained", RESTING})


def silence(session: Session, keys: Keys, address: Address, now: dt.datetime) -> str | None:
    """Why this address gets no mail, in a word: why it is suppressed, its state, or `resting`; None when it may."""
    why = addresses.suppressed(session, keys, address.key, now)
    if why is not None:
        return why
    if address.state in addresses.SILENT:
        return address.state
    return RESTING if address.resting_until is not None and address.resting_until > now else None


def suppress(session: Session, keys: Keys, address_id: int, *, actor: str, now: dt.datetime) -> None:
    """Have nothing more mailed to this address, with an audit row. Raises NotFound, and Conflict when it is so."""
    address = _locked(session, address_id)
    if addresses.suppressed(session, keys, address.key, now) is not None:
        raise Conflict(_("Nothing is mailed to this address already."))
    before = silence(session, keys, address, now)
    # One whose time is over stands in the way of the new one.
    session.execute(delete(Suppression).where(Suppression.key_hash.in_(_hashes(keys, address))))
    addresses.suppress(session, keys, address, ADMIN, now)
    audit.record(session, address, "suppress", actor=actor, now=now, cause=ADMIN, before=before, after=ADMIN)
    session.flush()


def lift(session: Session, keys: Keys, address_id: int, *, actor: str, now: dt.datetime) -> None:
    """Have mail go to this address again, as far as it was not its owner who stopped it; with an audit row.

    What bounced or complained was confirmed before, and is again. Raises NotFound, and Conflict when there is nothing
    an admin may lift.
    """
    address = _locked(session, address_id)
    before = silence(session, keys, address, now)
    if before not in LIFTED:
        raise Conflict(_("There is nothing here that an admin may lift."))
    mine = (Suppression.key_hash.in_(_hashes(keys, address)), Suppression.why.in_(LIFTED))
    session.execute(delete(Suppression).where(*mine))
    _believe(session, address, actor, now)
    after = silence(session, keys, address, now)
    audit.record(session, address, "lift", actor=actor, now=now, cause=ADMIN, before=before, after=after)
    session.flush()


def _believe(session: Session, address: Address, actor: str, now: dt.datetime) -> None:
    """Forget what came back from the mailbox."""
    proved_at = address.confirmed_at
    if address.state in LIFTED:
        state = "confirmed" if proved_at is not None else "none"
        addresses.change(session, address, state, cause=ADMIN, actor=actor, now=now)
        # Nobody has confirmed anything at this moment.
        address.confirmed_at = proved_at
    address.bounce_score, address.bounced_at, address.resting_until = 0, None, None


def _locked(session: Session, address_id: int) -> Address:
    address = addresses.get(session, address_id, for_update=True)
    if address is None or address.state == "forgotten":
        raise NotFound(_("There is no such address any more."))
    return address


def _hashes(keys: Keys, address: Address) -> tuple[str, ...]:
    return keyed_hashes(keys, "suppression", address.key)
