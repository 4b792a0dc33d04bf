"""The limits of mail: what Python's own `smtplib` can do over one connection that is used again.

``built`` makes an `EmailMessage` for each recipient, the least there is: five headers and one part of plain ASCII,
which is half the work of a text with HTML beside it. ``ready`` sends bytes that were made before.
"""

from __future__ import annotations

import smtplib
from email.message import EmailMessage
from email.utils import formatdate, make_msgid

_SENDER = "notify@forum.example"
_LINE = "a line of words as long as the lines of a mail are by custom, no more\n"


def built(port: int, size: int, count: int) -> None:
    """Send ``count`` messages of about ``size`` bytes, each built on its own."""
    body = _body(size)
    with smtplib.SMTP("127.0.0.1", port) as server:
        for number in range(count):
            server.send_message(_message(number, body))


def ready(port: int, raw: bytes, count: int) -> None:
    """Send the bytes ``raw`` to ``count`` recipients, one after the other."""
    with smtplib.SMTP("127.0.0.1", port) as server:
        for number in range(count):
            server.sendmail(_SENDER, [_recipient(number)], raw)


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
