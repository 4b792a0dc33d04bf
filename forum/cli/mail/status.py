"""``flask forum mail status``: the outbox at a glance, for people and for scripts."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import click
from flask.cli import with_appcontext
from sqlalchemy.orm import Session

from ... import outbox
from ...explain.sentences import when
from ...language import ago
from ...mail.outcome import masked
from ...models import Worker
from ...outbox import vitals
from ...outbox.restore import Laid
from ...outbox.vitals import Breaker, GivenUp, Slow
from ...state import get

_NEWEST = 3


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@with_appcontext
def status(as_json: bool) -> None:
    """Print what is in the outbox, what holds it up, what was given up and who delivers."""
    state = get()
    now = state.clock()
    known = _read(state.session, now)
    if as_json:
        click.echo(json.dumps(_for_scripts(known, now), ensure_ascii=False))
        return
    for title, line in _for_people(known, now):
        click.echo(f"{title:<10}{line}")


@dataclass(frozen=True)
class _Status:
    messages: Mapping[str, int]
    items: Mapping[str, int]
    ready_since: dt.datetime | None
    breaker: Breaker | None
    slowed: Sequence[Slow]
    doubtful: int
    dead_events: int
    laid_aside: Laid
    given_up: Sequence[GivenUp]
    workers: Sequence[Worker]


def _read(session: Session, now: dt.datetime) -> _Status:
    return _Status(
        messages=vitals.message_states(session),
        items=vitals.item_states(session),
        ready_since=outbox.waiting_since(session, now),
        breaker=vitals.breaker(session, now),
        slowed=vitals.slowed(session, now),
        doubtful=vitals.doubtful(session),
        dead_events=vitals.dead_events(session),
        laid_aside=vitals.laid_aside(session),
        given_up=vitals.given_up(session, _NEWEST),
        workers=vitals.workers(session),
    )


def _for_people(known: _Status, now: dt.datetime) -> Iterator[tuple[str, str]]:
    yield "Messages", _counted(known.messages)
    yield "Items", _counted(known.items)
    yield "Due", f"since {ago(known.ready_since, now)}" if known.ready_since else "nothing"
    yield "Server", _server(known.breaker, now) if known.breaker else "as far as known it can be used"
    yield from (("Slow", _slow(each, now)) for each in known.slowed)
    if known.doubtful:
        yield "In doubt", f"{known.doubtful} handed over without an answer: they may have arrived, or arrived twice"
    if any(known.laid_aside):
        yield "Aside", f"{known.laid_aside}: `flask forum mail restored --send` or `--drop` decides"
    yield from (("Given up", f"{each.what} {each.id}: {_words(each.error)}") for each in known.given_up)
    yield from (("Worker", f"{each.name}, seen {ago(each.seen_at, now)}") for each in known.workers)
    if not known.workers:
        yield "Worker", "none was seen: start `flask forum deliver --watch`, or set FORUM_DELIVERY"


def _counted(states: Mapping[str, int]) -> str:
    return ", ".join(f"{number} {state}" for state, number in sorted(states.items())) or "none"


def _server(breaker: Breaker, now: dt.datetime) -> str:
    """The breaker in one line: when it opened, when the next try is, and why."""
    tries = f"{breaker.failures} {'failure' if breaker.failures == 1 else 'failures'}"
    again = "the next try is due" if breaker.open_until <= now else f"left alone until {when(breaker.open_until)}"
    return f"cannot be used; first failed {ago(breaker.since, now)}, {tries}, {again}: {_words(breaker.error)}"


def _slow(slow: Slow, now: dt.datetime) -> str:
    rate = "" if slow.rate is None else f", {slow.rate:g} a minute to begin with"
    return f"{slow.domain} asked for less {ago(slow.asked_at, now)}{rate}"


def _words(error: str | None) -> str:
    return masked(error) if error else "without a word"


def _for_scripts(known: _Status, now: dt.datetime) -> dict[str, Any]:
    waits, breaker = known.ready_since, known.breaker
    return {
        "messages": dict(known.messages),
        "items": dict(known.items),
        "oldest_ready": waits and {"since": waits.isoformat(), "seconds": int((now - waits).total_seconds())},
        "breaker": breaker
        and {
            "since": breaker.since.isoformat(),
            "open_until": breaker.open_until.isoformat(),
            "failures": breaker.failures,
            "error": _words(breaker.error),
        },
        "throttled": [{"domain": s.domain, "rate": s.rate, "asked_at": s.asked_at.isoformat()} for s in known.slowed],
        "ambiguous": known.doubtful,
        "dead": {"messages": known.messages.get("dead", 0), "events": known.dead_events},
        "laid_aside": known.laid_aside._asdict(),
        "errors": [{"what": each.what, "id": each.id, "error": _words(each.error)} for each in known.given_up],
        "workers": [{"name": w.name, "seen_at": w.seen_at.isoformat()} for w in known.workers],
    }
