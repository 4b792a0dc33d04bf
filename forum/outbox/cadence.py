"""When news is due: at once after the hold, or at the next hour, day or week a person has chosen."""

from __future__ import annotations

import datetime as dt

_MONDAY = 0


def due_at(moment: dt.datetime, cadence: str, digest_hour: int) -> dt.datetime:
    """When what may leave at ``moment`` (aware, UTC) leaves under ``cadence``; ``digest_hour`` is of the UTC day."""
    if cadence == "hourly":
        return _ceiling(moment, dt.timedelta(hours=1))
    if cadence in ("daily", "weekly"):
        day = moment.replace(hour=digest_hour, minute=0, second=0, microsecond=0)
        while day < moment or (cadence == "weekly" and day.weekday() != _MONDAY):
            day += dt.timedelta(days=1)
        return day
    return moment


def _ceiling(moment: dt.datetime, step: dt.timedelta) -> dt.datetime:
    midnight = moment.replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight - (midnight - moment) // step * step
