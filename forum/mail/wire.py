"""From headers and two bodies to the bytes of one mail: 7-bit, short lines, the same bytes for the same mail.

What many people are told is written out once, as a :class:`Pattern`; what is a recipient's own is filled in for each.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import re
import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from email.header import Header
from email.quoprimime import body_encode
from email.utils import format_datetime
from functools import partial
from itertools import groupby
from typing import Final

_LINE: Final = 76  # octets, for bodies and for headers that may be folded
_LONGEST: Final = 998  # octets of any line, RFC 5322
_PRINTABLE: Final = re.compile(r"[\x20-\x7e]+")
_PHRASE: Final = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~ -]+")
_MAILBOX: Final = re.compile(r"[^\x00-\x20\x7f-\U0010ffff<>()\[\]\",;:\\@]+@[A-Za-z0-9.-]+")
_BREAK: Final = re.compile(r"[\r\n\0]")
_LINES: Final = re.compile(r"[^\n]*\n")
# Characters no mail may hold: controls but tab and newline, and halves of surrogate pairs.
_UNSENDABLE: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")
_PART: Final = 'Content-Type: text/{}; charset="utf-8"\r\nContent-Transfer-Encoding: quoted-printable\r\n'
# Mail is compared octet by octet: the second part says again what the first leaves to the mail.
_TEXT: Final = _PART.format("plain") + "\r\n"
_HTML: Final = _PART.format("html") + "MIME-Version: 1.0\r\n\r\n"

# Drawn anew by each process and written in no mail, so that nobody's words can hold a mark.
_FRONT: Final = "m" + secrets.token_hex(4)
_BACK: Final = secrets.token_hex(11)
_MARK: Final = re.compile(rf"{_FRONT}\.([a-z0-9_]+)\.{_BACK}")
_NAME: Final = re.compile(r"[a-z0-9_]{1,32}")
_VALUE: Final = re.compile(r"[A-Za-z0-9._~-]+")


@dataclass(frozen=True)
class Envelope:
    """Who gets a mail, its identity, its fixed date (aware), and the ids of the mails it follows."""

    to: str
    message_id: str
    date: dt.datetime
    in_reply_to: str | None = None
    references: tuple[str, ...] = ()


def mark(name: str) -> str:
    """Return the word that stands in a pattern for the value called ``name``, which is up to 32 of ``[a-z0-9_]``.

    It has the letters and about the length of a token, so that no escaping changes it; it is the same as long as the
    process lives. Raises ``ValueError`` for any other name.
    """
    if not _NAME.fullmatch(name):
        raise ValueError(f"{name!r} cannot name a mark.")
    return f"{_FRONT}.{name}.{_BACK}"


@dataclass(frozen=True, slots=True)
class _Marked:
    """Words with marks in them, and how they are written out once the marks have their values."""

    words: str
    write: Callable[[str], str]

    def filled(self, values: Mapping[str, str]) -> str:
        return self.write(_MARK.sub(lambda found: values[found[1]], self.words))


_Piece = str | _Marked


class Pattern:
    """One mail without its envelope, written out as far as it is the same for everybody.

    ``sender`` is (name, address). Subject, headers and both bodies may hold marks (see `mark`). Raises ``ValueError``
    for a sender or header that could change its meaning on the way, and for a mark that is not whole: nothing is
    repaired silently.
    """

    def __init__(
        self, *, sender: tuple[str, str], subject: str, headers: Sequence[tuple[str, str]], text: str, html: str
    ) -> None:
        self._from = _from(*sender)
        self._subject = _piece(subject, _subject)
        self._headers = _headers(headers)
        self._text = _body(text)
        self._html = _body(html)

    def fill(self, envelope: Envelope, values: Mapping[str, str]) -> bytes:
        """Return the mail for one recipient; the same arguments always give the same bytes.

        ``values`` holds what is to stand for each mark, by its name. Raises ``ValueError`` for an address or id that
        could change its meaning on the way and for a value of other letters than ``[A-Za-z0-9._~-]``, ``KeyError``
        for a mark without a value.
        """
        if not all(map(_VALUE.fullmatch, values.values())):
            raise ValueError("A value to be filled in holds other letters than a token has.")
        # "=_" cannot occur in quoted-printable, so no comment can end a part before its time.
        boundary = "=_" + hashlib.sha256(envelope.message_id.encode()).hexdigest()[:32]
        identity = _identity(envelope, _written([self._subject], values))
        kind = f'MIME-Version: 1.0\r\nContent-Type: multipart/alternative;\r\n boundary="{boundary}"\r\n'
        headers, text, html = (_written(part, values) for part in (self._headers, self._text, self._html))
        parts = f"\r\n--{boundary}\r\n{_TEXT}{text}\r\n--{boundary}\r\n{_HTML}{html}\r\n--{boundary}--\r\n"
        return f"{self._from}{identity}{kind}{headers}{parts}".encode("ascii")

    def size(self) -> int:
        """Return how many octets the mail has without its envelope, each mark being as long as its value."""
        pieces = [*self._headers, *self._text, *self._html]
        return sum(len(piece if isinstance(piece, str) else piece.write(piece.words)) for piece in pieces)


def build(
    envelope: Envelope,
    *,
    sender: tuple[str, str],
    subject: str,
    headers: Sequence[tuple[str, str]],
    text: str,
    html: str,
) -> bytes:
    """Return one mail for one recipient, made and filled at once; arguments and errors as for `Pattern`."""
    return Pattern(sender=sender, subject=subject, headers=headers, text=text, html=html).fill(envelope, {})


def list_id(site_name: str, domain: str) -> str:
    """Return the List-Id value, with the site's name in front where ASCII can spell it."""
    name = f"{site_name} comments"
    if not _PRINTABLE.fullmatch(name):
        return f"<comments.{domain}>"
    return f"{name if _PHRASE.fullmatch(name) else _quoted(name)} <comments.{domain}>"


