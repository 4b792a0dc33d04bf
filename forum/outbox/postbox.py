"""The mails of the site as an admin looks through them: found by state, address or comment, tried again, cancelled."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Final, Literal, NamedTuple, get_args

from sqlalchemy import ColumnElement, or_, select, update
from sqlalchemy.orm import Session, joinedload, selectinload

from .. import addresses, audit
from ..errors import Conflict, InvalidDraft, NotFound
from ..language import gettext as _
from ..models import Address, Attempt, Comment, Item, Message
from . import restore, tallies, vitals

Tab = Literal["all", "waiting", "sending", "sent", "failed", "given_up", "cancelled", "laid_aside"]
TABS: Final[tuple[Tab, ...]] = get_args(Tab)
PER_PAGE: Final = 50
AGAIN: Final = ("dead", "failed")
REASON = "called_off"
_STATES: Final[dict[Tab, tuple[str, ...]]] = {
    "waiting": ("ready",),
    "sending": ("claimed", "sending"),
    "sent": ("sent",),
    "failed": ("failed",),
    "given_up": ("dead", "expired"),
    "cancelled": ("cancelled",),
    "laid_aside": ("laid_aside",),
}
_LONGEST: Final = 254
_LARGEST: Final = 2**63 - 1


@dataclass(frozen=True)
class Search:
    """Which mails: ``tab``, the beginning of an address or a whole one, and the number of a comment they told of."""

    tab: Tab = "all"
    address: str = ""
    comment: int | None = None

    @classmethod
    def parse(cls, values: Mapping[str, str]) -> Search:
        """Read the search of a URL; what makes no sense there is as if it was not there."""
        tab: Tab = next((name for name in TABS if name == values.get("tab")), "all")
        address = values.get("address", "").replace("\0", "").strip()[:_LONGEST]
        return cls(tab, address, number(values.get("comment", "")))

    def serialise(self) -> dict[str, str]:
        """The same as a flat dict for a URL: ``parse`` gives an equal search."""
        return {each.name: str(value) for each in fields(self) if (value := getattr(self, each.name)) not in ("", None)}

    def __bool__(self) -> bool:
        """Whether anything beside the tab is asked for."""
        return self != Search(self.tab)


class Page(NamedTuple):
    """Some mails, the newest first, and what ``before`` to ask for to see older ones; None at the end."""

    messages: Sequence[Message]
    before: int | None


def number(text: str) -> int | None:
    """The number somebody typed, if it can be one of a row."""
    typed = text.strip().removeprefix("#")
    return min(int(typed), _LARGEST) if typed.isascii() and typed.isdigit() and len(typed) < 20 else None


def counts(session: Session) -> dict[Tab, int]:
    """How many mails each tab has, whatever is searched for."""
    states = vitals.message_states(session)
    many: dict[Tab, int] = {tab: sum(states.get(state, 0) for state in _STATES[tab]) for tab in _STATES}
    return {"all": sum(states.values()), **many}


def page(session: Session, search: Search, before: int | None = None) -> Page:
    """Up to 50 mails that are searched for, written before the mail ``before``."""
    query = select(Message).where(*_conditions(search)).options(joinedload(Message.address))
    if before is not None:
        query = query.where(Message.id < before)
    rows = session.scalars(query.order_by(Message.id.desc()).limit(PER_PAGE + 1)).all()
    return Page(rows[:PER_PAGE], rows[PER_PAGE - 1].id if len(rows) > PER_PAGE else None)


def get(session: Session, message_id: int) -> Message:
    """One mail with its address, its thread and the comments it carries. Raises NotFound."""
    whole = (joinedload(Message.address), joinedload(Message.thread))
    items = selectinload(Message.items).joinedload(Item.comment).joinedload(Comment.thread)
    message = session.scalar(select(Message).where(Message.id == message_id).options(*whole, items))
    if message is None:
        raise NotFound(_("There is no message %(id)s.", id=message_id))
    return message


def attempts(session: Session, message: Message) -> Sequence[Attempt]:
    """Every try to hand it to a mail server, in their order."""
    return session.scalars(select(Attempt).where(Attempt.message_id == message.id).order_by(Attempt.id)).all()


def given_up(session: Session, state: str) -> Sequence[Message]:
    """All that are `dead` or `failed`, locked, but for those that somebody else is working on at this moment."""
    # What `mail restored` laid aside is its own decision: it may have been mailed already.
    mine = Message.skip_reason.is_distinct_from(restore.REASON)
    query = select(Message).where(Message.state == state, mine).order_by(Message.id)
    return session.scalars(query.with_for_update(skip_locked=True)).all()


def retry(session: Session, message_id: int, *, actor: str, now: dt.datetime, mail_at: dt.datetime) -> Message:
    """Have one mail that was given up or refused sent from ``mail_at`` on. Raises NotFound, and Conflict for others."""
    message = locked(session, message_id)
    if message.state not in AGAIN:
        raise Conflict(f"Message {message_id} is {message.state}; only dead and failed ones can be tried again.")
    requeue(session, message, actor=actor, now=now, mail_at=mail_at)
    return message


def requeue(session: Session, message: Message, *, actor: str, now: dt.datetime, mail_at: dt.datetime) -> None:
    """Make a dead or failed message ready again, with its whole time and all its tries, and an audit row.

    What may have arrived already stays counted: its Message-ID is the same, and a second doubt ends it.
    """
    _record(session, message, "requeue", "ready", actor, now)
    message.expires_at = now + (message.expires_at - message.created_at)
    if message.skip_reason != restore.REASON:
        # It has ended once, and may do so again.
        tallies.keep(session, {("messages", (message.kind, message.state)): 1})
    message.state, message.not_before, message.attempts = "ready", mail_at, 0
    message.skip_reason = None
    session.flush()


def cancel(session: Session, message_id: int, *, actor: str, now: dt.datetime) -> Message:
    """Have one mail that waits never sent, nor what it carries, with an audit row. Raises NotFound, and Conflict when
    a worker has it already or it has ended.
    """
    message = locked(session, message_id)
    if message.state != "ready":
        raise Conflict(f"Message {message_id} is {message.state}; only what waits can be cancelled.")
    _record(session, message, "cancel", "cancelled", actor, now)
    message.state, message.skip_reason = "cancelled", REASON
    carried = update(Item).where(Item.message_id == message.id, Item.state == "grouped")
    stopped = carried.values(state="skipped", skip_reason=REASON)
    session.execute(stopped.execution_options(synchronize_session=False))
    session.flush()
    return message


def locked(session: Session, message_id: int) -> Message:
    """One mail that is about to change, as whoever changed it last has left it. Raises NotFound."""
    message = session.get(Message, message_id, with_for_update=True, populate_existing=True)
    if message is None:
        raise NotFound(_("There is no message %(id)s.", id=message_id))
    return message


def _record(session: Session, message: Message, act: str, after: str, actor: str, now: dt.datetime) -> None:
    cause, before = f"message {message.id}", message.state
    audit.record(session, message.address, act, actor=actor, now=now, cause=cause, before=before, after=after)


def _conditions(search: Search) -> list[ColumnElement[bool]]:
    asked: list[ColumnElement[bool]] = []
    if search.tab == "laid_aside":
        asked.append(tallies.LAID_ASIDE)
    elif search.tab != "all":
        asked += [Message.state.in_(_STATES[search.tab]), ~tallies.LAID_ASIDE]
    if search.address:
        asked.append(Message.address_id.in_(select(Address.id).where(_named(search.address))))
    if search.comment is not None:
        asked.append(Message.id.in_(select(Item.message_id).where(Item.comment_id == search.comment)))
    return asked


def _named(typed: str) -> ColumnElement[bool]:
    """Addresses that begin so, and the one that is meant if it is a whole one: keys are spelled in their own way."""
    begins = Address.key.startswith(typed.casefold(), autoescape=True)
    try:
        return or_(Address.key == addresses.parse(typed).key, begins)
    except InvalidDraft:
        return begins
