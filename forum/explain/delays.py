"""Why a message that is due has not left: the mail server is away, its domain gets mail slowly, another goes first."""

from __future__ import annotations

import datetime as dt
from typing import NamedTuple

from sqlalchemy.orm import Session

from .. import outbox
from ..language import gettext as _
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
            return Delay(
                "throttled",
                _("%(domain)s asked for less mail at %(time)s, and gets it slowly", domain=message.domain, time=asked),
            )
        if message.domain in self._full:
            return Delay(
                "throttled",
                _(
                    "%(domain)s got as many mails within this minute as FORUM_MAIL_DOMAIN_RATE says",
                    domain=message.domain,
                ),
            )
        first = outbox.in_front(self._session, message, self.now)
        return (
            None
            if first is None
            else Delay("behind", _("message %(number)s, to the same address, goes first", number=first))
        )


def _away(breaker: Breaker, now: dt.datetime) -> str:
    words = masked(breaker.error) if breaker.error else _("no answer")
    said = {"since": when(breaker.since), "words": words}
    if breaker.open_until <= now:
        return _(
            "the mail server cannot be used since %(since)s and is tried again with the next delivery: %(words)s",
            **said,
        )
    again = when(breaker.open_until)
    return _(
        "the mail server cannot be used since %(since)s and is tried again at %(again)s: %(words)s", again=again, **said
    )
