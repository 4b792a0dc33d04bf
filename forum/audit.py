"""Every change of state leaves a row: who, what, from, to, why."""

from __future__ import annotations

import datetime as dt

from sqlalchemy.orm import Session

from .models import Address, Audit, Comment

_KINDS = {Address: "address", Comment: "comment"}


def record(
    session: Session,
    subject: Address | Comment,
    act: str,
    *,
    actor: str,
    now: dt.datetime,
    cause: str = "",
    before: str | None = None,
    after: str | None = None,
) -> None:
    """Add one audit row about ``subject``; flushed and committed with the change it describes."""
    session.add(
        Audit(
            at=now,
            actor=actor,
            act=act,
            cause=cause,
            subject_kind=_KINDS[type(subject)],
            subject_id=subject.id,
            before=before,
            after=after,
        )
    )
