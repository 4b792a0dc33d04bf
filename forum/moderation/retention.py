"""The privacy clock: what nobody needs any more goes, by the keys FORUM_KEEP_…, a chunk in each transaction.

Ages count from the last decision where there was one. Of what is published, or waits for a decision, only the hashes
of networks and visitors go. Mail has a clock of its own in `outbox.pruning`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, and_, delete, func, or_, select, update
from sqlalchemy.orm import Session, aliased

from .. import audit, preferences
from ..comments import CLOCK
from ..models import (
    Address,
    Audit,
    Comment,
    Event,
    Item,
    Listing,
    Message,
    Refusal,
    Report,
    Revision,
    SignIn,
    Subscription,
)
from ..outbox import tallies
from ..outbox.durations import Counts
from ..settings import Settings
from ..tokens import Keys
from . import enlisting

CHUNK: Final = 500
# Each is many statements.
_FEW: Final = 50
# Twice as long as a moderator may stay signed in: the row is the session's half on our side.
_SIGN_INS: Final = dt.timedelta(days=30)
# Everything is counted in days.
_EVERY: Final = dt.timedelta(days=1)
_RAN: Final = "retention"


@dataclass(frozen=True)
class Clock:
    """What the rules go by: ``counted`` is for how long limits count what asked for a confirmation."""

    keys: Keys
    settings: Settings
    now: dt.datetime
    counted: dt.timedelta = dt.timedelta(0)

    def ago(self, setting: str) -> dt.datetime | None:
        """The moment before which is too old by ``setting``; None where that says for ever."""
        days: int = getattr(self.settings, setting)
        return self.now - dt.timedelta(days=days) if days else None


@dataclass(frozen=True)
class Rule:
    """What is over by one ``setting`` (None: by a time of its own), as a query for ids, and what becomes of them."""

    name: str
    setting: str | None
    over: Callable[[Clock, dt.datetime], Select[int]]
    end: Callable[[Session, Clock, Sequence[int]], None]
    chunk: int = CHUNK

    def due(self, clock: Clock) -> Select[int] | None:
        """The ids of all that is over; None where it is kept for ever."""
        before = clock.ago(self.setting) if self.setting else clock.now - _SIGN_INS
        return None if before is None else self.over(clock, before)


def prune(session: Session, rule: Rule, clock: Clock) -> int:
    """End one chunk of what is over by ``rule`` and return how much it was. The caller commits, and calls again.

    Any number of workers may: each takes rows that no other holds. Begin again after an IntegrityError.
    """
    due = rule.due(clock)
    if due is None:
        return 0
    ids = session.scalars(due.limit(rule.chunk).with_for_update(skip_locked=True)).all()
    if ids:
        rule.end(session, clock, ids)
        session.flush()
    return len(ids)


def counts(session: Session, clock: Clock) -> dict[str, int]:
    """How much is over by each rule at this moment; nothing is changed."""
    dues = {rule.name: rule.due(clock) for rule in RULES}
    return {
        name: 0 if due is None else session.scalar(select(func.count()).select_from(due.subquery())) or 0
        for name, due in dues.items()
    }


def is_due(session: Session, now: dt.datetime) -> bool:
    """Whether the clock has not gone round for a day, or somebody's block is over, for which nobody waits a day."""
    last = last_run(session)
    return last is None or now - last >= _EVERY or session.scalar(enlisting.over(now).limit(1)) is not None


def note(session: Session, done: Mapping[str, int], now: dt.datetime) -> None:
    """Keep on record that the clock has gone round, and how much it ended."""
    ended = {name: number for name, number in done.items() if number}
    audit.record(session, None, "prune", kind=_RAN, actor=CLOCK, now=now, data=ended)


def last_run(session: Session) -> dt.datetime | None:
    """When the clock last went round to the end."""
    return session.scalar(select(func.max(Audit.at)).where(Audit.subject_kind == _RAN, Audit.subject_id == 0))


def _old_comments(clock: Clock, before: dt.datetime) -> Select[int]:
    """Set aside and not looked at since ``before``; and places that are kept although nothing hangs below any more."""
    touched = select(Audit.id).where(Audit.subject_kind == "comment", Audit.subject_id == Comment.id, Audit.at > before)
    below = aliased(Comment)
    is_empty = and_(Comment.removed_by == CLOCK, ~select(below.id).where(below.parent_id == Comment.id).exists())
    which = or_(Comment.state != "removed", Comment.removed_by == "moderator", is_empty)
    aside = (Comment.state.in_(("rejected", "spam", "removed")), Comment.created_at <= before, which)
    return select(Comment.id).where(*aside, ~touched.exists())


def _end_comments(session: Session, clock: Clock, ids: Sequence[int]) -> None:
    """What nothing hangs below goes wholly; of the others the place remains, without words and without a person."""
    answers = select(Comment.parent_id).where(Comment.parent_id.in_(ids))
    above = set(session.scalars(answers))
    session.execute(delete(Revision).where(Revision.comment_id.in_(ids)))
    session.execute(delete(Report).where(Report.comment_id.in_(ids)))
    _blank(session, [id_ for id_ in ids if id_ in above])
    _delete(session, [id_ for id_ in ids if id_ not in above])


