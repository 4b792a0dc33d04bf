"""Ways out for a finished mail: a mail server, or the development mailbox. Each try comes back as an `Outcome`."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from ..settings import Settings
from .limits import Limits
from .outcome import Outcome
from .smtp import Connection, mail_state
from .wire import is_mailbox

__all__ = ["Limits", "MailboxTransport", "Outcome", "SmtpTransport", "Transport", "smtp_transport"]


class Transport(Protocol):
    """What delivery needs: hand one mail to one recipient, and let go when there is nothing more to do."""

    def send(self, raw: bytes, sender: str, to: str) -> Outcome:
        """Try once to hand over ``raw``; failures of the network are outcomes, not exceptions."""

    def close(self) -> None:
        """Let go of connections; the next ``send`` opens them again."""


class SmtpTransport:
    """Sends by SMTP as Flask-Mail's keys say, one recipient a message, over a connection used again for a while.

    Meant for one thread at a time; ``testing`` is asked before each mail, and nothing leaves while it says yes.
    """

    def __init__(
        self, mail: Any, settings: Settings, *, testing: Callable[[], bool], limits: Limits | None = None
    ) -> None:
        self._mail = mail
        self._limits = limits or _limits(settings)
        self._name = settings.mail_domain or (settings.mail_from or "localhost").rpartition("@")[2]
        self._ca_file = settings.mail_ca_file
        self._testing = testing
        self._connection: Connection | None = None
        self._opened = self._used = 0.0

    def send(self, raw: bytes, sender: str, to: str) -> Outcome:
        """Try once to hand over ``raw`` and return what became of it; a connection that went stale is replaced."""
        if self._mail.suppress or self._testing():
            return Outcome("suppressed", "none", text="Sending is switched off while testing.")
        if problem := _unsendable(raw, sender, to):
            return Outcome("poison", "none", text=problem)
        deadline = time.monotonic() + self._limits.attempt
        reused = self._is_fresh()
        outcome = self._attempt(raw, sender, to, deadline)
        if reused and _went_stale(outcome):
            self.close()
            outcome = self._attempt(raw, sender, to, deadline)
        return outcome

    def close(self) -> None:
        """Say goodbye to the server, if there is one; errors while doing so mean nothing."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.__exit__(None, None, None)

    def _attempt(self, raw: bytes, sender: str, to: str, deadline: float) -> Outcome:
        if not self._is_fresh():
            self.close()
            if problem := self._open(deadline):
                return problem
        assert self._connection is not None
        outcome = self._connection.hand_over(raw, sender, to, deadline)
        self._used = time.monotonic()
        return outcome

    def _open(self, deadline: float) -> Outcome | None:
        connection = Connection(self._mail, self._limits, self._name, self._ca_file, deadline)
        if problem := connection.open():
            return problem
        self._connection = connection
        self._opened = self._used = time.monotonic()
        return None

    def _is_fresh(self) -> bool:
        connection, now = self._connection, time.monotonic()
        return (
            connection is not None
            and connection.is_open
            and connection.num_emails < self._limits.messages
            and now - self._opened < self._limits.age
            and now - self._used < self._limits.idle
        )


class MailboxTransport:
    """Keeps every mail through ``save(raw, sender, to)`` instead of sending it; for development."""

    def __init__(self, save: Callable[[bytes, str, str], None]) -> None:
        self._save = save

    def send(self, raw: bytes, sender: str, to: str) -> Outcome:
        """Keep ``raw``; what ``save`` raises is passed on."""
        self._save(raw, sender, to)
        return Outcome("accepted", "mailbox", text="Kept in the development mailbox.")

    def close(self) -> None:
        """Nothing is held open."""


def smtp_transport(config: Mapping[str, Any], settings: Settings, *, testing: Callable[[], bool]) -> SmtpTransport:
    """Return a transport that reads ``MAIL_SERVER``, ``MAIL_PORT``, ``MAIL_USERNAME``, ``MAIL_PASSWORD``,
    ``MAIL_USE_TLS``, ``MAIL_USE_SSL`` and ``MAIL_SUPPRESS_SEND`` from ``config`` into a state of its own.
    """
    return SmtpTransport(mail_state(config), settings, testing=testing)


def _limits(settings: Settings) -> Limits:
    dot = settings.mail_post_dot_timeout
    return Limits(dot=dot, attempt=dot + 100)


def _unsendable(raw: bytes, sender: str, to: str) -> str | None:
    if not is_mailbox(sender) or not is_mailbox(to):
        return "An address of the envelope is not one plain ASCII mailbox."
    if not raw.isascii() or b"\0" in raw:
        return "The message is not 7-bit."
    return None


def _went_stale(outcome: Outcome) -> bool:
    """Whether a kept connection failed before the message counted: the server had hung up, or asks for a new one."""
    return outcome.phase == "mail" and (outcome.code is None or outcome.code == 421)
