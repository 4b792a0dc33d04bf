"""Is mail flowing: the last sign of life of a worker, what waits too long, what holds it up, and the way out."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from ... import outbox
from ...language import ago
from ...models import Worker
from ...outbox import bounces, vitals
from ...outbox.restore import Laid
from ...outbox.vitals import Breaker, Slow
from .finding import Finding

LATE: Final = dt.timedelta(minutes=15)
# A mail server that is started anew is away for less.
AWAY: Final = dt.timedelta(minutes=10)
_NAMED: Final = 3
_NOTHING: Final = Laid(0, 0, 0)


@dataclass(frozen=True)
class Flow:
    """When a worker was last seen, since when the oldest thing waits, what was given up, and what mail waits for.

    ``disbelieved`` are domains that deny so many mailboxes at once that it counts for nothing.
    """

    seen_at: dt.datetime | None
    ready_since: dt.datetime | None
    dead: int
    dead_events: int = 0
    breaker: Breaker | None = None
    slowed: Sequence[Slow] = ()
    laid_aside: Laid = _NOTHING
    disbelieved: Sequence[str] = ()

    def is_late(self, now: dt.datetime) -> bool:
        """Whether something waits that should have left long ago."""
        return self.ready_since is not None and now - self.ready_since > LATE

    def is_away(self, now: dt.datetime) -> bool:
        """Whether the mail server has been away for longer than it takes to start it anew."""
        return self.breaker is not None and now - self.breaker.since >= AWAY


def flow(session: Session, now: dt.datetime) -> Flow:
    """Read the outbox as it is at this moment."""
    return Flow(
        seen_at=session.scalar(select(func.max(Worker.seen_at))),
        ready_since=outbox.waiting_since(session, now),
        dead=vitals.dead_messages(session),
        dead_events=vitals.dead_events(session),
        breaker=vitals.breaker(session, now),
        slowed=vitals.slowed(session, now),
        laid_aside=vitals.laid_aside(session),
        disbelieved=bounces.disbelieved(session, now),
    )


def look(flow: Flow, unsubscribing: int, now: dt.datetime) -> list[Finding]:
    """Judge the outbox, and the status that a one-click POST with a made-up token was answered with."""
    held = (*_server(flow, now), *_domains(flow), *_laid_aside(flow))
    return [*_worker(flow, now), *_waiting(flow, now), *held, *_dead(flow), _endpoint(unsubscribing)]


def _worker(flow: Flow, now: dt.datetime) -> Iterator[Finding]:
    if flow.seen_at is None:
        sentence = "No worker has delivered yet: start `flask forum deliver --watch`, or set FORUM_DELIVERY."
        yield Finding("worker", "todo", sentence)
    elif now - flow.seen_at > LATE:
        yield Finding("worker", "wrong", f"The last worker was seen {ago(flow.seen_at, now)}: start one.")
    else:
        yield Finding("worker", "ok", f"A worker was seen {ago(flow.seen_at, now)}.")


def _waiting(flow: Flow, now: dt.datetime) -> Iterator[Finding]:
    if flow.ready_since is None:
        yield Finding("ready", "ok", "No message is due.")
    elif flow.is_late(now):
        sentence = f"The oldest message was due {ago(flow.ready_since, now)}; `flask forum deliver` says why."
        yield Finding("ready", "wrong", sentence)
    else:
        yield Finding("ready", "ok", f"The oldest message was due {ago(flow.ready_since, now)}.")


def _server(flow: Flow, now: dt.datetime) -> Iterator[Finding]:
    if flow.breaker is not None:
        times = "1 try" if flow.breaker.failures == 1 else f"{flow.breaker.failures} tries"
        words = flow.breaker.error or "no answer"
        sentence = f"The mail server cannot be used; it failed {ago(flow.breaker.since, now)} first, {times}: {words}"
        yield Finding("breaker", "wrong" if flow.is_away(now) else "todo", sentence)


def _domains(flow: Flow) -> Iterator[Finding]:
    if flow.slowed:
        names = _first([slow.domain for slow in flow.slowed])
        yield Finding("throttled", "todo", f"These domains asked for less mail and get it slowly: {names}.")
    if flow.disbelieved:
        sentence = (
            f"These domains deny very many mailboxes at once and are not believed: {_first(flow.disbelieved)}. "
            "If it goes on, read their words with `flask forum mail explain`; the addresses keep their mail meanwhile."
        )
        yield Finding("disbelieved", "todo", sentence)


def _first(names: Sequence[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return f"{', '.join(names[:_NAMED])}{more}"


def _laid_aside(flow: Flow) -> Iterator[Finding]:
    laid = flow.laid_aside
    if any(laid):
        sentence = (
            f"Laid aside after a backup was restored: {laid}. Nothing of it is mailed until you decide with "
            "`flask forum mail restored --send` or `--drop`."
        )
        yield Finding("laid_aside", "todo", sentence)


def _dead(flow: Flow) -> Iterator[Finding]:
    if flow.dead:
        which = "message was" if flow.dead == 1 else "messages were"
        yield Finding("dead", "todo", f"{flow.dead} {which} given up: `flask forum mail retry --dead` tries again.")
    if flow.dead_events:
        which = "comment" if flow.dead_events == 1 else "comments"
        sentence = f"Nobody could be told of {flow.dead_events} {which}; `flask forum mail status` has the errors."
        yield Finding("dead_events", "todo", sentence)


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
