"""Days as a search of the desk asks for them: in UTC, the first and the last one included."""

from __future__ import annotations

import datetime as dt
from typing import Final

from sqlalchemy import ColumnElement
from sqlalchemy.orm import InstrumentedAttribute

DAY: Final = dt.timedelta(days=1)


def read(text: str) -> dt.date | None:
    """The day somebody typed; None where it is none."""
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        return None


def since(moment: InstrumentedAttribute[dt.datetime], day: dt.date) -> ColumnElement[bool]:
    """That ``moment`` is on ``day`` or later."""
    return moment >= _midnight(day)


def until(moment: InstrumentedAttribute[dt.datetime], day: dt.date) -> ColumnElement[bool]:
    """That ``moment`` is on ``day`` or earlier."""
    # Nothing is later than the last day there is.
    return moment < _midnight(min(day, dt.date.max - DAY) + DAY)


def _midnight(day: dt.date) -> dt.datetime:
    return dt.datetime.combine(day, dt.time(), dt.UTC)
