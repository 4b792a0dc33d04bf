"""From headers and two bodies to the bytes of one mail: 7-bit, short lines, the same bytes for the same mail."""

from __future__ import annotations

import datetime as dt
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from email.header import Header
from email.message import EmailMessage
from email.policy import EmailPolicy
from email.utils import format_datetime
from typing import Any, Final

_LINE: Final = 76  # octets, for bodies and for headers that may be folded
_LONGEST: Final = 998  # octets of any line, RFC 5322
_PRINTABLE: Final = re.compile(r"[\x20-\x7e]+")
_PHRASE: Final = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~ -]+")
_MAILBOX: Final = re.compile(r"[^\x00-\x20\x7f-\U0010ffff<>()\[\]\",;:\\@]+@[A-Za-z0-9.-]+")
# Characters no mail may hold: controls but tab and newline, and halves of surrogate pairs.
_UNSENDABLE: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")


@dataclass(frozen=True)
class Envelope:
    """Who gets a mail, its identity, its fixed date (aware), and the ids of the mails it follows."""

    to: str
    message_id: str
    date: dt.datetime
    in_reply_to: str | None = None
    references: tuple[str, ...] = ()


class WirePolicy(EmailPolicy):
    """Folds each header by its name.

    The stock policy turns a List-Unsubscribe of 78 characters into an encoded word, which mailbox providers ignore,
    and writes encoded words longer than the 75 octets that are allowed. Here Subject and From are encoded by
    `email.header`, References is folded at its spaces, Content-* is left to the stock policy, and everything else
    stays verbatim on its one line, or is refused with ``ValueError``.
    """

    def header_store_parse(self, name: str, value: Any) -> tuple[str, Any]:
        """Keep our own headers as they are given: parsing would decode a title that spells an encoded word."""
        if name.lower().startswith("content-"):
            return super().header_store_parse(name, value)
        if re.search(r"[\r\n\0]", value):
            raise ValueError(f"The header {name} holds a line break.")
        return name, value

    def fold(self, name: str, value: Any) -> str:
        """Return the header with its line endings; raise ``ValueError`` when it cannot be written."""
        if name.lower().startswith("content-"):
            return str(super().fold(name, value))
        if name == "Subject":
            return f"{name}: {_encoded(value, name)}\r\n"
        if name == "From" and not value.startswith("<"):
            phrase, _, address = value.rpartition(" <")
            return f"{name}: {_encoded(phrase, name)} <{address}\r\n"
        if name == "References":
            return _verbatim(name, value).replace("> <", ">\r\n <")
        return _verbatim(name, value)

    def fold_binary(self, name: str, value: Any) -> bytes:
        """Return the header as ASCII octets; raise ``ValueError`` when it cannot be written."""
        return self.fold(name, value).encode("ascii")


_POLICY: Final = WirePolicy(linesep="\r\n", cte_type="7bit", max_line_length=_LINE, raise_on_defect=True)


def build(
    envelope: Envelope,
    *,
    sender: tuple[str, str],
    subject: str,
    headers: Sequence[tuple[str, str]],
    text: str,
    html: str,
) -> bytes:
    """Return one mail as bytes; the same arguments always give the same bytes.

    ``sender`` is (name, address). Raises ``ValueError`` for an address or header that could change its meaning on the
    way: nothing is repaired silently.
    """
    mail = EmailMessage(policy=_POLICY)
    mail["From"] = _mailbox(*sender)
    for name, value in _identity(envelope, subject):
        mail[name] = value
    mail.set_content(_sendable(text), cte="quoted-printable")
    mail.add_alternative(_sendable(html), subtype="html", cte="quoted-printable")
    # "=_" cannot occur in quoted-printable, so no comment can end a part before its time.
    # Last, because making the parts moves every Content-* header into the first of them.
    for name, value in headers:
        mail[name] = value
    mail.set_boundary("=_" + hashlib.sha256(envelope.message_id.encode()).hexdigest()[:32])
    return mail.as_bytes()


def list_id(site_name: str, domain: str) -> str:
    """Return the List-Id value, with the site's name in front where ASCII can spell it."""
    name = f"{site_name} comments"
    if not _PRINTABLE.fullmatch(name):
        return f"<comments.{domain}>"
    return f"{name if _PHRASE.fullmatch(name) else _quoted(name)} <comments.{domain}>"


def is_mailbox(text: str) -> bool:
    """Say whether ``text`` is one mailbox in plain ASCII that can stand in a header or an SMTP command as it is."""
    return len(text) <= 254 and _MAILBOX.fullmatch(text) is not None


def _identity(envelope: Envelope, subject: str) -> list[tuple[str, str]]:
    if not is_mailbox(envelope.to):
        raise ValueError("The recipient is not one plain ASCII address.")
    lines = [
        ("To", envelope.to),
        ("Subject", subject),
        ("Date", format_datetime(envelope.date.astimezone(dt.UTC))),
        ("Message-ID", envelope.message_id),
    ]
    if envelope.in_reply_to:
        lines.append(("In-Reply-To", envelope.in_reply_to))
    if envelope.references:
        lines.append(("References", " ".join(envelope.references)))
    return lines


def _verbatim(name: str, value: str) -> str:
    line = f"{name}: {value}"
    if not _PRINTABLE.fullmatch(value) or len(line) > _LONGEST:
        raise ValueError(f"The header {name} is not printable ASCII of at most {_LONGEST} octets.")
    return line + "\r\n"


def _encoded(text: str, name: str) -> str:
    charset = "us-ascii" if _PRINTABLE.fullmatch(text) and "=?" not in text else "utf-8"
    return Header(text, charset, maxlinelen=_LINE, header_name=name).encode(linesep="\r\n")


def _mailbox(name: str, address: str) -> str:
    if not is_mailbox(address):
        raise ValueError("The sender is not one plain ASCII address.")
    if not name:
        return f"<{address}>"
    return f"{_quoted(name) if _PRINTABLE.fullmatch(name) and '=?' not in name else name} <{address}>"


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _sendable(text: str) -> str:
    return _UNSENDABLE.sub("", text.replace("\r\n", "\n").replace("\r", "\n")).strip("\n") + "\n"
