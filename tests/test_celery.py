"""Delivery by real workers of Celery over a real Redis and a real RabbitMQ, to a real mail server."""

from __future__ import annotations

import ast
import configparser
import datetime as dt
import logging
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import tomllib
from asyncio import Event
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from celery import Celery
from celery.app.task import Task
from celery.bin.celery import celery as celery_commands
from celery.signals import worker_process_init
from flask import Flask
from kombu import Connection
from kombu.exceptions import OperationalError

from forum import SettingsError, siteconfig
from forum.celery import TASK, Bell, deliver_with, rounds, site_celery
from forum.errors import MailNotConfigured
from forum.mail.deliver import Report
from forum.models import Message
from tests.services import RUNNING_REDIS, Sink, missing
from tests.visitors import Site

ROOT = Path(__file__).parent.parent
RUNNING_RABBITMQ = "amqp://guest:guest@127.0.0.1:5672"
SCALING = (ROOT / "docs" / "scaling.md").read_text()
MAIL = {
    "FORUM_BASE_URL": "http://localhost",
    "FORUM_MAIL_FROM": "notify@forum.example",
    "FORUM_MAIL_TRANSPORT": "mailbox",
}
PATIENCE = 40.0
# The reference site with a beat in a hurry.
HURRIED = (
    "from forum.celery import rounds\nrounds.SWEEP_SECONDS = 0.5\n"
    "from wsgi import app\ncelery = app.extensions['celery']\n"
)


def until(condition: Callable[[], bool]) -> bool:
    """Wait until ``condition`` holds; False when it does not in time."""
    tick = threading.Event()
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        if condition():
            return True
        tick.wait(0.02)
    return False


@pytest.fixture(scope="session")
def rabbitmq_host() -> Iterator[str]:
    """The URL of a virtual host of RabbitMQ of this process's own, removed when the session ends."""
    if named := os.environ.get("FORUM_TEST_AMQP_URL"):
        yield named
        return
    name = f"forum_test_{os.getpid()}"
    if not shutil.which("rabbitmqctl") or not control("add_vhost", name):
        missing(
            "RabbitMQ", "start one that rabbitmqctl reaches, or set FORUM_TEST_AMQP_URL to a virtual host for tests"
        )
    control("set_permissions", "-p", name, "guest", ".*", ".*", ".*")
    yield f"{RUNNING_RABBITMQ}/{name}"
    control("delete_vhost", name)


def control(*words: str) -> bool:
    """Run rabbitmqctl; False when it fails."""
    return subprocess.run(["rabbitmqctl", "-q", *words], capture_output=True, timeout=60).returncode == 0


@pytest.fixture
def rabbitmq_url(rabbitmq_host: str) -> Iterator[str]:
    """The same with an empty queue."""
    yield rabbitmq_host
    with Connection(rabbitmq_host) as connection:
        connection.default_channel.queue_delete("forum")


@pytest.fixture(params=["redis_url", "rabbitmq_url"])
def broker(request: pytest.FixtureRequest) -> str:
    """The URL of a broker, one after the other."""
    url: str = request.getfixturevalue(request.param)
    return url


@pytest.fixture
def black_hole() -> Iterator[socket.socket]:
    """A port of this machine that lets everybody in and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening


class Worker:
    """A worker of Celery as people start it, for the reference site with ``config``."""

    def __init__(self, home: Path, config: dict[str, Any], *options: str, of: str = "wsgi.celery") -> None:
        (home / "hurried.py").write_text(HURRIED)
        self.log = home / f"worker-{len(list(home.glob('worker-*')))}.log"
        command = [sys.executable, "-m", "celery", "-A", of, "worker", "--loglevel=INFO", "--without-mingle", *options]
        settings = {key: str(value) for key, value in config.items()}
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                command,
                cwd=ROOT,
                env={**os.environ, "PYTHONPATH": f"{home}:{ROOT}", **settings},
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        assert until(lambda: "ready." in self.said() or self.process.poll() is not None), self.said()
        assert self.process.poll() is None, self.said()

    def said(self) -> str:
        """What it has logged."""
        return self.log.read_text()

    def stop(self) -> int:
        """Tell it to end, wait, and return its exit code."""
        self.process.terminate()
        return self.process.wait(PATIENCE)

    def kill(self) -> None:
        """End it and its children at once, in the middle of whatever they do."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(PATIENCE)


