"""Numbers that come with an address or a form of the desk, where anybody can type anything."""

from __future__ import annotations

from flask import request

# What every database takes as the number of a row.
_DIGITS = 18


def row_number(text: str) -> int | None:
    """The number that ``text`` is, if it can be that of a row."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= _DIGITS else None


def before() -> int | None:
    """Below which number a page of older rows begins, None on the first one."""
    return row_number(request.args.get("before", ""))
