"""Delivery that is told to end: between two parts of a long work, and when code of the host never comes back."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from forum import outbox
from forum.mail.deliver import drain, prune
from forum.models import Item, Message
from forum.outbox import fanout, pruning
from tests.visitors import Site, crowd

ROOT = Path(__file__).parent.parent
PATIENCE = 60.0
HANGING = """
import datetime, sys, threading
from flask.cli import ScriptInfo
import forum.mail.deliver, forum.worker
from forum import Forum
from forum.cli import forum_cli
from forum.signals import message_sent
from tests.hosts.one_page import one_page

forum.worker._LAST_MAIL_SECONDS = forum.mail.deliver._LAST_WORDS = 0.1
where, uri, now = sys.argv[1:]

def never_answers(*_, **__):
    print("It hangs.", flush=True)
    threading.Event().wait()

extension = Forum()
app = one_page(forum=extension, SQLALCHEMY_DATABASE_URI=uri)
app.extensions["forum"].clock = lambda: datetime.datetime.fromisoformat(now)
extension.may_read(never_answers) if where == "asked" else message_sent.connect(never_answers)
forum_cli.main(["deliver", "--watch"], obj=ScriptInfo(create_app=lambda: app))
"""


@pytest.fixture
def crowded(make_site: Callable[..., Site]) -> Site:
    """A site with a new comment that seven people want to hear of."""
    site = make_site(FORUM_MAIL_HOLD_SECONDS=0)
    site.add_article()
    site.comment()
    site.deliver()
    crowd(site, 7)
    site.comment("News.")
    return site


def count(site: Site, what: Any) -> int:
    """How many rows there are."""
    with site.session() as session:
        return session.scalar(select(func.count()).select_from(what)) or 0


def drain_until(site: Site, stopped: Callable[[], bool]) -> None:
    """Let a worker begin, and tell it to end as soon as ``stopped`` says so."""
    with site.app.app_context():
        drain(site.state.courier(), stopped)


def test_a_stop_is_heard_amid_the_readers_of_one_comment(crowded: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Told to end after the first chunk of readers, a worker leaves the other ones for the next."""
    monkeypatch.setattr(fanout, "CHUNK", 2)
    drain_until(crowded, lambda: count(crowded, Item) > 0)
    assert (count(crowded, Item), count(crowded, Message)) == (2, 0)
    crowded.deliver()
    assert len(crowded.mails()) == 7


def test_a_stop_is_heard_amid_grouping(crowded: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Told to end after the first messages were made, a worker makes no more of them and claims none."""
    monkeypatch.setattr(outbox, "group", partial(outbox.group, limit=2))
    drain_until(crowded, lambda: count(crowded, Message) > 0)
    with crowded.session() as session:
        assert session.scalars(select(Message.state)).all() == ["ready"] * 2
    assert count(crowded, Item) == 7


def test_a_stop_is_heard_amid_pruning(crowded: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Told to end after the first old messages are gone, a worker keeps the others for the next time."""
    monkeypatch.setattr(pruning, "_MOST", 2)
    crowded.deliver()
    crowded.clock.advance(60 * 86400)
    with crowded.app.app_context():
        prune(crowded.state.courier(), lambda: count(crowded, Message) < 7)
    assert count(crowded, Message) == 5


@pytest.fixture
def hanging(make_host: Callable[..., Site], tmp_path: Path) -> Iterator[Callable[[str], tuple[Site, Any]]]:
    """A maker of sites with a mail that is due and a worker of its own whose host hangs when it is asked or told."""
    running: list[Any] = []

    def start(where: str) -> tuple[Site, Any]:
        uri = f"sqlite:///{tmp_path / 'host.db'}"
        site = make_host(SQLALCHEMY_DATABASE_URI=uri)
        first = site.follower("Ann")
        site.comment("News.", parent=first)
        command = [sys.executable, "-c", HANGING, where, uri, site.clock().isoformat()]
        worker = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        running.append(worker)
        return site, worker

    yield start
    for worker in running:
        worker.kill()
        worker.communicate()


@pytest.mark.parametrize("where", ["asked", "told"])
def test_a_worker_ends_although_the_host_hangs(hanging: Callable[[str], tuple[Site, Any]], where: str) -> None:
    """On SIGTERM a worker whose host never answers says where it hangs and fails; the mail leaves once all the same."""
    site, worker = hanging(where)
    watchdog = threading.Timer(PATIENCE, worker.kill)
    watchdog.start()
    assert "It hangs.\n" in worker.stdout, worker.stderr.read()
    worker.send_signal(signal.SIGTERM)
    _, said = worker.communicate()
    watchdog.cancel()
    assert worker.returncode == 1, said
    assert "forum-sender-1" in said
    assert "in never_answers" in said
    site.lapse()
    site.deliver()
    assert len(site.mails(reason="reply")) == 1
