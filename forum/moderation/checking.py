"""A second opinion about new comments, and what moderators said about it afterwards: questions out, answers in.

A question is an event that was committed with its comment, or with the moderator's act. It is asked between two
transactions; whoever dies in between leaves it, and it is asked again.
"""

from __future__ import annotations

import datetime as dt
import ipaddress
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal
from urllib.parse import urljoin

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from .. import audit, comments, outbox
from ..akismet import ASKED, Answer, InvalidKey, Subject, Unavailable
from ..models import Audit, Comment, Event
from ..outbox.questions import CHECK_PUBLISHED, CHECKS, TEACH
from ..settings import Settings
from ..tokens import Keys, keyed_hash

log = logging.getLogger("forum.akismet")

# Who decided and how that is called, in the audit log.
ACTOR, ACT = "akismet", "check"
# Longer than any question takes: then whoever asked it is dead.
LEASE: Final = dt.timedelta(minutes=1)
# Until the next try after each failed one; a quarter of an hour after the first the comment goes on without an answer.
_PAUSES: Final = tuple(dt.timedelta(minutes=minutes) for minutes in (1, 4, 10))
_CHUNK: Final = 500
_UNAVAILABLE, _EDITED = "akismet:unavailable", "akismet:edited"


@dataclass(frozen=True)
class Question:
    """What is asked about one comment as it was in this ``version``; ``lesson`` is what is told instead, if it is."""

    event_id: int
    comment_id: int
    version: int
    subject: Subject
    lesson: Literal["spam", "ham"] | None = None


def next_question(session: Session, keys: Keys, settings: Settings, now: dt.datetime) -> Question | None:
    """The oldest question that is due, kept from others for a minute; None when there is none.

    What a moderator has decided meanwhile is not asked any more.
    """
    query = select(Event).where(*_due(now)).order_by(Event.id).limit(1).with_for_update(skip_locked=True)
    while (event := session.scalar(query)) is not None:
        lesson = _lesson(event)
        if lesson is not None if event.kind == TEACH else _is_open(session, event.comment):
            event.not_before = now + LEASE
            session.flush()
            comment = event.comment
            return Question(event.id, comment.id, comment.version, _subject(keys, settings, comment), lesson)
        event.state = "skipped"
        session.flush()
    return None


def _due(now: dt.datetime) -> tuple[ColumnElement[bool], ...]:
    return Event.kind.in_((*CHECKS, TEACH)), Event.state == "new", Event.not_before <= now


def _lesson(event: Event) -> Literal["spam", "ham"] | None:
    """What the comment counts as now: what was undone is not told, nor a comment whose words are gone."""
    if event.kind != TEACH or not event.comment.source:
        return None
    return "spam" if event.comment.learned == "spam" else "ham" if event.comment.learned == "ham" else None


def _is_open(session: Session, comment: Comment) -> bool:
    """Whether the comment still waits as it was stored: of what moderators do each leaves a row."""
    acted = (Audit.subject_kind == "comment", Audit.subject_id == comment.id, Audit.act.not_in(("edit", ACT)))
    return comment.state == "held" and session.scalar(select(Audit.id).where(*acted).limit(1)) is None


def _subject(keys: Keys, settings: Settings, comment: Comment) -> Subject:
    return Subject(
        kind="reply" if comment.parent_id is not None else "comment",
        author=comment.name,
        email=comment.address.email if comment.address else None,
        website=comment.website,
        body=comment.source,
        at=comment.created_at,
        page=urljoin(f"{settings.base_url}/", comment.thread.url),
        ip=_stand_in(keys, comment),
    )


def _stand_in(keys: Keys, comment: Comment) -> str:
    """An address that belongs to nobody (RFC 4193), the same for all comments from one network.

    The protocol wants one and we keep none. One and the same for everybody would soon be known for spam.
    """
    digest = keyed_hash(keys, "akismet", comment.network or f"comment {comment.id}")
    return str(ipaddress.IPv6Address(b"\xfd" + bytes.fromhex(digest)[:15]))


