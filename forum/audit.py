"""Every change of state leaves a row: who, what, from, to, why."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from .errors import Conflict
from .language import N_
from .language import gettext as _
from .models import Address, Audit, Comment, Listing, SignIn, Thread

Subject = Address | Comment | Listing | SignIn | Thread
_KINDS: dict[type[Subject], str] = {
    Address: "address",
    Comment: "comment",
    Listing: "listing",
    SignIn: "sign_in",
    Thread: "thread",
}
# Who acts without being a moderator.
_OTHERS = {
    "akismet": "Akismet",
    "author": N_("its author"),
    "clock": N_("the clock"),
    "command line": N_("the command line"),
    "host": N_("the site"),
    "mail": N_("a link in a mail"),
    "mail server": N_("the mail server"),
    "readers": N_("readers"),
    "visitor": N_("a visitor"),
}


def record(session: Session, subject: Subject | None, act: str, **said: Any) -> None:
    """Add one audit row, as :func:`entry` makes it; it is committed with what it describes."""
    session.add(Audit(**entry(subject, act, **said)))


def record_all(session: Session, entries: Sequence[dict[str, Any]]) -> None:
    """Add many rows made by :func:`entry` with the same arguments, in one statement."""
    if entries:
        session.execute(insert(Audit), entries)


def entry(
    subject: Subject | None,
    act: str,
    *,
    actor: str,
    now: dt.datetime,
    cause: str = "",
    before: str | None = None,
    after: str | None = None,
    kind: str = "outbox",
    batch: str | None = None,
    data: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """One audit row about ``subject``, or about what has no row of its own and is named by ``kind``.

    ``batch`` is shared by all rows of one press, ``data`` is what taking it back needs.
    """
    row = {
        "at": now,
        "actor": actor,
        "act": act,
        "cause": cause,
        "subject_kind": _KINDS[type(subject)] if subject else kind,
        "subject_id": subject.id if subject else 0,
        "before": before,
        "after": after,
        "batch": batch,
    }
    # The JSON null is another thing than nothing.
    return row if data is None else row | {"data": data}


def newest(session: Session, kind: str, subject_id: int, acts: Collection[str] = ()) -> Audit | None:
    """The last row about one subject, of ``acts`` alone if there are any."""
    about = [Audit.subject_kind == kind, Audit.subject_id == subject_id, *([Audit.act.in_(acts)] if acts else [])]
    return session.scalar(select(Audit).where(*about).order_by(Audit.id.desc()).limit(1))


def conflict(session: Session, subject: Comment | Listing | Thread, acts: Collection[str] = ()) -> Conflict:
    """The error for whoever acts on what has changed since they looked: it says who did what to it last, and when.

    Where only ``acts`` stand in the way, it speaks of the last of them.
    """
    row = newest(session, _KINDS[type(subject)], subject.id, acts)
    who = {"by": row.actor, "act": row.act, "at": row.at, "entry": row.id} if row else {}
    return Conflict(_("This has changed since you opened the page."), **who)  # type: ignore[arg-type]  # each of its own type


def name_of(actor: str) -> str:
    """How an actor is called where others read it: the name before the key of an identity, or before the @."""
    # People's names go on behind it with a key or a domain: nobody can call themselves one of these.
    if actor in _OTHERS:
        return _(_OTHERS[actor])
    return actor.partition(" <")[0].partition("@")[0]


def called(words: str) -> list[str]:
    """Those who act without being moderators and whose name, as it is read, begins with ``words``."""
    return [actor for actor, name in _OTHERS.items() if _(name).casefold().startswith(words.casefold())]
