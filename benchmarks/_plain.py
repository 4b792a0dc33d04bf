"""The limits of mail: what Python's own `smtplib` can do over one connection that is used again.

``built`` makes for each recipient an `EmailMessage` like ours, with the same words in a text and in HTML. ``plain``
makes the least there is of the same size: five headers and one part of plain ASCII, which is half the work. ``ready``
sends bytes that were made before.
"""

from __future__ import annotations

import smtplib
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from email.utils import formatdate, make_msgid

_SENDER = "notify@forum.example"
_LINE = "a line of words as long as the lines of a mail are by custom, no more\n"


def built(port: int, raw: bytes, count: int) -> None:
    """Send ``count`` messages with the headers and the words of ``raw``, each built on its own."""
    like = message_from_bytes(raw, policy=default)
    assert isinstance(like, EmailMessage)
    words = _Words(like)
    with smtplib.SMTP("127.0.0.1", port) as server:
        for number in range(count):
            server.send_message(words.message(number))


def plain(port: int, size: int, count: int) -> None:
    """Send ``count`` messages of about ``size`` bytes of plain text, each built on its own."""
    body = _body(size)
    with smtplib.SMTP("127.0.0.1", port) as server:
        for number in range(count):
            server.send_message(_message(number, body))


def ready(port: int, raw: bytes, count: int) -> None:
    """Send the bytes ``raw`` to ``count`` recipients, one after the other."""
    with smtplib.SMTP("127.0.0.1", port) as server:
        for number in range(count):
            server.sendmail(_SENDER, [_recipient(number)], raw)


class _Words:
    """What a mail says, to be said again to somebody else."""

    def __init__(self, like: EmailMessage) -> None:
        own = ("from", "to", "date", "message-id", "mime-version", "content-type", "content-transfer-encoding")
        self._headers = [(name, str(value)) for name, value in like.items() if name.lower() not in own]
        self._text, self._html = (_part(like, kind) for kind in ("plain", "html"))

    def message(self, number: int) -> EmailMessage:
        message = EmailMessage()
        message["From"] = f"Forum <{_SENDER}>"
        message["To"] = _recipient(number)
        message["Date"] = formatdate()
        message["Message-ID"] = make_msgid(domain="forum.example")
        for name, value in self._headers:
            message[name] = value
        message.set_content(self._text)
        message.add_alternative(self._html, subtype="html")
        return message


def _part(mail: EmailMessage, kind: str) -> str:
    body = mail.get_body((kind,))
    assert body is not None
    return str(body.get_content())


def _message(number: int, body: str) -> EmailMessage:
    message = EmailMessage()
    message["From"] = f"Forum <{_SENDER}>"
    message["To"] = _recipient(number)
    message["Subject"] = "Re: [Forum] The loaf of today"
    message["Date"] = formatdate()
    message["Message-ID"] = make_msgid(domain="forum.example")
    message.set_content(body)
    return message


def _recipient(number: int) -> str:
    return f"reader{number}@reader.example"


def _body(size: int) -> str:
    """As much text as makes the whole message ``size`` bytes long, whose lines end in two on the wire."""
    left = size - len(_message(0, "").as_bytes().replace(b"\n", b"\r\n"))
    return _LINE * (left // (len(_LINE) + 1))
