"""A mail server that does what it is told: at any point it can refuse, hang up or keep silent, then go on as usual."""

from __future__ import annotations

import socket
import threading
from collections import defaultdict, deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

HANG_UP = "hang up"
SILENCE = "silence"
_POLITE = {
    "banner": "220 mail.example",
    "EHLO": "250 mail.example",
    "MAIL": "250 2.1.0 Ok",
    "RCPT": "250 2.1.5 Ok",
    "DATA": "354 Go on",
    "dot": "250 2.0.0 Ok: queued as 4F2A1B",
    "RSET": "250 Ok",
    "QUIT": "221 Bye",
}


@dataclass
class MailServer:
    """Answers at ``host`` and ``port``; ``plan`` holds the next answers at each point, after which it is polite.

    ``taken`` are the (recipient, bytes) it said 250 to or hung up on after the dot, ``seen`` each command's word in
    the order it came.
    """

    plan: dict[str, deque[str]] = field(default_factory=lambda: defaultdict(deque))
    taken: list[tuple[str, bytes]] = field(default_factory=list)
    seen: list[str] = field(default_factory=list)
    offers: tuple[str, ...] = ()
    # Called right before a message is accepted.
    at_the_end: Callable[[], None] = lambda: None

    def __post_init__(self) -> None:
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.host, self.port = self._listening.getsockname()
        self._open: set[socket.socket] = set()
        self._ended = threading.Event()
        threading.Thread(target=self._serve, daemon=True).start()

    def stop(self) -> None:
        """Listen no more and hang up on everybody."""
        self._ended.set()
        with suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        for connection in list(self._open):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def will(self, point: str, *answers: str) -> None:
        """Plan the next ``answers`` at ``point``."""
        self.plan[point].extend(answers)

    def _serve(self) -> None:
        while not self._ended.is_set():
            try:
                connection, _ = self._listening.accept()
            except OSError:
                return
            self._open.add(connection)
            threading.Thread(target=self._talk, args=(connection,), daemon=True).start()

    def _talk(self, connection: socket.socket) -> None:
        with connection, suppress(OSError, _HungUp), connection.makefile("rb") as lines:
            self._answer(connection, "banner")
            to = ""
            for line in lines:
                word = line[:4].decode().strip().upper()
                if word == "RCPT":
                    to = line.partition(b"<")[2].partition(b">")[0].decode()
                if self._answer(connection, word).startswith("354"):
                    self._take(connection, to, b"".join(iter(lines.readline, b".\r\n")))
                if word == "QUIT":
                    return

    def _take(self, connection: socket.socket, to: str, raw: bytes) -> None:
        planned = self.plan["dot"][0] if self.plan["dot"] else "250"
        if planned in (HANG_UP, SILENCE) or planned.startswith("250"):
            self.taken.append((to, raw))
        self.at_the_end()
        self._answer(connection, "dot")

    def _answer(self, connection: socket.socket, point: str) -> str:
        self.seen.append(point)
        answer = self.plan[point].popleft() if self.plan[point] else _POLITE.get(point, "502 What?")
        if answer == SILENCE:
            self._ended.wait()
        if answer in (SILENCE, HANG_UP):
            raise _HungUp
        lines = [answer, *self.offers] if point == "EHLO" and answer.startswith("250") else [answer]
        told = [f"{line[:3]}-{line[4:]}" for line in lines[:-1]] + [lines[-1]]
        connection.sendall("".join(f"{line}\r\n" for line in told).encode())
        return answer


class _HungUp(Exception):
    """The plan was to say nothing more."""