def settle(session: Session, question: Question, answer: Answer, now: dt.datetime) -> bool:
    """Let the comment go on as ``answer`` says, unless somebody has decided meanwhile; whether it was published.

    One whose author has changed the text meanwhile is asked about once more.
    """
    found = _locked(session, question.event_id, question.comment_id)
    if found is None:
        return False
    event, comment = found
    if not _is_open(session, comment):
        event.state = "skipped"
    elif comment.version != question.version:
        event.not_before = now
    else:
        event.state, event.last_error = "done", None
        return _go_on(session, event, comment, answer, now)
    return False


def settle_lesson(session: Session, question: Question, *, heard: bool) -> None:
    """The service has been told, or not: that is no loss, and not tried again."""
    found = _locked(session, question.event_id, question.comment_id)
    # Who was taught something else meanwhile has it told at its own time.
    if found is not None and _lesson(found[0]) == question.lesson:
        found[0].state = "done" if heard else "skipped"


def _locked(session: Session, event_id: int, comment_id: int) -> tuple[Event, Comment] | None:
    """The open event and its comment, locked in the order in which moderators lock them."""
    locked = comments.lock(session, [comment_id])
    query = select(Event).where(Event.id == event_id, Event.state == "new").with_for_update()
    event = session.scalar(query.execution_options(populate_existing=True))
    return (event, locked[0]) if event is not None and locked else None


def _go_on(session: Session, event: Event, comment: Comment, answer: Answer | None, now: dt.datetime) -> bool:
    """Let the comment go on, with an audit row; whether it was published."""
    is_published = _carry_out(session, event, comment, answer, now)
    said = {"cause": answer or "no answer", "before": "held", "after": comment.state}
    audit.record(session, comment, ACT, actor=ACTOR, now=now, **said)
    session.flush()
    return is_published


def _carry_out(session: Session, event: Event, comment: Comment, answer: Answer | None, now: dt.datetime) -> bool:
    """The verdict it would have had, or worse; with None nobody knows. The version of what waits on stays:
    whoever looks at it may still decide.
    """
    reasons = [reason for reason in comment.reasons if reason != ASKED]
    if answer == "discard":
        comment.reasons = ["akismet:discard", *reasons]
        comments.set_aside(session, [comment], "spam")
        return False
    # The edited text was screened as that of a comment that waits anyway.
    edited = comment.edited_at is not None
    if answer != "spam" and event.kind == CHECK_PUBLISHED and not edited:
        comment.reasons = reasons
        comments.publish(session, [comment], now)
        return True
    why = {"spam": ["akismet:spam"], None: [_UNAVAILABLE]}.get(answer, [])
    comment.reasons = [*why, *([_EDITED] if edited else []), *reasons]
    session.flush()
    outbox.tell_moderators(session, [comment.id], now, now)
    return False


@dataclass(frozen=True)
class Away:
    """How many comments went on without an answer, and which of them were published."""

    number: int
    published: Sequence[int]


def go_without(session: Session, question: Question | None, error: Unavailable, now: dt.datetime) -> Away:
    """There was no answer to ``question``: all that are due wait for 1, 4 and 10 minutes, then they go on without.

    Where the key is refused they go on at once.
    """
    query = select(Event.id, Event.comment_id).where(*_due(now), Event.kind != TEACH).order_by(Event.comment_id)
    due = dict(session.execute(query.limit(_CHUNK)).all())
    if question is not None:
        due[question.event_id] = question.comment_id
    gone: list[int] = []
    published: list[int] = []
    for event_id, comment_id in sorted(due.items(), key=lambda pair: pair[1]):
        found = _locked(session, event_id, comment_id)
        if found is None or not _put_off(session, *found, error, now):
            continue
        gone.append(comment_id)
        if _go_on(session, *found, None, now):
            published.append(comment_id)
    if gone:
        log.warning("Akismet gave no opinion of %s comments, they go on without: %s", len(gone), error)
    return Away(len(gone), published)


def _put_off(session: Session, event: Event, comment: Comment, error: Unavailable, now: dt.datetime) -> bool:
    """Have it asked again later; whether it is to go on without an answer instead."""
    if not _is_open(session, comment):
        event.state = "skipped"
        return False
    event.last_error = str(error)
    if event.attempts < len(_PAUSES) and not isinstance(error, InvalidKey):
        event.not_before = now + _PAUSES[event.attempts]
        event.attempts += 1
        return False
    event.state = "skipped"
    return True
