"""The database goes away while a mail is on the wire, comes back from a backup, or the worker is told to end."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from sqlalchemy import create_engine, make_url, select, text
from sqlalchemy.exc import DBAPIError

from forum.cli import forum_cli
from forum.mail.deliver import drain
from forum.mail.outgoing import Outgoing
from forum.models import Base, Item, Message
from forum.worker import Stop
from tests.mail_servers import HANG_UP, SILENCE, MailServer
from tests.visitors import Site

MakeSite = Callable[..., Site]
SMTP: dict[str, Any] = {"FORUM_MAIL_TRANSPORT": "smtp", "MAIL_SUPPRESS_SEND": False, "TESTING": False}


@pytest.fixture
def server() -> Iterator[MailServer]:
    """A mail server that does what it is told."""
    running = MailServer()
    yield running
    running.stop()


class Outage:
    """Cuts the site off from its PostgreSQL, and lets it back in."""

    def __init__(self, url: str) -> None:
        found = make_url(url)
        self._engine = create_engine(found.set(database="postgres"), isolation_level="AUTOCOMMIT")
        self._name = found.database

    def begin(self) -> None:
        self._run(f"ALTER DATABASE {self._name} ALLOW_CONNECTIONS false")
        self._run(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{self._name}'")

    def end(self) -> None:
        self._run(f"ALTER DATABASE {self._name} ALLOW_CONNECTIONS true")

    def close(self) -> None:
        self._engine.dispose()

    def _run(self, statement: str) -> None:
        with self._engine.connect() as connection:
            connection.execute(text(statement))


@pytest.fixture
def site(make_site: MakeSite, server: MailServer, postgres_url: str, tmp_path: Path) -> Iterator[Site]:
    """A site on PostgreSQL that sends to the server, with a confirmation mail due."""
    made = make_site(**SMTP, MAIL_SERVER=server.host, MAIL_PORT=server.port, SQLALCHEMY_DATABASE_URI=postgres_url)
    made.app.instance_path = str(tmp_path / "instance")
    made.add_article()
    made.comment(name="Ann", email="ann@reader.example", notify="direct")
    yield made
    with made.app.app_context():
        made.state.db.engine.dispose()
    engine = create_engine(postgres_url)
    Base.metadata.drop_all(engine)
    engine.dispose()


@pytest.fixture
def outage(postgres_url: str) -> Iterator[Outage]:
    """The power to cut the site off."""
    power = Outage(postgres_url)
    yield power
    power.end()
    power.close()


def restored(site: Site, *args: str) -> Result:
    """Run `flask forum mail restored …`."""
    return site.app.test_cli_runner().invoke(forum_cli, ["mail", "restored", *args])


def states(site: Site) -> list[str]:
    """The state of every message."""
    with site.session() as session:
        return list(session.scalars(select(Message.state).order_by(Message.id)))


def test_an_outage_at_the_wrong_moment(
    site: Site, server: MailServer, outage: Outage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The database is away when a mail is accepted: the worker insists until it is back, and sends no second copy."""
    server.at_the_end = outage.begin
    waits: list[float] = []

    def wait(_outgoing: Outgoing, seconds: float) -> bool:
        waits.append(seconds)
        if len(waits) == 3:
            outage.end()
        return True

    monkeypatch.setattr(Outgoing, "pause", wait)
    site.deliver()
    assert len(waits) == 3
    site.deliver(3600)
    assert (states(site), len(server.taken)) == (["sent"], 1)


def test_what_the_database_never_took_is_in_the_spool(site: Site, server: MailServer, outage: Outage) -> None:
    """The worker must end during the outage: the next one reads in the spool what was accepted, and sends nothing."""
    stop = Stop()

    def cut() -> None:
        outage.begin()
        stop.set()

    server.at_the_end = cut
    with site.app.app_context():
        courier = site.state.courier()
        with pytest.raises(DBAPIError):
            drain(courier, stop.is_set)
    outage.end()
    assert list(courier.spool.iterdir()) != []
    site.lapse()
    site.deliver(3600)
    assert (states(site), len(server.taken), list(courier.spool.iterdir())) == (["sent"], 1, [])


def test_a_worker_that_must_end_cuts_a_stuck_mail_off(make_site: MakeSite, server: MailServer) -> None:
    """Told to end, a worker leaves a server that keeps silent after the dot, and the message counts as in doubt."""
    site = make_site(**SMTP, MAIL_SERVER=server.host, MAIL_PORT=server.port)
    site.add_article()
    site.comment(name="Ann", email="ann@reader.example", notify="direct")
    server.will("dot", SILENCE)
    ending = threading.Event()
    server.at_the_end = ending.set
    with site.app.app_context():
        drain(site.state.courier(), ending.is_set, ending.is_set)
    with site.session() as session:
        message = session.scalars(select(Message)).one()
    assert (message.state, message.ambiguous, message.lease_token) == ("ready", 1, None)


