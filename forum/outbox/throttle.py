"""How many mails a minute one domain gets: a small mail host takes a sudden crowd for an attack."""

from __future__ import annotations

import datetime as dt
from collections import Counter

from sqlalchemy import Select, func, or_, select
from sqlalchemy.orm import Session

from ..models import Message
from ..settings import Settings

_MINUTE = dt.timedelta(minutes=1)
# Candidates looked at for each that is taken, so that one domain at the head of the queue does not hide the others.
_LOOK_AHEAD = 5


def choose(session: Session, settings: Settings, due: Select[int], now: dt.datetime, limit: int) -> list[int]:
    """The first ``limit`` ids of ``due`` (a query over messages) that their domains have room for, locked."""
    rate = settings.mail_domain_rate
    if not rate:
        return list(session.scalars(due.limit(limit).with_for_update(skip_locked=True)))
    used = _used(session, settings, now)
    full = [domain for domain, number in used.items() if number >= rate]
    ahead = due.add_columns(Message.domain).where(Message.domain.not_in(full)).limit(limit * _LOOK_AHEAD)
    chosen: list[int] = []
    for id_, domain in session.execute(ahead.with_for_update(skip_locked=True)):
        if len(chosen) < limit and (used[domain] < rate or domain in settings.mail_big_domains):
            chosen.append(id_)
            used[domain] += 1
    return chosen


def _used(session: Session, settings: Settings, now: dt.datetime) -> Counter[str]:
    """Mails each domain got within the minute or is about to get from any worker."""
    busy = or_(Message.accepted_at > now - _MINUTE, Message.state.in_(("claimed", "sending")))
    query = select(Message.domain, func.count()).where(busy, Message.domain.not_in(settings.mail_big_domains))
    return Counter(dict(session.execute(query.group_by(Message.domain)).all()))
