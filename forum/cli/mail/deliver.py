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
@click.option("--once", is_flag=True, help="Send until nothing is due, then end (default).")
@click.option("--watch", "stays", is_flag=True, help="Go on until stopped.")
@with_appcontext
def deliver(once: bool, stays: bool) -> None:
    """Send the mail that is due. Exits 1 when the mail server cannot be used."""
    if once and stays:
        raise click.UsageError("Choose one: --once or --watch.")
    state = get()
    need_mail(state)
    if stays:
        _watch(state)
        return
    report = drain(state.courier())
    click.echo(", ".join(f"{number} {name}" for name, number in sorted(report.states.items())) or "Nothing is due.")
    if report.states.get("sent") and state.settings.mail_transport == "mailbox":
        click.echo(f"Mailbox: {_mailbox(state)}")
    if report.down:
        raise click.ClickException(f"The mail server cannot be used: {report.down}")


def need_mail(state: ForumState) -> None:
    """Raise MailNotConfigured naming the keys without which no mail can be sent."""
    missing = state.settings.mail_missing
    if missing:
        raise MailNotConfigured(f"Mail cannot be sent: set {', '.join(missing)}.")


def _mailbox(state: ForumState) -> str:
    url = state.url("forum.dev.mailbox")
    shown = state.app.debug or state.app.config.get("FORUM_ENV") == "development"
    return url if shown else f"{url} (there with debug or FORUM_ENV=development, for this machine only)"


def _watch(state: ForumState) -> None:
    stop, wake = threading.Event(), threading.Event()

    def end(*_: object) -> None:
        stop.set()
        wake.set()

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    click.echo("Delivering; stop with Ctrl+C.")
    watch(state.courier, stop, wake, POLL_SECONDS)
