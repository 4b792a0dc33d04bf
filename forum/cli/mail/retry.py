"""``flask forum mail retry``: messages that were given up or refused get one more life."""

from __future__ import annotations

import datetime as dt

import click
from flask.cli import with_appcontext
from sqlalchemy.orm import Session

from ... import outbox
from ...outbox import postbox
from ...sqlite import begin_writing
from ...state import get

_ACTOR = "command line"


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
    now = state.clock()
    begin_writing(state.session)
    if message is not None:
        postbox.retry(state.session, message, actor=_ACTOR, now=now, mail_at=now)
    number = _retry_all(state.session, which, now) if which else 1
    revived = outbox.revive(state.session, now) if which == "dead" else 0
    state.session.commit()
    click.echo(f"{number} {'message waits' if number == 1 else 'messages wait'} for the next delivery.")
    if revived:
        click.echo(f"The news of {revived} {'comment' if revived == 1 else 'comments'} will be worked on once more.")


def _retry_all(session: Session, state: str, now: dt.datetime) -> int:
    rows = postbox.given_up(session, state)
    for row in rows:
        postbox.requeue(session, row, actor=_ACTOR, now=now, mail_at=now)
    return len(rows)
