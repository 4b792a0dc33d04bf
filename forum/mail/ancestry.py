"""Which mails a mail follows, so that the reader's mailbox shows the conversation as a tree."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from .. import threads
from ..models import Comment, Item, Message
from ..tokens import message_id
from .courier import Courier

# Mailboxes need the root and the nearest; a header of a thousand ids would be refused.
_MOST_REFERENCES = 8


def root_of(courier: Courier, thread_id: int) -> str:
    """The id at the root of a thread: no mail carries it, all refer to it."""
    return f"<a{thread_id}@{courier.settings.mail_domain}>"


def of(session: Session, courier: Courier, message: Message, comment: Comment) -> tuple[str, tuple[str, ...]]:
    """In-Reply-To and References: the thread's own root first, then the nearest ancestors down to the parent.

    An ancestor this person was mailed about has the id of that mail; the others have the id they would have had,
    which no mailbox minds.
    """
    chain = threads.above(session, comment)[:_MOST_REFERENCES]
    carried = _carried(session, message.address_id, chain)
    domain = courier.settings.mail_domain or ""
    ids = [
        carried.get(above) or message_id(courier.keys, domain, "c", above, "reply", message.address_id)
        for above in reversed(chain)
    ]
    references = tuple(dict.fromkeys([root_of(courier, comment.thread_id), *ids]))
    return references[-1], references


def _carried(session: Session, address_id: int, comment_ids: Sequence[int]) -> dict[int, str]:
    """Which mail told this address of which comment: several may have travelled in one."""
    rows = session.execute(
        select(Item.comment_id, Message.rfc_message_id)
        .join(Message, Item.message_id == Message.id)
        .where(Item.address_id == address_id, Item.comment_id.in_(comment_ids), Item.state == "sent")
    )
    return dict(rows.all())
