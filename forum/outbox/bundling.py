"""Items into messages, many at once and whichever items they are; each message gets its name and its turn."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Row, bindparam, delete, func, insert, select, update
from sqlalchemy.orm import Session

from ..models import Address, Item, Message
from ..settings import Settings
from ..tokens import Keys, message_id

_LIFE = {"reply": dt.timedelta(hours=48), "digest": dt.timedelta(hours=24)}
# Of a crowd this many leave in the turn of now, the next ones this much later: others get in between.
_ABREAST = 50
_STEP = dt.timedelta(seconds=10)


class Waiting(NamedTuple):
    """An item that waits, as grouping needs it; the names are the columns'."""

    id: int
    address_id: int
    thread_id: int
    comment_id: int
    cadence: str
    due_at: dt.datetime


@dataclass(frozen=True)
class Bundle:
    """What is to be one message to one address: items of one thread or, without ``thread_id``, of several."""

    address_id: int
    thread_id: int | None
    items: Sequence[Waiting]
    data: dict[str, Any]


def waiting(session: Session, *which: ColumnElement[bool]) -> list[Waiting]:
    """The waiting items that satisfy ``which``, by address, locked; what another grouper has locked is left to it."""
    query = select(*(getattr(Item, name) for name in Waiting._fields)).where(Item.state == "waiting", *which)
    ordered = query.order_by(Item.address_id, Item.thread_id, Item.id)
    return list(map(Waiting._make, session.execute(ordered.with_for_update(of=Item, skip_locked=True))))


def put_off(session: Session, items: Iterable[Waiting]) -> None:
    """Let items that wait do so until their ``due_at``, under their ``cadence``."""
    rows = [{"item": item.id, "until": item.due_at, "pace": item.cadence} for item in items]
    if rows:
        session.connection().execute(_PUT_OFF, rows)


def write(
    session: Session, keys: Keys, settings: Settings, kind: str, bundles: Sequence[Bundle], now: dt.datetime
) -> None:
    """Make each of ``bundles`` a message of ``kind``, in as many statements for one as for five hundred."""
    if not bundles:
        return
    names = _free_names(session, keys, settings, kind, bundles)
    rows = list(_rows(session, kind, bundles, names, now))
    ids = dict(session.execute(insert(Message).returning(Message.rfc_message_id, Message.id), rows).all())
    into = [
        {"item": item.id, "message": ids[name]}
        for name, bundle in zip(names, bundles, strict=True)
        for item in bundle.items
    ]
    session.connection().execute(_INTO, into)
    # Where a database cannot lock items, another grouper may have been faster: nobody gets an empty mail.
    empty = delete(Message).where(Message.id.in_(ids.values()), ~Message.items.any())
    session.execute(empty.execution_options(synchronize_session=False))


_STILL_WAITING = update(Item).where(Item.id == bindparam("item"), Item.state == "waiting")
_PUT_OFF = _STILL_WAITING.values(due_at=bindparam("until"), cadence=bindparam("pace"))
_INTO = _STILL_WAITING.values(state="grouped", message_id=bindparam("message"))


def _free_names(session: Session, keys: Keys, settings: Settings, kind: str, bundles: Sequence[Bundle]) -> list[str]:
    """For each the Message-ID of its first comment; the next one where a message that was cancelled used that up."""
    tries = [0] * len(bundles)
    while True:
        names = [_name(keys, settings, kind, bundle, n) for bundle, n in zip(bundles, tries, strict=True)]
        used = set(session.scalars(select(Message.rfc_message_id).where(Message.rfc_message_id.in_(names))))
        if not used:
            return names
        tries = [n + (name in used) for n, name in zip(tries, names, strict=True)]


def _name(keys: Keys, settings: Settings, kind: str, bundle: Bundle, n: int) -> str:
    first = min(item.comment_id for item in bundle.items)
    prefix, purpose = ("d" if kind == "digest" else "c"), (f"{kind}.{n}" if n else kind)
    return message_id(keys, settings.mail_domain or "", prefix, first, purpose, bundle.address_id)


def _rows(
    session: Session, kind: str, bundles: Sequence[Bundle], names: Sequence[str], now: dt.datetime
) -> Iterator[dict[str, Any]]:
    people = select(Address.id, Address.email, Address.key)
    chosen = people.where(Address.id.in_({bundle.address_id for bundle in bundles}))
    known = {person.id: person for person in session.execute(chosen)}
    ahead = _ready(session, kind)
    for bundle, name in zip(bundles, names, strict=True):
        place = now + ahead[bundle.thread_id] // _ABREAST * _STEP
        yield _row(kind, bundle, known[bundle.address_id], now) | {"rfc_message_id": name, "place": place}
        ahead[bundle.thread_id] += 1


def _row(kind: str, bundle: Bundle, person: Row[int, str, str], now: dt.datetime) -> dict[str, Any]:
    return {
        "kind": kind,
        "address_id": person.id,
        "thread_id": bundle.thread_id,
        "to_addr": person.email,
        "domain": person.key.rpartition("@")[2],
        "state": "ready",
        "data": bundle.data,
        "not_before": now,
        "expires_at": now + _LIFE[kind],
        "created_at": now,
    }


def _ready(session: Session, kind: str) -> Counter[int | None]:
    """How many messages of each thread wait for their turn; digests are a crowd of their own, under None."""
    query = select(Message.thread_id, func.count()).where(Message.state == "ready", Message.kind == kind)
    return Counter(dict(session.execute(query.group_by(Message.thread_id)).all()))
