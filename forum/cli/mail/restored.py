"""``flask forum mail restored``: what to do with mail after the database came back from a backup."""

from __future__ import annotations

import datetime as dt

import click
from flask.cli import with_appcontext

from ... import audit
from ...outbox import restore
from ...sqlite import begin_writing
from ...state import get


@click.command()
@click.argument("before", required=False, type=click.DateTime(["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"]))
@click.option("--send", "decision", flag_value="send", help="Have what was laid aside sent, perhaps a second time.")
@click.option("--drop", "decision", flag_value="drop", help="Have it not sent.")
@with_appcontext
def restored(before: dt.datetime | None, decision: str | None) -> None:
    """Lay aside all unfinished mail written before BEFORE (UTC, such as 2026-11-22T18:30), or decide about it.

    Mail that left after the backup was made looks unsent in it. Run this before any worker is started again.
    """
    if (before is None) == (decision is None):
        raise click.UsageError("Give the time of the restoration, or --send or --drop.")
    state = get()
    begin_writing(state.session)
    if before is not None:
        laid = restore.hold(state.session, before.replace(tzinfo=dt.UTC))
    else:
        laid = restore.send(state.session, state.clock()) if decision == "send" else restore.drop(state.session)
    audit.record(state.session, None, "restored", actor="command line", now=state.clock(), after=decision or "hold")
    state.session.commit()
    click.echo(f"{laid.messages} messages, {laid.items} people and {laid.events} comments {_WORDS[decision]}")


_WORDS = {
    None: "laid aside: `flask forum mail restored --send` or `--drop` decides.",
    "send": "wait for the next delivery.",
    "drop": "will not be mailed.",
}
