"""Delivery over a real mail server, on every database: what is accepted, refused, lost on the way and tried again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select, update

from forum import outbox
from forum.mail.deliver import drain
from forum.models import Attempt, Message, from_now
from tests.services import Sink
from tests.visitors import Site

SMTP: dict[str, Any] = {"FORUM_MAIL_TRANSPORT": "smtp", "MAIL_SUPPRESS_SEND": False, "TESTING": False}


@pytest.fixture
def sending(make_site: Callable[..., Site], smtp_sink: Sink) -> Site:
    """A site that sends to the sink, on SQLite."""
    site = make_site(**SMTP, MAIL_SERVER=smtp_sink.host, MAIL_PORT=smtp_sink.port)
    site.add_article()
    return site


def messages(site: Site) -> list[Message]:
    """All messages, oldest first."""
    with site.session() as session:
        return list(session.scalars(select(Message).order_by(Message.id)))


def test_the_whole_circle_on_every_database(
    make_site: Callable[..., Site], database: dict[str, str], smtp_sink: Sink
) -> None:
    """Posting, fan-out, grouping, claiming and settling work alike on SQLite, PostgreSQL and MariaDB."""
    site = make_site(**SMTP, MAIL_SERVER=smtp_sink.host, MAIL_PORT=smtp_sink.port, **database)
    site.add_article()
    posted = site.visitor().post(name="Ännchen 🙂", email="ann@reader.example", notify="branch", body="Grüße 🙂")
    assert posted.status_code == 303
    site.deliver()
    link = next(part for part in smtp_sink.messages[0].raw.decode().split() if "/forum/m/c/" in part)
    site.visitor().act("/" + link.split("/", 3)[3], "confirm")
    site.comment("I agree.", parent=1)
    site.deliver()
    assert [received.rcpt_tos for received in smtp_sink.messages] == [["ann@reader.example"]] * 2
    assert [message.state for message in messages(site)] == ["sent", "sent"]


def test_the_envelope_and_the_settlement(sending: Site, smtp_sink: Sink) -> None:
    """An accepted mail leaves from FORUM_MAIL_FROM to one recipient, and its acceptance is written down."""
    sending.comment(name="Ann", email="ann@reader.example", notify="direct")
    report = sending.deliver()
    (received,), (message,) = smtp_sink.messages, messages(sending)
    assert (received.mail_from, received.rcpt_tos) == ("notify@forum.example", ["ann@reader.example"])
    assert (report.states["sent"], message.attempts, message.smtp_code) == (1, 1, 250)
    assert message.accepted_at == sending.clock.now


def test_a_server_that_is_down_costs_no_attempt(make_site: Callable[..., Site]) -> None:
    """Nobody listens: the report says so, the message stays ready with no attempt counted, and goes out later."""
    site = make_site(**SMTP, MAIL_SERVER="127.0.0.1", MAIL_PORT=1)
    site.add_article()
    site.comment(name="Ann", email="ann@reader.example", notify="direct")
    report = site.deliver()
    (message,) = messages(site)
    assert report.down is not None
    assert (message.state, message.attempts, message.lease_token) == ("ready", 0, None)


def test_posting_opens_no_socket(make_site: Callable[..., Site]) -> None:
    """With the mail server gone a comment is posted as always: the request never talks to it."""
    site = make_site(**SMTP, MAIL_SERVER="203.0.113.1", MAIL_PORT=25)
    site.add_article()
    assert site.visitor().post(name="Ann", email="ann@reader.example", notify="direct").status_code == 303


def test_nothing_leaves_while_testing(sending: Site, smtp_sink: Sink) -> None:
    """TESTING set long after start-up keeps every mail inside, and the message says why."""
    sending.comment(name="Ann", email="ann@reader.example", notify="direct")
    sending.app.config["TESTING"] = True
    sending.deliver()
    (message,) = messages(sending)
    assert (smtp_sink.messages, message.state, message.skip_reason) == ([], "cancelled", "sending_suppressed")


def test_a_broken_template_stops_no_other_mail(sending: Site, smtp_sink: Sink) -> None:
    """One message that cannot be rendered is tried thrice and laid aside with its error; the next one is sent."""
    sending.comment(name="Ann", email="ann@reader.example", notify="direct")
    with sending.session() as session:
        outbox.fan_out(session, sending.state.keys, sending.state.settings, sending.clock())
        session.commit()
        (broken,) = session.scalars(select(Message))
        broken.to_addr = "not an address"
        session.commit()
    sending.comment("Hello.", name="Ben", email="ben@reader.example", notify="direct")
    for _ in range(3):
        sending.deliver(3600)
    assert [received.rcpt_tos for received in smtp_sink.messages] == [["ben@reader.example"]]
    assert [message.state for message in messages(sending)] == ["dead", "sent"]
    assert "ValueError" in (messages(sending)[0].last_error or "")


def test_what_a_dead_worker_held_is_given_back(sending: Site, smtp_sink: Sink) -> None:
    """A worker died after claiming: when its lease is over another one sends the mail, once."""
    sending.comment(name="Ann", email="ann@reader.example", notify="direct")
    with sending.session() as session:
        outbox.fan_out(session, sending.state.keys, sending.state.settings, sending.clock())
        assert outbox.claim(session, sending.state.settings, sending.clock())
        session.commit()
    sending.deliver()
    assert smtp_sink.messages == []
    sending.lapse()
    sending.deliver()
    assert len(smtp_sink.messages) == 1


def test_a_worker_that_died_on_the_wire_is_followed_once(sending: Site, smtp_sink: Sink) -> None:
    """A worker died between sending and settling: one more mail with the same Message-ID and Date, never a third."""
    sending.comment(name="Ann", email="ann@reader.example", notify="direct")
    sending.deliver()
    for _ in range(3):
        with sending.session() as session:
            message = session.get_one(Message, 1)
            message.state, message.lease_token = "sending", "dead worker"
            message.lease_until = sending.clock()
            session.commit()
        sending.lapse()
        sending.deliver(600)
    one, two = (received.raw for received in smtp_sink.messages)
    assert one == two
    assert messages(sending)[0].state == "dead"


def test_a_lost_lease_sends_nothing(sending: Site, smtp_sink: Sink) -> None:
    """A worker that slept past its lease finds that another one has the message and keeps quiet."""
    sending.comment(name="Ann", email="ann@reader.example", notify="direct")
    with sending.session() as session:
        outbox.fan_out(session, sending.state.keys, sending.state.settings, sending.clock())
        (claim,) = outbox.claim(session, sending.state.settings, sending.clock())
        session.commit()
        sending.lapse()
        now = sending.clock()
        assert outbox.mark_sending(session.connection(), claim, sending.state.settings, now, now) is False


def test_two_workers_share_without_overlap(make_site: Callable[..., Site], database: dict[str, str]) -> None:
    """Two claims at once never hold the same message, on any database."""
    site = make_site(**database)
    site.add_article()
    for n in range(12):
        site.comment(f"Comment {n}.", name=f"Reader {n}", email=f"r{n}@reader.example", notify="direct")
    with site.session() as one, site.session() as two:
        while outbox.fan_out(one, site.state.keys, site.state.settings, site.clock()):
            one.commit()
        one.commit()
        first = outbox.claim(one, site.state.settings, site.clock(), limit=6)
        one.commit()
        second = outbox.claim(two, site.state.settings, site.clock(), limit=20)
        two.commit()
    ids = [claim.message_id for claim in (*first, *second)]
    assert (len(first), len(second), len(set(ids))) == (6, 6, 12)


def test_one_address_is_never_written_to_twice_at_once(site: Site) -> None:
    """Two messages to one address wait for each other, so that an answer does not overtake its parent."""
    site.follower("Ann", notify="thread")
    with site.session() as session:
        message = session.get_one(Message, 1)
        for n in (1, 2):
            copy = Message(kind="reply", address_id=message.address_id, to_addr=message.to_addr, domain="x",
                           rfc_message_id=f"<{n}@x>", state="ready", place=site.clock(), not_before=site.clock(),
                           created_at=site.clock(), expires_at=site.clock.now.replace(year=2030))  # fmt: skip
            session.add(copy)
        session.commit()
        assert len(outbox.claim(session, site.state.settings, site.clock())) == 1
        assert outbox.claim(session, site.state.settings, site.clock()) == []


def test_every_attempt_is_written_down(sending: Site) -> None:
    """Each try leaves a row with its outcome, phase and code."""
    sending.comment(name="Ann", email="ann@reader.example", notify="direct")
    sending.deliver()
    with sending.session() as session:
        (attempt,) = session.scalars(select(Attempt))
    assert (attempt.n, attempt.outcome, attempt.code) == (1, "accepted", 250)


def test_a_small_mail_host_is_not_overrun(make_site: Callable[..., Site]) -> None:
    """Beyond FORUM_MAIL_DOMAIN_RATE mails a minute to one domain the others wait a minute; big domains do not."""
    site = make_site(FORUM_MAIL_DOMAIN_RATE=2, FORUM_MAIL_BIG_DOMAINS=["big.example"])
    site.add_article()
    for n in range(8):
        domain = "big.example" if n % 2 else "small.example"
        site.comment(f"Comment {n}.", name=f"Reader {n}", email=f"r{n}@{domain}", notify="direct")
        site.deliver()
    assert len(site.mails()) == 6
    site.deliver(61)
    assert len(site.mails()) == 8


def test_the_lease_begins_anew_before_the_wire(sending: Site) -> None:
    """What comes last in a slow batch has a whole lease for its way, whatever was left of the first one."""
    sending.comment(name="Ann", email="ann@reader.example", notify="direct")
    settings, now = sending.state.settings, sending.clock()
    with sending.session() as session:
        outbox.fan_out(session, sending.state.keys, settings, now)
        (claim,) = outbox.claim(session, settings, now)
        session.execute(update(Message).values(lease_until=from_now(1)))
        assert outbox.mark_sending(session.connection(), claim, settings, now, now)
        long = Message.lease_until > from_now(settings.mail_lease_seconds - 60)
        assert session.scalar(select(Message.id).where(long)) == claim.message_id


def test_clocks_that_differ_share_a_lease(sending: Site, smtp_sink: Sink) -> None:
    """A worker whose clock is a day ahead takes nothing from one whose lease holds: the database's clock decides."""
    sending.comment(name="Ann", email="ann@reader.example", notify="direct")
    settings, now = sending.state.settings, sending.clock()
    with sending.session() as session:
        outbox.fan_out(session, sending.state.keys, settings, now)
        assert outbox.claim(session, settings, now)
        session.commit()
    sending.deliver(86_400 - 60)
    assert smtp_sink.messages == []


