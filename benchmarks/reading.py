"""Reading a thread, against Flask answering a constant of the same size: ``python -m benchmarks.reading``."""

from __future__ import annotations

import tempfile
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

from ._data import database
from ._server import Server, serve
from ._table import Goal, Result, arguments, report
from ._wrk import Run, run

NO_CACHE = {"FORUM_CACHE_BYTES": 0}
# A page of branches holds 200 at most; only a whole thread on one page can be compared with unpaged peers.
WHOLE = {"FORUM_PER_PAGE": 200}


@dataclass(frozen=True)
class Case:
    """One line of the table: which site, which page of it, and what it is to reach."""

    row: str
    name: str
    site: str
    path: str
    goal: Goal | None = None
    revalidates: bool = False


SITES: dict[str, dict[str, Any]] = {
    "warm": WHOLE,
    "missed": WHOLE | {"pages": False},
    "paged": {"pages": False},
    "bare": NO_CACHE,
}
CASES = [
    Case("1", "warm, 200 comments", "warm", "/articles/whole-200", Goal(0.60)),
    Case("3", "warm, 20", "warm", "/articles/whole-20", Goal(0.55)),
    Case("3", "warm, 2000", "warm", "/articles/whole-2000", Goal(0.55)),
    Case("4", "page missed, 200", "missed", "/articles/whole-200", Goal(0.25, cpu=2)),
    Case("4", "page missed, 2000", "missed", "/articles/whole-2000", Goal(0.10, cpu=15)),
    Case("5", "50 of 200, page missed", "paged", "/articles/flat-200", Goal(0.30)),
    Case("5", "50 of 2000, page missed", "paged", "/articles/flat-2000", Goal(0.30)),
    Case("5", "last 50 of 2000, page missed", "paged", "/articles/flat-2000?forum_page=40", Goal(0.30)),
    Case("5", "50 of 200, no cache at all", "bare", "/articles/flat-200"),
    Case("7", "304, 200 comments", "warm", "/articles/whole-200", Goal(0.55, cpu=0.65), revalidates=True),
]


@dataclass
class Target:
    """A case ready to run: its server, the tag and size its page has, and the rounds so far."""

    case: Case
    server: Server
    size: int
    tag: str
    rounds: list[tuple[Run, Run]] = field(default_factory=list)

    def measure(self, limit: Server, seconds: float) -> None:
        """One round of the target, followed at once by its limit."""
        status, tag = (304, self.tag) if self.case.revalidates else (200, "")
        path = "/empty" if self.case.revalidates else f"/constant/{self.size}"
        target = run(self.server, self.case.path, seconds, status=status, tag=tag)
        self.rounds.append((target, run(limit, path, seconds, status=status)))


def main() -> None:
    """Print the table of all cases."""
    wanted = arguments(__doc__ or "")
    cases = [case for case in CASES if wanted.only in f"{case.row} {case.name}"]
    with tempfile.TemporaryDirectory() as folder, ExitStack() as servers:
        targets = list(_targets(cases, database(Path(folder)), servers))
        sizes = sorted({target.size for target in targets})
        limit = servers.enter_context(serve("benchmarks._limit", sizes))
        for _ in range(wanted.rounds):
            for target in targets:
                target.measure(limit, wanted.seconds)
    results = [Result(t.case.row, t.case.name, t.rounds, t.case.goal) for t in targets]
    report(results, list(_notes(targets)), wanted.save)


def _targets(cases: list[Case], config: dict[str, Any], servers: ExitStack) -> Iterator[Target]:
    sites = sorted({case.site for case in cases})
    running = {site: servers.enter_context(serve("benchmarks._site", config | SITES[site])) for site in sites}
    for case in cases:
        server = running[case.site]
        for _ in range(10):  # both workers have the page now, as after the first few readers
            with urllib.request.urlopen(server.url + case.path) as answer:
                page, tag = answer.read(), answer.headers["ETag"]
        yield Target(case, server, len(page), tag)


def _notes(targets: list[Target]) -> Iterator[str]:
    """What the table cannot say: the growth of paging, and what a page weighs."""
    cost = {target.case.name: median(run.cpu for run, _ in target.rounds) for target in targets}
    short = cost.get("50 of 200, page missed")
    for name in ("50 of 2000, page missed", "last 50 of 2000, page missed"):
        if short and name in cost:
            yield f"Row 5, CPU of {name} / of 200: {cost[name] / short:.2f} (goal ≤ 1.10)."
    size = {target.case.name: target.size for target in targets}
    if {"warm, 200 comments", "warm, 2000"} <= size.keys():
        weight = (size["warm, 2000"] - size["warm, 200 comments"]) / 1800
        yield f"Row 16, bytes of HTML a comment: {weight:.0f} (goal ≤ 700)."
    yield "“Missed” keeps the rendered comments and no page: what the first reader after a new comment costs."


if __name__ == "__main__":
    main()