class Crowd:
    """The reference site of one test, its mail server, and workers for it."""

    def __init__(self, home: Path, make_site: Callable[..., Site], sink: Sink) -> None:
        self.home, self.sink, self._make_site = home, sink, make_site
        self.workers: list[Worker] = []
        self._bells: list[Bell] = []
        self.config = {
            "FORUM_ENV": "development",
            "SECRET_KEY": "a secret for tests",
            "SQLALCHEMY_DATABASE_URI": f"sqlite:///{home / 'celery.db'}",
            "FORUM_BASE_URL": "http://localhost",
            "FORUM_DELIVERY": "celery",
            "FORUM_MAIL_TRANSPORT": "smtp",
            "MAIL_SERVER": sink.host,
            "MAIL_PORT": sink.port,
        }

    def site(self, broker: str, **config: Any) -> Site:
        """The site as a web process has it, with the time of the world."""
        made = self._make_site(**{**self.config, "FORUM_CELERY_BROKER": broker, **config})
        made.state.clock = lambda: dt.datetime.now(dt.UTC)
        made.add_article()
        self._bells.append(made.state.kick.__self__)  # type: ignore[attr-defined]
        return made

    def worker(self, broker: str, *options: str, of: str = "wsgi.celery", **config: Any) -> Worker:
        """A worker that is ready."""
        config = {**self.config, "FORUM_CELERY_BROKER": broker, **config}
        self.workers.append(Worker(self.home, config, *options, of=of))
        return self.workers[-1]

    def sweeper(self, broker: str, **config: Any) -> Worker:
        """A worker with a beat of its own that looks into the outbox twice a second."""
        return self.worker(broker, "-B", "-c", "1", of="hurried.celery", **config)

    def leave(self) -> None:
        """End the workers, and wait until nobody here says anything to a broker any more."""
        for worker in self.workers:
            if worker.process.poll() is None:
                worker.kill()
        assert all(until(lambda bell=bell: bell._fails or not bell._busy) for bell in self._bells)

    def got(self) -> Counter[str]:
        """How many mails everybody got."""
        return Counter(to for message in self.sink.messages for to in message.rcpt_tos)


@pytest.fixture
def crowd(tmp_path: Path, make_site: Callable[..., Site], smtp_sink: Sink) -> Iterator[Crowd]:
    """A site whose workers end with the test. A test asks for its broker first, so that it is emptied last."""
    crowd = Crowd(tmp_path, make_site, smtp_sink)
    yield crowd
    crowd.leave()


def ask(site: Site, times: int = 1) -> list[str]:
    """Have ``times`` people post, who are to be asked by mail to confirm; return their addresses."""
    addresses = [f"ann{number}@reader{number}.example" for number in range(times)]
    for address in addresses:
        site.comment(name="Ann", email=address, notify="direct")
    return addresses


def silence(site: Site) -> None:
    """Have the site tell nobody of its comments."""
    site.state.kick = lambda: None


def waiting(broker: str) -> int:
    """How many tasks lie in the queue."""
    with Connection(broker) as connection:
        try:
            return int(connection.default_channel.queue_declare("forum", passive=True).message_count)
        except (OperationalError, *connection.channel_errors):
            return 0


def stall(sink: Sink) -> tuple[threading.Event, Callable[[], None]]:
    """Have the mail server think about its first message: when it does so, and what ends it."""
    thinks, loops, done = threading.Event(), [], Event()
    take = sink.handle_DATA

    async def handle_DATA(server: Any, session: Any, envelope: Any) -> str:
        if not thinks.is_set():
            loops.append(server.loop)
            thinks.set()
            await done.wait()
        return await take(server, session, envelope)

    sink.handle_DATA = handle_DATA  # type: ignore[method-assign]
    return thinks, lambda: loops[0].call_soon_threadsafe(done.set)


def test_a_worker_delivers_what_a_comment_asks_for(broker: str, crowd: Crowd) -> None:
    """A comment rings for a worker, which sends the mail; the web process sends none, and no beat is needed."""
    site = crowd.site(broker)
    crowd.worker(broker, "-c", "1")
    ask(site)
    assert until(lambda: crowd.got() == {"ann0@reader0.example": 1})


def test_a_lost_task_is_made_good(rabbitmq_url: str, crowd: Crowd) -> None:
    """When a broker forgets its tasks the mail leaves all the same, with the next sweep."""
    site = crowd.site(rabbitmq_url)
    ask(site)
    assert until(lambda: waiting(rabbitmq_url) == 1)
    with Connection(rabbitmq_url) as connection:
        connection.default_channel.queue_purge("forum")
    crowd.sweeper(rabbitmq_url)
    assert until(lambda: crowd.got() == {"ann0@reader0.example": 1})


