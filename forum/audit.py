"""Every change of state leaves a row: who, what, from, to, why."""

from __future__ import annotations

import datetime as dt

from sqlalchemy.orm import Session

from .models import Address, Audit, Comment

_KINDS = {Address: "address", Comment: "comment"}
_OUTBOX = "outbox"


def record(
    session: Session,
    subject: Address | Comment | None,
    act: str,
    *,
    actor: str,
    now: dt.datetime,
    cause: str = "",
    before: str | None = None,
    after: str | None = None,
) -> None:
    """Add one audit row about ``subject``, or about the whole outbox; it is committed with what it describes."""
    session.add(
        Audit(
            at=now,
            actor=actor,
            act=act,
            cause=cause,
            subject_kind=_KINDS[type(subject)] if subject else _OUTBOX,
            subject_id=subject.id if subject else 0,
            before=before,
            after=after,
        )
    )
