"""How many mails a minute one domain gets: a small mail host takes a sudden crowd for an attack, a big one says so."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Collection

from sqlalchemy import ColumnElement, Select, func, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from ..models import Message, Throttle
from ..settings import Settings

SCOPE = "domain"
_MINUTE = dt.timedelta(minutes=1)
# What a domain asked for is forgotten after an hour; until then a tenth of the usual rate comes back each minute.
REMEMBERED = dt.timedelta(hours=1)
_USUAL = 60.0
# Candidates looked at for each that is taken, so that one domain at the head of the queue does not hide the others.
_LOOK_AHEAD = 5


def choose(session: Session, settings: Settings, due: Select[int], now: dt.datetime, limit: int) -> list[int]:
    """The first ``limit`` ids of ``due`` (a query over messages) that their domains have room for, locked."""
    asked = _asked(session, settings, now)
    if not settings.mail_domain_rate and not asked:
        return list(session.scalars(due.limit(limit).with_for_update(skip_locked=True)))
    free = () if settings.mail_domain_rate == 0 else settings.mail_big_domains
    rates = _Rates(settings, asked, _used(session, set(free) - set(asked), now))
    ahead = due.add_columns(Message.domain).where(Message.domain.not_in(rates.full())).limit(limit * _LOOK_AHEAD)
    chosen: list[int] = []
    for id_, domain in session.execute(ahead.with_for_update(skip_locked=True)):
        if len(chosen) < limit and rates.take(domain):
            chosen.append(id_)
    return chosen


def full(session: Session, settings: Settings, now: dt.datetime) -> Collection[str]:
    """The domains that got what they may get within a minute; the others have room."""
    return _Rates(settings, _asked(session, settings, now), _used(session, (), now)).full()


def slow_down(session: Session, settings: Settings, domain: str, why: str, now: dt.datetime) -> None:
    """A server of ``domain`` asked for fewer mails: halve what it gets a minute. The caller commits.

    What it says within a minute of that is about mails that were on their way already.
    """
    rate = _asked(session, settings, now).get(domain) or _base(settings, domain) or _USUAL
    row = session.scalar(
        select(Throttle).where(Throttle.scope == SCOPE, Throttle.key == domain).with_for_update()
    ) or Throttle(scope=SCOPE, key=domain, failures=0, since=now)
    if row.id is not None and abs(now - row.changed_at) < _MINUTE:
        return
    row.rate, row.failures = max(1.0, rate / 2), row.failures + 1
    row.last_error, row.changed_at = why[:500], now
    session.add(row)
    session.flush()


class _Rates:
    """Mails a minute each domain may get, and what it got."""

    def __init__(self, settings: Settings, asked: dict[str, float], used: Counter[str]) -> None:
        self._settings, self._asked, self._used = settings, asked, used

    def full(self) -> Collection[str]:
        return [domain for domain in self._used if not self._has_room(domain)]

    def take(self, domain: str) -> bool:
        if not self._has_room(domain):
            return False
        self._used[domain] += 1
        return True

    def _has_room(self, domain: str) -> bool:
        rate = self._asked.get(domain) or _base(self._settings, domain)
        return rate is None or self._used[domain] < rate


def _base(settings: Settings, domain: str) -> float | None:
    """The rate of a domain that has not complained; None is no limit."""
    if not settings.mail_domain_rate or domain in settings.mail_big_domains:
        return None
    return float(settings.mail_domain_rate)


def _asked(session: Session, settings: Settings, now: dt.datetime) -> dict[str, float]:
    """What domains asked for within the hour, recovering step by step up to their usual rate."""
    rows = session.execute(
        select(Throttle.key, Throttle.rate, Throttle.changed_at).where(
            Throttle.scope == SCOPE, _around(Throttle.changed_at, now, REMEMBERED)
        )
    )
    step = (settings.mail_domain_rate or _USUAL) / 10
    rates: dict[str, float] = {}
    for domain, rate, changed_at in rows:
        usual = _base(settings, domain)
        recovered = (rate or 1.0) + max(0.0, (now - changed_at) / _MINUTE) * step
        rates[domain] = recovered if usual is None else min(recovered, usual)
    return rates


def _used(session: Session, free: Collection[str], now: dt.datetime) -> Counter[str]:
    """Mails each domain got within the minute or is about to get from any worker; not of ``free`` ones."""
    counted: Counter[str] = Counter()
    for some in (_around(Message.accepted_at, now, _MINUTE), Message.state.in_(("claimed", "sending"))):
        query = select(Message.domain, func.count()).where(some, Message.domain.not_in(free))
        counted.update(dict(session.execute(query.group_by(Message.domain)).all()))
    return counted


def _around(
    time: InstrumentedAttribute[dt.datetime] | InstrumentedAttribute[dt.datetime | None],
    now: dt.datetime,
    span: dt.timedelta,
) -> ColumnElement[bool]:
    """Whether ``time`` is at most ``span`` away: what a clock wrote that ran far ahead must not count until then."""
    return time.between(now - span, now + span)
