"""A submission in, a stored comment out: placed, screened, rendered, and kept with its consent and its event."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import and_, bindparam, exists, or_, select
from sqlalchemy.orm import Session, aliased

from .. import addresses, outbox, sanitize, screening, subscriptions
from ..addresses import Mailbox
from ..errors import InvalidDraft
from ..models import Address, Comment, Thread, UtcDateTime
from ..screening import Context, Draft, Rule, Verdict
from ..settings import Settings
from ..sqlite import begin_writing
from ..tokens import Stamp
from .states import REJECTED, number


@dataclass(frozen=True)
class Submission:
    """A draft with everything the request said about it; whatever a visitor may not choose is set by us.

    ``mailbox`` is the parsed address, ``vouched`` that the host has proved it; ``seconds`` passed since the form
    was made; ``visitor_hash`` and ``network`` recognise an anonymous author without naming anybody.
    """

    stamp: Stamp
    draft: Draft
    mailbox: Mailbox | None
    notify: Literal["", "direct", "branch", "thread"]
    seconds: float
    honeypot: bool
    visitor_hash: str | None = None
    network: str | None = None
    identity_ref: str | None = None
    vouched: bool = False
    is_moderator: bool = False

    @property
    def digest(self) -> str:
        """What makes two submissions of one form the same: address, parent and text."""
        parts = (self.mailbox.key if self.mailbox else "", str(self.draft.parent_id or ""), self.draft.body)
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()


@dataclass(frozen=True)
class Posted:
    """The stored comment; ``repeated`` when this submission had been stored before and nothing was added."""

    comment: Comment
    repeated: bool = False


def post(
    session: Session, submission: Submission, settings: Settings, now: dt.datetime, rules: Sequence[Rule] = ()
) -> Posted:
    """Screen and store a submission: comment, thread version, address, consent and outbox event together.

    Raises InvalidDraft with the field to put right. An IntegrityError at flush or commit means that somebody
    did the same at the same moment: roll back and call again, which then finds the first comment.
    """
    # Before the transaction: nobody else should wait for the sanitiser.
    html = sanitize.comment_html(submission.draft.body, engine=settings.sanitizer)
    begin_writing(session)
    thread, parent, first = _place(session, submission, now)
    if first is not None:
        return Posted(first, repeated=True)
    _refuse_impossible(submission, thread, parent)
    address, trusted = _author(session, submission, now)
    verdict = screening.screen(submission.draft, _context(submission, settings, trusted), rules)
    if verdict.word == "reject":
        raise InvalidDraft("body", REJECTED)
    thread = thread or _open_thread(session, submission.stamp, now)
    comment = _comment(submission, thread, parent, address, verdict, html, now)
    comment.renderer = sanitize.renderer(settings.sanitizer)
    _store(session, comment, submission.stamp, now)
    if address is not None and submission.notify:
        consent = subscriptions.Consent(now, submission.network, submission.identity_ref)
        subscriptions.follow(session, address, comment, submission.notify, consent)
    return Posted(comment)


_PARENT, _FIRST = aliased(Comment), aliased(Comment)
_IS_PARENT = and_(_PARENT.thread_id == Thread.id, _PARENT.id == bindparam("parent"))
# The same form sent again, or a form that was filled in again after the back button, by the same visitor.
_IS_RETYPED = and_(
    _FIRST.visitor_hash == bindparam("visitor"),
    _FIRST.created_at > bindparam("since", type_=UtcDateTime()),
    _FIRST.state.in_(("published", "held")),
)
_IS_SAME = and_(
    _FIRST.thread_id == Thread.id,
    _FIRST.digest == bindparam("digest"),
    or_(_FIRST.nonce == bindparam("nonce"), _IS_RETYPED),
)
# Built once: that takes longer than the query itself.
_PLACE = (
    select(Thread, _PARENT, _FIRST)
    .outerjoin(_PARENT, _IS_PARENT)
    .outerjoin(_FIRST, _IS_SAME)
    .where(Thread.key == bindparam("key"))
    .order_by(_FIRST.id)
    .limit(1)
)
_RETYPED = dt.timedelta(hours=24)


def _place(
    session: Session, submission: Submission, now: dt.datetime
) -> tuple[Thread | None, Comment | None, Comment | None]:
    """The thread, the parent in it and what was stored of the same submission before: one query for the three."""
    stamp = submission.stamp
    values = {
        "key": stamp.key,
        "parent": submission.draft.parent_id,
        "nonce": stamp.nonce,
        "digest": submission.digest,
        "visitor": submission.visitor_hash,
        "since": now - _RETYPED,
    }
    row = session.execute(_PLACE, values).one_or_none()
    return (None, None, None) if row is None else (row[0], row[1], row[2])


def _refuse_impossible(submission: Submission, thread: Thread | None, parent: Comment | None) -> None:
    if submission.stamp.closed or (thread is not None and thread.closed):
        raise InvalidDraft("body", "Comments on this page are closed. Your text is still here for you to keep.")
    if submission.draft.parent_id is not None and (parent is None or parent.state != "published"):
        raise InvalidDraft("parent", "The comment you answer is no longer there. Post again to add yours at the end.")


_HAS_PUBLISHED = exists().where(Comment.address_id == Address.id, Comment.state == "published")
_AUTHOR = select(Address, _HAS_PUBLISHED).where(Address.key == bindparam("key"))


def _author(session: Session, submission: Submission, now: dt.datetime) -> tuple[Address | None, bool]:
    """The author's address and whether it, or the identity, has a comment that was approved before."""
    mailbox, identity = submission.mailbox, submission.identity_ref
    if mailbox is None:
        return None, _is_trusted(session, identity)
    row = session.execute(_AUTHOR, {"key": mailbox.key}).one_or_none()
    if row is None:
        return addresses.add(session, mailbox, now, confirmed=submission.vouched), _is_trusted(session, identity)
    address, trusted = row
    addresses.note_active(address, now)
    if submission.vouched:
        addresses.vouch(session, address, now)
    # Asked apart: with both in one condition SQLite reads the whole table on a site without identities.
    return address, bool(trusted) or _is_trusted(session, identity)


