"""The answer of a mail server becomes one word that says what to do next; pure."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final, Literal

Word = Literal[
    "accepted",  # the server took it; nothing that happens later changes that
    "transient",  # not sent; try again later and count the attempt
    "full",  # not sent, and the mailbox has no room: transient for a day, then weak evidence against the address
    "refused",  # permanent, because of policy, content or an unexplained no; says nothing sure about the address
    "bad_mailbox",  # permanent, and the address does not exist
    "doubtful",  # permanent, and weak evidence against the address
    "transport",  # the server cannot be used at all; no message's fault
    "sender_refused",  # our own configuration or reputation; no recipient's fault
    "ambiguous",  # everything was written, no answer came
    "syntax",  # permanent, and our own mistake: the server did not understand us
    "poison",  # this message cannot be written, or cannot be sent as it is
    "suppressed",  # nothing left this process, on purpose
]

# How far a conversation with a mail server got. In the opening phases nothing is about a particular message.
OPENING: Final = frozenset({"connect", "banner", "ehlo", "starttls", "auth"})
# With these words Flask-Mail's listeners are told: a mail left, or was kept in only because of a test.
DISPATCHED: Final = frozenset({"accepted", "suppressed"})

_ENHANCED: Final = re.compile(r"([245]\.\d{1,3}\.\d{1,3})\b")
_QUEUED: Final = re.compile(r"(?:queued as|\bid=|queue id:?)\s*<?([\w.@+-]{1,120})", re.IGNORECASE)
_ADDRESS: Final = re.compile(r"([^\s<>@:;,\"()]{1,64})@([A-Za-z0-9.-]{1,253})")
_BAD_MAILBOX: Final = frozenset({"5.1.1", "5.1.2", "5.1.3", "5.1.10", "5.2.1"})
# Servers say 552 of a mail that is too large as well; no emptied mailbox will help that.
_TOO_LARGE: Final = frozenset({"5.2.3", "5.3.4"})
_SYNTAX: Final = frozenset({500, 501, 503})
_TOO_FAST: Final = (450, "4.2.1")
# It wants this one mail again later, and takes the others as fast as they come.
_GREYLISTED: Final = (451, "4.7.1")


@dataclass(frozen=True)
class Outcome:
    """What became of one attempt: the word to act on, what the server said (addresses masked), and how long it took.

    Seconds: ``opening`` until the connection was ready (0 on a kept one), ``envelope`` from MAIL FROM until the
    answer to DATA, ``content`` from there until the answer to the message. How long it took is no part of equality.
    """

    word: Word
    phase: str
    code: int | None = None
    enhanced: str | None = None
    text: str = ""
    queue_id: str | None = None
    opening: float = field(default=0.0, compare=False)
    envelope: float = field(default=0.0, compare=False)
    content: float = field(default=0.0, compare=False)

    @property
    def slow_down(self) -> bool:
        """Whether the server asks for less mail to the recipient's domain."""
        if self.code is None or self.phase in OPENING or (self.code, self.enhanced) == _GREYLISTED:
            return False
        if (self.enhanced or "").startswith("4.7."):
            return True
        # Before it has heard of a recipient a server that is busy or goes down says nothing about one.
        return self.phase != "mail" and (self.code == 421 or (self.code, self.enhanced) == _TOO_FAST)


def answered(
    phase: str, code: int, reply: bytes | str, *, opening: float = 0.0, envelope: float = 0.0, content: float = 0.0
) -> Outcome:
    """Return the outcome of a conversation that ended with this reply of the server; times in seconds."""
    text = reply.decode("utf-8", "replace") if isinstance(reply, bytes) else reply
    enhanced = _enhanced(code, text)
    word = classify(phase, code, enhanced)
    queued = _QUEUED.search(text) if word == "accepted" else None
    said = masked(text)
    return Outcome(word, phase, code, enhanced, said, queued[1] if queued else None, opening, envelope, content)


def lost(phase: str, why: str, *, opening: float = 0.0, envelope: float = 0.0, content: float = 0.0) -> Outcome:
    """Return the outcome of a conversation that broke off without a reply: a time-out, a drop, a bad certificate."""
    word: Word = "transport" if phase in OPENING else "ambiguous" if phase == "dot" else "transient"
    return Outcome(word, phase, text=masked(why), opening=opening, envelope=envelope, content=content)


def classify(phase: str, code: int, enhanced: str | None) -> Word:
    """Return the word for a reply: ``phase`` is the command it answers (``dot`` is the end of the message)."""
    if phase in OPENING:
        return "transport"
    if phase == "dot" and 200 <= code < 300:
        return "accepted"
    if not 400 <= code < 600:
        # Gibberish. After the dot the message may have been taken, before it certainly not.
        return "ambiguous" if phase == "dot" else "transient"
    if phase == "mail":
        return "transient" if code < 500 else "sender_refused"
    if code < 500:
        return "full" if enhanced == "4.2.2" else "transient"
    return _permanent(phase, code, enhanced)


def _permanent(phase: str, code: int, enhanced: str | None) -> Word:
    if phase == "rcpt" and enhanced in _BAD_MAILBOX:
        return "bad_mailbox"
    if enhanced in _TOO_LARGE or (enhanced or "").startswith(("5.6.", "5.7.")):
        return "refused"
    if code == 552 or enhanced == "5.2.2":
        return "full"
    if code == 554:
        return "refused"
    if code in _SYNTAX:
        return "syntax"
    # Weak evidence only: providers answer so to everybody for an hour when they are ill.
    return "doubtful" if phase == "rcpt" and enhanced is None else "refused"


def masked(text: str) -> str:
    """Return ``text`` on one line of at most 300 printable characters, addresses cut to their first letter."""
    plain = text if text.isprintable() else "".join(char if char.isprintable() else " " for char in text)
    line = " ".join(plain.split())
    return _ADDRESS.sub(lambda match: f"{match[1][0]}•••@{match[2]}", line)[:300] if "@" in line else line[:300]


def _enhanced(code: int, text: str) -> str | None:
    match = _ENHANCED.match(text)
    return match[1] if match and match[1][0] == str(code)[0] else None
