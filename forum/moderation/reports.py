"""Readers say that something is wrong with a comment; enough of them hide it until a moderator has seen it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from typing import Literal

from sqlalchemy import ColumnElement, func, select, update
from sqlalchemy.orm import Session

from .. import audit, comments, outbox
from ..errors import NotFound
from ..language import gettext as _
from ..models import Audit, Comment, Report
from ..outbox.rows import changed
from ..settings import Settings
from ..tokens import Keys, keyed_hash, keyed_hashes

Reason = Literal["spam", "insulting", "private", "harmful", "other"]
REASONS: tuple[Reason, ...] = ("spam", "insulting", "private", "harmful", "other")
NOTE_LENGTH = 500
READERS = "readers"


def report(
    session: Session, settings: Settings, comment_id: int, reason: Reason, note: str, reporter: str, now: dt.datetime
) -> bool:
    """Keep the report of one reader; False when they (``reporter``, see below) have reported this comment before.

    With open reports from ``settings.report_hide_after`` networks the comment waits for a moderator, for the reason
    `reported:N`; a moderator's own comment stays, and so does what a moderator has kept, until its text is edited.
    ``note`` is cut at 500 characters. Raises NotFound when there is no such published comment. The caller commits;
    see ``comment.state`` for whether it is hidden now.
    """
    # Locked, so that reports wait for each other: of two that reach the number at one moment one hides the comment.
    comment = comments.get(session, comment_id, for_update=True)
    if comment.state != "published":
        raise NotFound(_("There is no such comment."))
    if _has_reported(session, comment_id, reporter):
        return False
    about = {"reason": reason, "note": note[:NOTE_LENGTH], "reporter": reporter}
    session.add(Report(comment_id=comment_id, created_at=now, **about))
    session.flush()
    number = session.scalar(select(func.count(_PLACE.distinct())).where(Report.comment_id == comment_id, _OPEN)) or 0
    if 0 < settings.report_hide_after <= number and not comment.is_moderator and not _is_kept(session, comment_id):
        _hide(session, comment, number, now)
    return True


def reporter(keys: Keys, identity_ref: str | None, network: str | None, widest: str | None) -> str:
    """How a new report names its reader: half of it says who they are, the other half from where they came.

    Everybody reports once: whom the host names, under whatever address; others by their network, since anybody can
    make up as many cookies as it takes. Of those who come from one place, ``widest`` (all that one customer of a
    provider may have), each is heard and all are one voice: anybody can make up accounts as well, and a provider
    gives one customer many networks. Where no network is known an account is a voice of its own.
    """
    place = keyed_hash(keys, "reporter", f"place:{widest}")[:_HALF] if widest else ""
    who = reporters(keys, identity_ref, network or "unknown")[0]
    return who + (place or who)


def reporters(keys: Keys, identity_ref: str | None, network: str | None) -> list[str]:
    """How one reader may be named in the first half, their account first."""
    known = {"identity": identity_ref, "network": network}
    names = [f"{kind}:{value}" for kind, value in known.items() if value]
    return [hashed[:_HALF] for name in names for hashed in keyed_hashes(keys, "reporter", name)]


def by(reporters: Collection[str]) -> ColumnElement[bool]:
    """The condition on a report to be by one of these."""
    return func.substr(Report.reporter, 1, _HALF).in_(reporters)


def open_for(comment: type[Comment] = Comment) -> ColumnElement[bool]:
    """The condition on a comment to have reports that no moderator has settled."""
    return comment.id.in_(select(Report.comment_id).where(_OPEN))


def are_open(session: Session, comment_id: int) -> bool:
    """Whether a comment has reports that no moderator has settled."""
    return session.scalar(select(Report.id).where(Report.comment_id == comment_id, _OPEN).limit(1)) is not None


def settle(session: Session, comment_ids: Collection[int], actor: str, now: dt.datetime) -> int:
    """A moderator has decided about these comments: settle their open reports and return how many there were."""
    statement = update(Report).where(Report.comment_id.in_(comment_ids), _OPEN).values(settled_at=now, settled_by=actor)
    return changed(session.execute(statement.execution_options(synchronize_session=False)))


def reopen(session: Session, comment_ids: Collection[int], actor: str, at: dt.datetime) -> None:
    """Open again the reports that were settled by ``actor`` ``at`` that moment, when the act is undone."""
    theirs = (Report.comment_id.in_(comment_ids), Report.settled_by == actor, Report.settled_at == at)
    statement = update(Report).where(*theirs).values(settled_at=None, settled_by=None)
    session.execute(statement.execution_options(synchronize_session=False))


_OPEN = Report.settled_at.is_(None)
_HALF = 32
_PLACE = func.substr(Report.reporter, _HALF + 1)
_KEEPING = ("approve", "restore")


def _has_reported(session: Session, comment_id: int, reporter: str) -> bool:
    query = select(Report.id).where(Report.comment_id == comment_id, by([reporter[:_HALF]]))
    return session.scalar(query.limit(1)) is not None


def _is_kept(session: Session, comment_id: int) -> bool:
    """Whether a moderator has approved or restored the text that stands there."""
    about = (Audit.subject_kind == "comment", Audit.subject_id == comment_id, Audit.undone_at.is_(None))
    decided = select(Audit.act).where(*about, Audit.act.in_((*_KEEPING, "edit"))).order_by(Audit.id.desc()).limit(1)
    return session.scalar(decided) in _KEEPING


def _hide(session: Session, comment: Comment, number: int, now: dt.datetime) -> None:
    others = [reason for reason in comment.reasons if not reason.startswith("reported:")]
    comment.reasons = [*others, f"reported:{number}"]
    comments.set_aside(session, [comment], "held")
    outbox.tell_moderators(session, [comment.id], now, now)
    audit.record(session, comment, "report", actor=READERS, now=now, before="published", after="held")
    session.flush()
