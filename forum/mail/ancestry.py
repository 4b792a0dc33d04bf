"""Which mails a mail follows, so that the reader's mailbox shows the conversation as a tree."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from .. import threads
from ..models import Comment, Item, Message
from ..tokens import message_id
from .courier import Courier

# Mailboxes need the root and the nearest; a header of a thousand ids would be refused.
_MOST_REFERENCES = 8


@dataclass(frozen=True)
class Lineage:
    """For each comment the nearest ones above it, and for each (address, comment) the mail that told of it."""

    above: dict[int, list[int]]
    carried: dict[tuple[int, int], str]


def trace(session: Session, items: Sequence[Item]) -> Lineage:
    """The lineage of the comments of ``items``, in two queries whatever their number."""
    comments = list({item.comment_id: item.comment for item in items}.values())
    chains = threads.above_each(session, comments)
    above = {id_: chain[:_MOST_REFERENCES] for id_, chain in chains.items()}
    told = set().union(*above.values())
    return Lineage(above, _carried(session, {item.address_id for item in items}, told) if told else {})


def root_of(courier: Courier, thread_id: int) -> str:
    """The id at the root of a thread: no mail carries it, all refer to it."""
    return f"<a{thread_id}@{courier.settings.mail_domain}>"


def of(courier: Courier, lineage: Lineage, address_id: int, comment: Comment) -> tuple[str, tuple[str, ...]]:
    """In-Reply-To and References: the thread's own root first, then the nearest ancestors down to the parent.

    An ancestor this person was mailed about has the id of that mail; the others have the id they would have had,
    which no mailbox minds.
    """
    domain = courier.settings.mail_domain or ""
    ids = [
        lineage.carried.get((address_id, above)) or message_id(courier.keys, domain, "c", above, "reply", address_id)
        for above in reversed(lineage.above[comment.id])
    ]
    references = tuple(dict.fromkeys([root_of(courier, comment.thread_id), *ids]))
    return references[-1], references


def _carried(session: Session, address_ids: set[int], comment_ids: set[int]) -> dict[tuple[int, int], str]:
    """Which mail told which address of which comment: several may have travelled in one."""
    rows = session.execute(
        select(Item.address_id, Item.comment_id, Message.rfc_message_id)
        .join(Message, Item.message_id == Message.id)
        .where(Item.address_id.in_(address_ids), Item.comment_id.in_(comment_ids), Item.state == "sent")
    )
    return {(address_id, comment_id): rfc_id for address_id, comment_id, rfc_id in rows}
