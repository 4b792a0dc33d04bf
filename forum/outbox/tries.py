"""One try with a message: who made it, what came of it, and its row in the ledger."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Protocol

from sqlalchemy import Connection, bindparam, exists, insert, select

from ..models import Attempt, Message, UtcDateTime, columns
from .claims import Claim


class Result(Protocol):
    """What became of an attempt; :class:`forum.mail.transport.Outcome` says what each word means."""

    @property
    def word(self) -> str:
        """accepted, transient, full, refused, doubtful, bad_mailbox, transport, sender_refused, ambiguous, syntax,
        poison or suppressed.
        """

    @property
    def phase(self) -> str:
        """How far the conversation with the mail server had got."""

    @property
    def code(self) -> int | None:
        """The server's reply code."""

    @property
    def enhanced(self) -> str | None:
        """Its enhanced status code, such as 5.1.1."""

    @property
    def text(self) -> str:
        """Its words, or ours."""

    @property
    def queue_id(self) -> str | None:
        """The name the server gave the message."""

    @property
    def slow_down(self) -> bool:
        """Whether the server asked for fewer mails to this domain."""

    @property
    def opening(self) -> float:
        """Seconds to an open connection."""

    @property
    def envelope(self) -> float:
        """Seconds for sender, recipient and the leave to go on."""

    @property
    def content(self) -> float:
        """Seconds for the content until it was answered."""


@dataclass(frozen=True)
class Try:
    """One try with a claimed message: who made it, when, and what the message is.

    ``since`` is when the news it brings was published. ``asks`` says that it asks whether anybody still reads it,
    ``doubted`` that its address has refused mail before.
    """

    claim: Claim
    address_id: int
    worker: str
    started: dt.datetime
    ended: dt.datetime
    since: dt.datetime
    asks: bool = False
    doubted: bool = False


_ATTEMPT, _MESSAGE = columns(Attempt), columns(Message)
# Made once: building a statement takes longer than running it.
_RECORD = insert(_ATTEMPT)
_SAME = (
    exists()
    .where(_ATTEMPT.c.message_id == _MESSAGE.c.id, _ATTEMPT.c.n == bindparam("n"))
    .where(_ATTEMPT.c.started_at == bindparam("started_at", type_=UtcDateTime()))
    .where(_ATTEMPT.c.ended_at == bindparam("ended_at", type_=UtcDateTime()))
)
_UNRECORDED = select(_MESSAGE.c.id).where(_MESSAGE.c.id == bindparam("message_id"), ~_SAME)


def record(connection: Connection, tried: Try, result: Result) -> None:
    """Put a try on record. The caller commits."""
    connection.execute(_RECORD, _row(tried, result))


def record_late(connection: Connection, tried: Try, result: Result) -> None:
    """Put a try on record whose lease was lost, once however often it is told of. The caller commits.

    Nothing happens when its message has been deleted by now.
    """
    row = _row(tried, result)
    which = {name: row[name] for name in ("message_id", "n", "started_at", "ended_at")}
    if connection.scalar(_UNRECORDED, which) is not None:
        connection.execute(_RECORD, row)


def _row(tried: Try, result: Result) -> dict[str, object]:
    return {
        "message_id": tried.claim.message_id,
        "n": tried.claim.attempts + 1,
        "worker": tried.worker,
        "started_at": tried.started,
        "ended_at": tried.ended,
        "phase": result.phase,
        "outcome": result.word,
        "code": result.code,
        "text": result.text[:500],
        "opening": result.opening,
        "envelope": result.envelope,
        "content": result.content,
        "waited": (tried.ended - tried.since).total_seconds(),
    }
