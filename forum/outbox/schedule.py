"""When something that failed is tried again; pure but for the jitter that keeps a crowd from coming back at once."""

from __future__ import annotations

import datetime as dt
import random

# After the n-th try that was told "later".
_LATER = (1, 5, 15, 30, 60, 120, 240, 480)
# Greylisting lets nobody pass before this.
_GREYLISTED = frozenset({450, 451})
_GREY_MINUTES = 5
# After the n-th failure to write a mail: somebody may deploy the remedy within the hour.
_UNWRITTEN = (20, 40)
# After the n-th failure of the mail server itself, in seconds.
_SERVER = (15, 30, 60, 120, 300, 600, 900)

LONGEST_REST = dt.timedelta(seconds=_SERVER[-1])

MOST_TRIES = 12
MOST_UNWRITTEN = 3


def later(tries: int, code: int | None, now: dt.datetime) -> dt.datetime:
    """When a message is tried again after its ``tries``-th temporary refusal, a quarter sooner or later."""
    at = now + _jittered(_LATER[min(tries, len(_LATER)) - 1])
    if tries == 1 and code in _GREYLISTED:
        return max(at, now + dt.timedelta(minutes=_GREY_MINUTES * random.uniform(1, 1.25)))
    return at


def unwritten(tries: int, now: dt.datetime) -> dt.datetime:
    """When a mail that could not be written for the ``tries``-th time is written once more."""
    return now + dt.timedelta(minutes=_UNWRITTEN[min(tries, len(_UNWRITTEN)) - 1])


def server(failures: int, now: dt.datetime) -> dt.datetime:
    """Until when a mail server that failed ``failures`` times in a row is left alone."""
    return now + dt.timedelta(seconds=_SERVER[min(failures, len(_SERVER)) - 1])


def _jittered(minutes: float) -> dt.timedelta:
    return dt.timedelta(minutes=minutes * random.uniform(0.75, 1.25))
