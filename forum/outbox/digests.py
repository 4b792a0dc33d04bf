"""Digests: what several threads have for one person, in one mail at the hour they chose."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection

from sqlalchemy import select
from sqlalchemy.orm import Session

from ..models import Item
from ..settings import Settings
from ..tokens import Keys
from . import bundling
from .bundling import Bundle, Waiting

# Where several meet in one mail it is named by the one that came soonest.
_NAMED_BY = ("rolled", "hourly", "daily", "weekly")


def group(session: Session, keys: Keys, settings: Settings, now: dt.datetime, limit: int) -> int:
    """Make one digest for each of ``limit`` addresses with due items that are not instant; return how many."""
    bundles = [
        Bundle(address_id, None, items, {"cadence": _soonest({item.cadence for item in items})})
        for address_id, items in _due(session, now, limit).items()
    ]
    bundling.write(session, keys, settings, "digest", bundles, now)
    return len(bundles)


def _due(session: Session, now: dt.datetime, limit: int) -> dict[int, list[Waiting]]:
    due = (Item.cadence != "instant", Item.due_at <= now)
    people = select(Item.address_id).where(Item.state == "waiting", *due).distinct().order_by(Item.address_id)
    first = people.limit(limit).subquery()
    found: dict[int, list[Waiting]] = {}
    for item in bundling.waiting(session, *due, Item.address_id == first.c.address_id):
        found.setdefault(item.address_id, []).append(item)
    return found


def _soonest(cadences: Collection[str]) -> str:
    return next(name for name in _NAMED_BY if name in cadences)
