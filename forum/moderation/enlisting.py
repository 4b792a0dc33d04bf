"""A moderator lists somebody, changes that or lifts it. Each is audited, and taken back with the press it belongs to.

To a mailbox that is blocked nothing is written; once the block is over it hears of everything again.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import Select, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from .. import addresses, audit
from ..addresses import Mailbox
from ..errors import Conflict, NotFound
from ..language import gettext as _
from ..models import Address, Audit, Listing
from ..screening import Effect
from ..tokens import Keys
from . import listings
from .acts import Press
from .listings import Mark

WHY_LENGTH = 190
_WRITTEN_TO = frozenset({"none", "pending", "confirmed"})
_BLOCKED: Final = "blocked"
_KIND: Final = "listing"
_END: Final = "end"


def add(session: Session, press: Press, mark: Mark, effect: Effect, until: dt.datetime | None = None) -> Listing:
    """List whoever has this mark; ``press.why`` says why. Raises Conflict when they are listed already."""
    known = session.scalar(select(Listing).where(Listing.kind == mark.kind, Listing.value == mark.value))
    if known is not None and (known.until is None or known.until > press.now):
        raise _conflict(session, known.id)
    if known is not None:
        session.delete(known)
        session.flush()
    listing = Listing(kind=mark.kind, value=mark.value, shown=mark.shown, created_at=press.now)
    _say(listing, press, effect, until)
    session.add(listing)
    try:
        session.flush()
    except IntegrityError:
        raise Conflict(_("Somebody has them on the list already: change the entry below, or take it off.")) from None
    address = addresses.find(session, mark.mailbox) if mark.mailbox else None
    _record(session, press, listing, "list", None, _row(listing), address=address.id if address else None)
    _follow(session, press.keys, listing.id, _now_says(listing, press.now), press.actor, press.now)
    return listing


def change(
    session: Session, press: Press, listing_id: int, seen: str, effect: Effect, until: dt.datetime | None = None
) -> Listing:
    """Treat somebody who is listed in another way, from now on in the name of whoever presses.

    Raises NotFound; Conflict, which says who was faster, when the entry is not the :func:`edition` that was ``seen``.
    """
    listing = _seen(session, listing_id, seen)
    before = _row(listing)
    _say(listing, press, effect, until)
    _record(session, press, listing, "relist", before, _row(listing))
    _follow(session, press.keys, listing.id, _now_says(listing, press.now), press.actor, press.now)
    return listing


def lift(session: Session, press: Press, listing_id: int, seen: str) -> None:
    """Take somebody off the list. Raises NotFound and Conflict as :func:`change` does."""
    listing = _seen(session, listing_id, seen)
    _record(session, press, listing, "lift", _row(listing), None)
    session.delete(listing)
    session.flush()
    _follow(session, press.keys, listing_id, None, press.actor, press.now)


def over(now: dt.datetime) -> Select[int]:
    """The ids of blocks whose time is over ``now`` and that nobody has ended yet."""
    about = (Audit.subject_kind == _KIND, Audit.subject_id == Listing.id)
    ended = select(Audit.id).where(*about, Audit.act == _END, Audit.at >= Listing.until)
    return select(Listing.id).where(Listing.effect == "block", Listing.until <= now, ~ended.exists())


def end(session: Session, keys: Keys, listing_ids: Sequence[int], actor: str, now: dt.datetime) -> None:
    """End blocks that are :func:`over`: to the mailboxes behind them mail goes again, unless something else says no.

    The entries stay, so that moderators see what there was.
    """
    for id_ in listing_ids:
        audit.record(session, _get(session, id_), _END, actor=actor, now=now)
        _follow(session, keys, id_, None, actor, now)


def edition(listing: Listing) -> str:
    """What a page remembers of an entry, so that two moderators do not change it unseen."""
    return hashlib.sha256(json.dumps(_row(listing), sort_keys=True).encode()).hexdigest()[:16]


def take_back(session: Session, keys: Keys, batch: str, actor: str, now: dt.datetime) -> tuple[int, list[Audit]]:
    """Take back what the press ``batch`` did to the list: how many entries, and the rows that no longer stand."""
    done, left = 0, []
    for row in session.scalars(_of(batch)).all():
        if _stands(session, row):
            _put_back(session, keys, row, actor, now)
            done += 1
        else:
            left.append(row)
    session.flush()
    return done, left


def _of(batch: str) -> Select[Audit]:
    standing = (Audit.batch == batch, Audit.subject_kind == _KIND, Audit.undone_at.is_(None))
    return select(Audit).where(*standing).order_by(Audit.id.desc())


def _stands(session: Session, row: Audit) -> bool:
    """Whether the entry is as this row left it."""
    data = row.data or {}
    if data.get("is") is None:
        was = data["was"]
        same = (Listing.kind == was["kind"], Listing.value == was["value"])
        return session.scalar(select(Listing.id).where(*same)) is None
    listing = _get(session, row.subject_id)
    return listing is not None and _row(listing) == data["is"]


def _put_back(session: Session, keys: Keys, row: Audit, actor: str, now: dt.datetime) -> None:
    was: dict[str, Any] | None = (row.data or {}).get("was")
    listing = _get(session, row.subject_id) or Listing(id=row.subject_id)
    audit.record(session, listing, "undo", actor=actor, now=now, cause=row.act, before=row.after, after=row.before)
    row.undone_at = now
    if was is None:
        session.delete(listing)
        says = None
    else:
        for name, value in was.items():
            setattr(listing, name, dt.datetime.fromisoformat(value) if name in _TIMES and value else value)
        session.add(listing)
        says = _now_says(listing, now)
    session.flush()
    _follow(session, keys, row.subject_id, says, actor, now)


_TIMES = ("until", "created_at")
_COLUMNS = ("kind", "value", "shown", "effect", "why", "created_by")


def _row(listing: Listing) -> dict[str, Any]:
    """An entry as values that JSON can hold."""
    times = {name: getattr(listing, name) for name in _TIMES}
    return {name: getattr(listing, name) for name in _COLUMNS} | {
        name: at.isoformat() if at else None for name, at in times.items()
    }


def _say(listing: Listing, press: Press, effect: Effect, until: dt.datetime | None) -> None:
    listing.effect, listing.until = effect, until
    listing.why, listing.created_by = press.why[:WHY_LENGTH], press.actor


def _record(
    session: Session,
    press: Press,
    listing: Listing,
    act: str,
    before: dict[str, Any] | None,
    after: dict[str, Any] | None,
    **more: Any,
) -> None:
    session.flush()
    why = {"why": press.why} if press.why else {}
    audit.record(
        session,
        listing,
        act,
        actor=press.actor,
        now=press.now,
        before=_words(before),
        after=_words(after),
        batch=press.batch,
        data={"was": before, "is": after} | why | {name: value for name, value in more.items() if value is not None},
    )
    session.flush()


def _words(row: dict[str, Any] | None) -> str | None:
    return f"{row['effect']} {row['kind']} {row['shown']}"[:190] if row else None


def _get(session: Session, listing_id: int) -> Listing | None:
    return session.get(Listing, listing_id, with_for_update=True, populate_existing=True)


def _seen(session: Session, listing_id: int, seen: str) -> Listing:
    listing = _get(session, listing_id)
    if listing is not None and edition(listing) == seen:
        return listing
    if listing is None and not _history(session, listing_id):
        raise NotFound(_("There is no such entry."))
    raise _conflict(session, listing_id)


def _history(session: Session, listing_id: int) -> Sequence[Audit]:
    """All that is on record about an entry, the newest first."""
    about = (Audit.subject_kind == _KIND, Audit.subject_id == listing_id)
    return session.scalars(select(Audit).where(*about).order_by(Audit.id.desc())).all()


def _conflict(session: Session, listing_id: int) -> Conflict:
    last = next(iter(_history(session, listing_id)), None)
    by, act, at, entry = (last.actor, last.act, last.at, last.id) if last else (None, None, None, None)
    return Conflict(_("This has changed since you opened the page."), by=by, act=act, at=at, entry=entry)


def _now_says(listing: Listing, now: dt.datetime) -> str | None:
    """The effect of an entry, None when its time is over."""
    return listing.effect if listing.until is None or listing.until > now else None


def _follow(session: Session, keys: Keys, listing_id: int, effect: str | None, actor: str, now: dt.datetime) -> None:
    """Let mail to the mailbox behind an entry, where one is known, follow what the list says of it now."""
    found = (row.data or {} for row in _history(session, listing_id))
    number = next((data["address"] for data in found if "address" in data), None)
    address = addresses.get(session, number, for_update=True) if number is not None else None
    if address is None:
        return
    if effect == "block" and address.state in _WRITTEN_TO:
        addresses.change(session, address, _BLOCKED, cause=f"listing:{listing_id}", actor=actor, now=now)
    elif effect != "block" and address.state == _BLOCKED and not _is_blocked(session, keys, address, now):
        _hear_again(session, address, actor, now)


def _is_blocked(session: Session, keys: Keys, address: Address, now: dt.datetime) -> bool:
    """Whether another entry blocks it still."""
    who = listings.Who(Mailbox(address.email, address.key))
    return any(entry.effect == "block" for entry in listings.fitting(session, keys, who, now))


def _hear_again(session: Session, address: Address, actor: str, now: dt.datetime) -> None:
    """Give the address the state it had before. It was not proved anew: nothing else of it changes."""
    blocked = (Audit.subject_kind == "address", Audit.subject_id == address.id, Audit.after == _BLOCKED)
    before = session.scalar(select(Audit.before).where(*blocked).order_by(Audit.id.desc()).limit(1)) or "none"
    audit.record(session, address, "state", actor=actor, now=now, cause="lifted", before=address.state, after=before)
    address.state, address.changed_at = before, now
    session.flush()