def _is_trusted(session: Session, identity: str | None) -> bool:
    if identity is None:
        return False
    query = select(exists().where(Comment.identity_ref == identity, Comment.state == "published"))
    return bool(session.scalar(query))


def _context(submission: Submission, settings: Settings, trusted: bool) -> Context:
    return Context(
        moderation=settings.moderation,
        trusted=trusted,
        is_moderator=submission.is_moderator,
        honeypot=submission.honeypot,
        seconds=submission.seconds,
        min_seconds=settings.min_seconds,
    )


def _open_thread(session: Session, stamp: Stamp, now: dt.datetime) -> Thread:
    thread = Thread(key=stamp.key, title=stamp.title, url=stamp.url, created_at=now, version=1, comments=0, branches=0)
    session.add(thread)
    return thread


def _comment(
    submission: Submission,
    thread: Thread,
    parent: Comment | None,
    address: Address | None,
    verdict: Verdict,
    html: str,
    now: dt.datetime,
) -> Comment:
    draft = submission.draft
    return Comment(
        thread=thread,
        parent=parent,
        branch=parent.branch if parent else None,
        depth=parent.depth + 1 if parent else 1,
        state="published" if verdict.word == "publish" else "held",
        name=draft.name,
        website=draft.website,
        source=draft.body,
        html=html,
        address=address,
        identity_ref=submission.identity_ref,
        is_moderator=submission.is_moderator,
        visitor_hash=submission.visitor_hash,
        network=submission.network,
        nonce=submission.stamp.nonce,
        digest=submission.digest,
        reasons=list(verdict.reasons),
        version=1,
        created_at=now,
    )


def _store(session: Session, comment: Comment, stamp: Stamp, now: dt.datetime) -> None:
    # The host may have renamed or moved its page since the thread was opened.
    comment.thread.title, comment.thread.url = stamp.title, stamp.url
    if comment.state == "published":
        number(session, comment, now)
    session.add(comment)
    session.flush()
    if comment.state == "published":
        outbox.enqueue(session, comment, now)
