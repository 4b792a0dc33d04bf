"""``flask forum forget``: erase an address when its owner asks by another way than the page."""

from __future__ import annotations

import click
from flask.cli import with_appcontext

from .. import addresses, preferences
from ..sqlite import begin_writing
from ..state import get


@click.command()
@click.argument("address")
@click.option("--yes", is_flag=True, help="Do not ask.")
@with_appcontext
def forget(address: str, yes: bool) -> None:
    """Erase ADDRESS: what it follows, its mutes, its mail. Its comments stay, written by "Someone"."""
    state = get()
    key = addresses.parse(address).key
    if addresses.find(state.session, key) is None:
        click.echo("Nothing is kept about this address.")
        return
    # The question may take long: nobody shall wait for a transaction meanwhile.
    state.session.rollback()
    if not yes:
        click.confirm("Erase this address for good?", abort=True)
    begin_writing(state.session)
    row = addresses.find(state.session, key)
    if row is not None:
        preferences.forget(state.session, state.keys, row, state.clock(), actor="command line")
    state.session.commit()
    click.echo("Forgotten.")
