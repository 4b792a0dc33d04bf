"""Digests: what several threads have for one person, in one mail at the hour they chose."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import select
from sqlalchemy.orm import Session

from ..models import Item
from ..settings import Settings
from ..tokens import Keys
from . import bundling

# Where several meet in one mail it is named by the one that came soonest.
_NAMED_BY = ("rolled", "hourly", "daily", "weekly")


def group(session: Session, keys: Keys, settings: Settings, now: dt.datetime, limit: int) -> int:
    """Make one digest for each address with due items that are not instant; return how many were made."""
    due = (Item.state == "waiting", Item.cadence != "instant", Item.due_at <= now)
    rows = select(Item.address_id, Item.cadence).where(*due).distinct().order_by(Item.address_id).limit(limit)
    cadences: dict[int, set[str]] = {}
    for address_id, cadence in session.execute(rows).all():
        cadences.setdefault(address_id, set()).add(cadence)
    for address_id, some in cadences.items():
        which = (*due, Item.address_id == address_id)
        cadence = next(name for name in _NAMED_BY if name in some)
        bundling.bundle(session, keys, settings, "digest", which, address_id, None, now, {"cadence": cadence})
    return len(cadences)
