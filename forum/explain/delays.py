"""Why a message that is due has not left: the mail server is away, its domain gets mail slowly, another goes first."""

from __future__ import annotations

import datetime as dt
from typing import NamedTuple

from sqlalchemy.orm import Session

from .. import outbox
from ..mail.outcome import masked
from ..models import Message
from ..outbox import throttle, vitals
from ..outbox.vitals import Breaker
from ..settings import Settings
from .sentences import when


class Delay(NamedTuple):
    """What a message waits for, in a word and in a sentence."""

    reason: str
    sentence: str


class Delays:
    """What holds mail back at ``now``, read once for many messages."""

    def __init__(self, session: Session, settings: Settings, now: dt.datetime) -> None:
        self._session, self.now = session, now
        self._breaker = vitals.breaker(session, now)
        self._asked = {slow.domain: slow.asked_at for slow in vitals.slowed(session, now)}
        self._full = throttle.full(session, settings, now)

    def of(self, message: Message) -> Delay | None:
        """The delay of a message that is due, the widest first; None when it only waits for a worker."""
        if self._breaker is not None:
            return Delay("breaker", _away(self._breaker, self.now))
        if message.domain in self._asked:
            asked = when(self._asked[message.domain])
            return Delay("throttled", f"{message.domain} asked for less mail at {asked}, and gets it slowly")
        if message.domain in self._full:
            return Delay(
                "throttled", f"{message.domain} got as many mails within this minute as FORUM_MAIL_DOMAIN_RATE says"
            )
        first = outbox.in_front(self._session, message, self.now)
        return None if first is None else Delay("behind", f"message {first}, to the same address, goes first")


def _away(breaker: Breaker, now: dt.datetime) -> str:
    again = "with the next delivery" if breaker.open_until <= now else f"at {when(breaker.open_until)}"
    words = masked(breaker.error) if breaker.error else "no answer"
    return f"the mail server cannot be used since {when(breaker.since)} and is tried again {again}: {words}"
