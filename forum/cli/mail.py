"""``flask forum deliver`` and ``flask forum mail``: getting mail out, and seeing what became of it."""

from __future__ import annotations

import json
import signal
import threading

import click
from flask.cli import with_appcontext
from sqlalchemy import func, select

from ..errors import MailNotConfigured
from ..mail.deliver import drain
from ..models import Message
from ..state import ForumState, get
from ..worker import POLL_SECONDS, watch


@click.command()
@click.option("--once", "mode", flag_value="once", default=True, help="Send until nothing is due, then end (default).")
@click.option("--watch", "mode", flag_value="watch", help="Go on until stopped.")
@with_appcontext
def deliver(mode: str) -> None:
    """Send the mail that is due. Exits 1 when the mail server cannot be used."""
    state = get()
    _need_mail(state)
    if mode == "watch":
        _watch(state)
        return
    report = drain(state.courier())
    click.echo(", ".join(f"{number} {name}" for name, number in sorted(report.states.items())) or "Nothing is due.")
    if report.down:
        raise click.ClickException(f"The mail server cannot be used: {report.down}")


@click.group()
def mail() -> None:
    """See what was mailed, what waits and what failed."""


@mail.command()
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


def _need_mail(state: ForumState) -> None:
    missing = state.settings.mail_missing
    if missing:
        raise MailNotConfigured(f"Mail cannot be sent: set {', '.join(missing)}.")


def _watch(state: ForumState) -> None:
    stop, wake = threading.Event(), threading.Event()

    def end(*_: object) -> None:
        stop.set()
        wake.set()

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    click.echo("Delivering; stop with Ctrl+C.")
    watch(state.courier, stop, wake, POLL_SECONDS)
