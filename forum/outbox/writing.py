"""One new message for one address; and the small ones that carry no comments: links and notices."""

from __future__ import annotations

import datetime as dt
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from .. import addresses
from ..models import Address, Message
from ..settings import Settings
from ..tokens import Keys, message_id

_LIFE = dt.timedelta(hours=24)
_LINKS_A_DAY = 3
_AHEAD = dt.timedelta(days=1)
# Nobody gets even a link who said never, or whose mail came back or was called spam.
_UNREACHABLE = frozenset({"refused", "blocked", "complained", "bounced"})


def message(
    address: Address, kind: str, rfc_message_id: str, now: dt.datetime, life: dt.timedelta, **more: Any
) -> Message:
    """A message to ``address``, ready at ``now`` and given up after ``life``; ``more`` are other columns.

    It overtakes the news of comments: somebody may sit waiting for the link in it.
    """
    return Message(
        kind=kind,
        address=address,
        to_addr=address.email,
        domain=address.key.rpartition("@")[2],
        rfc_message_id=rfc_message_id,
        state="ready",
        place=now - _AHEAD,
        not_before=now,
        expires_at=now + life,
        created_at=now,
        **more,
    )


def next_number(session: Session) -> int:
    """A number that no earlier message has in its Message-ID: the newest message stays when others are pruned."""
    return (session.scalar(select(func.max(Message.id))) or 0) + 1


def unreachable(session: Session, keys: Keys, address: Address, now: dt.datetime) -> str | None:
    """Why this address must not be written to at all, not even a link, in a word; None when it may be."""
    if address.state in _UNREACHABLE:
        return f"address_{address.state}"
    suppressed = addresses.suppressed(session, keys, address.key, now)
    return None if suppressed is None else f"suppressed:{suppressed}"


def write(
    session: Session,
    keys: Keys,
    settings: Settings,
    address: Address,
    kind: str,
    data: dict[str, Any],
    now: dt.datetime,
    network: str | None = None,
) -> Message | None:
    """Enqueue a `link`, a `notice` or a warning of a `moved` address; None when it must not be written to.

    Of links an address gets three a day at most: the fourth is stored as cancelled, with the reason.
    """
    if unreachable(session, keys, address, now) is not None:
        return None
    earlier = select(func.count()).where(Message.address_id == address.id, Message.kind == kind)
    number = next_number(session)
    rfc_id = message_id(keys, settings.mail_domain or "", f"{kind[0]}{address.id}.", number, kind, address.id)
    new = message(address, kind, rfc_id, now, _LIFE, data=data, network=network)
    today = session.scalar(earlier.where(Message.created_at > now - _LIFE, Message.state != "cancelled")) or 0
    if kind == "link" and today >= _LINKS_A_DAY:
        new.state, new.skip_reason = "cancelled", "limit:address"
    session.add(new)
    session.flush()
    return new
