"""What is counted for good: the rows that are there, and what was noted of rows that are gone or began anew.

Counting rows instead of adding up in processes makes the numbers right for any number of workers. Whoever deletes
counted rows, or takes back what they say, notes that with :func:`keep` in the same transaction: no counter falls.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection

from sqlalchemy import ColumnElement, and_, case, func, select, update
from sqlalchemy.orm import Session

from ..models import Attempt, Audit, Event, Item, Message, Tally
from . import durations
from .durations import Counts
from .restore import REASON as RESTORED

ENDED = ("sent", "failed", "dead", "cancelled", "expired")
# Not over yet: somebody will have it sent or dropped.
LAID_ASIDE = and_(Message.state == "dead", Message.skip_reason.is_not_distinct_from(RESTORED))
# Grouped by its name: a driver that numbers its parameters makes the same expression another one.
STANDING = case((LAID_ASIDE, "laid_aside"), else_=Message.state).label("standing")


def read(session: Session) -> Counts:
    """Everything that was ever counted, in a number of queries that does not depend on how much there is.

    Of messages `messages` (by kind and state), `ambiguous` and `resent`; of attempts `attempts` (by phase and outcome)
    and the durations; of items `items` and `skips` (by reason); `events`; of addresses `unsubscribes` (by cause),
    `complaints`, `confirmed` and `refused`; `policy` (by domain), which :func:`note_policy` keeps.
    """
    kept = _kept(session)
    while True:
        counts = added(kept, _live(session))
        before, kept = kept, _kept(session)
        # Rows that became a tally between the two looks would be counted twice or not at all.
        if kept == before:
            return counts


def of_messages(session: Session, *which: ColumnElement[bool]) -> Counts:
    """The messages that have ended and are ``which``, and how often it stayed in doubt whether one arrived."""
    twice = func.sum(case((Message.ambiguous > 0, 1), else_=0))
    query = select(Message.kind, STANDING, func.count(), func.sum(Message.ambiguous), twice)
    counts: Counts = defaultdict(float)
    rows = session.execute(query.where(*which).group_by(Message.kind, "standing"))
    for kind, state, number, doubts, resent in rows:
        counts["ambiguous", ()] += float(doubts)
        if state in ENDED:
            counts["messages", (kind, state)] += number
        if state == "sent":
            counts["resent", ()] += float(resent)
    return counts


def of_attempts(session: Session, *which: ColumnElement[bool]) -> Counts:
    """The attempts that are ``which``, and how long their parts took."""
    query = select(Attempt.phase, Attempt.outcome, func.count()).where(*which)
    rows = session.execute(query.group_by(Attempt.phase, Attempt.outcome))
    numbers: Counts = {("attempts", (phase, outcome)): float(number) for phase, outcome, number in rows}
    return added(numbers, *(durations.of(session, each, *which) for each in durations.ALL))


def of_items(session: Session, *which: ColumnElement[bool]) -> Counts:
    """The items that are ``which`` by their reason, and those among them that were skipped by the reason for that."""
    query = select(Item.reason, Item.state, Item.skip_reason, func.count()).where(*which)
    counts: Counts = defaultdict(float)
    for reason, state, why_not, number in session.execute(query.group_by(Item.reason, Item.state, Item.skip_reason)):
        counts["items", (reason,)] += number
        if state == "skipped" and why_not != RESTORED:
            counts["skips", (why_not or "unknown",)] += number
    return counts


def keep(session: Session, counts: Counts) -> None:
    """Add ``counts`` to what is kept. The caller commits, and begins again after an IntegrityError."""
    # In order, so that two transactions wait for each other instead of for ever.
    for (name, labels), value in sorted(counts.items()):
        text = ",".join(labels)
        same = (Tally.name == name, Tally.labels == text)
        kept = session.scalar(select(Tally.id).where(*same).with_for_update())
        if kept is None:
            session.add(Tally(name=name, labels=text, value=value))
            session.flush()
        else:
            session.execute(update(Tally).where(*same).values(value=Tally.value + value))


def note_policy(session: Session, domain: str, named: Collection[str]) -> None:
    """Count that ``domain`` refused our mail by its policy; those that are not ``named`` are one, "other".

    Whoever reads the numbers keeps a row for each name, for ever, so there must be few. The caller commits, and begins
    again after an IntegrityError.
    """
    keep(session, {("policy", (domain if domain in named else "other",)): 1})


def added(*many: Counts) -> Counts:
    """The sum of ``many``."""
    counts: Counts = defaultdict(float)
    for each in many:
        for key, value in each.items():
            counts[key] += value
    return counts


def _live(session: Session) -> Counts:
    outbox = (of_messages(session), of_attempts(session), of_items(session), _of_events(session))
    return added(*outbox, _of_addresses(session))


def _of_events(session: Session) -> Counts:
    return {("events", ()): float(session.scalar(select(func.count()).where(Event.kind == "published")) or 0)}


def _of_addresses(session: Session) -> Counts:
    """What people decided about their address: the audit keeps it even when the address is forgotten."""
    query = select(Audit.after, Audit.cause, func.count()).where(Audit.subject_kind == "address", Audit.act == "state")
    counts: Counts = defaultdict(float)
    for state, cause, number in session.execute(query.group_by(Audit.after, Audit.cause)):
        if state == "unsubscribed":
            counts["unsubscribes", (cause,)] += number
        elif state == "confirmed" and cause == "page":
            counts["confirmed", ()] += number
        elif state in _NAMES:
            counts[_NAMES[state], ()] += number
    return counts


_NAMES = {"complained": "complaints", "refused": "refused"}


def _kept(session: Session) -> Counts:
    rows = session.execute(select(Tally.name, Tally.labels, Tally.value))
    return {(name, tuple(labels.split(",")) if labels else ()): value for name, labels, value in rows}
