"""Items that are due become messages: one for each address and thread, whatever happened meanwhile."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from ..models import Address, Item, Message, Thread
from ..settings import Settings
from ..tokens import Keys
from . import bundling, digests, pace

_SLOW_SECONDS = 3600
# An address that confirms late gets the newest few, not everything that happened while it slept.
_WAITED_AT_MOST = dt.timedelta(hours=24)
_WAITED_MANY = 5


def group(session: Session, keys: Keys, settings: Settings, now: dt.datetime, limit: int = 100) -> int:
    """Turn due items into messages and return how many groups were dealt with. The caller commits.

    Instant items of one address and thread travel together, those of a digest with all threads of the address.
    After a recent mail about the thread items wait for the cooldown; beyond the cap of a day they wait for one
    digest. They are never dropped.
    """
    due = select(Item.address_id, Item.thread_id).where(Item.state == "waiting", Item.due_at <= now)
    pairs = due.where(Item.cadence == "instant").group_by(Item.address_id, Item.thread_id)
    # In one order for all workers, or two of them wait for each other.
    pairs = pairs.order_by(Item.address_id, Item.thread_id).limit(limit)
    done = 0
    for address_id, thread_id in session.execute(pairs).all():
        _group_pair(session, keys, settings, address_id, thread_id, now)
        done += 1
    return done + digests.group(session, keys, settings, now, limit)


def _group_pair(
    session: Session, keys: Keys, settings: Settings, address_id: int, thread_id: int, now: dt.datetime
) -> None:
    waiting = (
        Item.state == "waiting",
        Item.cadence == "instant",
        Item.address_id == address_id,
        Item.thread_id == thread_id,
    )
    free = bundling.free_at(session, settings, address_id, now)
    if free is not None:
        session.execute(update(Item).where(*waiting).values(cadence="rolled", due_at=free))
        return
    slow = pace.is_slow(session, address_id, thread_id, now)
    cool = _cool_at(session, address_id, thread_id, settings, slow)
    if cool is not None and cool > now:
        session.execute(update(Item).where(*waiting, Item.due_at < cool).values(due_at=cool))
        return
    bundling.bundle(session, keys, settings, "reply", waiting, address_id, thread_id, now, {"hourly": slow})
    _freeze_subject(session, thread_id)


def release_waiting(session: Session, address: Address, now: dt.datetime) -> None:
    """The address is confirmed: the newest answers that waited for it become due, older ones are stale."""
    waiting = select(Item).where(Item.address_id == address.id, Item.state == "waiting_confirm")
    for n, item in enumerate(session.scalars(waiting.order_by(Item.comment_id.desc()))):
        if n < _WAITED_MANY and now - item.created_at <= _WAITED_AT_MOST:
            item.state, item.due_at = "waiting", max(item.due_at, now)
        else:
            item.state, item.skip_reason = "skipped", "stale"
    session.flush()


def _cool_at(session: Session, address_id: int, thread_id: int, settings: Settings, slow: bool) -> dt.datetime | None:
    """When the next mail about the thread may follow the last one."""
    last = session.scalar(
        select(func.max(Message.accepted_at)).where(Message.address_id == address_id, Message.thread_id == thread_id)
    )
    seconds = max(settings.mail_cooldown_seconds, _SLOW_SECONDS if slow else 0)
    return None if last is None else last + dt.timedelta(seconds=seconds)


def _freeze_subject(session: Session, thread_id: int) -> None:
    """Keep the title of the first mail: mail programs put together what has one subject."""
    session.execute(update(Thread).where(Thread.id == thread_id, Thread.subject.is_(None)).values(subject=Thread.title))
