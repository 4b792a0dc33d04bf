"""Links by mail, to an address that asked for one; who gets none learns nothing by it."""

from __future__ import annotations

import datetime as dt

from sqlalchemy.orm import Session

from .. import comments, outbox
from ..errors import NotFound
from ..models import Address, Comment
from ..settings import Settings
from ..tokens import Keys

# What its author may still see, change or take away.
_ALIVE = frozenset({"published", "held"})


def own_comment(
    session: Session, address: Address | None, comment_id: int, *, for_update: bool = False
) -> Comment | None:
    """The comment with this id if ``address`` wrote it and it is still there; ``for_update`` as of comments.get."""
    try:
        comment = comments.get(session, comment_id, for_update=for_update)
    except NotFound:
        return None
    is_own = address is not None and comment.address_id == address.id
    return comment if is_own and comment.state in _ALIVE else None


def mail_link(
    session: Session,
    keys: Keys,
    settings: Settings,
    address: Address | None,
    now: dt.datetime,
    *,
    comment_id: int | None = None,
    network: str | None = None,
) -> None:
    """Mail ``address`` a link to its settings, or to its own comment; nothing to anybody else, and within limits."""
    if address is None or not settings.mail_enabled:
        return
    if comment_id is None:
        outbox.write(session, keys, settings, address, "link", {"page": "p"}, now, network)
    elif own_comment(session, address, comment_id) is not None:
        data = {"page": "o", "comment": comment_id}
        outbox.write(session, keys, settings, address, "link", data, now, network)
