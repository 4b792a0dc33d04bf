"""What a moderator decides for one page alone: closed, everything held, no mail, a comment on top."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from sqlalchemy import Select, func, or_, select
from sqlalchemy.orm import Session

from .. import audit, comments, threads
from ..errors import NotFound
from ..language import gettext as _
from ..models import Comment, Thread
from .acts import Press

Switch = Literal["closed", "held", "silent"]
PER_PAGE = 50
# What turning a switch on and off is called in the audit log.
ACTS: Final[dict[Switch, tuple[str, str]]] = {
    "closed": ("close", "open"),
    "held": ("hold", "release"),
    "silent": ("silence", "unsilence"),
}
PINS: Final = ("pin", "unpin")
_ON, _OFF = "on", "off"


@dataclass(frozen=True)
class PageRow:
    """A thread on the desk's list: ``thread.comments`` are published, ``waiting`` are held; ``pinned`` is shown first
    (None as well while what was pinned is not published).
    """

    thread: Thread
    waiting: int
    pinned: Comment | None


def switch(session: Session, press: Press, thread_id: int, name: Switch, on: bool) -> Thread:
    """Close a page for new comments, have every comment wait there, or have nobody mailed about it; or the reverse.

    Raises NotFound; Conflict, which says who was faster, when it is so already.
    """
    thread = get(session, thread_id)
    if getattr(thread, name) is on:
        raise audit.conflict(session, thread, ACTS[name])
    before, after = (_OFF, _ON) if on else (_ON, _OFF)
    turn(session, thread, name, on)
    press.record(session, thread, ACTS[name][0 if on else 1], before, after)
    session.flush()
    return thread


def turn(session: Session, thread: Thread, name: Switch, on: bool) -> None:
    """Turn a switch of a locked thread."""
    setattr(thread, name, on)
    _show(session, thread)


def pin(session: Session, press: Press, comment_id: int, version: int) -> Thread:
    """Show a published comment before all others of its page, in the place of any other.

    Raises NotFound; Conflict when it is not published, has changed since, or is pinned already.
    """
    comment = comments.get(session, comment_id, for_update=True)
    thread = get(session, comment.thread_id)
    if comment.version != version or comment.state != "published":
        raise audit.conflict(session, comment)
    if thread.pinned_id == comment_id:
        raise audit.conflict(session, thread, PINS)
    _pin(session, press, thread, comment_id, "pin")
    return thread


def unpin(session: Session, press: Press, thread_id: int, comment_id: int) -> Thread:
    """Show the comment in its own place only. Raises NotFound; Conflict when it is not the pinned one."""
    thread = get(session, thread_id)
    if thread.pinned_id != comment_id:
        raise audit.conflict(session, thread, PINS)
    _pin(session, press, thread, None, "unpin")
    return thread


def put_on_top(session: Session, thread: Thread, comment_id: int | None) -> None:
    """Show this comment of a locked thread first, or none."""
    thread.pinned_id = comment_id
    _show(session, thread)


def value(thread: Thread, act: str) -> str:
    """What a thread has now of that which ``act`` changes, as the audit log writes it."""
    if act in PINS:
        return str(thread.pinned_id or "")
    name = next(name for name, names in ACTS.items() if act in names)
    return _ON if getattr(thread, name) else _OFF


def put_back(session: Session, thread: Thread, act: str, before: str) -> None:
    """Let a locked thread have again what it had before ``act``."""
    if act in PINS:
        put_on_top(session, thread, int(before) if before else None)
    else:
        turn(session, thread, next(name for name, names in ACTS.items() if act in names), before == _ON)


def find(
    session: Session, text: str = "", before: int | None = None, only: Switch | Literal["pinned"] | None = None
) -> Sequence[PageRow]:
    """Up to 50 threads whose key or title contains ``text``, the newest first, below the id ``before``; ``only``
    those with this switch on, or with a comment on top.

    Three statements, whatever it shows.
    """
    found = session.scalars(_find(text, before, only)).all()
    ids = [thread.id for thread in found]
    held = select(Comment.thread_id, func.count()).where(Comment.thread_id.in_(ids), Comment.state == "held")
    waiting = dict(session.execute(held.group_by(Comment.thread_id)).all())
    tops = [thread.pinned_id for thread in found if thread.pinned_id is not None]
    pinned = select(Comment).where(Comment.id.in_(tops), Comment.state == "published")
    shown = {comment.id: comment for comment in session.scalars(pinned)}
    return [PageRow(thread, waiting.get(thread.id, 0), shown.get(thread.pinned_id or 0)) for thread in found]


def get(session: Session, thread_id: int) -> Thread:
    """The thread, locked as whoever was changing it left it. Raises NotFound."""
    thread = session.get(Thread, thread_id, with_for_update={"key_share": True}, populate_existing=True)
    if thread is None:
        raise NotFound(_("There is no such page."))
    return thread


def _find(text: str, before: int | None, only: str | None) -> Select[Thread]:
    query = select(Thread).order_by(Thread.id.desc()).limit(PER_PAGE)
    if only:
        query = query.where(Thread.pinned_id.is_not(None) if only == "pinned" else getattr(Thread, only).is_(True))
    if text:
        named = (Thread.key.icontains(text, autoescape=True), Thread.title.icontains(text, autoescape=True))
        query = query.where(or_(*named))
    return query if before is None else query.where(Thread.id < before)


def _pin(session: Session, press: Press, thread: Thread, comment_id: int | None, act: str) -> None:
    before = thread.pinned_id
    put_on_top(session, thread, comment_id)
    press.record(session, thread, act, str(before or ""), str(comment_id or ""))
    session.flush()


def _show(session: Session, thread: Thread) -> None:
    session.flush()
    threads.raise_version(session, thread.id)