def test_a_task_that_comes_twice_sends_nothing_twice(broker: str, crowd: Crowd) -> None:
    """Six tasks that two processes work on at once send each of six mails once."""
    site = crowd.site(broker)
    silence(site)
    addresses = ask(site, 6)
    celery: Celery = site.app.extensions["celery"]
    with celery.connection_for_write() as connection:
        for _ in range(6):
            celery.tasks[TASK].apply_async(connection=connection)
    worker = crowd.worker(broker, "-c", "2")
    assert until(lambda: len(re.findall(rf"{TASK}\[[^]]+\] succeeded", worker.said())) == 6), worker.said()
    assert crowd.got() == dict.fromkeys(addresses, 1)


def test_a_killed_worker_loses_nothing(redis_url: str, crowd: Crowd) -> None:
    """What a worker held when it was killed, on the wire or not, is delivered by another when the lease is over.

    A mail that was accepted right before the kill may come twice, and none more often.
    """
    brief = {"FORUM_MAIL_POST_DOT_TIMEOUT": 4, "FORUM_MAIL_LEASE_SECONDS": 5}
    thinks, _ = stall(crowd.sink)
    site = crowd.site(redis_url, **brief)
    silence(site)
    addresses = ask(site, 3)
    worker = crowd.sweeper(redis_url, **brief)
    assert thinks.wait(PATIENCE), worker.said()
    worker.kill()
    assert crowd.got().total() < 3
    crowd.sweeper(redis_url, **brief)
    assert until(lambda: crowd.got().keys() == set(addresses))
    assert max(crowd.got().values()) <= 2


def test_a_worker_that_is_told_to_end_ends_well(redis_url: str, crowd: Crowd) -> None:
    """On SIGTERM the mail on the wire is finished and noted as sent; then the worker goes."""
    thinks, answer = stall(crowd.sink)
    site = crowd.site(redis_url)
    worker = crowd.worker(redis_url, "-c", "1")
    ask(site)
    assert thinks.wait(PATIENCE), worker.said()
    worker.process.terminate()
    assert until(lambda: "Warm shutdown" in worker.said())
    answer()
    assert worker.process.wait(PATIENCE) == 0, worker.said()
    with site.session() as session:
        assert [message.state for message in session.query(Message)] == ["sent"]


def test_a_broker_that_says_nothing_holds_nobody_up(redis_url: str, black_hole: socket.socket, crowd: Crowd) -> None:
    """With a broker that swallows everything, posting takes no longer than with none, and the mail leaves later."""
    site = crowd.site(f"redis://127.0.0.1:{black_hole.getsockname()[1]}/0")
    ring = site.state.kick

    def seconds(kick: Callable[[], None]) -> float:
        site.state.kick = kick
        began = time.perf_counter()
        ask(site, 5)
        return time.perf_counter() - began

    usual = seconds(lambda: None)
    # One that waited for the broker would take two seconds more, at least.
    assert seconds(ring) < 3 * usual + 1
    crowd.sweeper(redis_url)
    assert until(lambda: len(crowd.got()) == 5)


