"""``flask forum mail test``: one real mail through the configured transport, and every word the server says to it."""

from __future__ import annotations

import click
from flask.cli import with_appcontext

from ...mail.trial import attempt, dialogue, hint, mailbox
from ...state import get


@click.command("test")
@click.argument("address")
@with_appcontext
def trial(address: str) -> None:
    """Send one mail to ADDRESS now, past the outbox. Exits 1 with the server's words when it is not accepted.

    One that is accepted shows that the server is back: what waited for it may go at once.
    """
    state = get()
    state.settings.need_mail()
    courier = state.courier()
    outcome = attempt(state.session, courier, mailbox(state.session, courier, address))
    if outcome.word != "accepted":
        raise click.ClickException(f"{hint(outcome)} {dialogue(outcome)}")
    state.session.commit()
    click.echo(f"{hint(outcome)} {dialogue(outcome)}")
