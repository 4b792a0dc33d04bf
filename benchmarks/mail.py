"""Mails a second through the whole path of delivery, against plain `smtplib`: ``python -m benchmarks.mail``."""

from __future__ import annotations

import argparse
import os
import platform
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from pathlib import Path
from statistics import median
from typing import Any

from flask import Flask
from sqlalchemy import select

import forum
from forum.models import Message
from forum.state import EXTENSION

from . import _plain, _steps
from ._delay import delayed
from ._outbox import CONFIG, Prepared, Talk, crowd, dialogues, empty_postgres, postgres_answers, prepare, site
from ._sink import Sink, sink

_SAMPLE = 50
_WIRE_MS = 10  # in each direction
_LONGEST_SECONDS = 3600
LOADS: dict[str, Callable[[int], list[Talk]]] = {"one comment to all": crowd, "a comment for each": dialogues}
HEADER = (
    "| row | database, load | connections | mails/s | CPU ms | limit A | its CPU ms | ratio to A (spread) | CPU ratio "
    "| ratio to plain | limit B | ratio to B | fan-out/s | grouped/s | goal | |\n"
    "| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | --- | --- |"
)


@dataclass(frozen=True)
class Speed:
    """Messages a second, and processor milliseconds of this process for each."""

    rate: float
    cpu: float


@dataclass(frozen=True)
class Round:
    """One measurement, followed at once by its limits; far from the mail server B tells nothing that A does not."""

    ours: Speed
    before: Prepared
    built: Speed
    plain: Speed
    ready: Speed | None


@dataclass(frozen=True)
class Case:
    """One line of the table; ``goals`` are the ratios to limit A it must reach, and should."""

    row: str
    database: str
    load: str
    connections: int
    far: bool = False
    goals: tuple[float, ...] = ()
    rounds: list[Round] = field(default_factory=list, compare=False)

    @property
    def name(self) -> str:
        """What tells it from the others."""
        distance = f", {2 * _WIRE_MS} ms away" if self.far else ""
        return f"{self.database}, {self.load}{distance}"

    @property
    def last(self) -> str:
        """What came out of the last round, for whoever waits for the table."""
        one = self.rounds[-1]
        return f"{self.name}, {self.connections}: {one.ours.rate:,.1f} mails/s, limit A {one.built.rate:,.1f}"

    def line(self, size: int) -> str:
        """The line of the table for rounds of ``size`` messages."""
        ratios = sorted(one.ours.rate / one.built.rate for one in self.rounds)
        ready = [one.ready.rate for one in self.rounds if one.ready]
        cells = [
            self.row,
            self.name,
            str(self.connections),
            f"{self._median(lambda one: one.ours.rate):,.1f}",
            f"{self._median(lambda one: one.ours.cpu):.2f}",
            f"{self._median(lambda one: one.built.rate):,.1f}",
            f"{self._median(lambda one: one.built.cpu):.2f}",
            f"{median(ratios):.2f} ({ratios[0]:.2f}–{ratios[-1]:.2f})",
            f"{self._median(lambda one: one.built.cpu / one.ours.cpu):.2f}",
            f"{self._median(lambda one: one.ours.rate / one.plain.rate):.2f}",
            f"{median(ready):,.0f}" if ready else "",
            f"{self._median(lambda one: one.ours.rate / one.ready.rate if one.ready else 0):.2f}" if ready else "",
            f"{size / self._median(lambda one: one.before.fan_out):,.0f}",
            f"{size / self._median(lambda one: one.before.group):,.0f}",
            ", ".join(f"≥ {goal}" for goal in self.goals),
            self._verdict(median(ratios)),
        ]
        return f"| {' | '.join(cells)} |"

    def _median(self, figure: Callable[[Round], float]) -> float:
        return median(figure(one) for one in self.rounds)

    def _verdict(self, ratio: float) -> str:
        reached = [goal for goal in self.goals if ratio >= goal]
        if not self.goals:
            return ""
        return f"reached {reached[-1]}" if reached else "**missed**"


def main() -> None:
    """Print the table, or with ``--profile`` where the time goes."""
    wanted = _arguments()
    databases = ["SQLite", *(["PostgreSQL"] if postgres_answers() else [])]
    cases = [case for case in _cases(databases) if wanted.only in f"{case.row} {case.name}, {case.connections}"]
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        place = Path(folder)
        sample = _every_mail_arrives(place)
        server = stack.enter_context(sink())
        bench = Bench(place, server, stack.enter_context(delayed(server.port, _WIRE_MS)), sample)
        if wanted.profile:
            _profile(bench, cases, wanted.size, wanted.far_size)
            return
        for _ in range(wanted.rounds):
            for case in cases:
                case.rounds.append(bench.measure(case, wanted.far_size if case.far else wanted.size))
                print(case.last, file=sys.stderr)
    lines = [case.line(wanted.far_size if case.far else wanted.size) for case in cases]
    _report([HEADER, *lines, "", *_notes(wanted, databases, len(sample))], wanted.save)


