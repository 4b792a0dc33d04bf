"""One mail that tries the way out, past the outbox: to whom it may go, and every word the server says to it."""

from __future__ import annotations

import secrets
import threading
from typing import Final

from markupsafe import escape
from sqlalchemy.orm import Session

from .. import addresses
from ..errors import Conflict
from ..language import N_, current, direction
from ..language import gettext as _
from ..outbox import breaker
from .courier import Courier
from .outcome import DISPATCHED, Outcome
from .wire import Envelope, build

_HINTS: Final = {
    "accepted": N_("Accepted."),
    "transport": N_(
        "The mail server cannot be used: look at MAIL_SERVER, MAIL_PORT, MAIL_USE_TLS, MAIL_USE_SSL and the password."
    ),
    "sender_refused": N_("The server does not let this site send as FORUM_MAIL_FROM."),
    "bad_mailbox": N_("The server says that this address does not exist."),
    "refused": N_("The server refuses this mail for good."),
    "doubtful": N_("The server refuses this recipient and does not say why."),
    "full": N_("The server says that the mailbox is full."),
    "transient": N_("The server asks to try again later."),
    "ambiguous": N_("The mail was handed over whole, and no answer came: it may have arrived."),
    "poison": N_("The mail cannot be sent as it is."),
    "syntax": N_("The server does not understand us: this is a mistake in Forum or in something between."),
    "suppressed": N_("Nothing was sent."),
}


def mailbox(session: Session, courier: Courier, typed: str) -> str:
    """The address as it is written to.

    Raises InvalidDraft when it is none, and Conflict for somebody who wants no mail from here.
    """
    found = addresses.parse(typed, sender=courier.settings.mail_from)
    known = addresses.find(session, found.key)
    suppressed = addresses.suppressed(session, courier.keys, found.key, courier.clock())
    if suppressed or (known is not None and known.state in addresses.SILENT):
        raise Conflict(
            _("%(address)s does not want, or cannot get, mail from this site; nothing was sent.", address=typed)
        )
    return found.email


def attempt(session: Session, courier: Courier, to: str, *, seconds: float | None = None) -> Outcome:
    """Send one mail to ``to`` now, ending after ``seconds`` if they are given; the caller commits.

    One that is accepted shows that the server is back: what waited for it may go at once. Whoever listens for mails
    that left hears of it.
    """
    transport, letter = courier.transport(), _letter(courier, to)
    patience = threading.Timer(seconds, transport.abort) if seconds is not None else None
    if patience is not None:
        patience.start()
    try:
        outcome = transport.send(letter, courier.settings.mail_from or "", to)
    finally:
        if patience is not None:
            patience.cancel()
        transport.close()
    if outcome.word in DISPATCHED:
        # Before anything is written: listeners may take long.
        courier.dispatched(letter, to)
    if outcome.word == "accepted":
        breaker.close(session, transport.name)
    return outcome


def hint(outcome: Outcome) -> str:
    """What an operator can make of it, in a sentence."""
    return _(_HINTS[outcome.word])


def dialogue(outcome: Outcome) -> str:
    """How far it got and what was said, on one line."""
    code = " ".join(str(part) for part in (outcome.code, outcome.enhanced) if part is not None)
    said = [f"phase: {outcome.phase}", f"code: {code}" if code else "", f"words: {outcome.text}"]
    return f"[{'; '.join(filter(None, said))}]"


def _letter(courier: Courier, to: str) -> bytes:
    settings = courier.settings
    sentence = _("This is a test: mail from %(site)s reaches this mailbox.", site=settings.site_name)
    language, attributes = current(), f'lang="{current()}" dir="{direction(current())}"'
    text = f"{sentence}\n\n{settings.base_url}\n"
    return build(
        Envelope(to, f"<test.{secrets.token_hex(8)}@{settings.mail_domain}>", courier.clock()),
        sender=(settings.site_name, settings.mail_from or ""),
        subject=_("Test from %(site)s", site=settings.site_name),
        headers=[("Auto-Submitted", "auto-generated"), ("Content-Language", language)],
        text=text,
        html=f"<!doctype html><html {attributes}><body><p>{escape(text)}</p></body></html>",
    )
