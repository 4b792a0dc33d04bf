"""The event: one row that commits together with what it tells of."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection

from sqlalchemy import ColumnElement, Delete, Update, case, delete, func, insert, literal, select, update
from sqlalchemy.orm import Session

from ..models import Comment, Event, Item, UtcDateTime
from . import tallies
from .questions import CHECK_HELD, CHECK_PUBLISHED, CHECKS, TEACH
from .restore import REASON as RESTORED
from .rows import changed

# Minutes after the n-th failure; the fifth is the last.
_RETRY_MINUTES = (1, 5, 15, 30)
_ERROR_LENGTH = 500
# The cursor of an event that is told again to whoever has not heard of it; at 0 its author is asked to confirm.
_FROM_THE_FIRST = -1
_HELD, _TOLD = "held", "told"


def enqueue(session: Session, comment: Comment, now: dt.datetime) -> None:
    """Write down, in the comment's own transaction, that its publication is to be told."""
    session.add(Event(kind="published", comment_id=comment.id, not_before=now, created_at=now, state="new"))


def enqueue_held(session: Session, comment: Comment, now: dt.datetime) -> None:
    """Write down, in the comment's own transaction, that moderators are to be told that it waits."""
    session.add(Event(kind=_HELD, comment_id=comment.id, not_before=now, created_at=now, state="new"))


def enqueue_check(session: Session, comment: Comment, now: dt.datetime, *, publish: bool) -> None:
    """Write down, in the comment's own transaction, that an opinion is asked, and what comes of a good one."""
    kind = CHECK_PUBLISHED if publish else CHECK_HELD
    session.add(Event(kind=kind, comment_id=comment.id, not_before=now, created_at=now, state="new"))


def teach(session: Session, comment_ids: Collection[int], now: dt.datetime, mail_at: dt.datetime) -> None:
    """A moderator has decided about comments whose rows are locked: from ``mail_at`` on pass that on to whoever gave
    an opinion of them.
    """
    of_these = Event.comment_id.in_(comment_ids)
    checked = select(Event.comment_id).where(Event.kind.in_(CHECKS), Event.state == "done", of_these)
    ids = set(session.scalars(checked))
    known = set(session.scalars(select(Event.comment_id).where(Event.kind == TEACH, of_these))) if ids else set()
    if known:
        again = update(Event).where(Event.kind == TEACH, of_these)
        _run(session, again.values(state="new", not_before=mail_at))
    event = {"kind": TEACH, "state": "new", "not_before": mail_at, "created_at": now}
    if new := sorted(ids - known):
        session.execute(insert(Event), [event | {"comment_id": id_} for id_ in new])


def tell_moderators(session: Session, comment_ids: Collection[int], now: dt.datetime, mail_at: dt.datetime) -> None:
    """Comments whose rows are locked wait for a decision, perhaps not for the first time: tell it from ``mail_at`` on.

    A hold that moderators have not been told of yet is told once.
    """
    known = select(Event.comment_id, Event.state).where(Event.kind == _HELD, Event.comment_id.in_(comment_ids))
    states = dict(session.execute(known.order_by(Event.id).with_for_update()).all())
    waiting = {id_ for id_, state in states.items() if state == "new"}
    _keep_as_told(session, states.keys() - waiting)
    event = {"kind": _HELD, "state": "new", "not_before": mail_at, "created_at": now}
    new = [event | {"comment_id": id_} for id_ in comment_ids if id_ not in waiting]
    if new:
        session.execute(insert(Event), new)


def _keep_as_told(session: Session, comment_ids: Collection[int]) -> None:
    """Mails name what waits by the first and the last number of its events: a new hold is a new event. The old one
    stays until the next, or SQLite would give its number away a second time.
    """
    if not comment_ids:
        return
    of_these = Event.comment_id.in_(comment_ids)
    _run(session, delete(Event).where(Event.kind == _TOLD, of_these))
    _run(session, update(Event).where(Event.kind == _HELD, of_these).values(kind=_TOLD, state="done"))


