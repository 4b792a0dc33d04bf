"""Delivery that goes on by itself."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import pytest

from forum.worker import InProcess, Stop, watch
from tests.visitors import Site

PATIENCE = 20.0


def until(condition: Callable[[], bool]) -> bool:
    """Wait until ``condition`` holds; False when it does not in time."""
    tick = threading.Event()
    for _ in range(int(PATIENCE / 0.02)):
        if condition():
            return True
        tick.wait(0.02)
    return False


def test_a_comment_wakes_in_process_delivery(make_site: Callable[..., Site]) -> None:
    """With FORUM_DELIVERY = "in-process" a mail leaves without anybody running a command."""
    site = make_site(FORUM_DELIVERY="in-process")
    site.add_article()
    site.comment(name="Ann", email="ann@reader.example", notify="direct")
    delivery: InProcess = site.state.kick.__self__  # type: ignore[attr-defined]
    try:
        assert until(lambda: len(site.mails()) == 1)
    finally:
        delivery.stop()


def test_no_thread_runs_uninvited(site: Site) -> None:
    """Without that setting no thread is started by posting."""
    site.comment(name="Ann", email="ann@reader.example", notify="direct")
    assert "forum-delivery" not in {thread.name for thread in threading.enumerate()}


def test_a_new_process_picks_up_what_the_last_one_left(make_site: Callable[..., Site]) -> None:
    """Mail that was not sent before a restart leaves once the first page is read."""
    site = make_site()
    site.add_article()
    site.comment(name="Ann", email="ann@reader.example", notify="direct")
    uri = site.app.config["SQLALCHEMY_DATABASE_URI"]
    again = make_site(FORUM_DELIVERY="in-process", SQLALCHEMY_DATABASE_URI=uri)
    again.visitor().get(site.page)
    delivery: InProcess = again.state.kick.__self__  # type: ignore[attr-defined]
    try:
        assert until(lambda: len(again.mails()) == 1)
    finally:
        delivery.stop()


def test_a_worker_survives_a_failing_round(site: Site) -> None:
    """An exception in one round is logged, and the next round delivers."""
    site.comment(name="Ann", email="ann@reader.example", notify="direct")
    stop, wake, rounds = Stop(), threading.Event(), []

    def courier() -> object:
        rounds.append(1)
        if len(rounds) == 1:
            raise OSError("the database is away")
        if len(rounds) == 3:
            stop.set()
        return site.state.courier()

    with site.app.app_context():
        watch(courier, stop, wake, 0.01)  # type: ignore[arg-type]
    assert len(site.mails()) == 1


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_dead_thread_is_replaced() -> None:
    """A thread that something ended is no reason to leave mail where it is: the next comment starts another."""
    rounds: list[int] = []

    def courier() -> Any:
        rounds.append(1)
        raise SystemExit

    delivery = InProcess(courier, nullcontext)
    assert until(lambda: bool(delivery.kick()) or len(rounds) > 2)
    delivery.stop()


def test_what_was_stopped_stays_so() -> None:
    """A comment that comes while the process ends starts no thread any more."""
    rounds: list[int] = []
    delivery = InProcess(lambda: rounds.append(1), nullcontext)  # type: ignore[arg-type, return-value]
    delivery.stop()
    delivery.kick()
    assert "forum-delivery" not in {thread.name for thread in threading.enumerate()}


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_forked_process_delivers() -> None:
    """A process forked while its parent delivers, even in the middle of a kick, has a thread of its own."""
    seen: list[int] = []

    def courier() -> Any:
        seen.append(os.getpid())
        raise OSError("the database is away")

    delivery = InProcess(courier, nullcontext)
    delivery.kick()
    assert until(lambda: os.getpid() in seen)
    with delivery._lock:
        child = os.fork()
        if child == 0:
            delivery.kick()
            os._exit(0 if until(lambda: os.getpid() in seen) else 1)
    assert os.waitpid(child, 0)[1] == 0
    delivery.stop()
