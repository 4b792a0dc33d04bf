"""What is said of a message in each of its states: mailed, waiting and for what, or not mailed and why."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Literal

from ..models import Message
from ..outbox.restore import REASON as RESTORED
from .delays import Delays
from .sentences import because, when

Word = Literal["mailed", "waits", "not mailed"]
Said = tuple[Word, str | None, str]


def said(message: Message, delays: Delays) -> Said:
    """A word, the reason in a word if there is one, and the sentence."""
    return _STATES.get(message.state, _unknown)(message, delays)


def _ready(message: Message, delays: Delays) -> Said:
    if message.not_before <= delays.now:
        return "waits", *_due(message, delays)
    if message.last_error is None:
        return "waits", "retry", f"waits until {when(message.not_before)}"
    tries = f"try {message.attempts + 1}, after {_answer(message)}"
    return "waits", "retry", f"waits until {when(message.not_before)}: {tries}"


def _due(message: Message, delays: Delays) -> tuple[str, str]:
    found, since = delays.of(message), when(message.not_before)
    if found is None:
        return "due", f"waits for the next delivery, since {since}"
    return found.reason, f"waits since {since}: {found.sentence}"


def _claimed(message: Message, delays: Delays) -> Said:
    return "waits", "claimed", "waits: a worker has taken it to send it"


def _sending(message: Message, delays: Delays) -> Said:
    return "waits", "sending", "waits: it is being handed to the mail server, or the worker died doing that"


def _sent(message: Message, delays: Delays) -> Said:
    at = when(message.accepted_at) if message.accepted_at else "at an unknown time"
    # Only the development mailbox accepts without a code.
    by = "kept in the development mailbox" if message.smtp_code is None else "accepted by the mail server"
    return "mailed", None, f"mailed {at}, {by}{_code(message)}"


def _failed(message: Message, delays: Delays) -> Said:
    return "not mailed", "failed", f"not mailed: the mail server refused it for good, {_answer(message)}"


def _dead(message: Message, delays: Delays) -> Said:
    if message.skip_reason == RESTORED:
        return "waits", RESTORED, f"waits: {because(RESTORED)}"
    tries = f"{message.attempts} {'try' if message.attempts == 1 else 'tries'}"
    lead = "perhaps mailed, and not tried again" if message.ambiguous else f"not mailed: given up after {tries}"
    return "not mailed", "dead", f"{lead}, {_answer(message)}"


def _ended(message: Message, delays: Delays) -> Said:
    return "not mailed", message.skip_reason, f"not mailed: {because(message.skip_reason)}"


def _unknown(message: Message, delays: Delays) -> Said:
    return "waits", message.state, f"its mail is {message.state}"


_STATES: Final[dict[str, Callable[[Message, Delays], Said]]] = {
    "ready": _ready,
    "claimed": _claimed,
    "sending": _sending,
    "sent": _sent,
    "failed": _failed,
    "dead": _dead,
    "cancelled": _ended,
    "expired": _ended,
}


def _code(message: Message) -> str:
    codes = [str(code) for code in (message.smtp_code, message.enhanced_code) if code is not None]
    return f" ({' '.join(codes)})" if codes else ""


def _answer(message: Message) -> str:
    """The last answer: the phase it came in, its words and its codes."""
    return f"{message.last_error or 'without an answer'}{_code(message)}"
