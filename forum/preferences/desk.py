"""What the moderators' desk keeps about somebody who has themselves forgotten.

Lists, reports, earlier texts, refused drafts, and what they did there if they moderated: none of it names them any
more. A block outlives them as a hash.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence
from typing import Any, Final

from sqlalchemy import delete, or_, select, update
from sqlalchemy.orm import InstrumentedAttribute, Session

from .. import addresses
from ..models import Audit, Comment, Listing, Refusal, Report, Revision, Setting, SignIn
from ..moderation import listings, reports
from ..tokens import Keys

ERASED: Final = "an erased address"
# Rules whose reasons repeat who somebody is.
_PERSONAL: Final = frozenset({"listed", "staff_name", "reserved_name"})
# Wherever the desk says who did something.
_ACTORS: Final[tuple[InstrumentedAttribute[Any], ...]] = (
    Audit.actor,
    Listing.created_by,
    Report.settled_by,
    Revision.actor,
    Setting.changed_by,
)


def forget_writing(session: Session, keys: Keys, comments: Sequence[Comment]) -> None:
    """Delete what the authors of these comments wrote before and beside them, and what was said of them; their
    reports become nobody's.
    """
    ids, names = [comment.id for comment in comments], {comment.name for comment in comments if comment.name}
    session.execute(delete(Revision).where(Revision.comment_id.in_(ids)))
    # By the name alone: of a namesake nothing is lost but a draft that was refused anyway.
    session.execute(delete(Refusal).where(Refusal.name.in_(names)))
    _cover_reasons(session, comments)
    known = {(comment.identity_ref, comment.network) for comment in comments}
    _disown_reports(session, {hashed for who in known for hashed in reports.reporters(keys, *who)})


def forget(session: Session, keys: Keys, email: str, key: str) -> None:
    """Forget an address on the lists, in refused drafts, and as that of a moderator."""
    _cover_listings(session, listings.hashes(keys, key))
    _cover_audit(session, listings.hashes(keys, key), {email, key}, addresses.masked(key))
    session.execute(delete(SignIn).where(SignIn.email == key))
    said = (Refusal.excerpt.icontains(text, autoescape=True) for text in (email, key))
    session.execute(delete(Refusal).where(or_(*said)))
    for column in _ACTORS:
        session.execute(update(column.class_).where(column.in_({email, key})).values({column: addresses.masked(key)}))


def _cover_reasons(session: Session, comments: Sequence[Comment]) -> None:
    """Of why the comments were held or taken down keep what says nothing of the person."""
    for comment in comments:
        comment.reasons = [reason for reason in comment.reasons if reason.partition(":")[0] not in _PERSONAL]
    about = (Audit.subject_kind == "comment", Audit.subject_id.in_([comment.id for comment in comments]))
    for row in session.scalars(select(Audit).where(*about)):
        if row.data and "why" in row.data:
            row.data = {name: value for name, value in row.data.items() if name != "why"}
    session.flush()


def _disown_reports(session: Session, reporters: Collection[str]) -> None:
    for report in session.scalars(select(Report).where(reports.by(reporters))):
        report.reporter = hashlib.sha256(f"forgotten {report.id}".encode()).hexdigest()
    session.flush()


def _cover_listings(session: Session, hashes: Collection[str]) -> None:
    """Trust goes; what protects the site stays as a hash, without a letter of the address and without the reason."""
    listed = (Listing.kind == "address", Listing.value.in_(hashes))
    session.execute(delete(Listing).where(*listed, Listing.effect == "trust"))
    session.execute(update(Listing).where(*listed).values(shown=ERASED, why=""))


def _cover_audit(session: Session, hashes: Collection[str], actors: Collection[str], masked: str) -> None:
    """The log keeps what happened to an entry, and no longer who it was, nor a moderator's address."""
    # Lists are short, and JSON is searched differently on each database.
    for row in session.scalars(select(Audit).where(Audit.subject_kind == "listing")):
        entries = [(row.data or {}).get(name) for name in ("was", "is")]
        if any(entry and entry["created_by"] in actors for entry in entries):
            entries = [entry and entry | _by(entry, actors, masked) for entry in entries]
            row.data = {**(row.data or {}), "was": entries[0], "is": entries[1]}
        if any(entry and entry["value"] in hashes for entry in entries):
            _cover(row, [entry and {**entry, "shown": ERASED, "why": ""} for entry in entries])
    session.flush()


def _by(entry: dict[str, Any], actors: Collection[str], masked: str) -> dict[str, Any]:
    return {"created_by": masked} if entry["created_by"] in actors else {}


def _cover(row: Audit, entries: Sequence[dict[str, Any] | None]) -> None:
    known = {name: value for name, value in (row.data or {}).items() if name == "address"}
    row.data = {"was": entries[0], "is": entries[1], **known}
    row.before, row.after = (f"{entry['effect']} address {ERASED}" if entry else None for entry in entries)