def is_mailbox(text: str) -> bool:
    """Say whether ``text`` is one mailbox in plain ASCII that can stand in a header or an SMTP command as it is."""
    return len(text) <= 254 and _MAILBOX.fullmatch(text) is not None


def _from(name: str, address: str) -> str:
    mailbox = _mailbox(name, address)
    if not name:
        return _verbatim("From", mailbox)
    phrase, _, angle = mailbox.rpartition(" <")
    return f"From: {_encoded(phrase, 'From')} <{angle}\r\n"


def _subject(text: str) -> str:
    return f"Subject: {_encoded(text, 'Subject')}\r\n"


def _headers(headers: Sequence[tuple[str, str]]) -> list[_Piece]:
    names = [name.lower() for name, _ in headers]
    if len(set(names)) < len(names):
        raise ValueError("A header is there twice.")
    return [_piece(value, partial(_verbatim, name)) for name, value in headers]


def _body(text: str) -> list[_Piece]:
    """Lines of quoted-printable do not depend on each other: those without a mark are encoded once."""
    lines = _LINES.findall(_sendable(text))
    return [_piece("".join(some), _quoted_printable) for _, some in groupby(lines, lambda line: _FRONT in line)]


def _piece(words: str, write: Callable[[str], str]) -> _Piece:
    marked = _FRONT in words
    # What shortened or changed the spelling of a link would otherwise send half a mark to everybody.
    if _FRONT in (_MARK.sub("", words) if marked else words).lower():
        raise ValueError("A template changes the address of a link; it may only be written out whole.")
    return _Marked(words, write) if marked else write(words)


def _written(pieces: Iterable[_Piece], values: Mapping[str, str]) -> str:
    return "".join(piece if isinstance(piece, str) else piece.filled(values) for piece in pieces)


def _quoted_printable(text: str) -> str:
    return body_encode(text.encode().decode("latin-1"), _LINE, "\r\n")


def _identity(envelope: Envelope, subject: str) -> str:
    if not is_mailbox(envelope.to):
        raise ValueError("The recipient is not one plain ASCII address.")
    date = format_datetime(envelope.date.astimezone(dt.UTC))
    lines = [f"To: {envelope.to}\r\n{subject}Date: {date}\r\n", _verbatim("Message-ID", envelope.message_id)]
    if envelope.in_reply_to:
        lines.append(_verbatim("In-Reply-To", envelope.in_reply_to))
    if envelope.references:
        lines.append(_verbatim("References", " ".join(envelope.references)).replace("> <", ">\r\n <"))
    return "".join(lines)


def _verbatim(name: str, value: str) -> str:
    line = f"{name}: {value}"
    if not _PRINTABLE.fullmatch(value) or len(line) > _LONGEST:
        raise ValueError(f"The header {name} is not printable ASCII of at most {_LONGEST} octets.")
    return line + "\r\n"


def _encoded(text: str, name: str) -> str:
    if _BREAK.search(text):
        raise ValueError(f"The header {name} holds a line break.")
    charset = "us-ascii" if _PRINTABLE.fullmatch(text) and "=?" not in text else "utf-8"
    if charset == "us-ascii" and len(f"{name}: {text}") <= _LINE:
        return text
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
