"""``flask forum mail explain``: what became of a comment's news, person by person."""

from __future__ import annotations

import json
from dataclasses import asdict

import click
from flask.cli import with_appcontext

from ...explain import became
from ...state import get


@click.command()
@click.argument("comment", type=int)
@click.argument("address", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@with_appcontext
def explain(comment: int, address: str | None, as_json: bool) -> None:
    """Say who was mailed about COMMENT, who waits, and who was not mailed and why; ADDRESS asks for one person."""
    state = get()
    lines = became(state.session, comment, address, state.settings, state.clock())
    if as_json:
        click.echo(json.dumps({"comment": comment, "lines": [asdict(line) for line in lines]}, ensure_ascii=False))
        return
    click.echo(f"Comment {comment}, times in UTC:")
    for line in lines:
        click.echo(f"  {line}")