@pytest.mark.parametrize("scheme", ["redis", "amqp"])
def test_a_broker_that_says_nothing_is_given_up(
    make_site: Callable[..., Site], black_hole: socket.socket, scheme: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Whoever waits for such a broker stops waiting, and says so once."""
    address = f"{scheme}://127.0.0.1:{black_hole.getsockname()[1]}"
    site = make_site(FORUM_DELIVERY="celery", FORUM_CELERY_BROKER=address)
    with caplog.at_level(logging.WARNING, "forum.celery"):
        site.state.kick()
        assert until(lambda: "the broker cannot be reached" in caplog.text)
    site.state.kick()
    assert caplog.text.count("the broker cannot be reached") == 1


def test_rings_of_one_moment_are_one() -> None:
    """However many comments come while one task is on its way, one more is asked for."""
    published, go_on = [], threading.Event()

    def publish() -> None:
        published.append(1)
        go_on.wait(PATIENCE)

    bell = Bell(publish, pause=0)
    for _ in range(20):
        bell.ring()
    assert until(lambda: published == [1])
    go_on.set()
    assert until(lambda: not bell._busy)
    assert published == [1, 1]


def test_a_broker_that_fails_is_left_alone(caplog: pytest.LogCaptureFixture) -> None:
    """After a failure nobody tries again for a while, and one line of the log speaks of it."""
    tried = []

    def publish() -> None:
        tried.append(1)
        raise OSError("connection refused")

    bell = Bell(publish, pause=0, rest=3600)
    bell.ring()
    assert until(lambda: "connection refused" in caplog.text)
    for _ in range(20):
        bell.ring()
    assert tried == [1]
    assert not bell.reach()
    assert caplog.text.count("connection refused") == 1


def test_each_outage_is_told(caplog: pytest.LogCaptureFixture) -> None:
    """A broker that came back and went away again is worth a second line."""
    answers = iter([OSError("first"), None, OSError("second")])

    def publish() -> None:
        if error := next(answers):
            raise error

    bell = Bell(publish)
    assert [bell.reach() for _ in range(3)] == [False, True, False]
    assert caplog.text.count("the broker cannot be reached") == 2


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_forked_process_rings() -> None:
    """A process forked while its parent publishes, even in the middle of a ring, publishes by itself."""
    seen: list[int] = []
    bell = Bell(lambda: seen.append(os.getpid()), pause=0)
    bell.ring()
    assert until(lambda: os.getpid() in seen)
    with bell._lock:
        child = os.fork()
        if child == 0:
            bell.ring()
            os._exit(0 if until(lambda: os.getpid() in seen) else 1)
    assert os.waitpid(child, 0)[1] == 0


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_worker_talks_to_the_database_for_itself(make_site: Callable[..., Site]) -> None:
    """A forked worker uses no connection of its parent, and the parent keeps its own."""
    site = make_site(FORUM_DELIVERY="celery", FORUM_CELERY_BROKER=RUNNING_REDIS)
    with site.app.app_context():
        engine = site.state.db.engine
    parents = engine.pool
    child = os.fork()
    if child == 0:
        worker_process_init.send(sender=None)
        os._exit(0 if engine.pool is not parents else 1)
    assert os.waitpid(child, 0)[1] == 0
    worker_process_init.send(sender=None)
    assert engine.pool is parents


def celery_of(app: Flask) -> Celery:
    """A Celery as Flask's documentation makes one, which delivers."""

    class InContext(Task):  # type: ignore[misc]
        def __call__(self, *args: object, **kwargs: object) -> object:
            with app.app_context():
                return self.run(*args, **kwargs)

    made = Celery(app.name, task_cls=InContext, broker="memory://", set_as_current=False)
    deliver_with(made, app)
    return made


def test_a_host_keeps_its_own_celery(make_host: Callable[..., Site]) -> None:
    """What a host sets, before or after, holds: its beat, its routes, the class of its tasks."""
    site = make_host()
    celery = celery_of(site.app)
    celery.conf.beat_schedule = {"theirs": {"task": "theirs", "schedule": 60.0}}
    celery.conf.task_routes = {TASK: {"queue": "mail"}}
    assert {entry["task"]: entry["schedule"] for entry in celery.conf.beat_schedule.values()} == {
        "theirs": 60.0,
        TASK: 30.0,
    }
    assert isinstance(celery.tasks[TASK], celery.Task)
    assert celery.amqp.router.route({}, TASK)["queue"].name == "mail"


def test_the_task_delivers(make_host: Callable[..., Site]) -> None:
    """Run by whichever Celery, the task sends what is due."""
    site = make_host()
    celery = celery_of(site.app)
    silence(site)
    site.comment(name="Ann", email="ann@reader.example", notify="direct")
    site.clock.advance(1)
    celery.tasks[TASK]()
    assert len(site.mails("ann@reader.example")) == 1


def test_work_that_is_left_is_asked_for(make_host: Callable[..., Site], monkeypatch: pytest.MonkeyPatch) -> None:
    """A task whose time was over before its work asks for another; one whose mail server is down does not."""
    celery = celery_of(make_host().app)
    reports = iter([Report(unfinished=True), Report(unfinished=True, down="no route to host"), Report()])
    monkeypatch.setattr(rounds, "drain", lambda app, *, seconds: next(reports))
    for _ in range(3):
        celery.tasks[TASK]()
    with celery.connection_for_read() as connection:
        assert connection.default_channel.queue_declare("celery", passive=True).message_count == 1
        connection.default_channel.queue_delete("celery")


def test_a_worker_without_the_settings_of_mail_says_so(make_host: Callable[..., Site]) -> None:
    """A worker that knows no mail server takes nothing out of the outbox."""
    celery = celery_of(make_host(FORUM_MAIL_FROM="").app)
    with pytest.raises(MailNotConfigured, match="FORUM_MAIL_FROM"):
        celery.tasks[TASK]()
    assert not celery.conf.beat_schedule


def test_in_development_the_web_process_may_deliver(make_host: Callable[..., Site]) -> None:
    """A host that always calls `deliver_with` needs no broker where FORUM_DELIVERY is "in-process"."""
    site = make_host(FORUM_DELIVERY="in-process")
    kick = site.state.kick
    celery_of(site.app)
    assert site.state.kick == kick


@pytest.mark.parametrize(
    ("config", "package", "sentence"),
    [
        ({}, None, "FORUM_CELERY_BROKER is not set"),
        ({"FORUM_CELERY_BROKER": RUNNING_RABBITMQ}, "celery", r"pip install 'flask-forum\[celery\]'"),
        ({"FORUM_CELERY_BROKER": RUNNING_REDIS}, "redis", r"pip install 'flask-forum\[celery\]'"),
    ],
)
def test_a_site_that_cannot_have_celery_says_why(
    make_site: Callable[..., Site], monkeypatch: pytest.MonkeyPatch, config: dict[str, str], package: str, sentence: str
) -> None:
    """Without a broker or a package the reference site does not start, and says what to do."""
    monkeypatch.setattr("forum.celery.site.find_spec", lambda name: None if name == package else ...)
    with pytest.raises(SettingsError, match=sentence):
        make_site(FORUM_DELIVERY="celery", **config)


def test_a_worker_of_a_site_without_celery_says_why(site: Site) -> None:
    """Whoever starts a worker for a site that delivers otherwise is told which setting to change."""
    with pytest.raises(SettingsError, match='FORUM_DELIVERY = "off" uses no Celery'):
        site_celery(site.app)


def blocks(language: str) -> list[str]:
    """The examples of docs/scaling.md in one language, in their order."""
    return re.findall(rf"^```{language}\n(.*?)^```$", SCALING, re.MULTILINE | re.DOTALL)


def test_the_page_gives_a_host_celery(monkeypatch: pytest.MonkeyPatch, adopt: Callable[[Flask], Site]) -> None:
    """The examples for a host with Celery make an app whose mail has a task, a beat and a queue of its own."""
    own = {"SECRET_KEY": "x", "SQLALCHEMY_DATABASE_URI": "sqlite://", "BROKER": "memory://", **MAIL}
    for key, value in own.items():
        monkeypatch.setenv(f"FLASK_{key}", value)
    names: dict[str, Any] = {"__name__": "docs_scaling"}
    for example in blocks("python")[:2]:
        exec(compile(example, "docs/scaling.md", "exec"), names)
    celery = adopt(names["create_app"]()).app.extensions["celery"]
    names["on_its_own_queue"](celery)
    assert list(celery.conf.beat_schedule) == [TASK]
    assert celery.amqp.router.route({}, TASK)["queue"].name == "mail"


def test_other_queues_have_examples() -> None:
    """Four other queues are shown, each with a task that drains; Python can read them."""
    examples = blocks("python")[2:]
    assert [ast.parse(example).body[-1].lineno > 0 for example in examples] == [True] * 4
    assert all("    drain(app)\n" in example for example in examples)


@pytest.mark.parametrize("example", blocks("toml"))
def test_the_settings_of_the_page_are_settings(example: str) -> None:
    """The page shows no key and no value that the configuration would refuse."""
    assert siteconfig.check(tomllib.loads(example)) == {}


def test_the_commands_of_the_page_are_commands() -> None:
    """Each call of Celery on the page, in a unit or a shell, has options that Celery has."""
    lines = re.findall(r"celery -A wsgi\.celery +(worker|beat)((?: +--.*)?)$", SCALING, re.MULTILINE)
    assert len(lines) == 4
    for command, rest in lines:
        known = {name for parameter in celery_commands.commands[command].params for name in parameter.opts}
        assert set(re.findall(r"--[a-z]+", rest)) <= known


@pytest.mark.parametrize("example", blocks("ini"))
def test_the_units_of_the_page_name_what_is_there(example: str) -> None:
    """Each unit has the sections of one, runs in the checkout and waits longer than a task may last."""
    unit = configparser.ConfigParser(interpolation=None)
    unit.optionxform = str  # type: ignore[assignment, method-assign]
    unit.read_string(example)
    assert unit.sections() == ["Unit", "Service", "Install"]
    assert re.search(r"/\.venv/bin/(celery -A wsgi\.celery|gunicorn .*wsgi:app)", unit["Service"]["ExecStart"])
    assert unit["Service"].getint("TimeoutStopSec", 90) > 25
