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
@click.argument(
    "before", metavar="[BEFORE]", required=False, type=click.DateTime(["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"])
)
@click.option("--send", is_flag=True, help="Have what was laid aside sent, perhaps a second time.")
@click.option("--drop", is_flag=True, help="Have it not sent.")
@with_appcontext
def restored(before: dt.datetime | None, send: bool, drop: bool) -> None:
    """Lay aside all unfinished mail written before BEFORE (UTC, such as 2026-11-22T18:30), or decide about it.

    Mail that left after the backup was made looks unsent in it. Run this before any worker is started again.
    """
    if [before is not None, send, drop].count(True) != 1:
        raise click.UsageError("Give the time of the restoration, or --send, or --drop.")
    state = get()
    begin_writing(state.session)
    if before is not None:
        word, laid = "hold", restore.hold(state.session, _past(before, state.clock()))
    elif send:
        word, laid = "send", restore.send(state.session, state.clock())
    else:
        word, laid = "drop", restore.drop(state.session, state.clock())
    audit.record(state.session, None, "restored", actor="command line", now=state.clock(), after=word)
    state.session.commit()
    said = f"{laid}. {_THEN[word]}"
    click.echo(said[0].upper() + said[1:])


def _past(before: dt.datetime, now: dt.datetime) -> dt.datetime:
    """The time in UTC. Raises UsageError for one to come: somebody typed their local time."""
    at = before.replace(tzinfo=dt.UTC)
    if at > now + _SLACK:
        raise click.UsageError(
            f"{before:%H:%M} is still to come: BEFORE is a time in UTC, where it is {now:%H:%M} now."
        )
    return at


_SLACK = dt.timedelta(minutes=1)
_THEN = {
    "hold": "They are laid aside: `flask forum mail restored --send` or `--drop` decides.",
    "send": "They wait for the next delivery.",
    "drop": "They will not be mailed.",
}
