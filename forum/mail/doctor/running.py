"""Is mail flowing: the worker's last sign of life, what waits too long, what was given up, and the way out."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from ... import outbox
from ...models import Message, Worker
from .finding import Finding

_LATE: Final = dt.timedelta(minutes=15)


@dataclass(frozen=True)
class Flow:
    """When a worker was last seen, since when the oldest thing waits, and how many were given up."""

    seen_at: dt.datetime | None
    ready_since: dt.datetime | None
    dead: int


def flow(session: Session, now: dt.datetime) -> Flow:
    """Read the outbox as it is at this moment."""
    return Flow(
        seen_at=session.scalar(select(func.max(Worker.seen_at))),
        ready_since=outbox.waiting_since(session, now),
        dead=session.scalar(select(func.count()).where(Message.state == "dead")) or 0,
    )


def look(flow: Flow, unsubscribing: int, now: dt.datetime) -> list[Finding]:
    """Judge the outbox, and the status that a one-click POST with a made-up token was answered with."""
    return [*_worker(flow, now), *_waiting(flow, now), *_dead(flow), _endpoint(unsubscribing)]


def _worker(flow: Flow, now: dt.datetime) -> Iterator[Finding]:
    if flow.seen_at is None:
        sentence = "No worker has delivered yet: start `flask forum deliver --watch`, or set FORUM_DELIVERY."
        yield Finding("worker", "todo", sentence)
    elif now - flow.seen_at > _LATE:
        yield Finding("worker", "wrong", f"The last worker was seen {_ago(flow.seen_at, now)}: start one.")
    else:
        yield Finding("worker", "ok", f"A worker was seen {_ago(flow.seen_at, now)}.")


def _waiting(flow: Flow, now: dt.datetime) -> Iterator[Finding]:
    if flow.ready_since is None:
        yield Finding("ready", "ok", "No message is due.")
    elif now - flow.ready_since > _LATE:
        sentence = f"The oldest message was due {_ago(flow.ready_since, now)}; `flask forum deliver` says why."
        yield Finding("ready", "wrong", sentence)
    else:
        yield Finding("ready", "ok", f"The oldest message was due {_ago(flow.ready_since, now)}.")


def _dead(flow: Flow) -> Iterator[Finding]:
    if flow.dead:
        which = "message was" if flow.dead == 1 else "messages were"
        yield Finding("dead", "todo", f"{flow.dead} {which} given up: `flask forum mail retry --dead` tries again.")


def _endpoint(status: int) -> Finding:
    if status == 404:
        return Finding("unsubscribe", "ok", "The unsubscribe address answers mailbox providers.")
    if status == 400:
        sentence = "The unsubscribe address answers 400: something in the site asks it for a CSRF token."
        return Finding("unsubscribe", "wrong", sentence)
    sentence = (
        f"The unsubscribe address answers {status} to a made-up token, where 404 is due: something is in its way."
    )
    return Finding("unsubscribe", "wrong", sentence)


def _ago(then: dt.datetime, now: dt.datetime) -> str:
    seconds = max(0, int((now - then).total_seconds()))
    for unit, length in (("day", 86_400), ("hour", 3_600), ("minute", 60), ("second", 1)):
        number = seconds // length
        if number:
            return f"{number} {unit}{'' if number == 1 else 's'} ago"
    return "this moment"
