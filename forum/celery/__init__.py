"""Delivery by Celery: a comment rings for a worker, the beat comes by anyway, and the outbox knows what is to be done.

Tasks are alarm clocks without a payload: one that is lost is made good by the next sweep, one that comes twice finds
nothing to do.
"""

from __future__ import annotations

from .bell import Bell
from .rounds import SWEEP_SECONDS, TASK, deliver_with
from .site import site_celery

__all__ = ["SWEEP_SECONDS", "TASK", "Bell", "deliver_with", "site_celery"]
