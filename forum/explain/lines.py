"""Items and messages become lines: who was mailed, who waits for what, and who was spared and why."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

from sqlalchemy import Select, select
from sqlalchemy.orm import Session, joinedload

from ..mail.outcome import masked
from ..models import Address, Comment, Event, Item, Message
from ..settings import Settings
from .sentences import because, when

Word = Literal["mailed", "waits", "not mailed"]
_DIGESTS: Final = {
    "hourly": "the digest they get once an hour",
    "daily": "the digest they get once a day",
    "weekly": "the digest they get once a week",
    "rolled": "one digest, since they got as many mails as one gets in a day",
}


@dataclass(frozen=True)
class Line:
    """What became of one person's mail, or, without ``address``, of the whole comment. The address is masked."""

    address: str | None
    word: Word
    reason: str | None
    sentence: str

    def __str__(self) -> str:
        """The line as people read it."""
        return self.sentence if self.address is None else f"{self.address}: {self.sentence}"


def told(session: Session, comment: Comment, settings: Settings, now: dt.datetime) -> list[Line]:
    """One line for each person the comment was to be told to, after one about the comment where that is the cause."""
    items = session.scalars(_items(comment)).all()
    whole = _whole(session, comment, any_items=bool(items))
    return [*([whole] if whole else []), *(_of_item(item, settings, now) for item in items)]


def told_one(session: Session, comment: Comment, address: Address, settings: Settings, now: dt.datetime) -> list[Line]:
    """What became of the comment's mail to one address."""
    item = session.scalar(_items(comment).where(Item.address_id == address.id))
    if item is not None:
        return [_of_item(item, settings, now)]
    whole = _whole(session, comment, any_items=True)
    nothing = Line(masked(address.email), "not mailed", None, "not mailed: nothing they follow reaches this comment")
    return [whole or nothing]


def asked(session: Session, address: Address, now: dt.datetime) -> list[Line]:
    """What became of the mails that asked this address for its confirmation, oldest first."""
    query = select(Message).where(Message.address_id == address.id, Message.kind == "confirm").order_by(Message.id)
    lines = [_of_message(message, now) for message in session.scalars(query)]
    return [Line(line.address, line.word, line.reason, f"asked to confirm: {line.sentence}") for line in lines]


def _items(comment: Comment) -> Select[Item]:
    together = (joinedload(Item.address), joinedload(Item.message), joinedload(Item.comment))
    return select(Item).where(Item.comment_id == comment.id).order_by(Item.address_id).options(*together)


def _whole(session: Session, comment: Comment, *, any_items: bool) -> Line | None:
    """The line about the comment itself: why nobody, or not yet everybody, was told."""
    event = session.scalar(select(Event).where(Event.comment_id == comment.id))
    if event is None:
        return Line(None, "waits", comment.state, f"nobody is told while the comment is {comment.state}")
    if event.state == "new":
        return Line(None, "waits", "fanout", "the next delivery finds out who else is to be told")
    if event.state == "dead":
        told = f"not mailed: whom to tell could not be found out, {event.last_error}"
        return Line(None, "not mailed", "fanout_failed", told)
    if event.state == "skipped":
        return Line(None, "not mailed", "comment_gone", f"not mailed: {because('comment_gone')}")
    nobody = "there was nobody to tell: nobody followed it, or it was brought in and is no news"
    return None if any_items else Line(None, "not mailed", None, nobody)


def _of_item(item: Item, settings: Settings, now: dt.datetime) -> Line:
    address = masked(item.address.email)
    if item.state == "skipped":
        return Line(address, "not mailed", item.skip_reason, f"not mailed: {because(item.skip_reason)}")
    if item.state == "waiting_confirm":
        return Line(address, "waits", "unconfirmed", "waits: they have not confirmed their address yet")
    if item.message is not None:
        return _of_message(item.message, now)
    if item.state == "sent":
        return Line(address, "mailed", None, "mailed more than a month ago")
    if item.state == "grouped":
        return Line(address, "not mailed", "long_ago", "not mailed: its mail ended without success, over a month ago")
    return _waiting(address, item, settings, now)


