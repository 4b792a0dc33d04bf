"""What a forked process takes over, and what it begins anew."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import pytest
from sqlalchemy import text

from tests.visitors import Site

pytestmark = [
    pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork"),
    pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning"),
]
PATIENCE = 20


def in_child(act: Callable[[], bool]) -> bool:
    """What ``act`` says in a forked process; False when it fails, or waits for ever."""
    child = os.fork()
    if child == 0:
        # Whatever waits for a lock cannot be interrupted by less.
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.alarm(PATIENCE)
        said = False
        try:
            said = act()
        finally:
            os._exit(0 if said else 1)
    return os.waitpid(child, 0)[1] == 0


@contextmanager
def held_elsewhere(lock: AbstractContextManager[object]) -> Iterator[None]:
    """Another thread of this process is in the middle of something."""
    held, over = threading.Event(), threading.Event()

    def hold() -> None:
        with lock:
            held.set()
            over.wait()

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait()
    try:
        yield
    finally:
        over.set()
        thread.join()


def test_a_child_writes_although_its_parent_was_writing(site: Site) -> None:
    """A process forked while a thread of its parent writes to SQLite delivers mail of its own."""

    def write() -> bool:
        with site.app.app_context(), site.state.courier().writing:
            return True

    with held_elsewhere(site.state.courier().writing):
        assert in_child(write)


def test_a_child_shows_pages_although_its_parent_kept_one(site: Site) -> None:
    """A process forked while a thread of its parent puts a page into memory has an empty memory that works."""
    site.state.cache.put("page", [b"words"])
    with held_elsewhere(site.state.cache._lock):
        assert in_child(lambda: site.state.cache.get("page") is None and site.state.cache.size == 0)
    assert site.state.cache.get("page") == (b"words",)


def test_a_child_has_database_connections_of_its_own(make_site: Callable[..., Site], postgres_url: str) -> None:
    """A site loaded before its workers are forked does not share a connection with them, and keeps its own."""
    site = make_site(SQLALCHEMY_DATABASE_URI=postgres_url)

    def backend() -> int | None:
        with site.session() as session:
            return session.scalar(text("SELECT pg_backend_pid()"))

    ours = backend()
    assert backend() == ours
    assert in_child(lambda: backend() != ours)
    assert backend() == ours
