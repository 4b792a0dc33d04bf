"""The answer of a mail server becomes one word that says what to do next; pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal

Word = Literal[
    "accepted",  # the server took it; nothing that happens later changes that
    "transient",  # not sent; try again later and count the attempt
    "refused",  # permanent, because of policy, content or an unexplained no; says nothing sure about the address
    "bad_mailbox",  # permanent, and the address does not exist
    "transport",  # the server cannot be used at all; no message's fault
    "sender_refused",  # our own configuration or reputation; no recipient's fault
    "ambiguous",  # everything was written, no answer came
    "poison",  # this message cannot be sent as it is
    "suppressed",  # nothing left this process, on purpose
]

# How far a conversation with a mail server got. In the opening phases nothing is about a particular message.
OPENING: Final = frozenset({"connect", "banner", "ehlo", "starttls", "auth"})

_ENHANCED: Final = re.compile(r"([245]\.\d{1,3}\.\d{1,3})\b")
_QUEUED: Final = re.compile(r"(?:queued as|\bid=|queue id:?)\s*<?([\w.@+-]{1,120})", re.IGNORECASE)
_ADDRESS: Final = re.compile(r"([^\s<>@:;,\"()]{1,64})@([A-Za-z0-9.-]{1,253})")
_BAD_MAILBOX: Final = frozenset({"5.1.1", "5.1.2", "5.1.3", "5.1.10", "5.2.1"})
_SYNTAX: Final = frozenset({500, 501, 503})


@dataclass(frozen=True)
class Outcome:
    """What became of one attempt: the word to act on, and what the server said, with addresses masked."""

    word: Word
    phase: str
    code: int | None = None
    enhanced: str | None = None
    text: str = ""
    queue_id: str | None = None


def answered(phase: str, code: int, reply: bytes | str) -> Outcome:
    """Return the outcome of a conversation that ended with this reply of the server."""
    text = reply.decode("utf-8", "replace") if isinstance(reply, bytes) else reply
    enhanced = _enhanced(code, text)
    word = classify(phase, code, enhanced)
    queued = _QUEUED.search(text) if word == "accepted" else None
    return Outcome(word, phase, code, enhanced, masked(text), queued[1] if queued else None)


def lost(phase: str, why: str) -> Outcome:
    """Return the outcome of a conversation that broke off without a reply: a time-out, a drop, a bad certificate."""
    if phase in OPENING:
        return Outcome("transport", phase, text=masked(why))
    return Outcome("ambiguous" if phase == "dot" else "transient", phase, text=masked(why))


def classify(phase: str, code: int, enhanced: str | None) -> Word:
    """Return the word for a reply: ``phase`` is the command it answers (``dot`` is the end of the message)."""
    if phase in OPENING:
        return "transport"
    if phase == "dot" and 200 <= code < 300:
        return "accepted"
    if not 400 <= code < 600:
        # Gibberish. After the dot the message may have been taken, before it certainly not.
        return "ambiguous" if phase == "dot" else "transient"
    if code < 500:
        return "transient"
    return "sender_refused" if phase == "mail" else _permanent(phase, code, enhanced)


def _permanent(phase: str, code: int, enhanced: str | None) -> Word:
    if phase == "rcpt" and enhanced in _BAD_MAILBOX:
        return "bad_mailbox"
    if code == 552 or (enhanced or "").endswith(".2.2"):
        return "transient"  # a full mailbox is emptied some day
    if code == 554 or (enhanced or "").startswith(("5.6.", "5.7.")):
        return "refused"
    if code in _SYNTAX:
        return "poison"
    # A bare 550 at RCPT is weak evidence: providers answer so for an hour when they are ill.
    return "refused"


def masked(text: str) -> str:
    """Return ``text`` on one line of at most 300 printable characters, addresses cut to their first letter."""
    line = " ".join("".join(char if char.isprintable() else " " for char in text).split())
    return _ADDRESS.sub(lambda match: f"{match[1][0]}•••@{match[2]}", line)[:300]


def _enhanced(code: int, text: str) -> str | None:
    match = _ENHANCED.match(text)
    return match[1] if match and match[1][0] == str(code)[0] else None
