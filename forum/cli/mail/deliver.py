"""``flask forum deliver``: getting mail out."""

from __future__ import annotations

import signal
import threading

import click
from flask.cli import with_appcontext

from ...errors import MailNotConfigured
from ...mail.deliver import drain
from ...state import ForumState, get
from ...worker import POLL_SECONDS, watch


@click.command()
@click.option("--once", "mode", flag_value="once", default=True, help="Send until nothing is due, then end (default).")
@click.option("--watch", "mode", flag_value="watch", help="Go on until stopped.")
@with_appcontext
def deliver(mode: str) -> None:
    """Send the mail that is due. Exits 1 when the mail server cannot be used."""
    state = get()
    need_mail(state)
    if mode == "watch":
        _watch(state)
        return
    report = drain(state.courier())
    click.echo(", ".join(f"{number} {name}" for name, number in sorted(report.states.items())) or "Nothing is due.")
    if report.down:
        raise click.ClickException(f"The mail server cannot be used: {report.down}")


def need_mail(state: ForumState) -> None:
    """Raise MailNotConfigured naming the keys without which no mail can be sent."""
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
