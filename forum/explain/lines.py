"""Items and messages become lines: who was mailed, who waits for what, and who was spared and why."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace
from typing import Final

from sqlalchemy import Select, select
from sqlalchemy.orm import Session, joinedload

from ..comments.words import state_word
from ..language import N_
from ..language import gettext as _
from ..mail.outcome import masked
from ..models import Address, Comment, Event, Item, Message
from ..outbox.restore import REASON as RESTORED
from ..settings import Settings
from .delays import Delays
from .messages import Word, said
from .sentences import because, when

_DIGESTS: Final = {
    "hourly": N_("the digest they get once an hour"),
    "daily": N_("the digest they get once a day"),
    "weekly": N_("the digest they get once a week"),
    "rolled": N_("one digest, since they got as many mails as one gets in a day"),
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
        if self.address is None:
            return self.sentence
        return _("%(address)s: %(sentence)s", address=self.address, sentence=self.sentence)


def told(session: Session, comment: Comment, settings: Settings, now: dt.datetime) -> list[Line]:
    """One line for each person the comment was to be told to, after one about the comment where that is the cause."""
    items = session.scalars(_items(comment)).all()
    whole = _whole(session, comment, any_items=bool(items))
    delays = Delays(session, settings, now)
    return [*([whole] if whole else []), *(_of_item(item, settings, delays) for item in items)]


def told_one(session: Session, comment: Comment, address: Address, settings: Settings, now: dt.datetime) -> list[Line]:
    """What became of the comment's mail to one address."""
    item = session.scalar(_items(comment).where(Item.address_id == address.id))
    if item is not None:
        return [_of_item(item, settings, Delays(session, settings, now))]
    whole = _whole(session, comment, any_items=True)
    nothing = _("not mailed: nothing they follow reaches this comment")
    return [whole or Line(masked(address.email), "not mailed", None, nothing)]


def asked(session: Session, address: Address, settings: Settings, now: dt.datetime) -> list[Line]:
    """What became of the mails that asked this address for its confirmation, oldest first."""
    query = select(Message).where(Message.address_id == address.id, Message.kind == "confirm").order_by(Message.id)
    delays = Delays(session, settings, now)
    lines = [_of_message(message, delays) for message in session.scalars(query)]
    return [replace(line, sentence=_("asked to confirm: %(what)s", what=line.sentence)) for line in lines]


def _items(comment: Comment) -> Select[Item]:
    together = (joinedload(Item.address), joinedload(Item.message), joinedload(Item.comment))
    return select(Item).where(Item.comment_id == comment.id).order_by(Item.address_id).options(*together)


def _whole(session: Session, comment: Comment, *, any_items: bool) -> Line | None:
    """The line about the comment itself: why nobody, or not yet everybody, was told."""
    event = session.scalar(select(Event).where(Event.comment_id == comment.id, Event.kind == "published"))
    if event is None:
        state = state_word(comment.state)
        return Line(None, "waits", comment.state, _("nobody is told while the comment is %(state)s", state=state))
    if event.state == "new":
        return Line(None, "waits", "fanout", _("the next delivery finds out who else is to be told"))
    if event.state == "dead":
        return _untold(event)
    if event.state == "skipped":
        return Line(None, "not mailed", "comment_gone", _("not mailed: %(why)s", why=because("comment_gone")))
    nobody = _("there was nobody to tell: nobody followed it, or it was brought in and is no news")
    return None if any_items else Line(None, "not mailed", None, nobody)


def _untold(event: Event) -> Line:
    if event.last_error == RESTORED:
        return Line(None, "waits", RESTORED, _("waits: %(why)s", why=because(RESTORED)))
    why = masked(event.last_error or _("for an unknown reason"))
    return Line(
        None, "not mailed", "fanout_failed", _("not mailed: whom to tell could not be found out, %(why)s", why=why)
    )


def _of_item(item: Item, settings: Settings, delays: Delays) -> Line:
    address = masked(item.address.email)
    if item.skip_reason == RESTORED:
        return Line(address, "waits", RESTORED, _("waits: %(why)s", why=because(RESTORED)))
    if item.state == "skipped":
        return Line(address, "not mailed", item.skip_reason, _("not mailed: %(why)s", why=because(item.skip_reason)))
    if item.state == "waiting_confirm":
        return Line(address, "waits", "unconfirmed", _("waits: they have not confirmed their address yet"))
    if item.message is not None:
        return _of_message(item.message, delays)
    if item.state == "sent":
        return Line(address, "mailed", None, _("mailed; its mail is no longer on record"))
    if item.state == "grouped":
        ended = _("not mailed: its mail ended without success and is no longer on record")
        return Line(address, "not mailed", "long_ago", ended)
    return _waiting(address, item, settings, delays.now)


def _waiting(address: str, item: Item, settings: Settings, now: dt.datetime) -> Line:
    if item.due_at <= now:
        return Line(address, "waits", "due", _("waits for the next delivery, since %(time)s", time=when(item.due_at)))
    reason, cause = _cause(item, settings, now)
    return Line(address, "waits", reason, _("waits until %(time)s: %(why)s", time=when(item.due_at), why=cause))


def _cause(item: Item, settings: Settings, now: dt.datetime) -> tuple[str, str]:
    comment, paused = item.comment, item.address.paused_until
    published = comment.edited_at or comment.published_at or item.created_at
    if paused is not None and paused > now and item.due_at >= paused:
        return "paused", _("they paused all mail until %(time)s", time=when(paused))
    resting = item.address.resting_until
    if resting is not None and resting > now and item.due_at >= resting:
        alone = _("their mailbox refused a mail, and is left alone until %(time)s", time=when(resting))
        return "resting", alone
    if item.cadence != "instant":
        return item.cadence, _(_DIGESTS[item.cadence]) if item.cadence in _DIGESTS else _("a digest")
    if item.due_at <= published + dt.timedelta(seconds=settings.mail_hold_seconds):
        return "hold", _("the hold, in which a slip can be edited or removed")
    return "cooldown", _("they had a mail about this conversation a short while ago")


def _of_message(message: Message, delays: Delays) -> Line:
    word, reason, sentence = said(message, delays)
    return Line(masked(message.to_addr), word, reason, sentence)
