"""One run of wrk against a server, as numbers."""

from __future__ import annotations

import json
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from ._server import Server

_SCRIPT = Path(__file__).with_name("_wrk.lua")
_CONNECTIONS = 4


@dataclass(frozen=True)
class Run:
    """Requests a second, milliseconds at the median and the 99th percentile, processor milliseconds a request."""

    rps: float
    p50: float
    p99: float
    cpu: float
    errors: int


def run(server: Server, path: str, seconds: float, *, status: int, tag: str = "", bodies: Path | None = None) -> Run:
    """Load ``path`` for ``seconds`` and expect ``status``; with ``bodies`` (a file, one form a line) by POST."""
    wrk = shutil.which("wrk")
    if wrk is None:
        raise SystemExit("The benchmarks need wrk: apt-get install wrk")
    command = [wrk, "-t1", f"-c{_CONNECTIONS}", f"-d{seconds}s", "-s", str(_SCRIPT), server.url + path]
    command += ["--", str(status), tag, str(bodies or "")]
    before = server.cpu_seconds()
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    cpu = server.cpu_seconds() - before
    found = json.loads(done.stdout.splitlines()[-1])
    requests = max(1, found["requests"])
    rps = found["requests"] / found["seconds"]
    return Run(rps, found["p50"], found["p99"], cpu * 1000 / requests, found["errors"])
