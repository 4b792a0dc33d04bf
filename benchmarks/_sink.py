"""A mail server that takes everything and only counts: Postfix's `smtp-sink`, written in C."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

_BACKLOG = "1000"
_START_SECONDS = 10
_SETTLE_SECONDS = 5
# Distributions keep it where only root looks.
_PLACES = f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/libexec/postfix"

_RECEIVED = re.compile(rb"^Received: .*\n(?:[\t ].*\n)*", re.MULTILINE)


@dataclass(frozen=True)
class Sink:
    """A running sink: its port on 127.0.0.1, what it printed, and the folder of the mails it was told to keep."""

    port: int
    counts: Path
    kept: Path

    @property
    def messages(self) -> int:
        """How many messages it has taken so far."""
        found = re.findall(r"mesg=(\d+)", self.counts.read_text())
        return int(found[-1]) if found else 0

    def mails(self) -> list[bytes]:
        """The messages it kept, as they were on the wire: without what the sink wrote above them."""
        kept = [path.read_bytes() for path in sorted(self.kept.iterdir())]
        return [_RECEIVED.split(raw, maxsplit=1)[1].replace(b"\n", b"\r\n") for raw in kept]

    def took(self, count: int, before: int) -> None:
        """Wait until ``count`` messages came after the first ``before``; end the benchmark if any other number did."""
        until = time.monotonic() + _SETTLE_SECONDS
        while self.messages - before < count and time.monotonic() < until:
            time.sleep(0.01)
        if self.messages - before != count:
            raise SystemExit(f"The mail server got {self.messages - before} messages instead of {count}.")


@contextmanager
def sink(*, keeps: bool = False, port: int = 0) -> Iterator[Sink]:
    """Run a sink on ``port``, any free one unless given; with ``keeps`` it writes each message into a file."""
    with tempfile.TemporaryDirectory() as folder:
        found = Sink(port or free_port(), Path(folder) / "counts", Path(folder) / "kept")
        found.kept.mkdir()
        # Root's sink becomes nobody, who must be able to come here and write.
        Path(folder).chmod(0o711)
        found.kept.chmod(0o777)
        with found.counts.open("wb") as counts, subprocess.Popen(_command(found, keeps), stdout=counts) as process:
            try:
                await_port(found.port, process)
                yield found
            finally:
                process.terminate()


def _command(found: Sink, keeps: bool) -> list[str]:
    program = shutil.which("smtp-sink", path=_PLACES)
    if program is None:
        raise SystemExit("The benchmarks of mail need smtp-sink, a part of Postfix: apt-get install postfix")
    options = ["-c", *(["-u", "nobody"] if os.geteuid() == 0 else [])]
    options += ["-d", str(found.kept / "%s.")] if keeps else []
    return [program, *options, f"127.0.0.1:{found.port}", _BACKLOG]


def free_port() -> int:
    """A port of 127.0.0.1 nobody listens on at this moment."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port: int = listening.getsockname()[1]
    return port


def await_port(port: int, process: subprocess.Popen[bytes]) -> None:
    """Return as soon as ``process`` listens on ``port``; ends the benchmark if it never does."""
    until = time.monotonic() + _START_SECONDS
    while time.monotonic() < until and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except OSError:
            time.sleep(0.02)
        else:
            return
    raise SystemExit(f"Nothing listens on port {port}.")