def _waiting(address: str, item: Item, settings: Settings, now: dt.datetime) -> Line:
    if item.due_at <= now:
        return Line(address, "waits", "due", f"waits for the next delivery, since {when(item.due_at)}")
    reason, cause = _cause(item, settings, now)
    return Line(address, "waits", reason, f"waits until {when(item.due_at)}: {cause}")


def _cause(item: Item, settings: Settings, now: dt.datetime) -> tuple[str, str]:
    comment, paused = item.comment, item.address.paused_until
    published = comment.edited_at or comment.published_at or item.created_at
    if paused is not None and paused > now and item.due_at >= paused:
        return "paused", f"they paused all mail until {when(paused)}"
    resting = item.address.resting_until
    if resting is not None and resting > now and item.due_at >= resting:
        return "resting", f"their mailbox refused a mail, and is left alone until {when(resting)}"
    if item.cadence != "instant":
        return item.cadence, _DIGESTS.get(item.cadence, "a digest")
    if item.due_at <= published + dt.timedelta(seconds=settings.mail_hold_seconds):
        return "hold", "the hold, in which a slip can be edited or removed"
    return "cooldown", "they had a mail about this conversation a short while ago"


def _of_message(message: Message, now: dt.datetime) -> Line:
    word, reason, sentence = _MESSAGE_STATES.get(message.state, _unknown)(message, now)
    return Line(masked(message.to_addr), word, reason, sentence)


_Said = tuple[Word, str | None, str]


def _ready(message: Message, now: dt.datetime) -> _Said:
    if message.not_before <= now:
        return "waits", "due", f"waits for the next delivery, since {when(message.not_before)}"
    if message.last_error is None:
        return "waits", "retry", f"waits until {when(message.not_before)}"
    tries = f"try {message.attempts + 1}, after {_answer(message)}"
    return "waits", "retry", f"waits until {when(message.not_before)}: {tries}"


def _claimed(message: Message, now: dt.datetime) -> _Said:
    return "waits", "claimed", "waits: a worker has taken it to send it"


def _sending(message: Message, now: dt.datetime) -> _Said:
    return "waits", "sending", "waits: it is being handed to the mail server, or the worker died doing that"


def _sent(message: Message, now: dt.datetime) -> _Said:
    at = when(message.accepted_at) if message.accepted_at else "at an unknown time"
    # Only the development mailbox accepts without a code.
    by = "kept in the development mailbox" if message.smtp_code is None else "accepted by the mail server"
    return "mailed", None, f"mailed {at}, {by}{_code(message)}"


def _failed(message: Message, now: dt.datetime) -> _Said:
    return "not mailed", "failed", f"not mailed: the mail server refused it for good, {_answer(message)}"


def _dead(message: Message, now: dt.datetime) -> _Said:
    tries = f"{message.attempts} {'try' if message.attempts == 1 else 'tries'}"
    lead = "perhaps mailed, and not tried again" if message.ambiguous else f"not mailed: given up after {tries}"
    return "not mailed", "dead", f"{lead}, {_answer(message)}"


def _ended(message: Message, now: dt.datetime) -> _Said:
    return "not mailed", message.skip_reason, f"not mailed: {because(message.skip_reason)}"


def _unknown(message: Message, now: dt.datetime) -> _Said:
    return "waits", message.state, f"its mail is {message.state}"


_MESSAGE_STATES: Final[dict[str, Callable[[Message, dt.datetime], _Said]]] = {
    "ready": _ready,
    "claimed": _claimed,
    "sending": _sending,
    "sent": _sent,
    "failed": _failed,
    "dead": _dead,
    "cancelled": _ended,
    "expired": _ended,
}


def _code(message: Message) -> str:
    codes = [str(code) for code in (message.smtp_code, message.enhanced_code) if code is not None]
    return f" ({' '.join(codes)})" if codes else ""


def _answer(message: Message) -> str:
    """The last answer: the phase it came in, its words and its codes."""
    return f"{message.last_error or 'without an answer'}{_code(message)}"
