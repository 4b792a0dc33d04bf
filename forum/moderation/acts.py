"""What a moderator does to a comment: one press in, a change of state with its audit row,
its mail and its lesson out.

An act names the version that was seen, so that two moderators never do it twice. Everything flushes, never commits.
"""

from __future__ import annotations

import datetime as dt
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal, cast

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.orm import Session

from .. import addresses, audit, comments, learning, outbox
from ..models import Address, Comment, Message, Thread
from ..settings import Settings
from ..tokens import Keys
from . import reports

Act = Literal["approve", "unapprove", "reject", "spam", "remove", "restore"]

# From which states an act leads on; `removed` stands for what a moderator has removed, never an author's own removal.
FROM: Final[dict[Act, frozenset[str]]] = {
    "approve": frozenset({"held", "spam", "rejected"}),
    "unapprove": frozenset({"published"}),
    "reject": frozenset({"held", "published", "spam"}),
    "spam": frozenset({"held", "published", "rejected"}),
    "remove": frozenset({"held", "published", "spam", "rejected"}),
    "restore": frozenset({"spam", "rejected", "removed"}),
}


@dataclass(frozen=True)
class Press:
    """One press of a moderator's button: ``actor`` is an ``Actor.ref``, ``now`` aware UTC, ``why`` free text.

    Whatever it changes shares ``batch``, by which it is undone and, if it touches many, gone on with.
    """

    keys: Keys
    settings: Settings
    actor: str
    now: dt.datetime
    why: str = ""
    batch: str = field(default_factory=lambda: secrets.token_hex(8))

    @property
    def mail_at(self) -> dt.datetime:
        """When mail that the press causes may leave at the earliest: until then it can be undone."""
        return self.now + dt.timedelta(seconds=self.settings.moderation_grace_seconds)

    def record(
        self, session: Session, subject: Comment | Thread, act: str, before: str, after: str, **data: Any
    ) -> None:
        """Add the audit row of one change; ``data`` is what taking it back needs."""
        audit.record_all(session, [self.entry(subject, act, before, after, **data)])

    def entry(self, subject: Comment | Thread, act: str, before: str, after: str, **data: Any) -> dict[str, Any]:
        """The same row, to be added with others."""
        said = data | ({"why": self.why} if self.why else {})
        whole: dict[str, Any] = {"actor": self.actor, "now": self.now, "batch": self.batch}
        return audit.entry(subject, act, before=before, after=after, data=said, **whole)


@dataclass(frozen=True)
class Done:
    """What an act did: the comment as it stands now, its state before, and the batch by which it is undone."""

    comment: Comment
    act: str
    before: str
    batch: str


def decide(session: Session, press: Press, act: Act, comment_id: int, version: int) -> Done:
    """Carry out one act on the comment as the moderator saw it.

    `approve` publishes (and keeps a published comment that readers have reported); `unapprove` has it wait again;
    `reject` and `spam` set it aside with its text kept; `remove` leaves a tombstone; `restore` brings back what was
    set aside or removed by a moderator, to the page if it ever was there, else to those that wait. Each of them
    settles the reports. Mail of it waits until ``press.mail_at``. Raises NotFound, and Conflict, which says who did
    what when, if the comment has changed since or its state does not allow the act.
    """
    comment = comments.get(session, comment_id, for_update=True)
    if comment.version != version or not allows(session, comment, act):
        raise audit.conflict(session, comment)
    before = comment.state
    carry_out(session, press, act, [comment])
    return Done(comment, act, before, press.batch)


def edit(session: Session, press: Press, comment_id: int, version: int, body: str) -> Done:
    """Put ``body`` (already cleaned by :func:`sanitize.body`) in place of the text; it is not screened.

    The text before stays as a revision, nobody is mailed, and what has not left yet has the new text. Raises
    NotFound; Conflict as :func:`decide` does, for a comment that its author has removed, and when the text is the same.
    """
    comment = comments.get(session, comment_id, for_update=True)
    if comment.version != version or _is_gone(comment) or body == comment.source:
        raise audit.conflict(session, comment)
    learned, edited_at = comment.learned, comment.edited_at
    revision = comments.rewrite(session, comment, body, press.settings, press.actor, press.now)
    if learned in ("spam", "ham"):
        learning.learn(session, comment, "spam" if learned == "spam" else "ham")
    data: dict[str, Any] = {"version": comment.version, "revision": revision.id}
    if edited_at is not None:
        data["edited_at"] = edited_at.isoformat()
    press.record(session, comment, "edit", comment.state, comment.state, **data)
    session.flush()
    return Done(comment, "edit", comment.state, press.batch)


def allows(session: Session, comment: Comment, act: Act) -> bool:
    """Whether the state of the comment allows the act; what is removed for good allows none."""
    if act == "approve" and comment.state == "published":
        return reports.are_open(session, comment.id)
    return comment.state in FROM[act] and not _is_gone(comment)


def possible(act: Act) -> ColumnElement[bool]:
    """The same as a condition on comments."""
    allowed = and_(Comment.state.in_(FROM[act]), func.coalesce(Comment.removed_by, "").not_in(comments.FOR_GOOD))
    return or_(allowed, and_(Comment.state == "published", reports.open_for())) if act == "approve" else allowed


