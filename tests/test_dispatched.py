"""Flask-Mail's signal of a mail that left: what its listeners see, and that they cannot double a mail."""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Callable, Iterator
from typing import Any

import flask_mail
import pytest
from flask import Flask, current_app
from sqlalchemy import select

from forum.cli import forum_cli
from forum.mail import dispatched
from forum.mail.wire import Envelope, build
from forum.models import Attempt, Message
from tests.mail_servers import MailServer
from tests.services import Sink
from tests.visitors import Site

SMTP: dict[str, Any] = {"FORUM_MAIL_TRANSPORT": "smtp", "MAIL_SUPPRESS_SEND": False, "TESTING": False}
SENDER = "notify@forum.example"
LETTER = build(
    Envelope("a@example.net", "<1@forum.example>", dt.datetime(2026, 1, 2, tzinfo=dt.UTC)),
    sender=("Café, Forum", SENDER),
    subject="Naïve – «words»",
    headers=[("Auto-Submitted", "auto-generated")],
    text="Grüße\n.\n",
    html="<p>Grüße</p>",
)


@pytest.fixture
def server() -> Iterator[MailServer]:
    """A mail server that does what it is told."""
    running = MailServer()
    yield running
    running.stop()


@pytest.fixture
def site(make_site: Callable[..., Site], server: MailServer) -> Site:
    """A site that sends to the server, with confirmation mails to Ann and to Ben due."""
    made = make_site(**SMTP, MAIL_SERVER=server.host, MAIL_PORT=server.port)
    made.add_article()
    made.comment(name="Ann", email="ann@reader.example", notify="direct")
    made.comment("Another.", name="Ben", email="ben@reader.example", notify="direct")
    return made


def states(site: Site) -> list[tuple[str, int]]:
    """The state of every message, and how many tries of it are on record."""
    with site.session() as session:
        tries = list(session.scalars(select(Attempt.message_id)))
        messages = session.scalars(select(Message).order_by(Message.id))
        return [(message.state, tries.count(message.id)) for message in messages]


def recipients(server: MailServer) -> list[str]:
    """To whom a mail went, copy by copy."""
    return [to for to, _ in server.taken]


def test_a_listener_sees_the_mail_as_people_read_it() -> None:
    """The message has the bytes that were sent, and subject, people and words in plain text."""
    app = Flask(__name__)
    with flask_mail.Mail(app).record_messages() as outbox:
        dispatched.announce(app, LETTER, "a@example.net")
    (seen,) = outbox
    assert (seen.as_bytes(), seen.as_string(), bytes(seen)) == (LETTER, LETTER.decode(), LETTER)
    assert (seen.subject, seen.recipients, seen.msgId) == ("Naïve – «words»", ["a@example.net"], "<1@forum.example>")
    assert (seen.body, seen.html) == ("Grüße\n.\n", "<p>Grüße</p>\n")
    assert seen.sender == f'"Café, Forum" <{SENDER}>'
    assert seen.date == dt.datetime(2026, 1, 2, tzinfo=dt.UTC).timestamp()
    assert isinstance(seen, flask_mail.Message)


def test_record_messages_shows_the_mail_on_the_wire(make_site: Callable[..., Site], smtp_sink: Sink) -> None:
    """A host's own tests see what left, octet for octet."""
    site = make_site(**SMTP, MAIL_SERVER=smtp_sink.host, MAIL_PORT=smtp_sink.port)
    site.add_article()
    site.comment(name="Ann", email="ann@reader.example", notify="direct")
    with flask_mail.Mail(site.app).record_messages() as outbox:
        site.deliver()
    (seen,), (received,) = outbox, smtp_sink.messages
    assert (seen.recipients, seen.as_bytes()) == (received.rcpt_tos, received.raw)


def test_record_messages_shows_what_was_kept_in_while_testing(site: Site, server: MailServer) -> None:
    """Under TESTING nothing leaves, and listeners see what would have."""
    site.app.testing = True
    with flask_mail.Mail(site.app).record_messages() as outbox:
        site.deliver()
    assert [seen.recipients for seen in outbox] == [["ann@reader.example"], ["ben@reader.example"]]
    assert server.taken == []


