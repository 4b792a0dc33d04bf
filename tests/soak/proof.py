"""What must be true in the end, from three witnesses: the clients, the mail server's file and the database."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from forum.models import Address, Comment, Item, Message

from .attack import Blow
from .clients import Reply
from .sink import SLOWEST, Copy

# What was written to the socket before a kill arrives after it.
_SLACK = 1.0


@dataclass(frozen=True)
class Told:
    """One (comment, address) of the outbox, with its message if it has one."""

    comment: int
    email: str
    state: str
    message: int | None


@dataclass(frozen=True)
class Mailed:
    """One message of the outbox."""

    id: int
    rfc_id: str
    to: str
    state: str
    ambiguous: int


class Evidence:
    """All that is known when everything has come to rest; a deliverer has one mail on each of its ``connections``."""

    def __init__(
        self, engine: Engine, replies: Sequence[Reply], copies: Sequence[Copy], blows: Sequence[Blow], connections: int
    ) -> None:
        self.replies, self.copies, self.connections = replies, copies, connections
        self.attacks = [blow for blow in blows if blow.kind.startswith("deliverer")]
        with Session(engine) as session:
            self.comments = list(session.execute(select(Comment.id, Comment.source, Comment.state)).all())
            self.published = {id_: at for id_, at in session.execute(_PUBLISHED) if at is not None}
            self.items = [Told(*row) for row in session.execute(_ITEMS)]
            self.messages = {row[0]: Mailed(*row) for row in session.execute(_MESSAGES)}

    @cached_property
    def arrived(self) -> dict[str, list[Copy]]:
        """The copies of each Message-ID, oldest first."""
        found: dict[str, list[Copy]] = defaultdict(list)
        for copy in self.copies:
            found[copy.message_id].append(copy)
        return found

    @cached_property
    def due(self) -> set[tuple[int, str]]:
        """Every (comment, address) that was to be mailed, by what the readers of each room had asked for."""
        replies = {reply.text: reply for reply in self.replies}
        stored = [(id_, replies[source]) for id_, source, _ in self.comments if source in replies]
        return {(id_, email) for id_, reply in stored for email in reply.room.readers(reply.parent, reply.author)}

    @property
    def repeated(self) -> list[list[Copy]]:
        """The copies of each mail that arrived more than once."""
        return [copies for copies in self.arrived.values() if len(copies) > 1]

    @property
    def extra(self) -> int:
        """How many copies arrived that nobody needed."""
        return sum(len(copies) - 1 for copies in self.repeated)

    @cached_property
    def laid(self) -> list[tuple[list[Copy], Blow | None]]:
        """The copies of each repeated mail with the attack they are laid to, None when there is none left for them.

        An attack accounts for as many mails as a deliverer has connections, by default for one.
        """
        left = Counter(dict.fromkeys(self.attacks, self.connections))
        found: list[tuple[list[Copy], Blow | None]] = []
        for copies in sorted(self.repeated, key=lambda copies: copies[0].at):
            blow = next((blow for blow in self.attacks if left[blow] and _explains(blow, copies)), None)
            left.subtract([blow] if blow else [])
            found.append((copies, blow))
        return found

    @property
    def given_up(self) -> list[Mailed]:
        """Messages that were hit twice between the wire and the commit: an operator decides, we do not guess."""
        return [message for message in self.messages.values() if message.state == "dead" and message.ambiguous]

    @property
    def waits(self) -> list[float]:
        """Seconds from the publication of each comment to the first copy of each mail about it."""
        return [
            copies[0].at - self.published[copies[0].comment].timestamp()
            for copies in self.arrived.values()
            if copies[0].comment is not None
        ]


_PUBLISHED = select(Comment.id, Comment.published_at)
_ITEMS = (
    select(Item.comment_id, Address.email, Item.state, Item.message_id)
    .join(Address, Item.address_id == Address.id)
    .order_by(Item.id)
)
_MESSAGES = select(Message.id, Message.rfc_message_id, Message.to_addr, Message.state, Message.ambiguous)


def failures(evidence: Evidence) -> Iterator[str]:
    """Every sentence that is not true, with its first examples."""
    for claim, counterexamples in _CLAIMS.items():
        found = list(counterexamples(evidence))
        if found:
            yield f"{claim}\n    Not so {len(found)} times, such as {'; '.join(map(str, found[:3]))}"


def _idle(evidence: Evidence) -> Iterator[str]:
    happened = {"comments": evidence.replies, "mails": evidence.copies, "attacks on delivery": evidence.attacks}
    return (f"no {what}" for what, found in happened.items() if not found)


def _lost_or_doubled(evidence: Evidence) -> Iterator[str]:
    rows: dict[str, list[int]] = defaultdict(list)
    for id_, source, state in evidence.comments:
        rows[source].append(id_ if state == "published" else -id_)
    for reply in evidence.replies:
        found = rows[reply.text]
        if found != ([reply.stored] if reply.stored else found[:1]):
            yield f"{reply.text!r} was acknowledged as {reply.stored} and is stored as {found}"


def _not_acknowledged(evidence: Evidence) -> Iterator[str]:
    return (repr(reply.text) for reply in evidence.replies if reply.stored is None)


def _unfinished(evidence: Evidence) -> Iterator[object]:
    yield from (item for item in evidence.items if item.state == "waiting")
    left = {"ready", "claimed", "sending", "failed", "cancelled", "expired", "dead"}
    doubted = set(evidence.given_up)
    yield from (row for row in evidence.messages.values() if row.state in left and row not in doubted)


def _not_told(evidence: Evidence) -> Iterator[object]:
    told = {(item.comment, item.email): item for item in evidence.items}
    doubted = {message.id for message in evidence.given_up}
    for pair in sorted(evidence.due):
        item = told.get(pair)
        if item is None or (item.message not in doubted and not _arrived(evidence, item)):
            yield item or pair


def _arrived(evidence: Evidence, item: Told) -> bool:
    message = evidence.messages.get(item.message or 0)
    return item.state == "sent" and message is not None and message.rfc_id in evidence.arrived


def _told_wrongly(evidence: Evidence) -> Iterator[object]:
    """Items first: a mail may carry several comments and its header names only the last."""
    spared = ("skipped", "waiting_confirm")
    yield from (
        item for item in evidence.items if item.state not in spared and (item.comment, item.email) not in evidence.due
    )
    yield from (copy for copy in evidence.copies if (copy.comment, copy.to) not in evidence.due)


def _unknown(evidence: Evidence) -> Iterator[object]:
    known = {message.rfc_id: message for message in evidence.messages.values()}
    for copy in evidence.copies:
        message = known.get(copy.message_id)
        if message is None or message.to != copy.to:
            yield copy
    yield from (row for row in evidence.messages.values() if row.state == "sent" and row.rfc_id not in evidence.arrived)


def _thrice(evidence: Evidence) -> Iterator[str]:
    return (f"{copies[0].message_id} {len(copies)} times" for copies in evidence.repeated if len(copies) > 2)


def _undoubted(evidence: Evidence) -> Iterator[str]:
    doubted = {message.rfc_id for message in evidence.messages.values() if message.ambiguous}
    return (copies[0].message_id for copies in evidence.repeated if copies[0].message_id not in doubted)


def _unexplained(evidence: Evidence) -> Iterator[str]:
    for copies, blow in evidence.laid:
        if blow is None:
            yield f"{copies[0].message_id} at {[round(copy.at, 2) for copy in copies]}"


def _explains(blow: Blow, copies: Sequence[Copy]) -> bool:
    # Killed or frozen when the first copy was on its way or waited for its answer.
    if blow.began - SLOWEST - _SLACK <= copies[0].at <= blow.ended + _SLACK:
        return True
    # Frozen right before the wire: it goes on afterwards, when another deliverer has long sent the mail.
    return blow.kind == "deliverer frozen" and any(0 <= copy.at - blow.ended < _SLACK for copy in copies[1:])


_CLAIMS = {
    "There was something to lose.": _idle,
    "Every acknowledged comment is stored exactly once, and none twice.": _lost_or_doubled,
    "Every form that was repeated is acknowledged in the end.": _not_acknowledged,
    "The outbox is empty, and nothing ended but by being sent or by a second doubt.": _unfinished,
    "Every comment was mailed to everybody who was to hear of it.": _not_told,
    "Nobody was mailed who was not to be.": _told_wrongly,
    "The mail server and the outbox know the same messages.": _unknown,
    "Nobody got more than one extra copy.": _thrice,
    "Only messages in doubt were sent again.": _undoubted,
    "Each extra copy comes from an attack between the final dot and the commit, one for each connection it cut.": (
        _unexplained
    ),
}
