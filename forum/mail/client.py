"""An SMTP client that always knows how far it got and when its time is over.

The standard library's client sets one time-out for each wait, however many waits a reply takes; here a reply, a block
and the attempt have an end, which octets that drip in do not move. It keeps that client's greeting and signing in.
"""

from __future__ import annotations

import contextlib
import queue
import smtplib
import socket
import ssl
import threading
import time
from collections.abc import Sequence
from typing import Any, Final

from .limits import Deadline, Limits

_BLOCK: Final = 32 * 1024
_LONGEST_LINE: Final = 8 * 1024
_MOST_LINES: Final = 500

# What the addresses of a name look like to the `socket` module.
_Address = tuple[socket.AddressFamily, socket.SocketKind, int, str, Any]


class Client(smtplib.SMTP):
    """One connection to a mail server; each failure is an exception, and ``phase`` says in what it happened.

    ``deadline`` ends all waiting; whoever starts something new with the client gives it a new one.
    """

    sock: socket.socket | None

    def __init__(self, limits: Limits, local_hostname: str) -> None:
        # Without a host nothing is connected yet.
        super().__init__(local_hostname=local_hostname)
        self.sock = None
        self.limits = limits
        self.phase = "connect"
        self.owed = 0
        self.handed = 0.0
        self._answered_in = {"dot": limits.dot, "rset": limits.quit, "quit": limits.quit}
        self._unread = b""
        self._deadline = Deadline(limits.attempt)

    @property
    def deadline(self) -> Deadline:
        """When whatever is under way must be over; aborting it shuts the connection down."""
        return self._deadline

    @deadline.setter
    def deadline(self, deadline: Deadline) -> None:
        self._deadline = deadline
        deadline.on_abort(self._shut_down)

    def open(self, host: str, port: str | int, context: ssl.SSLContext | None) -> None:
        """Connect, in TLS at once if a ``context`` is given; raises ``SMTPConnectError`` unless greeted by 220."""
        self._dial(host, port)
        if context is not None:
            self.phase = "starttls"
            self._encrypt(context, host)
        self.phase = "banner"
        code, text = self.getreply()
        if code != 220:
            raise smtplib.SMTPConnectError(code, text)

    def greet(self) -> None:
        """Introduce ourselves; raises ``SMTPHeloError`` when the server does not want to know us."""
        self.phase = "ehlo"
        code, text = self.ehlo()
        if code // 100 == 5:
            code, text = self.helo()
        if code // 100 != 2:
            raise smtplib.SMTPHeloError(code, text)

    def secure(self, context: ssl.SSLContext, host: str) -> None:
        """Go on in TLS and greet again; raises when the server cannot, or its certificate does not hold."""
        self.phase = "starttls"
        if not self.has_extn("starttls"):
            raise smtplib.SMTPNotSupportedError("the server offers no STARTTLS")
        code, text = self.docmd("STARTTLS")
        if code != 220:
            raise smtplib.SMTPResponseException(code, text)
        self._expect_silence()
        self._encrypt(context, host)
        self.greet()

    def ask(self, phase: str, command: str) -> tuple[int, bytes]:
        """Send one command in its phase and return the reply."""
        self.phase = phase
        return self.docmd(command)

    def write(self, raw: bytes) -> tuple[int, bytes]:
        """Send a message after 354, the final dot included, and return the reply to it."""
        self.phase, self.handed = "body", time.monotonic()
        lines = (b"." + raw if raw.startswith(b".") else raw).replace(b"\n.", b"\n..")
        self.send((lines if lines.endswith(b"\r\n") else lines + b"\r\n") + b".\r\n")
        # Only when the last octet was handed over can the server have seen the dot.
        self.phase = "dot"
        return self.getreply()

    def send(self, s: Any) -> None:
        """Send all of ``s``, each block within its limit; raises when the server talks before it is asked."""
        self._expect_silence()
        data = memoryview(s.encode(self.command_encoding) if isinstance(s, str) else s)
        limit = self.limits.block if self.phase == "body" else self.limits.reply
        for start in range(0, len(data), _BLOCK):
            self._send_block(data[start : start + _BLOCK], time.monotonic() + limit)

    def getreply(self) -> tuple[int, bytes]:
        """Read one reply; the code is -1 if it has none. All its octets together have the phase's limit."""
        until = time.monotonic() + self._answered_in.get(self.phase, self.limits.reply)
        said: list[bytes] = []
        while len(said) < _MOST_LINES:
            line = self._read_line(until)
            said.append(line[4:].strip())
            if not line[:3].isdigit():
                return -1, b"\n".join(said)
            if line[3:4] != b"-":
                return int(line[:3]), b"\n".join(said)
        raise smtplib.SMTPException("the reply has no end")

    def _read_line(self, until: float) -> bytes:
        while b"\n" not in self._unread:
            if len(self._unread) > _LONGEST_LINE:
                raise smtplib.SMTPException("a line of the reply has no end")
            self._unread += self._receive(until)
        line, _, self._unread = self._unread.partition(b"\n")
        return line

    def _receive(self, until: float) -> bytes:
        sock = self._connected()
        sock.settimeout(self._deadline.left(until))
        if octets := sock.recv(_LONGEST_LINE):
            return octets
        raise smtplib.SMTPServerDisconnected("the server closed the connection")

    def _send_block(self, block: memoryview, until: float) -> None:
        sock = self._connected()
        # Not sendall: in TLS its time-out begins anew with every part.
        while block:
            sock.settimeout(self._deadline.left(until))
            block = block[sock.send(block) :]

    def _connected(self) -> socket.socket:
        if self.sock is None:
            raise smtplib.SMTPServerDisconnected("there is no connection")
        return self.sock

    def _expect_silence(self) -> None:
        # Whatever it is would be taken for the reply to the next command, and for one in TLS at that.
        if self._unread:
            raise smtplib.SMTPServerDisconnected("the server spoke without being asked")

    def _dial(self, host: str, port: str | int) -> None:
        """Try each address of the name, for a fair part of the time that is left."""
        until = time.monotonic() + self.limits.connect
        found = _look_up(host, port, self._deadline, until)
        self._deadline.on_abort(self._shut_down)
        for number, address in enumerate(found):
            share = self._deadline.left(until) / (len(found) - number)
            try:
                return self._connect_to(address, share)
            except OSError:
                self.close()
                if number == len(found) - 1:
                    raise

    def _connect_to(self, address: _Address, seconds: float) -> None:
        family, kind, protocol, _, place = address
        self.sock = socket.socket(family, kind, protocol)
        self.sock.settimeout(seconds)
        self.sock.connect(place)

    def _encrypt(self, context: ssl.SSLContext, host: str) -> None:
        plain = self._connected()
        # The handshake is left for later: until it is ours, nobody could shut the new socket down.
        secured = context.wrap_socket(plain, server_hostname=host, do_handshake_on_connect=False)
        self.sock = secured
        secured.settimeout(self._deadline.left(time.monotonic() + self.limits.reply))
        secured.do_handshake()

    def _shut_down(self) -> None:
        """Wake whoever waits on the socket; to be called from anywhere."""
        sock = self.sock
        if sock is None:
            return
        try:
            # The method of plain sockets: the one for TLS would let its owner go on in the clear.
            socket.socket.shutdown(sock, socket.SHUT_RDWR)
        except OSError:
            # Not connected yet: then it never will be.
            with contextlib.suppress(OSError):
                sock.close()


def _look_up(host: str, port: str | int, deadline: Deadline, until: float) -> Sequence[_Address]:
    """The addresses of a name. `getaddrinfo` knows no time-out, so it is asked in a thread that can be left behind."""
    answer: queue.SimpleQueue[Sequence[_Address] | Exception] = queue.SimpleQueue()

    def ask() -> None:
        try:
            answer.put(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
        except Exception as error:
            answer.put(error)

    deadline.on_abort(lambda: answer.put(TimeoutError("nobody waits any longer")))
    threading.Thread(target=ask, name="forum-dns", daemon=True).start()
    try:
        found = answer.get(timeout=deadline.left(until))
    except queue.Empty:
        raise TimeoutError("the name of the server could not be looked up in time") from None
    if isinstance(found, Exception):
        raise found
    return found
