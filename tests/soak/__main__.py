"""``make soak [ARGS="--minutes 3 --database sqlite --seed 7"]``: post, mail and kill for some minutes, then prove.

Ends with 1 and the claims that failed, if any did.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median
from typing import Any, NoReturn

from sqlalchemy.orm import Session

from forum import create_app, migrations
from forum.settings import Settings
from forum.tokens import Keys
from tests.services import RUNNING_MARIADB, RUNNING_POSTGRES, _on, clusters, first_that_works

from .attack import Attacker
from .clients import Client
from .processes import ROOT, Process, Web, free_port
from .proof import Evidence, failures
from .rooms import REPLIES, furnish
from .sink import copies
from .watch import Watch, hurry

SECRET = "a secret for the soak only"
CLIENTS = 4
LEASE, ANSWER = 6, 4
# Clients wait while more than this is undelivered: the end would otherwise take longer than the soak.
BEHIND = 100
# More than anybody posts: rooms are never used up.
POSTS_A_SECOND = 30
SECONDS_TO_FINISH = 180.0
_ERROR = re.compile(r"^((?:\w+\.)*\w*(?:Error|Exception|Interrupt)\b.{0,90})", re.MULTILINE)


def main() -> int:
    """Run the soak, print its figures, and return the status to exit with."""
    wanted = _arguments()
    signal.signal(signal.SIGTERM, _end)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="forum-soak-")))
        uri = _database(stack, wanted.database, folder)
        began = time.monotonic()
        soak = _Soak(stack, folder, uri, wanted)
        soak.run(wanted.minutes * 60)
        return soak.report(time.monotonic() - began)


class _Soak:
    """Everything that runs, from the mail server to whoever kills."""

    def __init__(self, stack: ExitStack, folder: Path, uri: str, wanted: argparse.Namespace) -> None:
        self.wanted, self.hurried = wanted, 0
        self.mails, self.log = folder / "mails", folder / "log"
        sink_port, port = stack.enter_context(_sink(self.mails, wanted.seed)), free_port()
        config = _config(uri, sink_port, port, wanted.connections)
        app = create_app(ROOT, **config)
        with app.app_context():
            self.engine = app.extensions["sqlalchemy"].engine
        stack.callback(self.engine.dispose)
        migrations.upgrade(self.engine)
        with Session(self.engine) as session:
            rooms = furnish(session, int(wanted.minutes * 60 * POSTS_A_SECOND / REPLIES) + CLIENTS)
        web, self.deliverers = _processes(stack, _environment(config, folder), port, self.log)
        dice = [random.Random(f"{wanted.seed}/{number}") for number in range(CLIENTS + 1)]
        keys = Keys([SECRET])
        self.clients = [Client(port, keys, rooms[number::CLIENTS], dice[number]) for number in range(CLIENTS)]
        self.attacker = Attacker(web, self.deliverers, dice[CLIENTS], freeze=LEASE + 2)
        self.watch = Watch(self.engine)

    def run(self, seconds: float) -> None:
        """Let everybody loose for ``seconds``, then let delivery finish in peace; raises what went wrong with them."""
        resting = threading.Event()
        with ThreadPoolExecutor(CLIENTS + 2) as pool:
            watching = pool.submit(self.watch.look_until, resting)
            try:
                self._rage(pool, seconds)
                self._finish()
            finally:
                resting.set()
            watching.result()

    def _rage(self, pool: ThreadPoolExecutor, seconds: float) -> None:
        ended = threading.Event()
        running = [pool.submit(client.post_until, ended, self._is_behind) for client in self.clients]
        running.append(pool.submit(self.attacker.strike_until, ended))
        try:
            ended.wait(seconds)
        finally:
            ended.set()
        for act in running:
            act.result()

    def _is_behind(self) -> bool:
        return self.watch.open > BEHIND

    def _finish(self) -> None:
        """Wait until nothing is left to be sent, without waiting for the hours of the retry schedule."""
        until = time.monotonic() + SECONDS_TO_FINISH
        while time.monotonic() < until:
            self.hurried += hurry(self.engine)
            self.watch.look()
            if not self.watch.open:
                return
            time.sleep(1)

    def report(self, seconds: float) -> int:
        """Print the figures and what is not true; 1 if anything is not."""
        replies = [reply for client in self.clients for reply in client.replies]
        evidence = Evidence(self.engine, replies, copies(self.mails), self.attacker.blows, self.wanted.connections)
        for name, figure in self._figures(evidence, seconds):
            print(f"| {name} | {figure} |")
        wrong = list(failures(evidence))
        print("\n".join(wrong) or "Everything that must hold holds.")
        return 1 if wrong else 0

    def _figures(self, evidence: Evidence, seconds: float) -> Iterator[tuple[str, object]]:
        answers = sum((client.answers for client in self.clients), Counter[int]())
        yield "database, seed", f"{self.wanted.database}, {self.wanted.seed}"
        yield "connections of a deliverer", self.wanted.connections
        yield "minutes of attacks, seconds in all", f"{self.wanted.minutes:g}, {seconds:.0f}"
        yield "comments posted", len(evidence.replies)
        yield "acknowledged", sum(reply.stored is not None for reply in evidence.replies)
        yield "requests by answer (0: connection lost)", dict(sorted(answers.items()))
        yield "(comment, reader) due", len(evidence.due)
        yield "mails accepted", len(evidence.copies)
        for kind, number in sorted(Counter(blow.kind for blow in self.attacker.blows).items()):
            yield f"attacks: {kind}", number
        yield "deliverers that ended by themselves", sum(process.deaths for process in self.deliverers)
        yield "leases seen to run out", len(self.watch.run_out)
        yield "messages in doubt", sum(bool(message.ambiguous) for message in evidence.messages.values())
        yield "extra copies", evidence.extra
        for kind, number in Counter(blow.kind for _, blow in evidence.laid if blow).items():
            yield f"of these after: {kind}", number
        yield "given up in double doubt", len(evidence.given_up)
        yield "retries brought forward in the end", self.hurried
        yield "publication to acceptance, median and longest", _spread(evidence.waits)
        for error, number in _errors(self.log).most_common():
            yield f"logged {number} times", error


def _spread(waits: Sequence[float]) -> str:
    return f"{median(waits):.2f} s, {max(waits):.2f} s" if waits else "none"


def _errors(log: Path) -> Counter[str]:
    """What the processes ended a traceback with, without the particulars."""
    return Counter(_ERROR.findall(log.read_text(encoding="utf-8", errors="replace")))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, prog="make soak")
    parser.add_argument("--minutes", type=float, default=3.0)
    parser.add_argument("--database", choices=("sqlite", "postgresql", "mariadb"), default="sqlite")
    parser.add_argument("--connections", type=int, default=Settings.model_fields["mail_connections"].default)
    parser.add_argument("--seed", default=str(random.SystemRandom().randrange(10_000)))
    return parser.parse_args()


def _database(stack: ExitStack, kind: str, folder: Path) -> str:
    """The URL of an empty database that is gone when ``stack`` is closed."""
    if kind == "sqlite":
        return f"sqlite:///{folder / 'soak.db'}"
    running = RUNNING_POSTGRES if kind == "postgresql" else (RUNNING_MARIADB,)
    offers = [*map(_on, running), *(clusters() if kind == "postgresql" else [])]
    url = first_that_works(stack, offers)
    return url or sys.exit(f"There is no {kind} to run on.")


def _config(uri: str, sink_port: int, port: int, connections: int) -> dict[str, Any]:
    return {
        "SECRET_KEY": SECRET,
        "SQLALCHEMY_DATABASE_URI": uri,
        "MAIL_SERVER": "127.0.0.1",
        "MAIL_PORT": sink_port,
        "FORUM_BASE_URL": f"http://127.0.0.1:{port}",
        "FORUM_DELIVERY": "off",
        "FORUM_MODERATION": "none",
        "FORUM_RATE_LIMITS": [],
        "FORUM_MIN_SECONDS": 0,
        "FORUM_MAIL_TRANSPORT": "smtp",
        "FORUM_MAIL_FROM": "notify@forum.example",
        "FORUM_MAIL_HOLD_SECONDS": 0,
        "FORUM_MAIL_COOLDOWN_SECONDS": 0,
        "FORUM_MAIL_MAX_PER_DAY": 1000,
        "FORUM_MAIL_DOMAIN_RATE": 0,
        "FORUM_MAIL_CONNECTIONS": connections,
        "FORUM_MAIL_LEASE_SECONDS": LEASE,
        "FORUM_MAIL_POST_DOT_TIMEOUT": ANSWER,
    }


def _environment(config: dict[str, Any], folder: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("FORUM_", "MAIL_", "FLASK_"))}
    texts = {key: value if isinstance(value, str) else json.dumps(value) for key, value in config.items()}
    return kept | texts | {"FORUM_ENV": "production", "SOAK_FOLDER": str(folder)}


@contextmanager
def _sink(mails: Path, seed: str) -> Iterator[int]:
    mails.touch()
    command = [sys.executable, "-m", "tests.soak.sink", str(mails), seed]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, start_new_session=True, text=True) as process:
        assert process.stdout is not None
        try:
            yield int(process.stdout.readline())
        finally:
            process.kill()


def _processes(stack: ExitStack, environment: dict[str, str], port: int, log: Path) -> tuple[Web, list[Process]]:
    web = Web(port, environment, log)
    stack.callback(web.stop)
    command = ["flask", "--app", "tests.soak.site", "forum", "deliver", "--watch"]
    deliverers = []
    for _ in range(2):
        deliverers.append(Process(command, environment, log))
        stack.callback(deliverers[-1].stop)
    web.wait()
    return web, deliverers


def _end(*_: object) -> NoReturn:
    raise SystemExit("The soak was ended.")


if __name__ == "__main__":
    sys.exit(main())
