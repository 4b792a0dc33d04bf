"""``flask forum mail status``: messages by state."""

from __future__ import annotations

import json

import click
from flask.cli import with_appcontext
from sqlalchemy import func, select

from ...models import Message
from ...state import get


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@with_appcontext
def status(as_json: bool) -> None:
    """Print how many messages there are in each state."""
    rows = get().session.execute(select(Message.state, func.count()).group_by(Message.state))
    states = dict(rows.all())
    if as_json:
        click.echo(json.dumps({"messages": states}))
        return
    for state, number in sorted(states.items()):
        click.echo(f"{number:>8} {state}")
