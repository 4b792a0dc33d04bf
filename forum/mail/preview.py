"""A mail as it would leave now, or would have left, for eyes that must not act as its reader.

No token is filled in, and nothing in the HTML leads anywhere: whoever looks can neither confirm nor unsubscribe.
"""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from html import escape
from html.parser import HTMLParser
from typing import Any, Final

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from .. import outbox
from ..models import Item, Message
from . import ancestry, gate, news, notes
from .courier import Courier
from .outcome import masked
from .wire import Envelope
from .words import Words

log = logging.getLogger("forum.mail")
# Stands for each token, in the letters a token may have.
HIDDEN: Final = "hidden"
_LEADS_AWAY: Final = frozenset({"href", "action", "formaction", "ping", "target"})


@dataclass(frozen=True)
class Preview:
    """One mail. Without ``raw`` there is nothing to show: ``why_not`` is the reason in a word, or ``error`` what broke.

    ``left_out`` are the comments that would not be told now, by their number, with the reason in a word.
    """

    raw: bytes | None = None
    why_not: str | None = None
    error: str | None = None
    left_out: Mapping[int, str] = field(default_factory=dict)

    @property
    def headers(self) -> list[tuple[str, str]]:
        """The headers, decoded, in their order."""
        return [(name, str(value)) for name, value in self._mail().items()] if self.raw else []

    @property
    def text(self) -> str:
        """The text part."""
        return self._part("plain")

    @property
    def html(self) -> str:
        """The HTML part with every link cut."""
        return without_links(self._part("html"))

    def _part(self, kind: str) -> str:
        part = self._mail().get_body((kind,)) if self.raw else None
        return str(part.get_content()) if part is not None else ""

    def _mail(self) -> EmailMessage:
        mail = message_from_bytes(self.raw or b"", policy=default)
        assert isinstance(mail, EmailMessage)
        return mail


def preview(session: Session, courier: Courier, message: Message, now: dt.datetime) -> Preview:
    """Write ``message`` as it would leave at ``now``, every rule asked again; what was sent, with what is left of it.

    What makes a mail impossible to write is shown instead of raised, but for errors of the database.
    """
    if not message.to_addr:
        return Preview(why_not="erased")
    try:
        return _preview(session, courier, message, now)
    except SQLAlchemyError:
        raise
    except Exception as error:  # a host's hook or template may raise anything
        log.warning("message %s cannot be shown: %s", message.id, type(error).__name__)
        return Preview(error=masked(f"{type(error).__name__}: {error}".partition("\n")[0]))


def without_links(html: str) -> str:
    """Return ``html`` as it looks, with nothing in it that leads anywhere."""
    cut = _Cut()
    cut.feed(html)
    cut.close()
    return "".join(cut.pieces)


def _preview(session: Session, courier: Courier, message: Message, now: dt.datetime) -> Preview:
    if message.kind not in news.KINDS:
        note = notes.write(session, courier, message, now)
        return Preview(why_not=note) if isinstance(note, str) else Preview(_written(courier, message, note, now))
    verdict = _judged(session, courier, message, now)
    left_out = _left_out(message, verdict)
    if not verdict.items:
        return Preview(why_not=message.skip_reason or verdict.why_not, left_out=left_out)
    lineage = ancestry.trace(session, verdict.items)
    words = news.write(courier, message, verdict.items, lineage, now)
    return Preview(_written(courier, message, words, now), left_out=left_out)


def _judged(session: Session, courier: Courier, message: Message, now: dt.datetime) -> gate.Verdict:
    told = [item for item in message.items if item.state == "sent"]
    if told:
        # They had their turn: of what was told only the words that are gone meanwhile are missing.
        gone = {item.id: {"skip_reason": "comment_gone"} for item in told if not _stands(item)}
        return gate.Verdict([item for item in told if _stands(item)], gone, "comment_gone" if gone else None)
    pairs = [(item.comment, item.address_id) for item in message.items]
    return gate.judge(courier, message, outbox.standings(session, courier.keys, pairs, now), now)


def _stands(item: Item) -> bool:
    return item.comment.state == "published"


def _left_out(message: Message, verdict: gate.Verdict) -> dict[int, str]:
    numbers = {item.id: item.comment_id for item in message.items}
    return {numbers[id_]: new["skip_reason"] for id_, new in verdict.changes.items() if new.get("skip_reason")}


def _written(courier: Courier, message: Message, words: Words, now: dt.datetime) -> bytes:
    date = message.date_header or now
    envelope = Envelope(message.to_addr, message.rfc_message_id, date, words.in_reply_to, words.references)
    pattern = courier.patterns.of(words.compose, **words.arguments)
    return pattern.fill(envelope, dict.fromkeys(words.values, HIDDEN))


class _Cut(HTMLParser):
    """Copies what it reads, without the attributes that lead away."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=False)
        self.pieces: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Copy a tag; only one that leads away is written anew."""
        kept = [(name, value) for name, value in attrs if name not in _LEADS_AWAY]
        if len(kept) == len(attrs):
            self.pieces.append(self.get_starttag_text() or "")
        elif tag not in ("base", "link"):
            self.pieces.append(f"<{tag}{''.join(map(_attribute, kept))}>")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """The same for one that closes itself, which HTML does not tell from others."""
        self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        """Copy the end of an element."""
        self.pieces.append(f"</{tag}>")

    def handle_data(self, data: str) -> None:
        """Copy text."""
        self.pieces.append(data)

    def handle_entityref(self, name: str) -> None:
        """Copy a named character."""
        self.pieces.append(f"&{name};")

    def handle_charref(self, name: str) -> None:
        """Copy a numbered character."""
        self.pieces.append(f"&#{name};")

    def handle_decl(self, decl: str) -> None:
        """Copy the doctype; comments, which may hold markup of old mail programs, are left out."""
        self.pieces.append(f"<!{decl}>")


def _attribute(pair: tuple[str, Any]) -> str:
    name, value = pair
    return f" {name}" if value is None else f' {name}="{escape(value)}"'
