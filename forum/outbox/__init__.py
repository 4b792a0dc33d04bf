"""The outbox: what was published becomes items, items become messages, messages are claimed and settled.

Nothing here talks to a mail server or renders anything; :mod:`forum.mail` does that between claim and settlement.
"""

from .claims import Claim, claim, mark_sending, recover, release, settle
from .confirms import WAITS, ask_again
from .decide import Decision, Facts, decide
from .events import enqueue, forget_news, reopen
from .fanout import fan_out
from .grouping import group, release_waiting
from .watching import next_due, waiting_since
from .writing import message, write

__all__ = [
    "WAITS",
    "Claim",
    "Decision",
    "Facts",
    "ask_again",
    "claim",
    "decide",
    "enqueue",
    "fan_out",
    "forget_news",
    "group",
    "mark_sending",
    "message",
    "next_due",
    "recover",
    "release",
    "release_waiting",
    "reopen",
    "settle",
    "waiting_since",
    "write",
]
