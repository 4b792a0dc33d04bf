"""What happens to stored comments: they are published, set aside, edited, removed. Flushes, never commits.

Whoever changes one takes it from :func:`get` with ``for_update``, and asks for its state after that.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Collection, Sequence

from sqlalchemy import delete, exists, select
from sqlalchemy.orm import Session, selectinload

from .. import audit, learning, outbox, sanitize, screening, threads
from ..addresses import LOCK, Mailbox
from ..errors import Conflict, NotFound, Refused
from ..language import N_
from ..language import gettext as _
from ..models import SHADOW, Comment, Revision, Thread
from ..screening import Context, Draft, Rule, Verdict
from ..settings import Settings
from . import gathering
from .gathering import Author, Desk, Past

# A spammer is not told which rule fired; a person learns what to do.
REJECTED = N_("That was not accepted. Please read your comment over once more, then press Post.")
AUTHOR = "author"
# A comment that nobody needs any more, kept as the place of its answers.
CLOCK = "clock"
# What is removed like this has no words left.
FOR_GOOD = frozenset({AUTHOR, CLOCK})


def publish(
    session: Session, comments: Sequence[Comment], now: dt.datetime, mail_at: dt.datetime | None = None
) -> None:
    """Make stored comments visible, in this order; nobody is told twice, and nobody before ``mail_at``."""
    if not comments:
        return
    if any(comment.state == "published" for comment in comments):
        raise Conflict(_("This comment is published already."))
    for comment in comments:
        comment.state, comment.removed_by = "published", None
        comment.published_at = comment.published_at or now
        comment.version += 1
    _place(session, comments)
    session.flush()
    outbox.announce(session, [comment.id for comment in comments], now, mail_at or now)


def set_aside(session: Session, comments: Sequence[Comment], state: str, removed_by: str | None = None) -> None:
    """Take comments out of sight with their text kept, so that it can be undone; answers stay below a tombstone."""
    gone: defaultdict[int, int] = defaultdict(int)
    for comment in comments:
        if comment.published_at is not None or state == "removed":
            gone[comment.thread_id] += comment.state == "published"
        comment.state, comment.removed_by = state, removed_by
        comment.version += 1
    session.flush()
    for thread_id, number in sorted(gone.items()):
        threads.raise_version(session, thread_id, comments=-number)


def edit(
    session: Session,
    comment: Comment,
    body: str,
    settings: Settings,
    now: dt.datetime,
    rules: Sequence[Rule] = (),
    desk: Desk | None = None,
    *,
    by_mail: bool = False,
) -> bool:
    """Replace the text by its author's new one, screened like a new one; False when it is the same. Nobody is mailed,
    and what has not left yet has the new text.

    What would be held as a new comment is held again, and moderators are told; a shadow falls on it as on a new one,
    and nobody is told. ``by_mail`` says that the author came by a link from their mailbox. Raises Refused when it would
    be rejected.
    """
    if body == comment.source:
        return False
    draft = _draft(comment, body)
    verdict = screening.screen(draft, _context(session, comment, draft, settings, desk, now, by_mail), rules)
    if verdict.word == "reject":
        raise Refused("body", _(REJECTED), verdict.reasons)
    before = comment.state
    _follow(session, comment, verdict, now)
    rewrite(session, comment, body, settings, AUTHOR, now)
    audit.record(session, comment, "edit", actor=AUTHOR, now=now, before=before, after=comment.state)
    session.flush()
    return True


def _follow(session: Session, comment: Comment, verdict: Verdict, now: dt.datetime) -> None:
    if verdict.shadow and comment.state in ("published", "held"):
        comment.reasons = list(verdict.reasons)
        set_aside(session, [comment], "spam", SHADOW)
    elif verdict.word == "hold" and comment.state == "published":
        comment.reasons = list(verdict.reasons)
        set_aside(session, [comment], "held")
        outbox.tell_moderators(session, [comment.id], now, now)


def rewrite(
    session: Session, comment: Comment, body: str, settings: Settings, actor: str, now: dt.datetime
) -> Revision:
    """Put ``body`` in place of the text, unscreened, and return the revision that keeps what stood there.

    The spam filter forgets what it learned of that.
    """
    # First the thread, then the filter, like everybody: so nobody waits in a circle.
    threads.raise_version(session, comment.thread_id)
    learning.unlearn(session, comment)
    revision = Revision(comment_id=comment.id, at=now, actor=actor, source=comment.source)
    session.add(revision)
    render(comment, body, settings)
    comment.edited_at = now
    session.flush()
    return revision


def render(comment: Comment, body: str, settings: Settings) -> None:
    """Give a comment another text, without any trace of the one before."""
    comment.html = sanitize.comment_html(body, engine=settings.sanitizer)
    comment.source, comment.renderer = body, sanitize.renderer(settings.sanitizer)
    comment.text_hash = gathering.text_hash(body)
    comment.version += 1


def _draft(comment: Comment, body: str) -> Draft:
    email = comment.address.email if comment.address else None
    return Draft(comment.thread.key, comment.parent_id, comment.name, email, comment.website, body)


def _context(
    session: Session,
    comment: Comment,
    draft: Draft,
    settings: Settings,
    desk: Desk | None,
    now: dt.datetime,
    by_mail: bool,
) -> Context:
    """What is known of an edit. It came from no form of ours, so neither time nor proof is asked for; the name was
    accepted with the comment.
    """
    author, address = _author(comment), comment.address
    judged = gathering.judges(settings, is_moderator=comment.is_moderator)
    asked = gathering.values(settings, author, draft, comment.nonce, gathering.text_hash(draft.body), now)
    past = Past(*session.execute(select(*gathering.PAST), asked).one()) if judged else Past()
    # Whoever typed an address that somebody else has confirmed has proved nothing.
    is_theirs = by_mail or past.is_known or comment.identity_ref is not None
    context = Context(
        settings=settings.model_copy(update={"reserved_names": ()}),
        approved=settings.first_approvals if comment.state == "published" else 0,
        confirmed=is_theirs and address is not None and address.state == "confirmed",
        is_identity=comment.identity_ref is not None,
        is_moderator=comment.is_moderator,
        proof=True,
        copies=past.copies,
        thread_held=comment.thread.held,
    )
    return gathering.ask(session, desk, author, draft, context, now)


def _author(comment: Comment) -> Author:
    address = comment.address
    mailbox = Mailbox(address.email, address.key) if address else None
    return Author(comment.name, mailbox, comment.network, comment.identity_ref, comment.visitor_hash, at_desk=True)


def remove(session: Session, comment: Comment, now: dt.datetime) -> None:
    """Take a comment away for its author: words, name and what the spam filter learned of them are erased at once, its
    answers stay below a tombstone.
    """
    before = comment.state
    set_aside(session, [comment], "removed", AUTHOR)
    learning.unlearn(session, comment)
    comment.name, comment.website, comment.source, comment.html = "", None, "", ""
    comment.text_hash = None
    session.execute(delete(Revision).where(Revision.comment_id == comment.id))
    audit.record(session, comment, "remove", actor=AUTHOR, now=now, before=before, after=comment.state)
    session.flush()


def get(session: Session, comment_id: int, *, for_update: bool = False) -> Comment:
    """The comment with this id in any state. Raises NotFound.

    ``for_update`` waits for whoever is changing it, and gives it as they left it.
    """
    lock = LOCK if for_update else None
    comment = session.get(Comment, comment_id, with_for_update=lock, populate_existing=for_update)
    if comment is None:
        raise NotFound(_("There is no such comment."))
    return comment


def lock(session: Session, comment_ids: Collection[int]) -> Sequence[Comment]:
    """Those of these comments that exist, in the order of their ids, each as whoever was changing it left it.

    Always in that order: two who lock several wait for each other, never for ever.
    """
    query = select(Comment).where(Comment.id.in_(comment_ids)).order_by(Comment.id)
    locked = query.options(selectinload(Comment.address)).with_for_update(key_share=True)
    return session.scalars(locked.execution_options(populate_existing=True)).all()


def is_answered(session: Session, comment: Comment) -> bool:
    """Whether somebody's reply to it has been published."""
    return bool(
        session.scalar(select(exists().where(Comment.parent_id == comment.id, Comment.published_at.is_not(None))))
    )


