"""Claimed messages in, letters ready for the wire out, or the reason why there is nothing left to say.

Everything is read for all of them at once, in one short transaction. While the host is asked and the letters are
written none is open.
"""

from __future__ import annotations

import datetime as dt
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar

from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session, defer, joinedload, selectinload

from .. import outbox
from ..models import Comment, Item, Message
from ..outbox import Claim
from . import ancestry, gate, news, notes
from .ancestry import Lineage
from .courier import Courier
from .wire import Envelope
from .words import Words

log = logging.getLogger("forum.mail")
T = TypeVar("T")
_PATIENCE = 10.0


@dataclass(frozen=True)
class Letter:
    """One mail as it goes on the wire, and what is to be known of it afterwards.

    ``since`` is when its news was published, ``asks`` says that it asks whether anybody reads it, ``doubted`` that
    its address has refused mail before.
    """

    claim: Claim
    kind: str
    rfc_message_id: str
    to: str
    raw: bytes
    date: dt.datetime
    address_id: int
    since: dt.datetime
    asks: bool
    doubted: bool


@dataclass(frozen=True)
class Refusal:
    """What the gate decided about a claimed message: new values for some items, and why none may go, if none may."""

    claim: Claim
    changes: dict[int, dict[str, Any]]
    why_not: str | None


@dataclass(frozen=True)
class Unwritten:
    """A message that cannot be written, and the error that says why."""

    claim: Claim
    address_id: int
    since: dt.datetime
    error: str


@dataclass
class Prepared:
    """What became of some claims; ``left`` are those there was no time for, others were lost to another worker."""

    letters: list[Letter] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)
    unwritten: list[Unwritten] = field(default_factory=list)
    left: list[Claim] = field(default_factory=list)


def prepare(courier: Courier, claims: Sequence[Claim]) -> Prepared:
    """Ask every question once more and write the letters. One that cannot be written stops no other.

    A host may take long to answer: what it was not asked about within ten seconds is left.
    """
    now = courier.clock()
    with courier.open_session() as session:
        read = _read(session, courier, claims, now)
    until = time.monotonic() + _PATIENCE
    prepared = Prepared()
    for claim in claims:
        message = read.messages.get(claim.message_id)
        if time.monotonic() > until:
            prepared.left.append(claim)
        elif message is not None and message.lease_token == claim.token:
            try:
                _prepare(courier, claim, message, read, prepared, now)
            except Exception as error:  # a host's hook or template may raise anything
                log.exception("message %s cannot be written", claim.message_id)
                # Behind the first line SQLAlchemy quotes all parameters: names, addresses, words.
                why = f"{type(error).__name__}: {error}".partition("\n")[0]
                prepared.unwritten.append(Unwritten(claim, message.address_id, message.created_at, why))
    return prepared


@dataclass
class _Read:
    """What was read of some messages; the words of those that bring no news, or what reading them raised."""

    messages: dict[int, Message]
    standings: gate.Standings
    lineage: Lineage
    notes: dict[int, Words | str | Exception]


def _read(session: Session, courier: Courier, claims: Sequence[Claim], now: dt.datetime) -> _Read:
    messages = _load(session, claims)
    items = [item for message in messages if message.kind in news.KINDS for item in message.items]
    pairs = [(item.comment, item.address_id) for item in items]
    return _Read(
        messages={message.id: message for message in messages},
        standings=outbox.standings(session, courier.keys, pairs, now) if pairs else {},
        lineage=ancestry.trace(session, items) if items else Lineage({}, {}),
        notes={
            message.id: _attempt(partial(notes.write, session, courier, message, now))
            for message in messages
            if message.kind not in news.KINDS
        },
    )


def _load(session: Session, claims: Sequence[Claim]) -> Sequence[Message]:
    around = [joinedload(Comment.thread), joinedload(Comment.address), joinedload(Comment.parent), defer(Comment.html)]
    query = select(Message).where(Message.id.in_([claim.message_id for claim in claims]))
    query = query.options(joinedload(Message.address), joinedload(Message.thread))
    items = selectinload(Message.items)
    query = query.options(items.selectinload(Item.comment).options(*around))
    return session.scalars(query).unique().all()


def _attempt(work: Callable[[], T]) -> T | Exception:
    try:
        return work()
    except SQLAlchemyError:
        raise
    except Exception as error:
        return error


def _prepare(
    courier: Courier, claim: Claim, message: Message, read: _Read, prepared: Prepared, now: dt.datetime
) -> None:
    if message.kind not in news.KINDS:
        note = read.notes[message.id]
        if isinstance(note, Exception):
            raise note
        if isinstance(note, str):
            prepared.refusals.append(Refusal(claim, {}, note))
        else:
            prepared.letters.append(_letter(courier, claim, message, note, message.created_at, now))
        return
    verdict = gate.judge(courier, message, read.standings, now)
    if verdict.changes or verdict.why_not:
        prepared.refusals.append(Refusal(claim, verdict.changes, verdict.why_not))
    if verdict.items:
        since = min(item.comment.published_at or item.created_at for item in verdict.items)
        words = news.write(courier, message, verdict.items, read.lineage, now)
        prepared.letters.append(_letter(courier, claim, message, words, since, now))


def _letter(
    courier: Courier, claim: Claim, message: Message, words: Words, since: dt.datetime, now: dt.datetime
) -> Letter:
    # The Date of the first attempt is kept for all later ones: a duplicate shall look like one.
    date = message.date_header or now
    envelope = Envelope(message.to_addr, message.rfc_message_id, date, words.in_reply_to, words.references)
    pattern = courier.patterns.of(words.compose, **words.arguments)
    return Letter(
        claim=claim,
        kind=message.kind,
        rfc_message_id=message.rfc_message_id,
        to=message.to_addr,
        raw=pattern.fill(envelope, words.values),
        date=date,
        address_id=message.address_id,
        since=since,
        asks=message.kind in news.KINDS and news.still_there(message, now),
        doubted=message.address.bounce_score > 0,
    )