def test_what_was_not_begun_is_soon_free(sending: Site) -> None:
    """What a worker claimed and did not begin is free after a minute; only a mail on its way has the whole lease."""
    sending.comment(name="Ann", email="ann@reader.example", notify="direct")
    settings, now = sending.state.settings, sending.clock()
    with sending.session() as session:
        outbox.fan_out(session, sending.state.keys, settings, now)
        outbox.claim(session, settings, now)
        assert session.scalar(select(Message.id).where(Message.lease_until < from_now(61))) is not None


def test_a_host_that_raises_stops_no_other_mail(site: Site) -> None:
    """A hook that fails for one page costs the mail about it a try and leaves the others alone."""
    first = site.follower("Ann")
    site.comment("On bread.", parent=first)
    site.page = site.add_article("Butter")
    second = site.follower("Cem")
    site.comment("On butter.", parent=second)
    site.comment("On bread again.", parent=first, stamp=site.visitor().stamp("/articles/bread"))

    def may_read(key: str, email: str, ref: str | None) -> bool:
        if key == "article:bread":
            raise ValueError("no such page")
        return True

    site.state.hooks.may_read = may_read
    site.deliver()
    assert [mail["To"] for mail in site.mails(reason="reply")[1:]] == ["cem@reader.example"]
    assert [message.state for message in messages(site)].count("ready") == 1


