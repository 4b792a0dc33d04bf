"""What is said of a message in each of its states: mailed, waiting and for what, or not mailed and why."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Literal

from ..language import gettext as _
from ..language import ngettext
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
    at = when(message.not_before)
    if message.last_error is None:
        return "waits", "retry", _("waits until %(time)s", time=at)
    tries = _("try %(number)s, after %(answer)s", number=message.attempts + 1, answer=_answer(message))
    return "waits", "retry", _("waits until %(time)s: %(why)s", time=at, why=tries)


def _due(message: Message, delays: Delays) -> tuple[str, str]:
    found, since = delays.of(message), when(message.not_before)
    if found is None:
        return "due", _("waits for the next delivery, since %(time)s", time=since)
    return found.reason, _("waits since %(time)s: %(why)s", time=since, why=found.sentence)


def _claimed(message: Message, delays: Delays) -> Said:
    return "waits", "claimed", _("waits: a worker has taken it to send it")


def _sending(message: Message, delays: Delays) -> Said:
    return "waits", "sending", _("waits: it is being handed to the mail server, or the worker died doing that")


def _sent(message: Message, delays: Delays) -> Said:
    at = when(message.accepted_at) if message.accepted_at else _("at an unknown time")
    # Only the development mailbox accepts without a code.
    if message.smtp_code is None:
        return "mailed", None, _("mailed %(time)s, kept in the development mailbox", time=at)
    return "mailed", None, _("mailed %(time)s, accepted by the mail server%(code)s", time=at, code=_code(message))


def _failed(message: Message, delays: Delays) -> Said:
    return (
        "not mailed",
        "failed",
        _("not mailed: the mail server refused it for good, %(answer)s", answer=_answer(message)),
    )


def _dead(message: Message, delays: Delays) -> Said:
    if message.skip_reason == RESTORED:
        return "waits", RESTORED, _("waits: %(why)s", why=because(RESTORED))
    answer = _answer(message)
    if message.ambiguous:
        return "not mailed", "dead", _("perhaps mailed, and not tried again, %(answer)s", answer=answer)
    given_up = ngettext(
        "not mailed: given up after %(n)s try, %(answer)s",
        "not mailed: given up after %(n)s tries, %(answer)s",
        message.attempts,
        answer=answer,
    )
    return "not mailed", "dead", given_up


def _ended(message: Message, delays: Delays) -> Said:
    return "not mailed", message.skip_reason, _("not mailed: %(why)s", why=because(message.skip_reason))


def _unknown(message: Message, delays: Delays) -> Said:
    return "waits", message.state, _("its mail is %(state)s", state=message.state)


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
    return (message.last_error or _("without an answer")) + _code(message)
