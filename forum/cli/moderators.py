"""``flask forum moderator``: a way in when mail does not flow yet."""

from __future__ import annotations

import click
from flask.cli import with_appcontext

from .. import moderation
from ..errors import ForumError
from ..sqlite import begin_writing
from ..state import ForumState, get
from ..tokens import make_token


@click.group()
def moderator() -> None:
    """Let moderators in."""


@moderator.command()
@click.argument("address")
@with_appcontext
def link(address: str) -> None:
    """Print a sign-in link for ADDRESS, good once and for half an hour."""
    click.echo(sign_in_link(get(), address))


def sign_in_link(state: ForumState, address: str) -> str:
    """A new one-time link. Raises ForumError when ``address`` is not among the moderators."""
    if address.casefold() not in state.settings.moderators:
        raise ForumError(f"{address} is not in FORUM_MODERATORS.")
    begin_writing(state.session)
    row = moderation.new_link(state.session, address, state.clock())
    state.session.commit()
    return state.url("forum.sign_in.enter", token=make_token(state.keys, "s", row.id))
