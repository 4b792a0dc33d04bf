"""Digests: what several threads have for one person, in one mail at the hour they chose."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from ..models import Item
from ..settings import Settings
from ..tokens import Keys
from . import bundling


def group(session: Session, keys: Keys, settings: Settings, now: dt.datetime, limit: int) -> int:
    """Make one digest for each address with due items that are not instant; return how many were made."""
    due = (Item.state == "waiting", Item.cadence != "instant", Item.due_at <= now)
    people = select(Item.address_id, func.max(Item.cadence)).where(*due).group_by(Item.address_id).limit(limit)
    count = 0
    for address_id, cadence in session.execute(people).all():
        which = (*due, Item.address_id == address_id)
        bundling.bundle(session, keys, settings, "digest", which, address_id, None, now, {"cadence": cadence})
        count += 1
    return count
