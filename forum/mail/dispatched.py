"""Flask-Mail's face of a mail that left: its signal, and with it `record_messages()`, show what was on the wire."""

from __future__ import annotations

import email
import email.policy
import logging
from email.message import EmailMessage

import flask_mail
from flask import Flask

log = logging.getLogger("forum.mail")


class ForumMessage(flask_mail.Message):
    """A mail as Flask-Mail shows it to those who listen; its bytes are those that were sent."""

    def __init__(self, raw: bytes, to: str) -> None:
        mail = email.message_from_bytes(raw, EmailMessage, policy=email.policy.default)
        super().__init__(
            subject=mail.get("Subject", ""),
            recipients=[to],
            sender=mail["From"],
            body=_part(mail, "plain"),
            html=_part(mail, "html"),
        )
        self.msgId = mail.get("Message-ID", "")
        self.date = mail["Date"].datetime.timestamp() if "Date" in mail else None
        self._raw = raw

    def as_bytes(self) -> bytes:
        """The mail, octet for octet."""
        return self._raw

    def as_string(self) -> str:
        """The same; it is plain ASCII."""
        return self._raw.decode("ascii")


def has_listeners(app: Flask) -> bool:
    """Whether anybody listens to `flask_mail.email_dispatched` of ``app`` at this moment."""
    # Not `has_receivers_for`: that remembers who once listened.
    return any(True for _ in flask_mail.email_dispatched.receivers_for(app))


def announce(app: Flask, raw: bytes, to: str) -> None:
    """Send `flask_mail.email_dispatched` for a mail to ``to``, if anybody listens.

    The mail has left: what receivers raise is logged and changes nothing.
    """
    if not has_listeners(app):
        return
    try:
        with app.app_context():
            flask_mail.email_dispatched.send(app, message=ForumMessage(raw, to))
    except Exception:
        log.exception("a receiver of email_dispatched failed")


def _part(mail: EmailMessage, kind: str) -> str | None:
    part = mail.get_body((kind,))
    return None if part is None else str(part.get_content()).replace("\r\n", "\n")
