"""A submission in, a stored comment out: placed, screened, rendered, and kept with its consent and its event."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlalchemy.orm import Session

from .. import addresses, outbox, sanitize, screening, subscriptions
from ..akismet import ASKED
from ..errors import InvalidDraft, Refused
from ..language import N_, current
from ..language import gettext as _
from ..models import SHADOW, Address, Comment, Thread
from ..screening import Context, Rule, Verdict
from ..settings import Settings
from ..sqlite import begin_writing
from ..tokens import Stamp
from . import gathering
from .gathering import Desk
from .looking import Found, look
from .states import REJECTED, number
from .submission import Submission

CLOSED = N_("Comments on this page are closed. Your text is still here for you to keep.")
_DAY = dt.timedelta(days=1)


@dataclass(frozen=True)
class Posted:
    """The stored comment; ``repeated`` when this submission had been stored before and nothing was added."""

    comment: Comment
    repeated: bool = False


def post(
    session: Session,
    submission: Submission,
    settings: Settings,
    now: dt.datetime,
    rules: Sequence[Rule] = (),
    desk: Desk | None = None,
) -> Posted:
    """Screen and store a submission: comment, thread version, address, consent and outbox event together.

    ``desk`` answers for the moderators; without one nobody is listed and no filter is asked. Raises InvalidDraft with
    the field to put right, and Refused, which is one, when a rule turns the draft away. An IntegrityError at flush or
    commit means that somebody did the same at the same moment: roll back and call again, which then finds the first
    comment.
    """
    # Before the transaction: nobody else should wait for the sanitiser.
    html = sanitize.comment_html(submission.draft.body, engine=settings.sanitizer)
    begin_writing(session)
    found = look(session, submission, settings, now)
    if found.first is not None:
        return Posted(found.first, repeated=True)
    _refuse_impossible(submission, settings, found, now)
    verdict = _judge(session, submission, settings, found, rules, desk, now)
    address = _author(session, submission, found.address, now)
    thread = found.thread or _open_thread(session, submission.stamp, now)
    asked = _is_asked(submission, verdict, settings)
    stored_as = replace(verdict, word="hold", reasons=(ASKED, *verdict.reasons)) if asked else verdict
    comment = _comment(submission, thread, found.parent, address, stored_as, html, now)
    comment.text_hash = found.text_hash
    comment.renderer = sanitize.renderer(settings.sanitizer)
    _store(session, comment, submission.stamp, now)
    if asked:
        outbox.enqueue_check(session, comment, now, publish=verdict.word == "publish")
    elif comment.state == "held":
        outbox.enqueue_held(session, comment, now)
    if address is not None and submission.notify:
        consent = subscriptions.Consent(now, submission.network, submission.identity_ref)
        subscriptions.follow(session, address, comment, submission.notify, consent)
    return Posted(comment)


def _refuse_impossible(submission: Submission, settings: Settings, found: Found, now: dt.datetime) -> None:
    thread, parent = found.thread, found.parent
    if submission.stamp.closed or (thread is not None and (thread.closed or is_over(thread.created_at, settings, now))):
        raise InvalidDraft("body", _(CLOSED))
    if submission.draft.parent_id is not None and (parent is None or parent.state != "published"):
        raise InvalidDraft(
            "parent", _("The comment you answer is no longer there. Post again to add yours at the end.")
        )


def is_over(began: dt.datetime, settings: Settings, now: dt.datetime) -> bool:
    """Whether a conversation that ``began`` then takes no more comments ``now``, by FORUM_CLOSE_AFTER_DAYS."""
    return 0 < settings.close_after_days <= (now - began) / _DAY


def _judge(
    session: Session,
    submission: Submission,
    settings: Settings,
    found: Found,
    rules: Sequence[Rule],
    desk: Desk | None,
    now: dt.datetime,
) -> Verdict:
    """The verdict on a draft that may be stored. Raises Refused."""
    context = _context(submission, settings, found, now)
    context = gathering.ask(session, desk, submission.author, submission.draft, context, now)
    verdict = screening.screen(submission.draft, context, rules)
    if verdict.word == "reject":
        raise Refused(verdict.field, _(verdict.advice or REJECTED), verdict.reasons)
    return verdict


def _context(submission: Submission, settings: Settings, found: Found, now: dt.datetime) -> Context:
    thread, past = found.thread, found.past
    # Whoever types an address that somebody else has confirmed has proved nothing.
    confirmed = past.is_known and found.address is not None and found.address.state == "confirmed"
    return Context(
        settings=settings,
        approved=max(past.by_address, past.by_identity),
        confirmed=submission.vouched or confirmed,
        is_identity=submission.identity_ref is not None,
        is_moderator=submission.is_moderator,
        honeypot=submission.honeypot,
        seconds=submission.seconds,
        # One proof is good for one comment.
        proof=submission.proof and not past.is_spent,
        copies=past.copies,
        age_days=(now - thread.created_at) / _DAY if thread else None,
        thread_held=thread is not None and thread.held,
    )


def _author(session: Session, submission: Submission, known: Address | None, now: dt.datetime) -> Address | None:
    """The author's row, with this sign of life; nobody's is made before the draft is accepted."""
    mailbox = submission.mailbox
    if mailbox is None:
        return None
    if known is None:
        author = addresses.add(session, mailbox, now, confirmed=submission.vouched)
        # Kept with the row, so that a wish for mail has nothing left to write here.
        author.locale = current()
        return author
    addresses.note_active(known, now)
    if submission.vouched:
        addresses.vouch(session, known, now)
    return known


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
        state=_state(verdict),
        removed_by=SHADOW if verdict.shadow else None,
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


def _is_asked(submission: Submission, verdict: Verdict, settings: Settings) -> bool:
    """Whether it waits until whoever delivers mail has asked for a second opinion."""
    wanted = settings.akismet_key is not None and settings.mail_enabled and not verdict.shadow
    return wanted and gathering.judges(settings, is_moderator=submission.is_moderator)


def _state(verdict: Verdict) -> str:
    if verdict.shadow:
        return "spam"
    return "published" if verdict.word == "publish" else "held"


def _store(session: Session, comment: Comment, stamp: Stamp, now: dt.datetime) -> None:
    # The host may have renamed or moved its page since the thread was opened.
    comment.thread.title, comment.thread.url = stamp.title, stamp.url
    if comment.state == "published":
        number(session, comment, now)
    session.add(comment)
    session.flush()
    if comment.state == "published":
        outbox.enqueue(session, comment, now)
