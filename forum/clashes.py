"""When two transactions get in each other's way: which errors mean "once more", on every database."""

from __future__ import annotations

from sqlalchemy.exc import IntegrityError, OperationalError

# What PostgreSQL (serialisation, deadlock) and MariaDB say to the one they sacrificed.
_DEADLOCKS = frozenset({"40001", "40P01", 1213})


def is_clash(error: Exception) -> bool:
    """Whether somebody else's simultaneous act undid ours: a row that may be there once, or a deadlock."""
    if isinstance(error, IntegrityError):
        return True
    if not isinstance(error, OperationalError):
        return False
    code = getattr(error.orig, "sqlstate", None) or (error.orig and error.orig.args[0])
    return code in _DEADLOCKS
