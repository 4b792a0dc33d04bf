"""A mail the server accepted: its message is sent, its items are told, and its address is trusted a little more."""

from __future__ import annotations

from sqlalchemy import ColumnElement, Connection, Update, and_, bindparam, or_, select, update
from sqlalchemy.orm import Session

from ..models import Address, Item, Message, UtcDateTime, columns
from . import bounces, tallies, tries
from .restore import REASON as RESTORED
from .rows import changed
from .tries import Result, Try

_MESSAGE, _ITEM = columns(Message), columns(Item)


def _sent(which: ColumnElement[bool]) -> Update:
    values = dict.fromkeys(("last_error", "skip_reason", "lease_token", "lease_until"))
    return (
        update(_MESSAGE)
        .where(_MESSAGE.c.id == bindparam("of"), which)
        .values(
            state="sent",
            attempts=_MESSAGE.c.attempts + 1,
            accepted_at=bindparam("at", type_=UtcDateTime()),
            queue_id=bindparam("queue"),
            smtp_code=bindparam("code"),
            enhanced_code=bindparam("enhanced"),
            **values,
        )
    )


# Made once: building a statement takes longer than running it. Whoever finds a message accepted that another worker
# has not begun to send keeps that one from sending it again.
_SENT = _sent(
    or_(
        _MESSAGE.c.lease_token == bindparam("token"),
        _MESSAGE.c.state.in_(("ready", "claimed")),
        and_(_MESSAGE.c.state == "dead", _MESSAGE.c.skip_reason == RESTORED),
    )
)
_GIVEN_UP_SENT = _sent(and_(_MESSAGE.c.state == "dead", _MESSAGE.c.ambiguous > 0))
_ITEMS_SENT = (
    update(_ITEM).where(_ITEM.c.message_id == bindparam("of"), _ITEM.c.state == "grouped").values(state="sent")
)


def accepted(connection: Connection, tried: Try, result: Result) -> str | None:
    """Settle a try that was accepted: `sent`, or None when another one has been begun. The caller commits."""
    of = tried.claim.message_id
    values = {"of": of, "at": tried.ended, "queue": result.queue_id, "code": result.code, "enhanced": result.enhanced}
    if not changed(connection.execute(_SENT, {**values, "token": tried.claim.token})):
        if not changed(connection.execute(_GIVEN_UP_SENT, values)):
            return None
        _keep_its_end(connection, of)
    tries.record(connection, tried, result)
    connection.execute(_ITEMS_SENT, {"of": of})
    if tried.doubted:
        bounces.erode(connection, tried.address_id)
    if tried.asks:
        people = columns(Address)
        connection.execute(update(people).where(people.c.id == tried.address_id).values(nudges=people.c.nudges + 1))
    return "sent"


def _keep_its_end(connection: Connection, message_id: int) -> None:
    """It was counted as given up, and no counter falls."""
    with Session(connection, join_transaction_mode="rollback_only") as session:
        kind = session.scalar(select(_MESSAGE.c.kind).where(_MESSAGE.c.id == message_id))
        tallies.keep(session, {("messages", (str(kind), "dead")): 1})
