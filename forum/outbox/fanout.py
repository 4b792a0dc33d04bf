"""An event in, one item for each person out, with the reason for every yes and every no.

That a comment is held is told to moderators, by :mod:`forum.outbox.desk`. Questions about comments are events too, and
not dealt with here.
"""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Callable, Iterator
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.exc import IntegrityError, InterfaceError, OperationalError
from sqlalchemy.orm import Session

from ..models import Event, Item
from ..settings import Settings
from ..tokens import Keys
from . import audience, confirms, desk, events, pace
from .audience import Standing
from .cadence import due_at
from .decide import Decision, decide

log = logging.getLogger("forum.outbox")

CHUNK = 500
# Two workers may meet once in the same rows; who meets somebody each time does something wrong.
_CLASHES = 3


def fan_out(session: Session, keys: Keys, settings: Settings, now: dt.datetime) -> bool:
    """Work on one chunk of the oldest open event; False when there is none. The caller commits each chunk.

    A worker killed in between loses its chunk only: the cursor commits with the items, and unique keys absorb what
    two workers did at once. An event that cannot be worked on is tried again later and stops no other; that the
    database is away or busy is the caller's matter.
    """
    news = Event.kind.in_(("published", desk.HELD))
    query = select(Event).where(news, Event.state == "new", Event.not_before <= now).order_by(Event.id).limit(1)
    event = session.scalar(query.with_for_update(skip_locked=True))
    if event is None:
        return False
    try:
        _absorb_clashes(session, lambda: _work_on(session, keys, settings, event, now))
    except (OperationalError, InterfaceError):
        raise
    except Exception as error:
        log.exception("event %s cannot be told", event.id)
        events.lay_aside(event, error, now)
    session.flush()
    return True


def _absorb_clashes(session: Session, work: Callable[[], None]) -> None:
    """Do ``work`` in a savepoint, and anew when a row was there already: whoever wrote it has committed by then.

    So it is seen where transactions see what others committed, as delivery's do. What is refused every time is no
    clash: the IntegrityError is raised like any other error.
    """
    for _ in range(_CLASHES):
        try:
            with session.begin_nested():
                return work()
        except IntegrityError:
            # What was read before says what is not so any more.
            session.expire_all()
    with session.begin_nested():
        work()


def _work_on(session: Session, keys: Keys, settings: Settings, event: Event, now: dt.datetime) -> None:
    if event.kind == desk.HELD:
        desk.tell(session, keys, settings, event, now)
    elif event.comment.state == "published":
        _chunk(session, keys, settings, event, now)
        event.attempts = 0
    else:
        event.state = "skipped"


def _chunk(session: Session, keys: Keys, settings: Settings, event: Event, now: dt.datetime) -> None:
    comment = event.comment
    if event.cursor == 0:
        confirms.ask_author(session, keys, settings, comment, now)
    ids = audience.candidates(session, comment, event.cursor, CHUNK)
    known = audience.standings(session, keys, [(comment, id_) for id_ in ids], now)
    told = set(session.scalars(select(Item.address_id).where(Item.comment_id == comment.id, Item.address_id.in_(ids))))
    new = {address_id: standing for (_, address_id), standing in known.items() if address_id not in told}
    rows = list(_items(event, new, pace.room_for(session, comment, now), settings, now))
    if rows:
        session.execute(insert(Item), rows)
    pace.slow_down(session, comment.thread_id, ids, now)
    event.cursor = ids[-1] if ids else event.cursor
    event.state = "new" if len(ids) == CHUNK else "done"


def _items(
    event: Event, people: dict[int, Standing], room: int, settings: Settings, now: dt.datetime
) -> Iterator[dict[str, Any]]:
    max_age = dt.timedelta(days=settings.mail_max_age_days)
    for address_id, standing in people.items():
        decision = decide(standing.facts, max_age)
        room -= decision.word == "send"
        due = _due(event, standing, settings, now) + pace.delay(room)
        yield _item(event, address_id, standing, decision) | {"due_at": due, "created_at": now}


_STATE = {"send": "waiting", "wait": "waiting_confirm", "skip": "skipped"}


def _item(event: Event, address_id: int, standing: Standing, decision: Decision) -> dict[str, Any]:
    return {
        "event_id": event.id,
        "comment_id": event.comment_id,
        "thread_id": event.comment.thread_id,
        "address_id": address_id,
        "subscription_id": standing.subscription_id,
        "reason": decision.reason,
        "state": _STATE[decision.word],
        "skip_reason": decision.why_not,
        "cadence": "instant" if standing.cadence == "off" else standing.cadence,
    }


def _due(event: Event, standing: Standing, settings: Settings, now: dt.datetime) -> dt.datetime:
    said = event.comment.edited_at or event.comment.published_at or now
    held = said + dt.timedelta(seconds=settings.mail_hold_seconds)
    return due_at(max(held, standing.paused_until or held), standing.cadence, settings.mail_digest_hour)
