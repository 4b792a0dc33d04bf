"""One conversation with a mail server, which always knows how far it got and when its time is over.

Flask-Mail's connection has no time-out, checks no certificate and loses the server's answer when saying goodbye; this
one keeps its settings and replaces the rest.
"""

from __future__ import annotations

import contextlib
import io
import re
import smtplib
import socket
import ssl
import time
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, Final

import flask_mail

from .limits import Limits
from .outcome import Outcome, answered, lost

_BLOCK: Final = 32 * 1024


class Client(smtplib.SMTP):
    """An SMTP client that records its phase and never waits beyond the phase's limit or the attempt's deadline."""

    def __init__(self, limits: Limits, local_hostname: str, context: ssl.SSLContext | None, deadline: float) -> None:
        # Without a host nothing is connected yet.
        super().__init__(local_hostname=local_hostname, timeout=limits.connect)
        self.limits = limits
        self.phase = "connect"
        self.deadline = deadline
        self._reply_by = deadline
        self._implicit_tls = context

    def open(self, host: str, port: int) -> None:
        """Connect and read the banner; raises ``SMTPConnectError`` unless it is 220."""
        # The base class takes the name for certificates from its constructor only.
        self._host = host
        code, text = self.connect(host, port)
        if code != 220:
            raise smtplib.SMTPConnectError(code, text)

    def secure(self, context: ssl.SSLContext) -> None:
        """Go on in TLS; raises when the server cannot, or its certificate does not hold."""
        self.phase = "ehlo"
        self.ehlo_or_helo_if_needed()
        self.phase = "starttls"
        self.starttls(context=context)

    def greet(self) -> None:
        """Introduce ourselves, once more after TLS."""
        self.phase = "ehlo"
        self.ehlo_or_helo_if_needed()

    def ask(self, phase: str, command: str) -> tuple[int, bytes]:
        """Send one command in its phase and return the reply."""
        self.phase = phase
        return self.docmd(command)

    def write(self, raw: bytes) -> tuple[int, bytes]:
        """Send a message after 354, the final dot included, and return the reply to it."""
        self.phase = "body"
        lines = re.sub(rb"(?m)^\.", b"..", raw)
        wire = (lines if lines.endswith(b"\r\n") else lines + b"\r\n") + b".\r\n"
        for start in range(0, len(wire), _BLOCK):
            self.send(wire[start : start + _BLOCK])
        # Only when the last octet was handed over can the server have seen the dot.
        self.phase = "dot"
        return self.getreply()

    def send(self, s: Any) -> None:
        """Send within the limit of one block; the base class would wait as long as the last reply took."""
        if self.sock:
            self.sock.settimeout(self._left(self.limits.block if self.phase == "body" else self.limits.reply))
        super().send(s)

    def getreply(self) -> tuple[int, bytes]:
        """Read one reply; all its octets together have the phase's limit, so dripping them gains nothing."""
        if self.phase == "connect":
            self.phase = "banner"
        if self.sock and self.file is None:
            self.file = io.BufferedReader(_Patient(self.sock, self._left))
        self._reply_by = time.monotonic() + self._limit()
        return super().getreply()

    def _limit(self) -> float:
        return {"dot": self.limits.dot, "quit": self.limits.quit}.get(self.phase, self.limits.reply)

    def _left(self, limit: float | None = None) -> float:
        now = time.monotonic()
        left = min(self.deadline, self._reply_by if limit is None else now + limit) - now
        if left <= 0:
            raise TimeoutError("the time allowed for it is over")
        return left

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        plain = socket.create_connection((host, port), self._left(self.limits.connect))
        if self._implicit_tls is None:
            return plain
        self.phase = "starttls"
        try:
            secured = self._implicit_tls.wrap_socket(plain, server_hostname=host)
        except BaseException:
            plain.close()
            raise
        self.phase = "connect"
        return secured


