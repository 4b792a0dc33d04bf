"""What a forked process must not go on with: locks that somebody else held, and connections that are its parent's."""

from __future__ import annotations

import os
from typing import Any, Protocol
from weakref import WeakSet

from sqlalchemy import Engine


class Renewable(Protocol):
    """Something with locks or threads."""

    def renew(self) -> None:
        """Begin anew: no thread came along into this process, and whoever held a lock will not let go of it."""


def renew_in_children(thing: Renewable) -> None:
    """Call ``thing.renew()`` in each process that is forked from now on, for as long as the thing lives."""
    _things.add(thing)


def reconnect_in_children(engine: Engine) -> None:
    """Let processes that are forked from now on open connections of their own, where the database is a server.

    Two that speak over one connection read each other's answers.
    """
    if engine.dialect.name != "sqlite":
        _engines.add(engine)


# Registered once, as it cannot be taken back, and weakly, so that apps of a test suite can go. Windows does not fork.
_things: WeakSet[Any] = WeakSet()
_engines: WeakSet[Engine] = WeakSet()
_left: list[object] = []


def _begin_anew() -> None:
    for thing in list(_things):
        thing.renew()
    for engine in list(_engines):
        # Kept: some drivers say goodbye when they are forgotten, and the server would take it for the parent's.
        _left.append(engine.pool)
        engine.dispose(close=False)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_begin_anew)