def carry_out(session: Session, press: Press, act: Act, chosen: Sequence[Comment]) -> None:
    """Do to all of ``chosen`` (locked, in the order they were written, each allowing it) what ``act`` says."""
    before = {comment.id: _Was(comment) for comment in chosen}
    _change(session, press, act, chosen)
    reports.settle(session, list(before), press.actor, press.now)
    _learn(session, press, act, chosen, before)
    entries = []
    for comment in chosen:
        was = before[comment.id]
        data = was.data(comment)
        if was.state == "held" and act in _TOLD:
            data["notice"] = _tell(session, press, act, comment)
        entries.append(press.entry(comment, act, was.state, comment.state, **data))
    audit.record_all(session, entries)


_LEAVING = ("claimed", "sending", "sent")
_LESSONS: Final[tuple[learning.Kind | None, ...]] = ("spam", "ham", None)
# Of spam nobody is told.
_TOLD = ("approve", "reject")
_SET_ASIDE: Final = {"unapprove": "held", "reject": "rejected", "spam": "spam", "remove": "removed"}


class _Was:
    """What a comment was before the act, as far as undoing needs it."""

    def __init__(self, comment: Comment) -> None:
        self.state, self.removed_by = comment.state, comment.removed_by
        self.learned = cast("learning.Kind | None", comment.learned)
        self.published_at = comment.published_at

    def lesson(self, act: Act) -> learning.Kind | None:
        """As what the filter is to know the comment after the act.

        Ham is what a moderator wants on the page, and no longer than that. Spam stays spam until somebody says
        otherwise: whoever empties the spam tab by removing all of it has not changed their mind.
        """
        if act == "spam" or (act == "remove" and self.learned == "spam"):
            return "spam"
        if act == "approve":
            return "ham" if self.state != "published" else self.learned
        if act == "restore":
            return "ham" if "spam" in (self.state, self.learned) else self.learned
        return None

    def data(self, comment: Comment) -> dict[str, Any]:
        """What the audit row keeps: the version the act has made, and what it changed beside the state."""
        data: dict[str, Any] = {"version": comment.version}
        if self.learned != comment.learned:
            data["learned"] = self.learned
        if self.removed_by:
            data["removed_by"] = self.removed_by
        if self.published_at is None and comment.published_at is not None:
            data["first"] = True
        return data


def _learn(session: Session, press: Press, act: Act, chosen: Sequence[Comment], before: Mapping[int, _Was]) -> None:
    """Teach the filter what the act says of each comment, or have it forget what an earlier act had said."""
    lessons = {comment.id: before[comment.id].lesson(act) for comment in chosen}
    for kind in _LESSONS:
        taught = [each for each in chosen if lessons[each.id] == kind != each.learned]
        if taught:
            learning.learn_all(session, taught, kind)
        if taught and kind and press.settings.akismet_key:
            outbox.teach(session, _ids(taught), press.now, press.mail_at)


def _change(session: Session, press: Press, act: Act, chosen: Sequence[Comment]) -> None:
    if act in _SET_ASIDE:
        comments.set_aside(session, chosen, _SET_ASIDE[act], "moderator" if act == "remove" else None)
        if act == "unapprove":
            outbox.tell_moderators(session, _ids(chosen), press.now, press.mail_at)
        return
    # Kept: readers reported it and nothing is wrong. Another moderator who saw the reports sees that it changed.
    for comment in chosen:
        comment.version += comment.state == "published"
    hidden = [comment for comment in chosen if comment.state != "published"]
    shown = [comment for comment in hidden if act == "approve" or comment.published_at is not None]
    waiting = [comment for comment in hidden if act == "restore" and comment.published_at is None]
    comments.set_aside(session, waiting, "held")
    outbox.tell_moderators(session, _ids(waiting), press.now, press.mail_at)
    comments.publish(session, shown, press.now, press.mail_at)


def _ids(chosen: Sequence[Comment]) -> list[int]:
    return [comment.id for comment in chosen]


def _tell(session: Session, press: Press, act: Act, comment: Comment) -> int | None:
    """Tell the author what became of a held comment, where the site wants that; the number of the mail."""
    settings = press.settings
    if not (settings.mail_enabled and settings.mail_notices) or comment.address_id is None:
        return None
    # Messages are numbered by address: two notices at one moment would take one number.
    address = addresses.get(session, comment.address_id, for_update=True)
    if address is None or address.state != "confirmed":
        return None
    data = {"comment": comment.id, "decision": act}
    if _last_told(session, address, comment) == data:
        return None
    notice = outbox.write(session, press.keys, settings, address, "notice", data, press.now)
    if notice is None:
        return None
    notice.not_before = press.mail_at
    return notice.id


def _last_told(session: Session, address: Address, comment: Comment) -> dict[str, Any] | None:
    """What the last notice about the comment said that has left, or is leaving."""
    left = (Message.address_id == address.id, Message.kind == "notice", Message.state.in_(_LEAVING))
    told = session.scalars(select(Message.data).where(*left).order_by(Message.id.desc()))
    return next((data for data in told if data.get("comment") == comment.id), None)


def _is_gone(comment: Comment) -> bool:
    return comment.removed_by in comments.FOR_GOOD