def test_a_receiver_that_raises_changes_nothing(sending: Site, smtp_sink: Sink) -> None:
    """A mail that left stays sent, whatever a receiver of `message_sent` does."""
    from forum.signals import message_sent

    def fail(sender: Any, **_: Any) -> None:
        raise ValueError("full disk")

    sending.comment(name="Ann", email="ann@reader.example", notify="direct")
    with message_sent.connected_to(fail, sending.app):
        sending.deliver()
    sending.deliver(3600)
    assert (len(smtp_sink.messages), messages(sending)[0].state) == (1, "sent")


def test_a_worker_that_is_told_to_stop_gives_back_what_it_holds(sending: Site, smtp_sink: Sink) -> None:
    """After the first of five mails the worker is told to stop: no other leaves, and none stays claimed."""
    for n in range(5):
        sending.comment(f"Comment {n}.", name=f"Reader {n}", email=f"r{n}@reader.example", notify="direct")
    with sending.app.app_context():
        drain(sending.state.courier(), lambda: bool(smtp_sink.messages))
    assert len(smtp_sink.messages) == 1
    assert {message.state for message in messages(sending)} == {"sent", "ready"}


def test_a_rate_of_one_is_one(make_site: Callable[..., Site]) -> None:
    """With one mail a minute for a domain a batch of five sends one."""
    site = make_site(FORUM_MAIL_DOMAIN_RATE=1)
    site.add_article()
    for n in range(5):
        site.comment(f"Comment {n}.", name=f"Reader {n}", email=f"r{n}@small.example", notify="direct")
    site.deliver()
    assert len(site.mails()) == 1
