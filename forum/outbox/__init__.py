"""The outbox: what was published becomes items, items become messages, messages are claimed and settled.

Nothing here talks to a mail server or renders anything; :mod:`forum.mail` does that between claim and settlement.
"""

from . import breaker
from .audience import Standing, paused, standings
from .claims import Claim, claim, mark_sending, recover, refuse, release, renew
from .confirms import WAITS, ask_again
from .decide import Decision, Facts, decide
from .events import (
    announce,
    enqueue,
    enqueue_check,
    enqueue_held,
    forget_news,
    reopen,
    revive,
    teach,
    tell_moderators,
    tell_others,
)
from .fanout import fan_out
from .grouping import group, release_waiting
from .pruning import prune
from .settling import settle
from .tries import Result, Try
from .watching import in_front, next_due, waiting_since
from .writing import message, unreachable, write

__all__ = [
    "WAITS",
    "Claim",
    "Decision",
    "Facts",
    "Result",
    "Standing",
    "Try",
    "announce",
    "ask_again",
    "breaker",
    "claim",
    "decide",
    "enqueue",
    "enqueue_check",
    "enqueue_held",
    "fan_out",
    "forget_news",
    "group",
    "in_front",
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
    "teach",
    "tell_moderators",
    "tell_others",
    "unreachable",
    "waiting_since",
    "write",
]
