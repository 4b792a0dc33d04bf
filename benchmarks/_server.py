"""gunicorn with two sync workers, on a port of its own, and the processor time its processes have used."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

WORKERS = 2
_START_SECONDS = 30
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Server:
    """A running server: where it listens and its first process."""

    url: str
    pid: int

    def cpu_seconds(self) -> float:
        """Processor time of the server and its workers so far."""
        return sum(map(_cpu_seconds, (self.pid, *self._workers())))

    def _workers(self) -> list[int]:
        return [int(pid) for pid in Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()]


@contextmanager
def serve(module: str, argument: Any) -> Iterator[Server]:
    """Run ``module``'s ``make(argument)`` and stop it afterwards."""
    with socket.create_server(("127.0.0.1", 0)) as found:
        port = found.getsockname()[1]
    application = f"{module}:make({json.dumps(argument)!r})"
    command = [sys.executable, "-m", "gunicorn", "-w", str(WORKERS), "-b", f"127.0.0.1:{port}", application]
    environment = os.environ | {"FORUM_ENV": "development"}
    with subprocess.Popen(
        [*command, "--log-level", "warning"], cwd=Path(__file__).parent.parent, env=environment
    ) as process:
        try:
            server = Server(f"http://127.0.0.1:{port}", process.pid)
            _wait(server, process)
            yield server
        finally:
            process.terminate()


def _wait(server: Server, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + _START_SECONDS
    while time.monotonic() < until and process.poll() is None:
        try:
            urllib.request.urlopen(f"{server.url}/nothing", timeout=5)
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.05)
    raise SystemExit(f"{server.url} did not start.")


def _cpu_seconds(pid: int) -> float:
    # The name of a process, in parentheses, may hold spaces; user and system time are the 14th and 15th field.
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS
