"""What the logs tell of a failure, and what they keep to themselves."""

from __future__ import annotations

import logging
import re
import threading
from pathlib import Path

import pytest
from sqlalchemy import select, text

from forum.logs import OURS, FailureFilter
from forum.models import Event
from forum.worker import Stop, watch
from tests.visitors import Site

FORUM = Path(__file__).parent.parent / "forum"


class Once(threading.Event):
    """The first pause of a worker, in which it is told to end."""

    def __init__(self, stop: Stop) -> None:
        super().__init__()
        self._stop = stop

    def wait(self, timeout: float | None = None) -> bool:
        """Wait for nothing."""
        self._stop.set()
        return True


def break_table(site: Site, table: str, how: str) -> None:
    """Let the database fail at every new row of a table, with all of the row in its hands."""
    with site.session() as session:
        session.execute(text(f"CREATE TRIGGER broken BEFORE INSERT ON {table} BEGIN SELECT {how}; END"))
        session.commit()


def work(site: Site) -> None:
    """One round of a worker that goes on whatever happens."""
    stop = Stop()
    with site.app.app_context():
        watch(site.state.courier, stop, Once(stop), 5)


def test_a_failed_grouping_names_nobody(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    """The database fails while a mail is made: the log has the error and where it came from, and not the address."""
    site.comment("The words of Ben.", parent=site.follower("Ann"), name="Ben")
    break_table(site, "forum_message", "no_such_function()")
    work(site)
    assert "delivery failed and will be tried again" in caplog.text
    assert "bundling.py" in caplog.text
    assert "OperationalError: (sqlite3.OperationalError) no such function: no_such_function\n" in caplog.text
    assert not re.search(r"ann@|\[parameters|INSERT INTO", caplog.text)


def test_a_failed_fan_out_names_nobody(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    """An event that cannot be told is in the log by its number; what is kept beside it, for `mail status`, is short."""
    site.comment("The words of Ben.", parent=site.follower("Ann"), name="Ben")
    break_table(site, "forum_item", "RAISE(ABORT, 'no more items')")
    work(site)
    with site.session() as session:
        event = session.scalars(select(Event).where(Event.attempts > 0)).one()
    assert event.last_error == "IntegrityError: (sqlite3.IntegrityError) no more items"
    assert f"event {event.id} cannot be told" in caplog.text
    assert not re.search(r"\[parameters|INSERT INTO", caplog.text)


def test_the_first_line_is_enough() -> None:
    """Of each exception on the way the first line is kept, with addresses masked; a row that is quoted is not."""
    row = ", ".join(["ann@reader.example", "words of hers"])
    try:
        try:
            raise ValueError(f"null value in column\nDETAIL:  Failing row contains ({row}).")
        except ValueError as first:
            raise RuntimeError(f"no page for {row.split(',')[0]}") from first
    except RuntimeError as error:
        record = logging.LogRecord("forum", logging.ERROR, "", 1, "it failed", (), (RuntimeError, error, None))
    FailureFilter().filter(record)
    told = logging.Formatter().format(record)
    ends = [line for line in told.splitlines() if re.match(r"\w*Error", line)]
    assert ends == ["ValueError: null value in column", "RuntimeError: no page for a•••@reader.example"]
    assert (told.count("Traceback"), "Failing row contains (ann" in told) == (2, False)


def test_every_logger_of_ours_is_known() -> None:
    """No module logs under a name that is not masked."""
    found = {name for file in FORUM.rglob("*.py") for name in re.findall(r'getLogger\("([^"]+)"\)', file.read_text())}
    assert found <= set(OURS)
    assert {"forum.mail", "forum.outbox", "forum.worker"} <= found
