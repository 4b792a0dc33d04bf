"""What is too old to be kept goes: old mail whenever there is time, everything else by the privacy clock once a day."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from functools import partial

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from .. import outbox
from ..moderation import retention
from ..outbox import pruning
from .courier import Courier
from .steps import step


def prune(courier: Courier, stopped: Callable[[], bool] = lambda: False) -> None:
    """Delete what is too old to be kept, until ``stopped`` says so; what is counted stays counted.

    Old mail goes each time, everything else by the privacy clock once a day.
    """
    _prune_mail(courier, stopped)
    with courier.open_session() as session:
        due = retention.is_due(session, courier.clock())
    if due:
        keep_clock(courier, stopped)


def keep_clock(courier: Courier, stopped: Callable[[], bool] = lambda: False) -> dict[str, int]:
    """Let the privacy clock go round once, mail included, and return how much it ended of each kind.

    Begun again after an interruption it goes on where it was.
    """
    done = {"mail": _prune_mail(courier, stopped)}
    for rule in retention.RULES:
        done[rule.name] = _repeat(courier, stopped, partial(_end, courier, rule))
    if not stopped():
        step(courier, lambda session, now: retention.note(session, done, now))
    return done


def counts(courier: Courier) -> dict[str, int]:
    """How much :func:`keep_clock` would end at this moment; nothing is changed."""
    now, keep = courier.clock(), _keep(courier)
    with courier.open_session() as session:
        old = pruning.over(now, keep, _counted(courier)).subquery() if keep else None
        mail = session.scalar(select(func.count()).select_from(old)) if old is not None else 0
        return {"mail": mail or 0, **retention.counts(session, _clock(courier, now))}


def _clock(courier: Courier, now: dt.datetime) -> retention.Clock:
    return retention.Clock(courier.keys, courier.settings, now, _counted(courier))


def _prune_mail(courier: Courier, stopped: Callable[[], bool]) -> int:
    keep, counted = _keep(courier), _counted(courier)
    return _repeat(courier, stopped, lambda session, now: outbox.prune(session, now, keep=keep, confirms_stay=counted))


def _end(courier: Courier, rule: retention.Rule, session: Session, now: dt.datetime) -> int:
    return retention.prune(session, rule, _clock(courier, now))


def _repeat(courier: Courier, stopped: Callable[[], bool], work: Callable[[Session, dt.datetime], int]) -> int:
    number = 0
    while not stopped() and (done := step(courier, work)):
        number += done
    return number


def _keep(courier: Courier) -> dt.timedelta | None:
    days = courier.settings.keep_message_days
    return dt.timedelta(days=days) if days else None


def _counted(courier: Courier) -> dt.timedelta:
    """For how long the limits count what asked for a confirmation."""
    spans = [dt.timedelta(seconds=limit.get_expiry()) for _, limit in courier.settings.mail_confirm_items]
    return max(spans, default=dt.timedelta(0))
