"""One conversation with a mail server, from the `MAIL_*` settings to an outcome for each message.

Flask-Mail's connection has no time-out, checks no certificate and loses the server's answer when saying goodbye; this
one keeps its settings and replaces the rest.
"""

from __future__ import annotations

import contextlib
import smtplib
import ssl
import time
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, Final

import flask_mail

from .client import Client
from .limits import Deadline, Limits
from .outcome import Outcome, answered, lost

_BROKEN: Final = (OSError, smtplib.SMTPException)
# What settings that make no sense raise in the standard library: a password in Greek, the port 99999.
_NOT_OPENED: Final = (*_BROKEN, ValueError, OverflowError)
# The first digit of the reply that lets the conversation go on.
_GO_ON: Final = {"mail": 2, "rcpt": 2, "data": 3}


class Connection(flask_mail.Connection):
    """Flask-Mail's connection with limits, verified TLS, and an outcome instead of a lost exception.

    ``trust`` returns the certificates to verify with, and is asked only where there is TLS.
    """

    host: Client | None

    def __init__(
        self, mail: Any, limits: Limits, local_hostname: str, trust: Callable[[], ssl.SSLContext], deadline: Deadline
    ) -> None:
        super().__init__(mail)
        self.deadline = deadline
        self.limits = limits
        self.local_hostname = local_hostname
        self.trust = trust

    def configure_host(self) -> Client:
        """Connect, secure and sign in as the `MAIL_*` settings say; a failure leaves the client in ``self.host``."""
        state = self.mail
        self.host = client = Client(self.limits, self.local_hostname)
        client.deadline = self.deadline
        client.open(state.server, state.port or smtplib.SMTP_PORT, self.trust() if state.use_ssl else None)
        client.greet()
        if state.use_tls:
            client.secure(self.trust(), state.server)
        if state.username and state.password:
            client.phase = "auth"
            client.login(state.username, state.password)
        return client

    def __exit__(
        self, exc_type: type[BaseException] | None, exc_value: BaseException | None, tb: TracebackType | None
    ) -> None:
        """Say goodbye, but never let that hide or undo what happened before."""
        client, self.host = self.host, None
        if client is None:
            return
        with contextlib.suppress(*_BROKEN):
            if client.sock:
                client.deadline = Deadline(self.limits.quit)
                client.ask("quit", "QUIT")
        with contextlib.suppress(OSError):
            client.close()

    def open(self) -> Outcome | None:
        """Make the connection ready for a first message; returns what went wrong, with nothing left open."""
        try:
            self.__enter__()
        except _NOT_OPENED as error:
            return self._give_up(error)
        return None

    @property
    def is_open(self) -> bool:
        """Whether the server can still be spoken to, as far as this end knows."""
        return self.host is not None and self.host.sock is not None

    def hand_over(self, raw: bytes, sender: str, to: str, deadline: Deadline) -> Outcome:
        """Send one message to one recipient over the open connection and say what became of it.

        Waiting ends at the ``deadline``, whatever the phase; aborting it ends the conversation and this connection.
        """
        client = self.host
        assert client is not None
        client.deadline, client.handed, client.owed = deadline, 0.0, 0
        started = time.monotonic()
        try:
            phase, code, text = _converse(client, raw, sender, to)
        except _BROKEN as error:
            client.close()
            return failure(client.phase, error, deadline, **_times(client, started))
        self.num_emails += 1
        outcome = answered(phase, code, text, **_times(client, started))
        if outcome.word != "accepted":
            self._settle(client, code)
        return outcome

    def _give_up(self, error: Exception) -> Outcome:
        client = self.host
        outcome = failure(client.phase if client else "connect", error, self.deadline)
        if client is not None and outcome.code is None:
            # It has just been silent for too long, or is not who it should be: no goodbye.
            client.close()
        self.__exit__(None, None, None)
        return outcome

    def _settle(self, client: Client, code: int) -> None:
        """Make the connection ready for the next message, or close it; the outcome stands whatever happens here."""
        try:
            if code == 421 or not 400 <= code < 600:
                return client.close()
            _take_the_rest(client, code)
            client.ask("rset", "RSET")
        except _BROKEN:
            client.close()


def mail_state(config: Mapping[str, Any]) -> Any:
    """Return Flask-Mail's own reading of the `MAIL_*` keys, registered nowhere."""
    # Its debug level would print the password to stderr.
    return flask_mail.Mail().init_mail({**config, "MAIL_DEBUG": 0}, testing=False)


def failure(phase: str, error: Exception, deadline: Deadline, **times: float) -> Outcome:
    """Return the outcome of a conversation that ended in an exception; ``times`` are those of an `Outcome`."""
    if deadline.is_aborted:
        return lost(phase, "The conversation was ended from our side.", **times)
    if isinstance(error, smtplib.SMTPResponseException) and error.smtp_code > 0:
        return answered(phase, error.smtp_code, error.smtp_error, **times)
    # The text of a UnicodeError would show a letter of the password.
    why = type(error).__name__ if isinstance(error, UnicodeError) else f"{type(error).__name__}: {error}"
    return lost(phase, why, **times)


def _converse(client: Client, raw: bytes, sender: str, to: str) -> tuple[str, int, bytes]:
    """Offer one message; returns the phase, code and words of the reply that decides."""
    commands = {"mail": f"MAIL FROM:<{sender}>\r\n", "rcpt": f"RCPT TO:<{to}>\r\n", "data": "DATA\r\n"}
    at_once = client.has_extn("pipelining")
    client.phase = "mail"
    if at_once:
        client.send("".join(commands.values()))
        client.owed = len(commands)
    for phase, command in commands.items():
        client.phase = phase
        if not at_once:
            client.send(command)
        code, text = client.getreply()
        client.owed -= at_once
        if code // 100 != _GO_ON[phase]:
            return phase, code, text
    return "dot", *client.write(raw)


def _take_the_rest(client: Client, code: int) -> None:
    """Read what the server still says to commands that were sent ahead, and take back a message it waits for."""
    client.phase = "rset"
    while client.owed:
        code, _ = client.getreply()
        client.owed -= 1
        if code // 100 == 2:
            raise smtplib.SMTPException("a recipient was taken after a refusal")
    if code // 100 == 3:
        # A dot alone: without a recipient there is nobody to get the empty message (RFC 2920, 3.1).
        client.send(".\r\n")
        client.getreply()


def _times(client: Client, started: float) -> dict[str, float]:
    now = time.monotonic()
    handed = client.handed or now
    return {"envelope": handed - started, "content": now - handed}
