"""``flask forum deliver``: getting mail out."""

from __future__ import annotations

import signal
import threading

import click
from flask.cli import with_appcontext

from ...mail.deliver import drain, prune
from ...outbox import vitals
from ...state import ForumState, get
from ...worker import POLL_SECONDS, Stop, watch


@click.command()
@click.option("--once", is_flag=True, help="Send until nothing is due, then end (default).")
@click.option("--watch", "stays", is_flag=True, help="Go on until stopped.")
@with_appcontext
def deliver(once: bool, stays: bool) -> None:
    """Send the mail that is due. Exits 1 when the mail server cannot be used."""
    if once and stays:
        raise click.UsageError("Choose one: --once or --watch.")
    state = get()
    state.settings.need_mail()
    stop, wake = _ends_on_signal()
    if stays:
        click.echo("Delivering; stop with Ctrl+C.")
        watch(state.courier, stop, wake, POLL_SECONDS)
        return
    courier = state.courier()
    prune(courier, stop.is_set)
    report = drain(courier, stop.is_set, stop.is_overdue)
    down = report.down or _down(state)
    done = ", ".join(f"{number} {name}" for name, number in sorted(report.states.items()))
    if done or not down:
        click.echo(done or "Nothing is due.")
    if report.states.get("sent") and state.settings.mail_transport == "mailbox":
        click.echo(f"Mailbox: {_mailbox(state)}")
    if down:
        raise click.ClickException(f"The mail server cannot be used: {down}")


def _down(state: ForumState) -> str | None:
    """What an earlier delivery heard from a mail server that is left alone for now."""
    breaker = vitals.breaker(state.session, state.clock())
    return None if breaker is None else breaker.error or "no answer"


def _mailbox(state: ForumState) -> str:
    url = state.url("forum.dev.mailbox")
    shown = state.app.debug or state.app.config.get("FORUM_ENV") == "development"
    return url if shown else f"{url} (there with debug or FORUM_ENV=development, for this machine only)"


def _ends_on_signal() -> tuple[Stop, threading.Event]:
    stop, wake = Stop(), threading.Event()

    def end(*_: object) -> None:
        stop.set()
        wake.set()

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    return stop, wake
