"""Items that are due become messages: one for each address and thread, whatever happened meanwhile."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from ..models import Address, Item, Message, Thread
from ..settings import Settings
from ..tokens import Keys, message_id

_LIFE = dt.timedelta(hours=48)
# An address that confirms late gets the newest few, not everything that happened while it slept.
_WAITED_AT_MOST = dt.timedelta(hours=24)
_WAITED_MANY = 5


def group(session: Session, keys: Keys, settings: Settings, now: dt.datetime, limit: int = 100) -> int:
    """Turn due items into messages and return how many pairs of address and thread were dealt with.

    Everything waiting for a pair travels together. After a recent mail about the thread the items wait for the
    cooldown to pass; they are never dropped. The caller commits.
    """
    due = select(Item.address_id, Item.thread_id).where(Item.state == "waiting", Item.due_at <= now)
    pairs = session.execute(due.group_by(Item.address_id, Item.thread_id).limit(limit)).all()
    for address_id, thread_id in pairs:
        cool = _cool_at(session, address_id, thread_id, settings)
        if cool is not None and cool > now:
            _postpone(session, address_id, thread_id, cool)
        else:
            _bundle(session, keys, settings, address_id, thread_id, now)
    session.flush()
    return len(pairs)


def release_waiting(session: Session, address: Address, now: dt.datetime) -> None:
    """The address is confirmed: the newest answers that waited for it become due, older ones are stale."""
    waiting = select(Item).where(Item.address_id == address.id, Item.state == "waiting_confirm")
    for n, item in enumerate(session.scalars(waiting.order_by(Item.comment_id.desc()))):
        if n < _WAITED_MANY and now - item.created_at <= _WAITED_AT_MOST:
            item.state, item.due_at = "waiting", max(item.due_at, now)
        else:
            item.state, item.skip_reason = "skipped", "stale"
    session.flush()


def _cool_at(session: Session, address_id: int, thread_id: int, settings: Settings) -> dt.datetime | None:
    """When the next mail about the thread may follow the last one."""
    last = session.scalar(
        select(func.max(Message.accepted_at)).where(Message.address_id == address_id, Message.thread_id == thread_id)
    )
    return None if last is None else last + dt.timedelta(seconds=settings.mail_cooldown_seconds)


def _postpone(session: Session, address_id: int, thread_id: int, until: dt.datetime) -> None:
    waiting = (Item.state == "waiting", Item.address_id == address_id, Item.thread_id == thread_id)
    session.execute(update(Item).where(*waiting, Item.due_at < until).values(due_at=until))


def _bundle(
    session: Session, keys: Keys, settings: Settings, address_id: int, thread_id: int, now: dt.datetime
) -> None:
    waiting = (Item.state == "waiting", Item.address_id == address_id, Item.thread_id == thread_id)
    first = session.scalar(select(func.min(Item.comment_id)).where(*waiting))
    if first is None:
        return
    message = _message(session, keys, settings, address_id, thread_id, first, now)
    session.execute(update(Item).where(*waiting).values(state="grouped", message_id=message.id))
    _freeze_subject(session, thread_id)


def _message(
    session: Session, keys: Keys, settings: Settings, address_id: int, thread_id: int, first: int, now: dt.datetime
) -> Message:
    address = session.get_one(Address, address_id)
    message = Message(
        kind="reply",
        address=address,
        thread_id=thread_id,
        to_addr=address.email,
        domain=address.key.rpartition("@")[2],
        rfc_message_id=_free_id(session, keys, settings, address_id, first),
        state="ready",
        not_before=now,
        expires_at=now + _LIFE,
        created_at=now,
    )
    session.add(message)
    session.flush()
    return message


def _free_id(session: Session, keys: Keys, settings: Settings, address_id: int, first: int) -> str:
    """The Message-ID of the first comment inside; another one if a message that was cancelled used that up."""
    n = 0
    while True:
        kind = f"reply.{n}" if n else "reply"
        candidate = message_id(keys, settings.mail_domain or "", "c", first, kind, address_id)
        if session.scalar(select(Message.id).where(Message.rfc_message_id == candidate)) is None:
            return candidate
        n += 1


def _freeze_subject(session: Session, thread_id: int) -> None:
    """Keep the title of the first mail: mail programs put together what has one subject."""
    session.execute(update(Thread).where(Thread.id == thread_id, Thread.subject.is_(None)).values(subject=Thread.title))