def number(session: Session, comment: Comment, now: dt.datetime) -> None:
    """Give a new comment its place among the published, taking the next branch number for a top-level one.

    The thread's row is updated before it is read: the update locks it, so two authors never get one number, and the
    parent of a reply is not moved meanwhile.
    """
    thread = comment.thread
    comment.published_at = now
    if thread.id is None:
        thread.comments, thread.branches = 1, 1
        comment.branch = 1
        return
    thread.version = Thread.version + 1
    thread.comments = Thread.comments + 1
    if comment.parent is None:
        thread.branches = Thread.branches + 1
        session.flush()
        comment.branch = thread.branches
    else:
        session.flush()
        comment.branch, comment.depth = _below(session, [comment.parent.id])[comment.parent.id]


def _place(session: Session, comments: Sequence[Comment]) -> None:
    """Count comments that are published now, and give those without a place theirs, as :func:`number` does."""
    for thread_id in sorted({comment.thread_id for comment in comments}):
        here = [comment for comment in comments if comment.thread_id == thread_id]
        new = [comment for comment in here if comment.parent_id is None and comment.branch is None]
        threads.raise_version(session, thread_id, comments=len(here), branches=len(new))
        if new:
            newest = session.scalars(select(Thread.branches).where(Thread.id == thread_id)).one()
            for branch, comment in enumerate(new, newest - len(new) + 1):
                comment.branch = branch
    places = _below(session, {comment.parent_id for comment in comments if comment.parent_id is not None})
    for comment in comments:
        if comment.parent_id is not None:
            comment.branch, comment.depth = places[comment.parent_id]


def _below(session: Session, parent_ids: Collection[int]) -> dict[int, tuple[int | None, int]]:
    """Branch and depth of an answer to each of these, as whoever moved them last has left it."""
    if not parent_ids:
        return {}
    query = select(Comment.id, Comment.branch, Comment.depth).where(Comment.id.in_(parent_ids))
    rows = session.execute(query.with_for_update(read=True, key_share=True))
    return {id_: (branch, depth + 1) for id_, branch, depth in rows}
