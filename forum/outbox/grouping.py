"""Items that are due become messages: one for each address and thread, whatever happened meanwhile."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from ..models import Address, Item, Thread
from ..settings import Settings
from ..tokens import Keys
from . import bundling, digests, pace
from .bundling import Bundle, Waiting

# An address that confirms late gets the newest few, not everything that happened while it slept.
_WAITED_AT_MOST = dt.timedelta(hours=24)
_WAITED_MANY = 5


def group(session: Session, keys: Keys, settings: Settings, now: dt.datetime, limit: int = 500) -> int:
    """Turn due items into messages and return how many groups were dealt with. The caller commits.

    Instant items of one address and thread travel together, those of a digest with all threads of the address.
    After a recent mail about the thread items wait for the cooldown; beyond the cap of a day they wait for one
    digest. They are never dropped. A call takes ``limit`` pairs and as many digests, in a fixed number of
    statements, and leaves to another worker what that one is grouping.
    """
    due = _due(session, now, limit)
    if due:
        _group_pairs(session, keys, settings, due, now)
    return len(due) + digests.group(session, keys, settings, now, limit)


def release_waiting(session: Session, address: Address, now: dt.datetime) -> None:
    """The address is confirmed: the newest answers that waited for it become due, older ones are stale."""
    waiting = select(Item).where(Item.address_id == address.id, Item.state == "waiting_confirm")
    for n, item in enumerate(session.scalars(waiting.order_by(Item.comment_id.desc()))):
        if n < _WAITED_MANY and now - item.created_at <= _WAITED_AT_MOST:
            item.state, item.due_at = "waiting", max(item.due_at, now)
        else:
            item.state, item.skip_reason = "skipped", "stale"
    session.flush()


def _due(session: Session, now: dt.datetime, limit: int) -> dict[tuple[int, int], list[Waiting]]:
    """The first pairs of address and thread with something due, each with all that waits for it."""
    due = (Item.state == "waiting", Item.cadence == "instant", Item.due_at <= now)
    pairs = select(Item.address_id, Item.thread_id).where(*due).distinct().order_by(Item.address_id, Item.thread_id)
    first = pairs.limit(limit).subquery()
    of_pair = (Item.address_id == first.c.address_id, Item.thread_id == first.c.thread_id)
    found: dict[tuple[int, int], list[Waiting]] = {}
    for item in bundling.waiting(session, Item.cadence == "instant", *of_pair):
        found.setdefault((item.address_id, item.thread_id), []).append(item)
    # Another grouper may hold what is due of a pair, and not what came to it afterwards.
    return {pair: items for pair, items in found.items() if any(item.due_at <= now for item in items)}


def _group_pairs(
    session: Session, keys: Keys, settings: Settings, due: dict[tuple[int, int], list[Waiting]], now: dt.datetime
) -> None:
    people = {address_id for address_id, _ in due}
    slow = pace.slow_pairs(session, people, now)
    cool_at = pace.cool_at(session, settings, people, slow, now)
    day = pace.Day(session, settings, people, now)
    bundles: list[Bundle] = []
    later: list[Waiting] = []
    for (address_id, thread_id), items in due.items():
        free, cool = day.free_at(address_id), cool_at.get((address_id, thread_id))
        if free is not None:
            later += [item._replace(cadence="rolled", due_at=free) for item in items]
        elif cool is not None:
            later += [item._replace(due_at=cool) for item in items if item.due_at < cool]
        else:
            day.count(address_id)
            bundles.append(Bundle(address_id, thread_id, items, {"hourly": (address_id, thread_id) in slow}))
    bundling.put_off(session, later)
    bundling.write(session, keys, settings, "reply", bundles, now)
    _freeze_subjects(session, {bundle.thread_id for bundle in bundles})


def _freeze_subjects(session: Session, thread_ids: Collection[int | None]) -> None:
    """Keep the title of the first mail: mail programs put together what has one subject."""
    unnamed = update(Thread).where(Thread.id.in_(thread_ids), Thread.subject.is_(None))
    session.execute(unnamed.values(subject=Thread.title).execution_options(synchronize_session=False))
