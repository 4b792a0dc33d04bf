"""How long each part of an attempt to send may take, how long all of it, and how long a connection is used again."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from ..settings import Settings

# Of the lease: what is left of it settles the outcome before another worker may take the message over.
_OF_THE_LEASE: Final = 0.9
_BEFORE_THE_DOT: Final = 100


@dataclass(frozen=True)
class Limits:
    """Seconds each part of an attempt may take, and how long a connection is used again."""

    # For the name and all its addresses together.
    connect: float = 10
    reply: float = 30
    block: float = 60
    # Long on purpose: giving up early makes duplicates (RFC 5321, 4.5.3.2.6).
    dot: float = 600
    quit: float = 5
    attempt: float = 700
    messages: int = 50
    age: float = 60
    idle: float = 10

    @classmethod
    def of(cls, settings: Settings) -> Limits:
        """The limits under these settings: an attempt is over before the lease on its message is."""
        dot = settings.mail_post_dot_timeout
        attempt = min(dot + _BEFORE_THE_DOT, _OF_THE_LEASE * settings.mail_lease_seconds)
        return cls(dot=min(dot, attempt), attempt=attempt)


class Deadline:
    """The moment at which waiting ends; other threads and signal handlers may bring it forward to now."""

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds
        self._interrupt: Callable[[], object] | None = None

    def left(self, until: float = math.inf) -> float:
        """Seconds from now to this moment, or to ``until`` (of the monotonic clock) if that is sooner.

        Raises ``TimeoutError`` when there are none.
        """
        left = min(self._end, until) - time.monotonic()
        if left <= 0:
            raise TimeoutError("the time allowed for it is over")
        return left

    def on_abort(self, interrupt: Callable[[], object]) -> None:
        """Call ``interrupt`` if it is brought forward from now on; ask :meth:`left` before waiting for anything."""
        self._interrupt = interrupt

    def abort(self) -> None:
        """Let it be over now, and wake who waits."""
        # In this order: who does not wait yet then sees that it is over, and who does is woken.
        self._end = -math.inf
        if self._interrupt is not None:
            self._interrupt()

    @property
    def is_over(self) -> bool:
        """Whether nothing is left of it."""
        return self._end <= time.monotonic()

    @property
    def is_aborted(self) -> bool:
        """Whether it was brought forward."""
        return self._end == -math.inf
