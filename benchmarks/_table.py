"""Rounds of a target and its limit in, one line of a Markdown table out: medians, and what was promised beside them."""

from __future__ import annotations

import argparse
import os
import platform
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from ._wrk import Run

HEADER = (
    "| row | target | rps | p50 ms | p99 ms | CPU ms | limit rps | its CPU ms | ratio (spread) | CPU ratio | goal | |\n"
    "| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | --- | --- |"
)


@dataclass(frozen=True)
class Goal:
    """What a row is to reach: the least ratio of rps, and the most processor milliseconds or median latency."""

    ratio: float
    cpu: float | None = None
    p50: float | None = None

    def __str__(self) -> str:
        parts = [f"ratio ≥ {self.ratio:.2f}"]
        parts += [f"CPU ≤ {self.cpu} ms"] if self.cpu is not None else []
        parts += [f"p50 ≤ {self.p50} ms"] if self.p50 is not None else []
        return ", ".join(parts)


@dataclass(frozen=True)
class Result:
    """All rounds of one target, each with the limit's round that followed it."""

    row: str
    name: str
    rounds: Sequence[tuple[Run, Run]]
    goal: Goal | None = None

    def target(self, figure: Callable[[Run], float]) -> float:
        """The median of one figure over the target's rounds."""
        return median(figure(target) for target, _ in self.rounds)

    def limit(self, figure: Callable[[Run], float]) -> float:
        """The same for the limit."""
        return median(figure(limit) for _, limit in self.rounds)

    @property
    def ratios(self) -> list[float]:
        """rps(target) / rps(limit) of each round, lowest first."""
        return sorted(target.rps / limit.rps for target, limit in self.rounds)

    @property
    def cpu_ratio(self) -> float:
        """CPU(limit) / CPU(target), which depends little on who else is running."""
        return median(limit.cpu / max(target.cpu, 1e-9) for target, limit in self.rounds)

    def line(self) -> str:
        """The line of the table."""
        ratios = self.ratios
        cells = [
            self.row,
            self.name,
            f"{self.target(lambda run: run.rps):,.0f}",
            f"{self.target(lambda run: run.p50):.2f}",
            f"{self.target(lambda run: run.p99):.1f}",
            f"{self.target(lambda run: run.cpu):.2f}",
            f"{self.limit(lambda run: run.rps):,.0f}",
            f"{self.limit(lambda run: run.cpu):.2f}",
            f"{median(ratios):.2f} ({ratios[0]:.2f}–{ratios[-1]:.2f})",
            f"{self.cpu_ratio:.2f}",
            str(self.goal or ""),
            self._verdict(),
        ]
        return f"| {' | '.join(cells)} |"

    def _verdict(self) -> str:
        errors = sum(run.errors for pair in self.rounds for run in pair)
        if errors:
            return f"**{errors} errors**"
        if self.goal is None:
            return ""
        good = median(self.ratios) >= self.goal.ratio
        good &= self.goal.cpu is None or self.target(lambda run: run.cpu) <= self.goal.cpu
        good &= self.goal.p50 is None or self.target(lambda run: run.p50) <= self.goal.p50
        return "reached" if good else "**missed**"


def arguments(about: str) -> argparse.Namespace:
    """What both benchmarks understand on the command line."""
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("--rounds", type=int, default=3, help="rounds of each target and its limit (3)")
    parser.add_argument("--seconds", type=int, default=3, help="seconds of each run (3)")
    parser.add_argument("--only", default="", help="rows whose name holds this text")
    parser.add_argument("--save", type=Path, metavar="FILE", help="write the table there too")
    return parser.parse_args()


def report(results: Sequence[Result], notes: Sequence[str], save: Path | None) -> None:
    """Print the table with the machine it was measured on, and keep it in ``save`` if asked."""
    machine = f"{os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}"
    lines = [HEADER, *(result.line() for result in results), "", *notes, f"Measured on {machine}."]
    page = "\n".join(lines)
    print(page)
    if save is not None:
        save.write_text(page + "\n", encoding="utf-8")
