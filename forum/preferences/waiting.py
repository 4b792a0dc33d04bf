"""News that waits for its time, dated anew when its reader has chosen another one."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from ..models import Address, Item
from ..outbox.cadence import due_at
from ..settings import Settings

_WAITING = ("waiting", "waiting_confirm")


def retime(
    session: Session,
    settings: Settings,
    address: Address,
    cadence: str | None,
    now: dt.datetime,
    which: ColumnElement[bool],
) -> None:
    """Date ``which`` of the waiting items of ``address`` as if they came now, under ``cadence`` or else their own.

    None leaves before the time is over in which its author may still change it, or in a pause.
    """
    hold = dt.timedelta(seconds=settings.mail_hold_seconds)
    query = select(Item).where(Item.address_id == address.id, Item.state.in_(_WAITING), which)
    for item in session.scalars(query):
        if cadence is not None:
            # Switched off it is skipped, with its reason, when its time comes.
            item.cadence = "instant" if cadence == "off" else cadence
        earliest = max(now, item.created_at + hold, address.paused_until or now)
        item.due_at = due_at(earliest, item.cadence, settings.mail_digest_hour)
    session.flush()