def test_a_test_mail_is_a_mail_like_others(site: Site, server: MailServer) -> None:
    """What `flask forum mail test` sent is shown, and what was refused is not."""
    server.will("RCPT", "550 5.1.1 nobody here")
    with flask_mail.Mail(site.app).record_messages() as outbox:
        for _ in range(2):
            site.app.test_cli_runner().invoke(forum_cli, ["mail", "test", "op@reader.example"])
    assert [seen.recipients for seen in outbox] == [["op@reader.example"]]


def test_a_mail_that_did_not_leave_is_not_shown(site: Site, server: MailServer) -> None:
    """Of a mail that was refused and one that was accepted listeners see the latter."""
    server.will("RCPT", "550 5.1.1 nobody here")
    with flask_mail.Mail(site.app).record_messages() as outbox:
        site.deliver()
    assert [seen.recipients for seen in outbox] == [["ben@reader.example"]]


def test_a_listener_that_fails_changes_nothing(
    site: Site, server: MailServer, caplog: pytest.LogCaptureFixture
) -> None:
    """The mails have left: each error is logged, each outcome stays, and nothing is sent again."""

    def fail(app: Flask, message: flask_mail.Message) -> None:
        raise RuntimeError(f"no disk left in {current_app.name}")

    with flask_mail.email_dispatched.connected_to(fail, site.app), caplog.at_level(logging.ERROR, "forum.mail"):
        site.deliver()
    site.lapse()
    site.deliver(3600)
    assert (recipients(server), states(site)) == (["ann@reader.example", "ben@reader.example"], [("sent", 1)] * 2)
    assert caplog.text.count(f"no disk left in {site.app.name}") == 2


def test_a_listener_slower_than_the_lease_doubles_nothing(site: Site, server: MailServer) -> None:
    """While a listener dawdles every lease runs out and another worker delivers: each mail arrives once, undoubted."""
    dawdled = []

    def dawdle(app: Flask, message: flask_mail.Message) -> None:
        if not dawdled:
            dawdled.append(message.recipients)
            site.lapse()
            site.deliver(901)

    with flask_mail.email_dispatched.connected_to(dawdle, site.app):
        site.deliver()
    site.lapse()
    site.deliver(3600)
    assert dawdled == [["ann@reader.example"]]
    assert (recipients(server), states(site)) == (["ann@reader.example", "ben@reader.example"], [("sent", 1)] * 2)


def test_nothing_is_taken_apart_when_nobody_listens(
    site: Site, server: MailServer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A mail is parsed for listeners of this app, not for those of another one."""
    monkeypatch.setattr(dispatched, "ForumMessage", lambda *_: pytest.fail("taken apart"))
    with flask_mail.email_dispatched.connected_to(lambda app, message: None, Flask("another")):
        site.deliver()
    assert len(server.taken) == 2
    assert [record for record in caplog.records if record.name == "forum.mail"] == []


def test_only_who_listens_here_and_now_slows_delivery_down(site: Site) -> None:
    """Delivery takes the slower pace, one commit more for each mail, only while this app has a listener."""
    listens = site.state.courier().listens

    def listen(app: Flask, message: flask_mail.Message) -> None:
        raise AssertionError("nothing was sent")

    with flask_mail.email_dispatched.connected_to(listen, Flask("another")):
        assert not listens()
    with flask_mail.email_dispatched.connected_to(listen, site.app):
        assert listens()
    assert not listens()


def test_the_development_mailbox_dispatches_nothing(make_site: Callable[..., Site]) -> None:
    """What was put into the development mailbox has not left, and is not shown as if it had."""
    site = make_site()
    site.add_article()
    site.comment(name="Ann", email="ann@reader.example", notify="direct")
    with flask_mail.Mail(site.app).record_messages() as outbox:
        site.deliver()
    assert (len(site.mails()), outbox) == (1, [])
