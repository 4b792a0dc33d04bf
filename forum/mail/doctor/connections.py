"""How many connections to the database one process may open: delivery needs some of its own at the same time."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Pool, QueuePool

from .finding import Finding

# One to write outcomes down, kept while mail leaves; one to look for the next mail; one to show that the worker lives.
_NEEDED: Final = 3


def connections(pool: Pool) -> list[Finding]:
    """Check the size of the database's ``pool``; pools without an end, or made for tests, pass in silence."""
    most = _most(pool)
    if most is None or most >= _NEEDED:
        return []
    way_out = f"SQLALCHEMY_ENGINE_OPTIONS must allow {_NEEDED}, by pool_size and max_overflow together."
    if most == 1:
        return [Finding("pool", "wrong", f"One connection to the database is too few, no mail is delivered: {way_out}")]
    return [Finding("pool", "todo", f"With {most} connections to the database delivery waits for itself: {way_out}")]


def _most(pool: Pool) -> int | None:
    """How many connections the pool opens at most, None without a bound."""
    # SQLAlchemy tells the bound on what goes beyond the size to nobody; -1 is none.
    if not isinstance(pool, QueuePool) or pool._max_overflow < 0:
        return None
    return pool.size() + pool._max_overflow
