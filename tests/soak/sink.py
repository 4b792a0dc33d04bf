"""A mail server in a process of its own: it writes each mail down before it says yes, and now and then takes its time.

``python -m tests.soak.sink FILE SEED`` prints the port it listens on.
"""

from __future__ import annotations

import asyncio
import json
import random
import sys
import time
from email import message_from_bytes
from pathlib import Path
from typing import NamedTuple

from aiosmtpd.smtp import SMTP, Envelope, Session

# One mail in so many is answered late: long enough for kills to hit the time between the dot and the answer.
_SLOW_ONE_IN = 30
SLOWEST = 1.5


class Copy(NamedTuple):
    """One mail that was accepted: ``at`` is the time in seconds since 1970."""

    message_id: str
    to: str
    comment: int | None
    at: float


class Sink:
    """Keeps a line of JSON for each mail in a file that outlives it."""

    def __init__(self, path: Path, seed: str) -> None:
        self._file = path.open("a", encoding="utf-8")
        self._dice = random.Random(seed)

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        """Write the mail down, then answer: a sender that dies in between cannot know what became of it."""
        self._file.write(json.dumps(_copy(envelope)) + "\n")
        self._file.flush()
        if self._dice.randrange(_SLOW_ONE_IN) == 0:
            await asyncio.sleep(self._dice.uniform(SLOWEST / 5, SLOWEST))
        return "250 2.0.0 kept"


def copies(path: Path) -> list[Copy]:
    """What was accepted so far, oldest first."""
    return [Copy(*json.loads(line)) for line in path.read_text(encoding="utf-8").splitlines()]


def _copy(envelope: Envelope) -> Copy:
    assert isinstance(envelope.content, bytes)
    mail = message_from_bytes(envelope.content)
    comment = mail["X-Forum-Comment"]
    return Copy(mail["Message-ID"], envelope.rcpt_tos[0], int(comment) if comment else None, time.time())


async def _serve(sink: Sink) -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(sink, hostname="sink.example", loop=loop), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_serve(Sink(Path(sys.argv[1]), sys.argv[2])))