def _blank(session: Session, ids: Sequence[int]) -> None:
    for comment in session.scalars(select(Comment).where(Comment.id.in_(ids))):
        preferences.unsign(comment)
        comment.name, comment.website, comment.source, comment.html = "", None, "", ""
        comment.text_hash, comment.reasons = None, []
        # Its lesson stays: nobody can unlearn words that are gone.
        comment.learned = None
        comment.state, comment.removed_by = "removed", CLOCK
        comment.version += 1


def _delete(session: Session, ids: Sequence[int]) -> None:
    of_these = Item.comment_id.in_(ids)
    published = select(func.count()).where(Event.comment_id.in_(ids), Event.kind == "published")
    events: Counts = {("events", ()): float(session.scalar(published) or 0)}
    tallies.keep(session, tallies.added(tallies.of_items(session, of_these), events))
    session.execute(delete(Item).where(of_these))
    session.execute(delete(Event).where(Event.comment_id.in_(ids)))
    wishes = select(Subscription.id).where(Subscription.comment_id.in_(ids))
    session.execute(update(Item).where(Item.subscription_id.in_(wishes)).values(subscription_id=None))
    session.execute(delete(Subscription).where(Subscription.comment_id.in_(ids)))
    session.execute(delete(Comment).where(Comment.id.in_(ids)))


def _old_hashes(clock: Clock, before: dt.datetime) -> Select[int]:
    known = or_(Comment.network.is_not(None), Comment.visitor_hash.is_not(None))
    return select(Comment.id).where(known, Comment.created_at <= before)


def _old_addresses(clock: Clock, before: dt.datetime) -> Select[int]:
    """Neither proved nor written under, and quiet since ``before``; those of moderators are known to the operator."""
    written, other = aliased(Comment), Address.key.not_in(clock.settings.moderators)
    quiet = (Address.created_at <= before, Address.changed_at <= before, Address.active_at <= before)
    none = ~select(written.id).where(written.address_id == Address.id).exists()
    return select(Address.id).where(Address.state.in_(("none", "pending")), *quiet, other, none)


def _end_addresses(session: Session, clock: Clock, ids: Sequence[int]) -> None:
    for id_ in ids:
        preferences.forget(session, clock.keys, session.get_one(Address, id_), clock.now, actor=CLOCK)


def _end_blocks(session: Session, clock: Clock, ids: Sequence[int]) -> None:
    enlisting.end(session, clock.keys, ids, CLOCK, clock.now)


def _old_messages(clock: Clock, before: dt.datetime) -> Select[int]:
    """Messages still kept; limits count by network, and a confirmation is counted for longer than it is old."""
    uncounted = or_(Message.kind != "confirm", Message.created_at <= clock.now - clock.counted)
    return select(Message.id).where(Message.network.is_not(None), Message.created_at <= before, uncounted)


def _simple(model: Any, *which: Callable[[dt.datetime], ColumnElement[bool]]) -> Callable[..., Select[int]]:
    return lambda clock, before: select(model.id).where(*(condition(before) for condition in which))


def _clear(model: Any, *names: str) -> Callable[[Session, Clock, Sequence[int]], None]:
    """Empty these columns."""
    empty = dict.fromkeys(names)
    return lambda session, clock, ids: _run(session, update(model).where(model.id.in_(ids)).values(empty))


def _drop(model: Any) -> Callable[[Session, Clock, Sequence[int]], None]:
    return lambda session, clock, ids: _run(session, delete(model).where(model.id.in_(ids)))


def _run(session: Session, statement: Any) -> None:
    session.execute(statement)


_REJECTED, _NETWORK = "keep_rejected_days", "keep_network_days"
_consents = _simple(
    Subscription, lambda before: Subscription.consent_network.is_not(None), lambda at: Subscription.consent_at <= at
)
_refused_from = _simple(Refusal, lambda before: Refusal.network.is_not(None), lambda before: Refusal.at <= before)
# Comments before addresses: an address may have had that one comment only.
RULES: Final = (
    Rule("comments", _REJECTED, _old_comments, _end_comments),
    Rule("refusals", _REJECTED, _simple(Refusal, lambda before: Refusal.at <= before), _drop(Refusal)),
    Rule("reports", _REJECTED, _simple(Report, lambda before: Report.settled_at <= before), _drop(Report)),
    # Before listings: once the entry is gone nothing says whom it had blocked.
    Rule("blocks", None, lambda clock, _: enlisting.over(clock.now), _end_blocks, _FEW),
    Rule("listings", _REJECTED, _simple(Listing, lambda before: Listing.until <= before), _drop(Listing)),
    Rule("networks of comments", _NETWORK, _old_hashes, _clear(Comment, "network", "visitor_hash")),
    Rule("networks of consents", _NETWORK, _consents, _clear(Subscription, "consent_network")),
    Rule("networks of refusals", _NETWORK, _refused_from, _clear(Refusal, "network")),
    Rule("networks of mail", _NETWORK, _old_messages, _clear(Message, "network")),
    Rule("unconfirmed addresses", "keep_unconfirmed_days", _old_addresses, _end_addresses, _FEW),
    Rule("sign-ins", None, _simple(SignIn, lambda before: SignIn.created_at <= before), _drop(SignIn)),
)
