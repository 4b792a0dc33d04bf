"""Processes that die at a named point: the crash points of posting and of delivery, without a hook in the product.

Each run is a process of its own, forked from one that has everything imported. It makes the app, wraps the one
function whose boundary is the point, acts, and says what came of it; at the point it sends itself a signal.
Some act without such a point: their clock leaps (K15), or they have another template (K17).

====  =========================================  ====================================================
K1    before the comment's transaction commits   before `Session.commit` of a submission
K2    after that commit, before any wake-up      after it
K3    amid fan-out                               after the second chunk, before its commit
K4    after the items, before a message          before `outbox.group`
K5    two group at once                          after `outbox.group`, before its commit (frozen)
K5b   the other of the two                       before `drain` (frozen)
K6    after the claim, before the connection     before `letters.prepare`
K7    after the gate, before `sending`           before `outbox.mark_sending`
K8    after `sending`, before MAIL FROM          before `Connection.hand_over`
K9    amid the content, before the dot           `Client.write` with half of the content sent
K10   after the dot, before 250                  before `Client.getreply` in the phase `dot`
K11   after 250, before `sent` is committed      after `Client.write`
K11b  the same, within the transaction           after `outbox.settle`
K12   after `sent`, before QUIT                  before `Connection.__exit__`
K13   250 was heard, the database is away        before `Outgoing.pause`, the third time (frozen)
K14   asleep past the lease, before `sending`    before a letter is rendered (frozen)
K14b  the same, after `sending`                  before `Connection.hand_over` (frozen)
K18   told to end while a mail is on the wire    before `Client.write` (SIGTERM)
K19   amid a press on many comments              before `Session.commit` of its second chunk
K19b  the same, when that chunk is stored        after it
====  =========================================  ====================================================
"""

from __future__ import annotations

import contextlib
import datetime as dt
import importlib
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial, reduce, wraps
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Literal

from flask import Flask
from jinja2 import ChoiceLoader, DictLoader

import forum.mail.deliver
from forum import create_app
from forum.cli import forum_cli
from tests.visitors import SAME_ORIGIN, Clock, Site

ROOT = Path(__file__).parent.parent
# For what takes a moment on an idle machine; a test that needs all of it fails.
PATIENCE = 30.0
_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(["__main__", __name__])


@dataclass(frozen=True)
class Point:
    """The boundary of a function: ``where`` is its module and name, as ``nth`` call counted from 1.

    ``amid`` is for `Client.write` alone: half of the content is on the wire. With a ``phase`` only the calls count
    that find the client in it.
    """

    where: str
    when: Literal["before", "after", "amid"] = "before"
    nth: int = 1
    phase: str | None = None


POINTS = {
    "K1": Point("sqlalchemy.orm.session:Session.commit"),
    "K2": Point("sqlalchemy.orm.session:Session.commit", "after"),
    "K3": Point("forum.outbox:fan_out", "after", nth=2),
    "K4": Point("forum.outbox:group"),
    "K5": Point("forum.outbox:group", "after"),
    "K5b": Point("forum.mail.deliver:drain"),
    "K6": Point("forum.mail.letters:prepare"),
    "K7": Point("forum.outbox:mark_sending"),
    "K8": Point("forum.mail.smtp:Connection.hand_over"),
    "K9": Point("forum.mail.smtp:Client.write", "amid"),
    "K10": Point("forum.mail.smtp:Client.getreply", phase="dot"),
    "K11": Point("forum.mail.smtp:Client.write", "after"),
    "K11b": Point("forum.outbox:settle", "after"),
    "K12": Point("forum.mail.smtp:Connection.__exit__"),
    "K13": Point("forum.mail.outgoing:Outgoing.pause", nth=3),
    "K14": Point("forum.mail.compose:reply"),
    "K14b": Point("forum.mail.smtp:Connection.hand_over"),
    "K18": Point("forum.mail.smtp:Client.write"),
    "K19": Point("sqlalchemy.orm.session:Session.commit", nth=2),
    "K19b": Point("sqlalchemy.orm.session:Session.commit", "after", nth=2),
}

Act = Callable[[Flask, Any], object]


def deliver(app: Flask, _: Any) -> dict[str, int]:
    """Drain the outbox once; what became of the messages."""
    with app.app_context():
        return dict(forum.mail.deliver.drain(app.extensions["forum"].courier()).states)


def command(app: Flask, words: list[str]) -> int:
    """Be `flask forum` with these words; the exit status."""
    return app.test_cli_runner().invoke(forum_cli, words).exit_code


def post(app: Flask, form: dict[str, str]) -> int:
    """Submit a filled comment form; the status of the answer."""
    return app.test_client().post("/forum/comments", data=form, headers=SAME_ORIGIN).status_code


def press(app: Flask, sent: tuple[str, dict[str, Any], str]) -> int:
    """Send a form of the desk, as its path, its fields and the value of the session's cookie; the status."""
    path, fields, cookie = sent
    client = app.test_client()
    client.set_cookie("session", cookie)
    return client.post(path, data=fields, headers=SAME_ORIGIN).status_code


def leap(app: Flask, seconds: float) -> dict[str, int]:
    """Drain the outbox by a clock that is so much later at every look; what became of the messages."""
    clock = Clock(app.extensions["forum"].clock())

    def leaping() -> dt.datetime:
        clock.advance(seconds)
        return clock()

    app.extensions["forum"].clock = leaping
    return deliver(app, None)


