"""The processes under attack, each started again after it was killed; all are ended by their pids."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

ROOT = Path(__file__).parents[2]
_PATIENCE = 30.0


class Process:
    """A command that runs in the checkout, with what it says appended to a log."""

    def __init__(self, arguments: Sequence[str], environment: dict[str, str], log: Path) -> None:
        self._command = [sys.executable, "-m", *arguments]
        self._environment, self._log = environment, log
        self._deaths = 0
        self.start()

    def start(self) -> None:
        """Begin, or begin anew."""
        with self._log.open("ab") as log:
            # A group of its own: Ctrl+C reaches us alone, and we end the others in order.
            self._running = subprocess.Popen(
                self._command, cwd=ROOT, env=self._environment, stdout=log, stderr=log, start_new_session=True
            )

    @property
    def pid(self) -> int:
        """The id of the process."""
        return self._running.pid

    @property
    def deaths(self) -> int:
        """How often it has ended although nobody ended it."""
        return self._deaths + (self._running.poll() is not None)

    @property
    def children(self) -> list[int]:
        """The ids of the processes it has started."""
        return children(self.pid)

    def kill(self) -> None:
        """End it as a power cut would."""
        self._deaths = self.deaths
        self._running.kill()
        self._running.wait()

    def stop(self) -> None:
        """Ask it to end; kill it if it does not."""
        self._running.send_signal(signal.SIGCONT)
        self._running.terminate()
        try:
            self._running.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            self.kill()


class Web(Process):
    """The reference site under gunicorn with two workers, on a port it keeps over restarts."""

    def __init__(self, port: int, environment: dict[str, str], log: Path) -> None:
        self.port = port
        arguments = ["gunicorn", "-w", "2", "-b", f"127.0.0.1:{port}", "--log-level", "warning", "tests.soak.site:app"]
        super().__init__(arguments, environment, log)

    def kill(self) -> None:
        """Kill the master and whatever it started: orphans would hold the port."""
        orphans = self.children
        super().kill()
        for pid in orphans:
            end(pid)
        _wait_for(lambda: not any(map(alive, orphans)))

    def wait(self) -> None:
        """Return as soon as it can be connected to."""
        _wait_for(lambda: _answers(self.port))


def children(pid: int) -> list[int]:
    """The ids of the processes that ``pid`` has started; none when it is gone."""
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def alive(pid: int) -> bool:
    """Whether ``pid`` still runs; what only waits for its parent to notice does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def end(pid: int) -> bool:
    """Kill one process by its id; False when it was gone already."""
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return False
    return True


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as found:
        port: int = found.getsockname()[1]
    return port


def _answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True


def _wait_for(condition: Callable[[], bool]) -> None:
    until = time.monotonic() + _PATIENCE
    while not condition():
        if time.monotonic() > until:
            raise SystemExit("A process did not do what it was told.")
        time.sleep(0.05)
