"""The outbox: what was published becomes items, items become messages, messages are claimed and settled.

Nothing here talks to a mail server or renders anything; :mod:`forum.mail` does that between claim and settlement.
"""

from . import breaker
from .audience import Standing, paused, standings
from .claims import Claim, claim, mark_sending, recover, refuse, release, renew
from .confirms import WAITS, ask_again
from .decide import Decision, Facts, decide
from .events import enqueue, forget_news, reopen, revive
from .fanout import fan_out
from .grouping import group, release_waiting
from .pruning import prune
from .settling import Result, Try, settle
from .watching import next_due, waiting_since
from .writing import message, write

__all__ = [
    "WAITS",
    "Claim",
    "Decision",
    "Facts",
    "Result",
    "Standing",
    "Try",
    "ask_again",
    "breaker",
    "claim",
    "decide",
    "enqueue",
    "fan_out",
    "forget_news",
    "group",
    "mark_sending",
    "message",
    "next_due",
    "paused",
    "prune",
    "recover",
    "refuse",
    "release",
    "release_waiting",
    "renew",
    "reopen",
    "revive",
    "settle",
    "standings",
    "waiting_since",
    "write",
]
