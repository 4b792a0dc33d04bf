"""The database comes back from a backup, the spool is damaged, a server is away, or the worker is told to end."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from flask import url_for
from sqlalchemy import select

from forum.cli import forum_cli
from forum.mail.deliver import drain
from forum.mail.outgoing import Outgoing
from forum.models import Item, Message
from tests.mail_servers import HANG_UP, SILENCE, MailServer
from tests.visitors import SAME_ORIGIN, Site

MakeSite = Callable[..., Site]
SMTP: dict[str, Any] = {"FORUM_MAIL_TRANSPORT": "smtp", "MAIL_SUPPRESS_SEND": False, "TESTING": False}


@pytest.fixture
def server() -> Iterator[MailServer]:
    """A mail server that does what it is told."""
    running = MailServer()
    yield running
    running.stop()


@pytest.fixture
def site(make_site: MakeSite, server: MailServer) -> Site:
    """A site that sends to the server, with a confirmation mail due."""
    made = make_site(**SMTP, MAIL_SERVER=server.host, MAIL_PORT=server.port)
    made.add_article()
    made.comment(name="Ann", email="ann@reader.example", notify="direct")
    return made


def restored(site: Site, *args: str) -> Result:
    """Run `flask forum mail restored …`."""
    return site.app.test_cli_runner().invoke(forum_cli, ["mail", "restored", *args])


def states(site: Site) -> list[str]:
    """The state of every message."""
    with site.session() as session:
        return list(session.scalars(select(Message.state).order_by(Message.id)))


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
        assert session.scalars(select(Item.skip_reason).order_by(Item.id)).all() == ["dropped", None]
    assert len(site.mails(reason="reply")) == 1


def test_limits_that_cannot_be_counted_hold_nobody_up(make_site: MakeSite) -> None:
    """The store of the rate limits is away: a comment is taken all the same."""
    site = make_site(FORUM_RATE_STORAGE="redis://127.0.0.1:1")
    site.add_article()
    assert site.visitor().post().status_code == 303


def test_a_link_is_mailed_where_nobody_can_count(make_site: MakeSite) -> None:
    """The store of the rate limits is away: whoever asks for the link to their comment gets it."""
    site = make_site(FORUM_RATE_STORAGE="redis://127.0.0.1:1")
    site.add_article()
    written = site.comment(email="ann@reader.example")
    with site.app.test_request_context():
        page = url_for("forum.own_by_mail.ask", comment_id=written)
    asked = site.visitor().client.post(page, data={"email": "ann@reader.example"}, headers=SAME_ORIGIN)
    assert asked.status_code == 303


@pytest.fixture
def folder(site: Site) -> Path:
    """The spool."""
    made = Path(site.app.instance_path) / "forum-outcomes"
    made.mkdir(parents=True)
    return made


def test_a_damaged_spool_stops_no_mail(site: Site, server: MailServer, folder: Path) -> None:
    """A file of the spool that cannot be read is laid aside, and mail goes on."""
    (folder / "1-x.json").write_text("{")
    site.deliver()
    assert (len(server.taken), [file.suffix for file in folder.iterdir()]) == (1, [".unread"])


def test_a_directory_in_the_spool_stops_no_mail(site: Site, server: MailServer, folder: Path) -> None:
    """A directory that is called like a file of the spool is laid aside, and mail goes on."""
    (folder / "1-x.json").mkdir()
    site.deliver()
    assert (len(server.taken), [file.suffix for file in folder.iterdir()]) == (1, [".unread"])


def test_a_file_that_cannot_be_opened_keeps_nobody_from_the_next(
    site: Site, server: MailServer, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """What the system refuses to open stays in the spool and is told of; the next file is read, and mail goes on."""
    # A link to itself: even the superuser is refused.
    (folder / "1-x.json").symlink_to(folder / "1-x.json")
    (folder / "2-x.json").write_text("{")
    site.deliver()
    assert (len(server.taken), sorted(file.name for file in folder.iterdir())) == (1, ["1-x.json", "2-x.unread"])
    assert "1-x.json stays in the spool" in caplog.text


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
