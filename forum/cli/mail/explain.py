"""``flask forum mail explain``: what became of a comment's news, person by person."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict

import click
from flask.cli import with_appcontext

from ... import addresses
from ...errors import NotFound
from ...explain import Line, asked, told, told_one
from ...models import Address, Comment
from ...state import ForumState, get


@click.command()
@click.argument("comment", type=int)
@click.argument("address", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@with_appcontext
def explain(comment: int, address: str | None, as_json: bool) -> None:
    """Say who was mailed about COMMENT, who waits, and who was not mailed and why; ADDRESS asks for one person."""
    state = get()
    row = state.session.get(Comment, comment)
    if row is None:
        raise NotFound(f"There is no comment {comment}.")
    lines = _lines(state, row, address)
    if as_json:
        click.echo(json.dumps({"comment": comment, "lines": [asdict(line) for line in lines]}, ensure_ascii=False))
        return
    click.echo(f"Comment {comment}, times in UTC:")
    for line in lines:
        click.echo(f"  {line}")


def _lines(state: ForumState, comment: Comment, email: str | None) -> Sequence[Line]:
    if email is None:
        return told(state.session, comment, state.settings, state.clock())
    person = _person(state, email)
    about = told_one(state.session, comment, person, state.settings, state.clock())
    return [*about, *asked(state.session, person, state.clock())]


def _person(state: ForumState, email: str) -> Address:
    person = addresses.find(state.session, addresses.parse(email).key)
    if person is None:
        raise NotFound(f"{email} is not known here: nobody with it has commented.")
    return person