@dataclass(frozen=True)
class Bench:
    """Where everything happens: a folder, the mail server next door, the port of the long way to it, and one mail."""

    folder: Path
    sink: Sink
    far: int
    sample: bytes

    def measure(self, case: Case, size: int) -> Round:
        """One round of ``size`` messages, and the same number by the limits."""
        port = self.far if case.far else self.sink.port
        with self.prepared(case, size) as (app, before):
            ours = self.timed(size, lambda: _drain(app))
        built = self.timed(size, lambda: _plain.built(port, self.sample, size))
        plain = self.timed(size, lambda: _plain.plain(port, len(self.sample), size))
        ready = None if case.far else self.timed(size, lambda: _plain.ready(port, self.sample, size))
        return Round(ours, before, built, plain, ready)

    @contextmanager
    def prepared(self, case: Case, size: int) -> Iterator[tuple[Flask, Prepared]]:
        """A site whose outbox holds ``size`` messages that are ready."""
        port = self.far if case.far else self.sink.port
        with _empty(case.database, self.folder) as url:
            app = _site(url, port, LOADS[case.load](size), case.connections)
            yield app, prepare(app)
            _let_go(app)

    def timed(self, count: int, send: Callable[[], None]) -> Speed:
        """How fast ``send`` sent exactly ``count`` messages."""
        before, start, cpu = self.sink.messages, time.perf_counter(), time.process_time()
        send()
        took, cpu = time.perf_counter() - start, time.process_time() - cpu
        self.sink.took(count, before)
        return Speed(count / took, cpu * 1000 / count)


def _cases(databases: Sequence[str]) -> Iterator[Case]:
    for database in databases:
        for load in LOADS:
            for connections in (1, 2, 4):
                yield Case("10", database, load, connections, goals=(0.9, 2.5))
    for connections, goal in ((1, 0.9), (4, 3.0)):
        yield Case("11", "SQLite", "one comment to all", connections, far=True, goals=(goal,))


def _site(url: str, port: int, talks: Sequence[Talk], connections: int) -> Flask:
    more: dict[str, Any] = {"SQLALCHEMY_DATABASE_URI": url, "MAIL_PORT": port, "FORUM_MAIL_CONNECTIONS": connections}
    return site(CONFIG | more, talks, answered=True)


def _drain(app: Flask) -> None:
    report = forum.drain(app, seconds=_LONGEST_SECONDS)
    if report.down:
        raise SystemExit(f"The mail server cannot be used: {report.down}")


def _every_mail_arrives(folder: Path) -> bytes:
    """Send a few mails to a server that keeps them, compare the Message-IDs, and return the bytes of one."""
    with sink(keeps=True) as server, _empty("SQLite", folder) as url:
        app = _site(url, server.port, crowd(_SAMPLE), 2)
        prepare(app)
        _drain(app)
        with app.app_context(), app.extensions[EXTENSION].open_session() as session:
            promised = sorted(session.scalars(select(Message.rfc_message_id)))
        _let_go(app)
        server.took(_SAMPLE, 0)
        kept = server.mails()
    if sorted(message_from_bytes(raw)["Message-ID"] for raw in kept) != promised:
        raise SystemExit("The mail server got other messages than were promised.")
    return kept[0]


def _profile(bench: Bench, cases: Sequence[Case], size: int, far_size: int) -> None:
    for case in cases:
        count = far_size if case.far else size
        with bench.prepared(case, count) as (app, _), _steps.watched() as clock:
            start = time.perf_counter()
            _drain(app)
            wall = time.perf_counter() - start
        print(f"\n{case.name}, {case.connections} connections: {count / wall:,.1f} mails/s\n")
        print(_steps.shares(clock, wall, case.connections, count))


@contextmanager
def _empty(database: str, folder: Path) -> Iterator[str]:
    """The URL of a new database of this kind."""
    if database == "PostgreSQL":
        with empty_postgres() as url:
            yield url
        return
    with tempfile.TemporaryDirectory(dir=folder) as place:
        yield f"sqlite:///{place}/mail.db"


def _let_go(app: Flask) -> None:
    with app.app_context():
        app.extensions["sqlalchemy"].engine.dispose()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="rounds of each line and its limits (3)")
    parser.add_argument("--size", type=int, default=1000, help="messages of each round (1000)")
    parser.add_argument("--far-size", type=int, default=100, help="the same over the long wire (100)")
    parser.add_argument("--only", default="", help="lines whose row and name hold this text")
    parser.add_argument("--profile", action="store_true", help="print where the time goes instead of the table")
    parser.add_argument("--save", type=Path, metavar="FILE", help="write the table there too")
    return parser.parse_args()


def _notes(wanted: argparse.Namespace, databases: Sequence[str], octets: int) -> Iterator[str]:
    yield f"{wanted.rounds} rounds of {wanted.size} messages ({wanted.far_size} far away) of about {octets:,} bytes."
    yield "Limit A: one smtplib connection, an EmailMessage like ours built for each. B: the bytes ready made."
    yield "Plain: as A, but each message is one part of plain text of the same size."
    if "PostgreSQL" not in databases:
        yield "PostgreSQL did not answer: set FORUM_BENCH_PG_URL."
    yield f"Measured on {os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}."


def _report(lines: Sequence[str], save: Path | None) -> None:
    page = "\n".join(lines)
    print(page)
    if save is not None:
        save.write_text(page + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
