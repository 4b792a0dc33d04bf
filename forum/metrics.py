"""The numbers of the outbox as Prometheus reads them; needs the extra `metrics`.

All come from the database, so that it does not matter which of many processes answers.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator
from typing import Final

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector
from sqlalchemy.orm import Session

from . import outbox
from .outbox import bounces, durations, tallies, vitals
from .outbox.durations import Counts, Duration

__all__ = ["CONTENT_TYPE_LATEST", "exposition"]

# A worker beats each quarter of a minute; this leaves room for one that waits for a slow mail server.
_ALIVE: Final = dt.timedelta(minutes=5)

_COUNTERS: Final = {
    "events": ("forum_events", "Comments whose publication was to be told.", ()),
    "items": ("forum_items", "News for one person, by what brought it to them.", ("reason",)),
    "skips": ("forum_skips", "News a person was spared, by why.", ("reason",)),
    "messages": ("forum_messages", "Messages that came to an end.", ("kind", "state")),
    "attempts": ("forum_attempts", "Tries to hand over a message.", ("phase", "outcome")),
    "ambiguous": ("forum_ambiguous", "Tries that may have succeeded: no answer came.", ()),
    "resent": ("forum_duplicates_resent", "Messages sent once more after such a try.", ()),
    "refusals": (
        "forum_refusals",
        "Answers that speak against an address (hard, soft) or our mail (policy).",
        ("kind",),
    ),
    "policy": (
        "forum_policy_refusals",
        "Mails refused by policy, by the domain of the reader where it is one of FORUM_MAIL_BIG_DOMAINS.",
        ("domain",),
    ),
    "unsubscribes": ("forum_unsubscribes", "Addresses that wanted no more mail, by the way they said so.", ("cause",)),
    "complaints": ("forum_complaints", "Addresses that reported mail as spam.", ()),
    "confirmations": ("forum_confirmations", "Mails that asked for a confirmation, and the answers.", ("step",)),
}
# There from the start: a ratio needs a number below its line.
_FROM_ZERO: Final[Counts] = {
    ("ambiguous", ()): 0,
    ("resent", ()): 0,
    ("complaints", ()): 0,
    ("policy", ("other",)): 0,
    **{("refusals", (kind,)): 0 for kind in ("hard", "soft", "policy")},
    **{("confirmations", (step,)): 0 for step in ("asked", "confirmed", "refused")},
}
_REFUSALS: Final = {"bad_mailbox": "hard", "doubtful": "soft", "full": "soft", "refused": "policy"}


def exposition(session: Session, now: dt.datetime) -> bytes:
    """Everything there is to know at ``now``, in Prometheus' text format (:data:`CONTENT_TYPE_LATEST`)."""
    counts = tallies.read(session)
    gauges = (*_outbox(session, now), *_mail_server(session, now), *_workers(session, now))
    return generate_latest(_Read([*_counters(counts), *gauges, *_durations(counts)]))


class _Read(Collector):
    """What was read, for the writer of the format."""

    def __init__(self, metrics: Iterable[Metric]) -> None:
        self._metrics = metrics

    def collect(self) -> Iterable[Metric]:
        return self._metrics


def _counters(counts: Counts) -> Iterator[Metric]:
    every = tallies.added(_FROM_ZERO, counts, _refusals(counts), _confirmations(counts))
    for name, (metric, what, labels) in _COUNTERS.items():
        family = CounterMetricFamily(metric, what, labels=labels)
        for (counted, values), number in sorted(every.items()):
            if counted == name:
                family.add_metric(values, number)
        yield family


def _refusals(counts: Counts) -> Counts:
    answers = [(labels[1], number) for (name, labels), number in counts.items() if name == "attempts"]
    each: list[Counts] = [{("refusals", (_REFUSALS[word],)): number} for word, number in answers if word in _REFUSALS]
    return tallies.added(*each)


def _confirmations(counts: Counts) -> Counts:
    return {
        ("confirmations", ("asked",)): counts.get(("messages", ("confirm", "sent")), 0),
        ("confirmations", ("confirmed",)): counts.get(("confirmed", ()), 0),
        ("confirmations", ("refused",)): counts.get(("refused", ()), 0),
    }


def _outbox(session: Session, now: dt.datetime) -> Iterator[Metric]:
    messages, since = vitals.message_states(session), outbox.waiting_since(session, now)
    yield _by_state("forum_outbox_messages", "Messages in each state; those that ended stay for a month.", messages)
    yield _by_state("forum_outbox_items", "News in each state.", vitals.item_states(session))
    yield _gauge("forum_oldest_ready_age_seconds", "How long the oldest thing waits that is due.", _age(since, now))
    yield _gauge("forum_live_leases", "Messages that a worker holds.", vitals.leases(session))
    yield _gauge("forum_dead_messages", "Messages that were given up.", messages.get("dead", 0))
    yield _gauge("forum_dead_events", "Comments that nobody could be told of.", vitals.dead_events(session))
    what = "Messages, news and comments that wait for `flask forum mail restored --send` or `--drop`."
    yield _gauge("forum_laid_aside", what, sum(vitals.laid_aside(session)))


def _mail_server(session: Session, now: dt.datetime) -> Iterator[Metric]:
    breaker = vitals.breaker(session, now)
    yield _gauge("forum_breaker_open", "1 while the mail server cannot be used.", int(breaker is not None))
    yield _gauge("forum_breaker_failures", "Its failures in a row.", breaker.failures if breaker else 0)
    yield _gauge("forum_throttled_domains", "Domains that asked for less mail.", len(vitals.slowed(session, now)))
    what = "Domains that deny so many mailboxes at once that their refusals are not believed."
    yield _gauge("forum_disbelieved_domains", what, len(bounces.disbelieved(session, now)))


def _workers(session: Session, now: dt.datetime) -> Iterator[Metric]:
    seen = [worker.seen_at for worker in vitals.workers(session)]
    alive = sum(now - at <= _ALIVE for at in seen)
    yield _gauge("forum_workers_alive", "Delivering processes seen within five minutes.", alive)
    if seen:
        what = "Time since a delivering process was last seen; missing if none ever was."
        yield _gauge("forum_worker_heartbeat_age_seconds", what, _age(seen[0], now))


def _durations(counts: Counts) -> Iterator[Metric]:
    what = "From the publication of the news to the mail server's yes."
    news = HistogramMetricFamily("forum_news_delivery_seconds", what)
    wire = HistogramMetricFamily("forum_smtp_seconds", "The parts of a conversation with a server.", labels=("phase",))
    for duration in durations.ALL:
        family, labels = (news, ()) if duration.name == "waited" else (wire, (duration.name,))
        family.add_metric(labels, durations.cumulated(duration, counts), _sum(duration, counts))
    yield from (news, wire)


def _sum(duration: Duration, counts: Counts) -> float:
    return counts.get((f"{duration.name}_sum", ()), 0)


def _gauge(name: str, what: str, value: float) -> Metric:
    return GaugeMetricFamily(name, what, value=value)


def _by_state(name: str, what: str, states: dict[str, int]) -> Metric:
    family = GaugeMetricFamily(name, what, labels=("state",))
    for state, number in sorted(states.items()):
        family.add_metric((state,), number)
    return family


def _age(since: dt.datetime | None, now: dt.datetime) -> float:
    return 0 if since is None else max(0.0, (now - since).total_seconds())
