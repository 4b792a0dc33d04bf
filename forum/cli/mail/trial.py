"""``flask forum mail test``: one real mail through the configured transport, and every word the server says to it."""

from __future__ import annotations

import secrets
from typing import Final

import click
from flask.cli import with_appcontext
from markupsafe import escape

from ... import addresses
from ...errors import Conflict
from ...mail.transport import Outcome
from ...mail.wire import Envelope, build
from ...outbox import breaker
from ...state import ForumState, get

_HINTS: Final = {
    "transport": "The mail server cannot be used: look at MAIL_SERVER, MAIL_PORT, MAIL_USE_TLS, MAIL_USE_SSL and "
    "the password.",
    "sender_refused": "The server does not let this site send as FORUM_MAIL_FROM.",
    "bad_mailbox": "The server says that this address does not exist.",
    "refused": "The server refuses this mail for good.",
    "doubtful": "The server refuses this recipient and does not say why.",
    "full": "The server says that the mailbox is full.",
    "transient": "The server asks to try again later.",
    "ambiguous": "The mail was handed over whole, and no answer came: it may have arrived.",
    "poison": "The mail cannot be sent as it is.",
    "syntax": "The server does not understand us: this is a mistake in Forum or in something between.",
    "suppressed": "Nothing was sent.",
}


@click.command("test")
@click.argument("address")
@with_appcontext
def trial(address: str) -> None:
    """Send one mail to ADDRESS now, past the outbox. Exits 1 with the server's words when it is not accepted.

    One that is accepted shows that the server is back: what waited for it may go at once.
    """
    state = get()
    state.settings.need_mail()
    to = _mailbox(state, address)
    outcome = _send(state, to)
    if outcome.word != "accepted":
        raise click.ClickException(f"{_HINTS[outcome.word]} {_dialogue(outcome)}")
    breaker.close(state.session, state.courier().transport().name)
    state.session.commit()
    click.echo(f"Accepted. {_dialogue(outcome)}")


def _mailbox(state: ForumState, typed: str) -> str:
    """The address as it is written to. Raises Conflict for somebody who wants no mail from here."""
    mailbox = addresses.parse(typed, sender=state.settings.mail_from)
    known = addresses.find(state.session, mailbox.key)
    suppressed = addresses.suppressed(state.session, state.keys, mailbox.key, state.clock())
    if suppressed or (known is not None and known.state in addresses.SILENT):
        raise Conflict(f"{typed} does not want, or cannot get, mail from this site; nothing was sent.")
    return mailbox.email


def _send(state: ForumState, to: str) -> Outcome:
    transport = state.courier().transport()
    try:
        return transport.send(_letter(state, to), state.settings.mail_from or "", to)
    finally:
        transport.close()


def _letter(state: ForumState, to: str) -> bytes:
    settings = state.settings
    text = f"This is a test: mail from {settings.site_name} reaches this mailbox.\n\n{settings.base_url}\n"
    return build(
        Envelope(to, f"<test.{secrets.token_hex(8)}@{settings.mail_domain}>", state.clock()),
        sender=(settings.site_name, settings.mail_from or ""),
        subject=f"Test from {settings.site_name}",
        headers=[("Auto-Submitted", "auto-generated"), ("Content-Language", "en")],
        text=text,
        html=f'<!doctype html><html lang="en"><body><p>{escape(text)}</p></body></html>',
    )


def _dialogue(outcome: Outcome) -> str:
    """How far it got and what was said, on one line."""
    code = " ".join(str(part) for part in (outcome.code, outcome.enhanced) if part is not None)
    said = [f"phase: {outcome.phase}", f"code: {code}" if code else "", f"words: {outcome.text}"]
    return f"[{'; '.join(filter(None, said))}]"
