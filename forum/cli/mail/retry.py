"""``flask forum mail retry``: messages that were given up or refused get one more life."""

from __future__ import annotations

import datetime as dt

import click
from flask.cli import with_appcontext
from sqlalchemy import select
from sqlalchemy.orm import Session

from ... import audit, outbox
from ...errors import Conflict, NotFound
from ...models import Message
from ...outbox import restore, tallies
from ...sqlite import begin_writing
from ...state import get

_AGAIN = ("dead", "failed")


@click.command()
@click.argument("message", type=int, required=False)
@click.option("--dead", "which", flag_value="dead", help="All that were given up after too many tries.")
@click.option("--failed", "which", flag_value="failed", help="All that the mail server refused for good.")
@with_appcontext
def retry(message: int | None, which: str | None) -> None:
    """Put MESSAGE, or all of a kind, back into the outbox; every rule is asked again before it is sent."""
    if (message is None) == (which is None):
        raise click.UsageError("Name one message, or give --dead or --failed.")
    state = get()
    begin_writing(state.session)
    rows = _all(state.session, which) if which else [_one(state.session, message or 0)]
    for row in rows:
        requeue(state.session, row, actor="command line", now=state.clock())
    revived = outbox.revive(state.session, state.clock()) if which == "dead" else 0
    state.session.commit()
    click.echo(f"{len(rows)} {'message waits' if len(rows) == 1 else 'messages wait'} for the next delivery.")
    if revived:
        click.echo(f"The news of {revived} {'comment' if revived == 1 else 'comments'} will be worked on once more.")


def requeue(session: Session, message: Message, *, actor: str, now: dt.datetime) -> None:
    """Make a dead or failed message ready again, with its whole time and all its tries, and an audit row.

    What may have arrived already stays counted: its Message-ID is the same, and a second doubt ends it.
    """
    cause = f"message {message.id}"
    audit.record(
        session, message.address, "requeue", actor=actor, now=now, cause=cause, before=message.state, after="ready"
    )
    message.expires_at = now + (message.expires_at - message.created_at)
    # It has ended once, and may do so again.
    tallies.keep(session, {("messages", (message.kind, message.state)): 1})
    message.state, message.not_before, message.attempts = "ready", now, 0
    message.skip_reason = None
    session.flush()


def _all(session: Session, state: str) -> list[Message]:
    # What `mail restored` laid aside is its own decision: it may have been mailed already.
    mine = Message.skip_reason.is_distinct_from(restore.REASON)
    query = select(Message).where(Message.state == state, mine).order_by(Message.id)
    return list(session.scalars(query.with_for_update(skip_locked=True)))


def _one(session: Session, number: int) -> Message:
    message = session.get(Message, number, with_for_update=True)
    if message is None:
        raise NotFound(f"There is no message {number}.")
    if message.state not in _AGAIN:
        raise Conflict(f"Message {number} is {message.state}; only dead and failed ones can be tried again.")
    return message
