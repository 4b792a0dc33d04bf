"""How long mail takes, counted in buckets: from publication to acceptance, and in each part of a conversation."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import ColumnElement, and_, case, func, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from ..models import Attempt

# What is counted, by its name and labels.
Counts = dict[tuple[str, tuple[str, ...]], float]
_BEYOND = "+Inf"


@dataclass(frozen=True)
class Duration:
    """A column in seconds of the attempts ``which`` have one; each bucket ends with one of ``bounds``."""

    name: str
    column: InstrumentedAttribute[float | None]
    bounds: tuple[float, ...]
    which: ColumnElement[bool]


# The hold alone is two minutes, a digest may wait for its hour.
_NEWS = (60, 120, 180, 300, 600, 900, 1800, 3600, 7200, 21_600, 86_400)
# From a relay on the same machine to a server that thinks for as long as it may.
_WIRE = (0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 600)

ALL = (
    Duration("waited", Attempt.waited, _NEWS, and_(Attempt.outcome == "accepted", Attempt.waited.is_not(None))),
    # A kept connection is 0 seconds away, and so is what was never begun: neither says anything about the server.
    Duration("opening", Attempt.opening, _WIRE, Attempt.opening > 0),
    Duration("envelope", Attempt.envelope, _WIRE, Attempt.envelope > 0),
    Duration("content", Attempt.content, _WIRE, Attempt.content > 0),
)


def of(session: Session, duration: Duration, *which: ColumnElement[bool]) -> Counts:
    """How many of the attempts ``which`` fell into each bucket, by its end, and their sum in seconds."""
    column = duration.column
    bucket = case(*((column <= bound, number) for number, bound in enumerate(duration.bounds)), else_=-1)
    query = select(bucket.label("bucket"), func.count(), func.sum(column)).where(duration.which, *which)
    counts: Counts = {}
    total = 0.0
    # By its name: a driver that numbers its parameters makes the same expression another one.
    for number, times, seconds in session.execute(query.group_by("bucket")):
        end = _BEYOND if number < 0 else str(float(duration.bounds[number]))
        counts[duration.name, (end,)] = float(times)
        total += float(seconds)
    if counts:
        counts[f"{duration.name}_sum", ()] = total
    return counts


def cumulated(duration: Duration, counts: Counts) -> list[tuple[str, float]]:
    """Each bound with the number of all durations up to it, the last one without end, from what :func:`of` counted.

    What an earlier release counted by other bounds goes to the next one that includes it.
    """
    found = {float(labels[0]): number for (name, labels), number in counts.items() if name == duration.name}
    ends = [str(float(bound)) for bound in duration.bounds] + [_BEYOND]
    return [(end, sum(number for at, number in found.items() if at <= float(end))) for end in ends]
