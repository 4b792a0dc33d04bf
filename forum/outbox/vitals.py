"""How the outbox is at this moment: what is in which state, what holds mail back, what was given up, who delivers."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import and_, case, func, select
from sqlalchemy.orm import Session

from ..models import Event, Item, Message, Throttle, Worker, from_now
from . import breaker as breakers
from . import throttle
from .restore import REASON as RESTORED
from .restore import Laid
from .tallies import LAID_ASIDE, STANDING

# When the time of a breaker is over the next delivery tries the server: cron comes by once a minute. After that
# nobody has had anything to send, and nothing is known of the server.
_TRY_WITHIN = dt.timedelta(minutes=2)
_EVENT_LAID_ASIDE = and_(Event.state == "dead", Event.last_error.is_not_distinct_from(RESTORED))
_ITEM_LAID_ASIDE = and_(Item.state == "skipped", Item.skip_reason.is_not_distinct_from(RESTORED))
_STANDING = case((_ITEM_LAID_ASIDE, "laid_aside"), else_=Item.state).label("standing")


@dataclass(frozen=True)
class Breaker:
    """The mail server cannot be used: since when, until when it is left alone, and its last words."""

    since: dt.datetime
    open_until: dt.datetime
    failures: int
    error: str | None


@dataclass(frozen=True)
class Slow:
    """A domain that asked for less mail: when it last did, and how many messages a minute it got from then on."""

    domain: str
    rate: float | None
    asked_at: dt.datetime


@dataclass(frozen=True)
class GivenUp:
    """A message or an event that nothing more is done about, and the last error."""

    what: str
    id: int
    error: str | None


def breaker(session: Session, now: dt.datetime) -> Breaker | None:
    """The breaker of the mail server that has been away for longest, or None while mail can leave."""
    query = select(Throttle).where(Throttle.scope == breakers.SCOPE, Throttle.open_until > now - _TRY_WITHIN)
    row = session.scalar(query.order_by(Throttle.since).limit(1))
    if row is None or row.open_until is None:
        return None
    return Breaker(row.since, row.open_until, row.failures, row.last_error)


def slowed(session: Session, now: dt.datetime) -> list[Slow]:
    """The domains that asked for less mail within the hour, by their names."""
    recent = (Throttle.scope == throttle.SCOPE, Throttle.changed_at > now - throttle.REMEMBERED)
    rows = session.scalars(select(Throttle).where(*recent).order_by(Throttle.key))
    return [Slow(row.key, row.rate, row.changed_at) for row in rows]


def message_states(session: Session) -> dict[str, int]:
    """How many messages are in each state; `laid_aside` is one, until somebody decides."""
    return dict(session.execute(select(STANDING, func.count()).select_from(Message).group_by("standing")).all())


def item_states(session: Session) -> dict[str, int]:
    """How many items are in each state; `laid_aside` is one, until somebody decides."""
    return dict(session.execute(select(_STANDING, func.count()).select_from(Item).group_by("standing")).all())


def preparing(session: Session) -> int:
    """Of how many comments somebody is to be told by a mail that is not written yet."""
    news = select(Event.comment_id).where(Event.state == "new", Event.kind.in_(("published", "held")))
    items = select(Item.comment_id).where(Item.state == "waiting")
    return session.scalar(select(func.count()).select_from(news.union(items).subquery())) or 0


def dead_events(session: Session) -> int:
    """How many events nobody could be told of."""
    return session.scalar(select(func.count()).where(Event.state == "dead", ~_EVENT_LAID_ASIDE)) or 0


def dead_messages(session: Session) -> int:
    """How many messages were given up."""
    return session.scalar(select(func.count()).where(Message.state == "dead", ~LAID_ASIDE)) or 0


def laid_aside(session: Session) -> Laid:
    """What `flask forum mail restored` laid aside and nobody has decided about yet."""
    counted = (select(func.count()).where(which) for which in (_EVENT_LAID_ASIDE, _ITEM_LAID_ASIDE, LAID_ASIDE))
    return Laid._make(session.execute(select(*(each.scalar_subquery() for each in counted))).one())


def doubtful(session: Session) -> int:
    """How many messages may have arrived twice, or not at all: no answer came to one of their attempts."""
    return session.scalar(select(func.count()).where(Message.ambiguous > 0)) or 0


def given_up(session: Session, most: int) -> list[GivenUp]:
    """The newest ``most`` messages that were given up, then the newest events."""
    dead, untold = (Message.state == "dead", ~LAID_ASIDE), (Event.state == "dead", ~_EVENT_LAID_ASIDE)
    messages = select(Message.id, Message.last_error).where(*dead).order_by(Message.id.desc())
    events = select(Event.id, Event.last_error).where(*untold).order_by(Event.id.desc())
    return [
        *(GivenUp("message", id_, error) for id_, error in session.execute(messages.limit(most))),
        *(GivenUp("event", id_, error) for id_, error in session.execute(events.limit(most))),
    ]


def leases(session: Session) -> int:
    """How many messages a worker holds at this moment, by the clock of the database like the leases themselves."""
    return session.scalar(select(func.count()).where(Message.lease_until > from_now())) or 0


def workers(session: Session) -> Sequence[Worker]:
    """Who delivers or did a short while ago, the last seen first."""
    return session.scalars(select(Worker).order_by(Worker.seen_at.desc(), Worker.name)).all()
