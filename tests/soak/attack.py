"""Whoever kills: at random moments, by pid, one process of the site or of delivery."""

from __future__ import annotations

import os
import random
import signal
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from .processes import Process, Web, end

# Seconds between two attacks: a worker needs about two to start again.
_PAUSE = (2.0, 5.0)
_WEIGHTS = {"deliverer killed": 5, "web worker killed": 3, "web master killed": 1, "deliverer frozen": 1}


@dataclass(frozen=True)
class Blow:
    """One attack: its kind, and from when to when it lasted, in seconds since 1970."""

    kind: str
    began: float
    ended: float


@dataclass
class Attacker:
    """Strikes until told to stop; a frozen deliverer stays so for ``freeze`` seconds, which is past its lease."""

    web: Web
    deliverers: Sequence[Process]
    dice: random.Random
    freeze: float
    blows: list[Blow] = field(default_factory=list)

    def strike_until(self, ended: threading.Event) -> None:
        """Strike, wait, strike again; nobody is left frozen or dead."""
        while not ended.wait(self.dice.uniform(*_PAUSE)):
            (kind,) = self.dice.choices(list(_WEIGHTS), list(_WEIGHTS.values()))
            began = time.time()
            self._strike(kind, ended)
            self.blows.append(Blow(kind, began, time.time()))

    def _strike(self, kind: str, ended: threading.Event) -> None:
        deliverer = self.dice.choice(self.deliverers)
        if kind == "deliverer killed":
            deliverer.kill()
            deliverer.start()
        elif kind == "web worker killed":
            workers = self.web.children
            if workers:
                end(self.dice.choice(workers))
        elif kind == "web master killed":
            self.web.kill()
            self.web.start()
        else:
            os.kill(deliverer.pid, signal.SIGSTOP)
            ended.wait(self.freeze)
            os.kill(deliverer.pid, signal.SIGCONT)