def deploy(app: Flask, templates: dict[str, str]) -> dict[str, int]:
    """Drain the outbox with other templates of these names; what became of the messages."""
    loaders = [DictLoader(templates), app.jinja_env.loader]
    app.jinja_env.loader = ChoiceLoader([loader for loader in loaders if loader])
    return deliver(app, None)


class Doomed:
    """A running process that acts on ``site`` as of ``config`` and gets ``sent`` at its ``point``, a name in POINTS.

    Its clock is ``ahead`` of the site's by so many seconds; ``also`` sets attributes of modules, as "module:name",
    before its app is made.
    """

    def __init__(
        self,
        site: Site,
        config: dict[str, Any],
        act: Act = deliver,
        point: str | None = None,
        *,
        sent: signal.Signals = signal.SIGKILL,
        argument: Any = None,
        also: dict[str, Any] | None = None,
        ahead: float = 0,
    ) -> None:
        self._pipe, theirs = _FORKS.Pipe(duplex=False)
        place = site.clock() + dt.timedelta(seconds=ahead), site.app.instance_path
        where = POINTS[point] if point else None
        self._process = _FORKS.Process(
            target=_run, args=(theirs, config, place, act, where, sent, argument, also or {}), daemon=True
        )
        self._process.start()
        theirs.close()

    def result(self) -> Any:
        """What the act returned; None when the process was killed. Fails when it ended in any other way."""
        try:
            return self._pipe.recv() if self._pipe.poll(PATIENCE) else self._fail("is not done")
        except EOFError:
            self._process.join(PATIENCE)
            if self._process.exitcode != -signal.SIGKILL:
                self._fail(f"ended with {self._process.exitcode}")
            return None
        finally:
            self._end()

    def frozen(self) -> None:
        """Return when the process has frozen at its point."""
        until = time.monotonic() + PATIENCE
        while self._state() != "T":
            if time.monotonic() > until:
                self._fail("did not freeze")
            time.sleep(0.005)

    def waiting(self) -> None:
        """Return when the process has been waiting for a moment, such as for a lock of another one, or has ended."""
        until, looks = time.monotonic() + PATIENCE, 0
        while looks < 10 and self._state() not in ("Z", "gone"):
            looks = looks + 1 if self._state() == "S" else 0
            if time.monotonic() > until:
                self._fail("does not wait")
            time.sleep(0.005)

    def tell(self, sent: signal.Signals) -> None:
        """Send the process a signal, which a frozen one gets when it goes on."""
        os.kill(self._pid, sent)

    def resume(self) -> None:
        """Let the frozen process go on."""
        os.kill(self._pid, signal.SIGCONT)

    @property
    def _pid(self) -> int:
        assert self._process.pid is not None
        return self._process.pid

    def _state(self) -> str:
        with contextlib.suppress(OSError):
            return Path(f"/proc/{self._pid}/stat").read_text().rpartition(")")[2].split()[0]
        return "gone"

    def _fail(self, why: str) -> None:
        self._end()
        raise AssertionError(f"The process {why}.")

    def end(self) -> None:
        """Kill what is left of the process: a frozen one would keep its locks for ever."""
        if self._pipe.closed:
            return
        self._process.kill()
        self._process.join()
        self._pipe.close()

    def _end(self) -> None:
        if self._process.is_alive():
            self._process.join(PATIENCE if self._state() != "T" else 0)
        self.end()


def _run(
    pipe: Connection,
    config: dict[str, Any],
    place: tuple[dt.datetime, str],
    act: Act,
    point: Point | None,
    sent: signal.Signals,
    argument: Any,
    also: dict[str, Any],
) -> None:
    for where, value in also.items():
        owner, name = _find(where)
        setattr(owner, name, value)
    app = create_app(ROOT, **config)
    now, app.instance_path = place
    app.extensions["forum"].clock = Clock(now)
    if point is not None:
        _wrap(point, partial(_strike, sent))
    pipe.send(act(app, argument))


def _strike(sent: signal.Signals) -> None:
    if sent is signal.SIGTERM:
        os.kill(os.getpid(), sent)
    else:
        # Sent to the process, the signal to freeze is taken by the main thread, and until that one has its turn this
        # one runs on: into a transaction, say, whose lock it then keeps from everybody.
        signal.pthread_kill(threading.get_ident(), sent)


def _find(where: str) -> tuple[Any, str]:
    """The module or class that holds what ``where`` names, and the name."""
    module, _, path = where.partition(":")
    *outer, name = path.split(".")
    return reduce(getattr, outer, importlib.import_module(module)), name


def _wrap(point: Point, strike: Callable[[], None]) -> None:
    """Put a function around the one at ``point`` that strikes once; threads may call it at the same time."""
    owner, name = _find(point.where)
    original = getattr(owner, name)
    lock, calls = threading.Lock(), iter(range(1, 1_000_000))

    def is_it(arguments: tuple[Any, ...]) -> bool:
        if point.phase is not None and arguments[0].phase != point.phase:
            return False
        with lock:
            return next(calls) == point.nth

    @wraps(original)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        with _struck(point, args, strike) if is_it(args) else contextlib.nullcontext():
            return original(*args, **kwargs)

    setattr(owner, name, wrapped)


@contextlib.contextmanager
def _struck(point: Point, arguments: tuple[Any, ...], strike: Callable[[], None]) -> Iterator[None]:
    if point.when == "amid":
        client, raw = arguments
        client.send(raw[: len(raw) // 2])
    if point.when != "after":
        strike()
    yield
    if point.when == "after":
        strike()