def test_after_a_backup_a_person_decides(site: Site, server: MailServer) -> None:
    """What a restored backup shows as unsent is laid aside, and dropped or sent as the operator says."""
    restored_at = (site.clock() + dt.timedelta(minutes=1)).strftime("%Y-%m-%dT%H:%M")
    site.comment("News.", name="Ben", email="ben@reader.example", notify="thread")
    assert "laid aside" in restored(site, restored_at).output
    site.deliver()
    assert server.taken == []
    assert "They wait for the next" in restored(site, "--send").output
    site.deliver()
    assert len(server.taken) == 2


def test_a_dropped_backup_stays_silent(make_site: MakeSite) -> None:
    """Dropped after a restoration, nothing of the old news is mailed, and each item says why; newer news is."""
    site = make_site(FORUM_MAIL_HOLD_SECONDS=60)
    site.add_article()
    first = site.follower("Ann")
    site.comment("Old news.", parent=first)
    site.deliver()
    site.clock.advance(60)
    restored(site, site.clock().strftime("%Y-%m-%dT%H:%M:%S"))
    restored(site, "--drop")
    site.clock.advance(60)
    site.comment("New news.", parent=first)
    site.deliver(60)
    with site.session() as session:
        assert session.scalars(select(Item.skip_reason).order_by(Item.id)).all() == ["restored", None]
    assert len(site.mails(reason="reply")) == 1


def test_limits_that_cannot_be_counted_hold_nobody_up(make_site: MakeSite) -> None:
    """The store of the rate limits is away: a comment is taken all the same."""
    site = make_site(FORUM_RATE_STORAGE="redis://127.0.0.1:1")
    site.add_article()
    assert site.visitor().post().status_code == 303


def test_a_damaged_spool_stops_no_mail(site: Site, server: MailServer) -> None:
    """A file of the spool that cannot be read is laid aside, and mail goes on."""
    folder = Path(site.app.instance_path) / "forum-outcomes"
    folder.mkdir(parents=True)
    (folder / "1-x.json").write_text("{")
    site.deliver()
    assert (len(server.taken), [file.suffix for file in folder.iterdir()]) == (1, [".unread"])


def test_what_was_laid_aside_is_not_retried_by_the_way(site: Site, server: MailServer) -> None:
    """`mail retry --dead` leaves what `mail restored` laid aside to the decision about that."""
    restored(site, (site.clock() + dt.timedelta(minutes=1)).strftime("%Y-%m-%dT%H:%M"))
    site.app.test_cli_runner().invoke(forum_cli, ["mail", "retry", "--dead"])
    site.deliver()
    assert server.taken == []


def test_an_open_breaker_is_an_error_of_the_command(make_site: MakeSite) -> None:
    """While the mail server is left alone, `flask forum deliver` says so and exits 1, whoever found out."""
    site = make_site(**SMTP, MAIL_SERVER="127.0.0.1", MAIL_PORT=1)
    site.add_article()
    site.comment(name="Ann", email="ann@reader.example", notify="direct")
    results = [site.app.test_cli_runner().invoke(forum_cli, ["deliver"]) for _ in range(2)]
    assert [result.exit_code for result in results] == [1, 1]
    assert "Nothing is due" not in results[1].output


def test_an_outcome_is_written_down_while_others_refill(
    make_site: MakeSite, server: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A connection whose mail was accepted does not wait for another one that asks the host about the next batch."""
    site = make_site(**SMTP, MAIL_SERVER=server.host, MAIL_PORT=server.port, FORUM_MAIL_CONNECTIONS=2)
    site.add_article()
    site.comment(name="Ann", email="ann@reader.example", notify="direct")
    accepted, seen = threading.Event(), []
    server.at_the_end = accepted.set
    refill = Outgoing._refill

    def slow(outgoing: Outgoing) -> bool:
        if accepted.is_set() or accepted.wait(0.5):
            for _ in range(200):
                if states(site) == ["sent"]:
                    seen.append(True)
                    break
                threading.Event().wait(0.02)
        return refill(outgoing)

    monkeypatch.setattr(Outgoing, "_refill", slow)
    site.deliver()
    assert states(site) == ["sent"]
    assert seen != []


def test_a_decision_is_one(site: Site) -> None:
    """`mail restored` takes one of a time, `--send` and `--drop`, and no time that is still to come."""
    later = (site.clock() + dt.timedelta(hours=2)).strftime("%Y-%m-%dT%H:%M")
    wrong = [restored(site), restored(site, "--send", "--drop"), restored(site, later)]
    assert [result.exit_code for result in wrong] == [2, 2, 2]
    assert "UTC" in wrong[2].output


def test_a_test_mail_shows_that_the_server_is_back(make_site: MakeSite, server: MailServer) -> None:
    """The breaker is open; a test mail is accepted, and what waited leaves at once."""
    site = make_site(**SMTP, MAIL_SERVER=server.host, MAIL_PORT=server.port)
    site.add_article()
    site.comment(name="Ann", email="ann@reader.example", notify="direct")
    server.will("banner", HANG_UP)
    site.deliver()
    site.app.test_cli_runner().invoke(forum_cli, ["mail", "test", "ben@reader.tld"])
    site.deliver()
    assert [to for to, _ in server.taken] == ["ben@reader.tld", "ann@reader.example"]
