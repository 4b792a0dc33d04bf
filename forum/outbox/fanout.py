"""An event in, one item for each person out, with the reason for every yes and every no."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import select
from sqlalchemy.orm import Session

from ..models import Event, Item
from ..settings import Settings
from ..tokens import Keys
from . import audience, confirms, pace
from .audience import Standing
from .cadence import due_at
from .decide import Decision, decide

CHUNK = 500


def fan_out(session: Session, keys: Keys, settings: Settings, now: dt.datetime) -> bool:
    """Work on one chunk of the oldest open event; False when there is none. The caller commits each chunk.

    A worker killed in between loses its chunk only: the cursor commits with the items, and the unique key of an
    item absorbs what two workers did at once (an IntegrityError: roll back and call again).
    """
    query = select(Event).where(Event.state == "new", Event.not_before <= now).order_by(Event.id).limit(1)
    event = session.scalar(query.with_for_update(skip_locked=True))
    if event is None:
        return False
    if event.comment.state != "published":
        event.state = "skipped"
    else:
        _chunk(session, keys, settings, event, now)
    session.flush()
    return True


def _chunk(session: Session, keys: Keys, settings: Settings, event: Event, now: dt.datetime) -> None:
    if event.cursor == 0:
        confirms.ask_author(session, keys, settings, event.comment, now)
    ids = audience.candidates(session, event.comment, event.cursor, CHUNK)
    known = audience.standings(session, keys, [(event.comment, id_) for id_ in ids], now)
    told = set(session.scalars(select(Item.address_id).where(Item.comment_id == event.comment_id)))
    room = pace.room_for(session, event.comment, now)
    max_age = dt.timedelta(days=settings.mail_max_age_days)
    for (_, address_id), standing in known.items():
        if address_id in told:
            continue
        decision = decide(standing.facts, max_age)
        room -= decision.word == "send"
        item = _item(event, address_id, standing, decision, settings, now)
        item.due_at += pace.delay(room)
        session.add(item)
    session.flush()
    pace.slow_down(session, event.comment.thread_id, ids, now)
    event.cursor = ids[-1] if ids else event.cursor
    event.state = "new" if len(ids) == CHUNK else "done"


_STATE = {"send": "waiting", "wait": "waiting_confirm", "skip": "skipped"}


def _item(
    event: Event, address_id: int, standing: Standing, decision: Decision, settings: Settings, now: dt.datetime
) -> Item:
    comment = event.comment
    held = (comment.edited_at or comment.published_at or now) + dt.timedelta(seconds=settings.mail_hold_seconds)
    due = due_at(max(held, standing.paused_until or held), standing.cadence, settings.mail_digest_hour)
    return Item(
        event_id=event.id,
        comment_id=comment.id,
        thread_id=comment.thread_id,
        address_id=address_id,
        subscription_id=standing.subscription_id,
        reason=decision.reason,
        state=_STATE[decision.word],
        skip_reason=decision.why_not,
        cadence="instant" if standing.cadence == "off" else standing.cadence,
        due_at=due,
        created_at=now,
    )
