"""Messages are claimed by lease, and marked right before the wire.

One portable algorithm for every database: choose, take by conditional update, read back what was really taken. Leases
run by the database's clock, so that machines whose own clocks differ agree on them.
"""

from __future__ import annotations

import datetime as dt
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, bindparam, func, select, update
from sqlalchemy.orm import Session, aliased

from ..models import Item, Message, UtcDateTime, columns, from_now
from ..settings import Settings
from . import throttle
from .rows import changed

_LIVE = ("claimed", "sending")
_UNBEGUN_SECONDS = 60
_FREE = {"lease_token": None, "lease_until": None}


@dataclass(frozen=True)
class Claim:
    """A message this worker holds until the lease ends; ``token`` proves it in every later update.

    ``attempts`` were made before.
    """

    message_id: int
    token: str
    attempts: int = 0


def claim(session: Session, settings: Settings, now: dt.datetime, limit: int = 10) -> list[Claim]:
    """Take up to ``limit`` due messages, at most one for each address, in their turn. The caller commits.

    Never two in flight for one address, so that an answer does not overtake its parent.
    """
    token, lease = secrets.token_hex(16), _lease(settings)
    ids = throttle.choose(session, settings, _claimable(now), now, limit)
    if not ids:
        return []
    session.execute(
        update(Message)
        .where(Message.id.in_(ids), Message.state == "ready")
        .values(state="claimed", lease_token=token, lease_until=from_now(lease))
        .execution_options(synchronize_session=False)
    )
    taken = select(Message.id, Message.attempts).where(Message.id.in_(ids), Message.lease_token == token)
    rows = session.execute(taken.order_by(Message.place, Message.id))
    return [Claim(id_, token, attempts) for id_, attempts in rows]


def renew(session: Session, settings: Settings, claims: Sequence[Claim]) -> list[Claim]:
    """Begin the leases of unused claims anew and return those that were still held. The caller commits."""
    mine = _unused(claims)
    session.execute(
        update(Message)
        .where(*mine, Message.lease_until > from_now())
        .values(lease_until=from_now(_lease(settings)))
        .execution_options(synchronize_session=False)
    )
    held = set(session.scalars(select(Message.id).where(*mine, Message.lease_until > from_now())))
    return [claim for claim in claims if claim.message_id in held]


_TABLE = columns(Message)
_COLUMNS = _TABLE.c
# Made once: building a statement takes longer than running it.
_MARK = (
    update(_TABLE)
    .where(_COLUMNS.id == bindparam("of"), _COLUMNS.lease_token == bindparam("token"))
    .where(_COLUMNS.state == "claimed", _COLUMNS.lease_until > from_now())
    .values(
        state="sending",
        lease_until=from_now(bindparam("lease")),
        date_header=func.coalesce(_COLUMNS.date_header, bindparam("date", type_=UtcDateTime())),
        first_attempt_at=func.coalesce(_COLUMNS.first_attempt_at, bindparam("now", type_=UtcDateTime())),
    )
)


def mark_sending(connection: Connection, claim: Claim, settings: Settings, date: dt.datetime, now: dt.datetime) -> bool:
    """Say that the next thing is the wire; False when the lease was lost and nothing may be sent. The caller commits.

    The lease begins anew, and the ``date`` that the mail carries is kept for every later try.
    """
    values = {"of": claim.message_id, "token": claim.token, "lease": settings.mail_lease_seconds}
    return changed(connection.execute(_MARK, {**values, "date": date, "now": now})) == 1


def _lease(settings: Settings) -> float:
    """Seconds a message is kept before its turn on the wire: what a killed worker had not begun goes on soon."""
    return min(_UNBEGUN_SECONDS, settings.mail_lease_seconds)


def refuse(session: Session, claim: Claim, changes: Mapping[int, Mapping[str, Any]], why_not: str | None) -> None:
    """Write down what the late gate decided: new values for some items, and the end of the message if none is left.

    Nothing happens when the lease was lost. The caller commits.
    """
    held = select(Message.id).where(*_unused([claim])).with_for_update()
    if session.scalar(held) is None:
        return
    for item_id, values in changes.items():
        mine = update(Item).where(Item.id == item_id, Item.message_id == claim.message_id)
        session.execute(mine.values(**values).execution_options(synchronize_session=False))
    if why_not is not None:
        _update(session, Message.id == claim.message_id, state="cancelled", skip_reason=why_not, **_FREE)


def recover(session: Session, settings: Settings, now: dt.datetime) -> int:
    """Give back what dead workers held, and end what is too old to be sent. The caller commits.

    Returns how many were lost on the wire: such a mail may have arrived, so it is tried once more at most.
    """
    lost = Message.lease_until <= from_now()
    _move(session, Message.state == "claimed", lost, state="ready", **_FREE)
    unknown = {**_FREE, "last_error": "the worker died between sending and settling"}
    doubted = 0
    if settings.mail_on_ambiguous == "retry":
        once = (Message.state == "sending", lost, Message.ambiguous == 0)
        doubted = _move(session, *once, state="ready", ambiguous=1, **unknown)
    doubted += _move(session, Message.state == "sending", lost, state="dead", **unknown)
    _move(session, Message.state == "ready", Message.expires_at <= now, state="expired", skip_reason="expired")
    return doubted


def release(session: Session, claims: Sequence[Claim]) -> None:
    """Give claims back unused; nothing of them was on the wire. The caller commits."""
    _update(session, *_unused(claims), state="ready", **_FREE)


def _unused(claims: Sequence[Claim]) -> tuple[ColumnElement[bool], ...]:
    ids, tokens = {claim.message_id for claim in claims}, {claim.token for claim in claims}
    return Message.id.in_(ids), Message.lease_token.in_(tokens), Message.state == "claimed"


def _move(session: Session, *which: ColumnElement[bool], **values: Any) -> int:
    """Update messages nobody else is working on at this moment: who waits for several rows may wait in a circle."""
    ids = session.scalars(select(Message.id).where(*which).with_for_update(skip_locked=True)).all()
    return _update(session, Message.id.in_(ids), *which, **values) if ids else 0


def _update(session: Session, *which: ColumnElement[bool], **values: Any) -> int:
    statement = update(Message).where(*which).values(**values).execution_options(synchronize_session=False)
    return changed(session.execute(statement))


def _claimable(now: dt.datetime) -> Select[int]:
    other = aliased(Message)
    in_flight = select(other.id).where(other.address_id == Message.address_id, other.state.in_(_LIVE))
    before = select(other.id).where(
        other.address_id == Message.address_id, other.state == "ready", other.id < Message.id, other.not_before <= now
    )
    return (
        select(Message.id)
        .where(Message.state == "ready", Message.not_before <= now, Message.expires_at > now)
        .where(~in_flight.exists(), ~before.exists())
        .order_by(Message.place, Message.id)
    )
