"""How many rows a statement reached: what decides who of several workers did it."""

from __future__ import annotations

from typing import Any

from sqlalchemy import CursorResult, Result


def changed(result: Result[Any]) -> int:
    """The number of rows an UPDATE or DELETE changed, as the database counted them."""
    # A session promises less than it returns: the count is only known of a cursor's result.
    return result.rowcount if isinstance(result, CursorResult) else 0
