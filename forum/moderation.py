"""What a moderator decides, and how one signs in to the stand-alone site. Every decision leaves an audit row."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Literal

from sqlalchemy import func, select
from sqlalchemy.orm import Session, joinedload

from . import addresses, audit, comments, outbox, threads
from .errors import Conflict
from .models import Comment, SignIn
from .settings import Settings
from .tokens import Keys, message_id

Decision = Literal["approve", "reject", "spam"]
LINK_LIFE = dt.timedelta(minutes=30)
_STATE = {"reject": "rejected", "spam": "spam"}


def queue(session: Session, limit: int = 50) -> Sequence[Comment]:
    """Held comments, the longest waiting first, with all a row of the queue shows."""
    query = select(Comment).where(Comment.state == "held").order_by(Comment.created_at, Comment.id).limit(limit)
    with_all = (joinedload(Comment.thread), joinedload(Comment.parent), joinedload(Comment.address))
    return session.scalars(query.options(*with_all)).all()


def counts(session: Session) -> dict[str, int]:
    """How many comments there are in each state."""
    rows = session.execute(select(Comment.state, func.count()).group_by(Comment.state))
    return dict(rows.all())


def decide(
    session: Session, comment_id: int, decision: Decision, *, version: int, actor: str, now: dt.datetime
) -> Comment:
    """Carry out one decision on the comment as the moderator saw it.

    Raises Conflict when it has changed since: two moderators at once never do an act twice.
    """
    comment = comments.get(session, comment_id, for_update=True)
    if comment.version != version:
        raise Conflict("Somebody has dealt with this comment meanwhile.")
    before = comment.state
    if decision == "approve":
        comments.publish(session, comment, now)
    else:
        _set_aside(session, comment, _STATE[decision])
    audit.record(session, comment, decision, actor=actor, now=now, before=before, after=comment.state)
    session.flush()
    return comment


def _set_aside(session: Session, comment: Comment, state: str) -> None:
    """Take a comment out of sight with its text kept, so that the decision can be undone."""
    if comment.state == state:
        raise Conflict("Somebody has dealt with this comment meanwhile.")
    if comment.state == "published":
        threads.raise_version(session, comment.thread_id, comments=-1)
    comment.state = state
    comment.version += 1


def tell(
    session: Session, keys: Keys, settings: Settings, comment: Comment, decision: Decision, now: dt.datetime
) -> None:
    """Tell the author what became of a held comment, where the site wants that; of spam nobody is told."""
    if not (settings.mail_enabled and settings.mail_notices) or decision == "spam" or comment.address_id is None:
        return
    # Messages are numbered by address: two notices at one moment would take one number.
    address = addresses.get(session, comment.address_id, for_update=True)
    if address is None or address.state != "confirmed":
        return
    outbox.write(session, keys, settings, address, "notice", {"comment": comment.id, "decision": decision}, now)


def new_link(session: Session, email: str, now: dt.datetime) -> SignIn:
    """A one-time sign-in for a moderator; its token is made from the row's id."""
    row = SignIn(email=email.casefold(), created_at=now, expires_at=now + LINK_LIFE)
    session.add(row)
    session.flush()
    return row


def mail_link(session: Session, keys: Keys, settings: Settings, email: str, now: dt.datetime) -> None:
    """Send a one-time sign-in to ``email`` if it belongs to a moderator and there is mail; do nothing otherwise."""
    if not settings.mail_enabled or email.casefold() not in settings.moderators:
        return
    address = addresses.meet(session, addresses.parse(email), now)
    row = new_link(session, email, now)
    rfc_id = message_id(keys, settings.mail_domain or "", "l", row.id, "sign_in", row.id)
    session.add(outbox.message(address, "sign_in", rfc_id, now, LINK_LIFE, data={"sign_in": row.id}))
    session.flush()


def open_link(session: Session, row_id: int, settings: Settings, now: dt.datetime) -> SignIn | None:
    """The sign-in a link stands for, if it is unused, young, and still that of a moderator."""
    row = session.get(SignIn, row_id)
    if row is None or row.used_at is not None or row.expires_at <= now or row.email not in settings.moderators:
        return None
    return row
