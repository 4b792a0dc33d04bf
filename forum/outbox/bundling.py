"""Items into one message, whichever items they are; and how many messages a person may get in a day."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, func, select, update
from sqlalchemy.orm import Session

from ..models import Address, Item, Message
from ..settings import Settings
from ..tokens import Keys, message_id
from . import writing

_LIFE = {"reply": dt.timedelta(hours=48), "digest": dt.timedelta(hours=24)}
_DAY = dt.timedelta(hours=24)
_NEVER_LEFT = ("cancelled", "expired", "failed", "dead")


def bundle(
    session: Session,
    keys: Keys,
    settings: Settings,
    kind: str,
    which: Sequence[ColumnElement[bool]],
    address_id: int,
    thread_id: int | None,
    now: dt.datetime,
    data: dict[str, Any],
) -> None:
    """Put the waiting items of one address that satisfy ``which`` into a new message of ``kind``."""
    first = session.scalar(select(func.min(Item.comment_id)).where(*which))
    if first is None:
        return
    rfc_id = _free_id(session, keys, settings, kind, address_id, first)
    address = session.get_one(Address, address_id)
    message = writing.message(address, kind, rfc_id, now, _LIFE[kind], thread_id=thread_id, data=data)
    session.add(message)
    session.flush()
    session.execute(update(Item).where(*which).values(state="grouped", message_id=message.id))


def free_at(session: Session, settings: Settings, address_id: int, now: dt.datetime) -> dt.datetime | None:
    """When somebody who got all mails of a day may get the next one, as a digest; None while there is room."""
    today = (
        Message.address_id == address_id,
        Message.kind == "reply",
        Message.created_at > now - _DAY,
        Message.state.not_in(_NEVER_LEFT),
    )
    count, oldest = session.execute(select(func.count(), func.min(Message.created_at)).where(*today)).one()
    return oldest + _DAY if count >= settings.mail_max_per_day else None


def _free_id(session: Session, keys: Keys, settings: Settings, kind: str, address_id: int, first: int) -> str:
    """The Message-ID of the first comment inside; another one if a message that was cancelled used that up."""
    prefix, n = ("d" if kind == "digest" else "c"), 0
    while True:
        purpose = f"{kind}.{n}" if n else kind
        candidate = message_id(keys, settings.mail_domain or "", prefix, first, purpose, address_id)
        if session.scalar(select(Message.id).where(Message.rfc_message_id == candidate)) is None:
            return candidate
        n += 1