def announce(session: Session, comment_ids: Collection[int], now: dt.datetime, mail_at: dt.datetime) -> None:
    """Comments whose rows are locked are published, perhaps not for the first time: have them told from ``mail_at`` on.

    For life each has one event: whoever was told before is not told again.
    """
    known = set(session.scalars(select(Event.comment_id).where(*_of(comment_ids))))
    event = {"kind": "published", "state": "new", "not_before": mail_at, "created_at": now}
    new = [event | {"comment_id": id_} for id_ in comment_ids if id_ not in known]
    if new:
        session.execute(insert(Event), new)
    if known:
        reopen(session, known, mail_at)


def forget_news(session: Session, comment_ids: Collection[int]) -> None:
    """Tell nobody of these comments: they were brought in from elsewhere and are no news."""
    session.execute(update(Event).where(Event.comment_id.in_(comment_ids)).values(state="done"))


def reopen(session: Session, comment_ids: Collection[int], mail_at: dt.datetime) -> None:
    """Published again after they were taken away: whoever was spared their mail then gets it from ``mail_at`` on,
    nobody twice.
    """
    # Fan-out may be about to skip them: wait for that, or be waited for.
    session.execute(select(Event.id).where(*_of(comment_ids)).order_by(Event.id).with_for_update())
    at = literal(mail_at, UtcDateTime())
    later = case((Event.not_before < at, at), else_=Event.not_before)
    again = update(Event).where(*_of(comment_ids), Event.state.in_(("new", "skipped")))
    anew = case((Event.cursor == 0, 0), else_=_FROM_THE_FIRST)
    _run(session, again.values(state="new", cursor=anew, attempts=0, not_before=later))
    spared = (Item.comment_id.in_(comment_ids), Item.state == "skipped", Item.skip_reason == "comment_gone")
    # They were spared it once, whatever becomes of it now.
    number = session.scalar(select(func.count()).where(*spared)) or 0
    tallies.keep(session, {("skips", ("comment_gone",)): number} if number else {})
    back = {"state": "waiting", "skip_reason": None, "message_id": None, "due_at": mail_at}
    _run(session, update(Item).where(*spared).values(back))


def tell_others(session: Session, comment_ids: Collection[int], mail_at: dt.datetime) -> None:
    """Others are concerned now: look once more for people who have not been told of these comments."""
    again = update(Event).where(*_of(comment_ids), Event.state == "done")
    _run(session, again.values(state="new", cursor=_FROM_THE_FIRST, attempts=0, not_before=mail_at))


def _of(comment_ids: Collection[int]) -> tuple[ColumnElement[bool], ...]:
    return Event.kind == "published", Event.comment_id.in_(comment_ids)


def _run(session: Session, statement: Update | Delete) -> None:
    session.execute(statement.execution_options(synchronize_session=False))


def lay_aside(event: Event, error: Exception, now: dt.datetime) -> None:
    """Try an event that raised ``error`` again later, more and more so, and at last leave it to an operator."""
    # Behind the first line SQLAlchemy quotes all parameters: names, addresses, words.
    words = f"{type(error).__name__}: {error}".partition("\n")[0]
    # Not every database stores every character an error may quote.
    event.last_error = "".join(char if char.isprintable() else " " for char in words)[:_ERROR_LENGTH]
    event.attempts += 1
    if event.attempts > len(_RETRY_MINUTES):
        event.state = "dead"
    else:
        event.not_before = now + dt.timedelta(minutes=_RETRY_MINUTES[event.attempts - 1])


def revive(session: Session, now: dt.datetime) -> int:
    """Give up no event: those that failed too often are worked on once more; return how many."""
    failed = (Event.state == "dead", Event.last_error.is_distinct_from(RESTORED))
    dead = update(Event).where(*failed).values(state="new", attempts=0, not_before=now)
    return changed(session.execute(dead.execution_options(synchronize_session=False)))
