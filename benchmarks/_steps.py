"""Where the time of a mail goes: the functions it passes through, each with the time that is its own."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import reduce, wraps
from importlib import import_module
from typing import Any
from unittest.mock import patch

# In the order of a mail's way. Time spent in one of them inside another is the inner one's alone, so what is left of
# a transaction is the wait for its turn to write, and the session.
STEPS = (
    ("claim", "forum.outbox", "claim"),
    ("read", "forum.mail.letters", "_read"),
    ("gate", "forum.mail.gate", "judge"),
    ("words", "forum.mail.news", "write"),
    ("render", "forum.mail.patterns", "Patterns.of"),
    ("fill in", "forum.mail.wire", "Pattern.fill"),
    ("mark", "forum.outbox", "mark_sending"),
    ("wire", "forum.mail.transport", "SmtpTransport.send"),
    ("settle", "forum.outbox", "settle"),
    ("tell the host", "forum.hooks", "Host.sent"),
    ("transaction: turn and session", "forum.mail.steps", "_transact"),
    ("transaction: begin", "sqlalchemy.orm", "Session.connection"),
    ("transaction: commit", "sqlalchemy.orm", "Session.commit"),
)


class Clock:
    """Seconds by step over all threads; ``missing`` names the steps that no function of today bears."""

    def __init__(self) -> None:
        self.seconds: Counter[str] = Counter()
        self.missing: list[str] = []
        self._lock, self._local = threading.Lock(), threading.local()

    def timed(self, step: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """``function``, whose own time counts for ``step``."""

        @wraps(function)
        def timed(*args: Any, **kwargs: Any) -> Any:
            outside, self._local.inside = getattr(self._local, "inside", 0.0), 0.0
            start = time.perf_counter()
            try:
                return function(*args, **kwargs)
            finally:
                took = time.perf_counter() - start
                self._add(step, took - self._local.inside)
                self._local.inside = outside + took

        return timed

    def _add(self, step: str, seconds: float) -> None:
        with self._lock:
            self.seconds[step] += seconds


@contextmanager
def watched() -> Iterator[Clock]:
    """Time every step inside the block."""
    clock = Clock()
    with ExitStack() as patches:
        for step, module, name in STEPS:
            *path, last = name.split(".")
            try:
                owner: Any = reduce(getattr, path, import_module(module))
                patches.enter_context(patch.object(owner, last, clock.timed(step, getattr(owner, last))))
            except (ImportError, AttributeError):
                clock.missing.append(step)
        yield clock


def shares(clock: Clock, wall: float, threads: int, count: int) -> str:
    """The table of the steps: milliseconds a message in all ``threads`` together, and the share of their time."""
    seconds = {step: clock.seconds[step] for step, _, _ in STEPS if step not in clock.missing}
    seconds["everything else"] = max(0.0, wall * threads - sum(seconds.values()))
    lines = [
        f"| {step} | {took * 1000 / count:.2f} | {took / (wall * threads):.0%} |" for step, took in seconds.items()
    ]
    missing = [f"No function bears the step “{step}” any more." for step in clock.missing]
    return "\n".join(["| step | ms a message | share |", "| --- | ---: | ---: |", *lines, *missing])
