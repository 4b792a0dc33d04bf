"""``flask forum person``: what is kept about somebody, for whoever asks by another way than the page."""

from __future__ import annotations

import json
from typing import TextIO

import click
from flask.cli import with_appcontext

from .. import addresses, audit, preferences
from ..sqlite import begin_writing
from ..state import get


@click.group()
def person() -> None:
    """What is kept about one person."""


@person.command()
@click.argument("address")
@click.argument("file", type=click.File("w", encoding="utf-8", lazy=True), default="-")
@with_appcontext
def export(address: str, file: TextIO) -> None:
    """Write all that is kept about ADDRESS to FILE as JSON, else to the terminal: what its owner gets on their page.

    That somebody took it goes on record.
    """
    state = get()
    session = state.session
    begin_writing(session)
    row = addresses.find(session, addresses.parse(address).key)
    if row is None:
        raise click.ClickException("Nothing is kept about this address.")
    data = preferences.export(session, row)
    audit.record(session, row, "export", actor="command line", now=state.clock())
    session.commit()
    file.write(json.dumps(data, ensure_ascii=False, indent=2) + "\n")