class _Patient(io.RawIOBase):
    """The reading end of a socket that asks before each read how long it may still wait."""

    def __init__(self, sock: socket.socket, left: Callable[[], float]) -> None:
        self._sock = sock
        self._left = left

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self._sock.settimeout(self._left())
        return self._sock.recv_into(buffer)


class Connection(flask_mail.Connection):
    """Flask-Mail's connection with limits, verified TLS, and an outcome instead of a lost exception."""

    host: Client | None

    def __init__(self, mail: Any, limits: Limits, local_hostname: str, ca_file: str | None, deadline: float) -> None:
        super().__init__(mail)
        self.deadline = deadline
        self.limits = limits
        self.local_hostname = local_hostname
        self.ca_file = ca_file

    def configure_host(self) -> Client:
        """Connect, secure and sign in as the `MAIL_*` settings say; a failure leaves the client in ``self.host``."""
        state = self.mail
        self.host = client = Client(
            self.limits, self.local_hostname, self._context() if state.use_ssl else None, self.deadline
        )
        client.open(state.server, state.port or 0)
        if state.use_tls:
            client.secure(self._context())
        client.greet()
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
        with contextlib.suppress(OSError, smtplib.SMTPException, ValueError):
            if client.sock:
                client.deadline = time.monotonic() + self.limits.quit
                client.ask("quit", "QUIT")
        with contextlib.suppress(OSError):
            client.close()

    def open(self) -> Outcome | None:
        """Make the connection ready for a first message; returns what went wrong, with nothing left open."""
        try:
            self.__enter__()
        except (OSError, smtplib.SMTPException, ValueError) as error:
            outcome = failure(self.host.phase if self.host else "connect", error)
            self.__exit__(None, None, None)
            return outcome
        return None

    @property
    def is_open(self) -> bool:
        """Whether the server can still be spoken to, as far as this end knows."""
        return self.host is not None and self.host.sock is not None

    def hand_over(self, raw: bytes, sender: str, to: str, deadline: float) -> Outcome:
        """Send one message to one recipient over the open connection and say what became of it.

        ``deadline`` is the reading of the monotonic clock at which waiting ends, whatever the phase.
        """
        client = self.host
        assert client is not None
        client.deadline = deadline
        try:
            outcome = _converse(client, raw, sender, to)
        except (OSError, smtplib.SMTPException) as error:
            client.close()
            return failure(client.phase, error)
        self.num_emails += 1
        self._settle(client, outcome)
        return outcome

    def _settle(self, client: Client, outcome: Outcome) -> None:
        """Make the connection ready for the next message, or close it; the outcome stands whatever happens here."""
        if outcome.word == "accepted":
            return
        if outcome.code == 421 or outcome.word == "ambiguous":
            client.close()
            return
        try:
            client.ask("rset", "RSET")
        except (OSError, smtplib.SMTPException):
            client.close()

    def _context(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=self.ca_file)


def mail_state(config: Mapping[str, Any]) -> Any:
    """Return Flask-Mail's own reading of the `MAIL_*` keys, registered nowhere."""
    # Its debug level would print the password to stderr.
    return flask_mail.Mail().init_mail({**config, "MAIL_DEBUG": 0}, testing=False)


def failure(phase: str, error: Exception) -> Outcome:
    """Return the outcome of a conversation that ended in an exception."""
    if isinstance(error, smtplib.SMTPResponseException) and error.smtp_code > 0:
        return answered(phase, error.smtp_code, error.smtp_error)
    # The text of a UnicodeError would show a letter of the password.
    return lost(phase, type(error).__name__ if isinstance(error, UnicodeError) else f"{type(error).__name__}: {error}")


def _converse(client: Client, raw: bytes, sender: str, to: str) -> Outcome:
    code, text = client.ask("mail", f"MAIL FROM:<{sender}>")
    if code != 250:
        return answered("mail", code, text)
    code, text = client.ask("rcpt", f"RCPT TO:<{to}>")
    if code not in (250, 251):
        return answered("rcpt", code, text)
    code, text = client.ask("data", "DATA")
    if code != 354:
        return answered("data", code, text)
    return answered("dot", *client.write(raw))
