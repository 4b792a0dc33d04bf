"""The catalogue of mail, T57 to T72: what the engine does when servers, workers and templates fail."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from jinja2 import ChoiceLoader, DictLoader
from sqlalchemy import func, select

from forum.mail.limits import Limits
from forum.mail.sender import Sender
from forum.models import Address, Attempt, Comment, Event, Message, Throttle
from forum.signals import comment_published
from tests.mail_servers import HANG_UP, SILENCE, MailServer
from tests.test_transport import Fixed, certificate
from tests.test_transport import Sink as ScriptedSink
from tests.visitors import Site, crowd
from tests.wire import parsed

MakeSite = Callable[..., Site]
MINUTE = dt.timedelta(minutes=1)


@pytest.fixture
def server() -> Iterator[MailServer]:
    """A mail server that does what it is told."""
    running = MailServer()
    yield running
    running.stop()


@pytest.fixture
def site(make_site: MakeSite, server: MailServer) -> Site:
    """A site that sends to it."""
    made = make_site(MAIL_SERVER=server.host, MAIL_PORT=server.port)
    made.add_article()
    return made


def answered(site: Site, number: int = 1) -> None:
    """Have so many people who follow the page told of one comment, as far as the outbox goes."""
    site.comment("First.")
    crowd(site, number)
    site.comment("News.")


def messages(site: Site) -> list[Message]:
    """All messages, oldest first."""
    with site.session() as session:
        return list(session.scalars(select(Message).order_by(Message.id)))


def tries(site: Site) -> list[Attempt]:
    """All attempts, oldest first."""
    with site.session() as session:
        return list(session.scalars(select(Attempt).order_by(Attempt.id)))


def breaker(site: Site) -> Throttle | None:
    """The breaker of the mail server, if it is open."""
    with site.session() as session:
        return session.scalar(select(Throttle).where(Throttle.scope == "transport"))


def person(site: Site, email: str) -> Address:
    """What is known of an address."""
    with site.session() as session:
        return session.scalars(select(Address).where(Address.key == email)).one()


def test_t57_the_server_is_down(site: Site, server: MailServer) -> None:
    """The server is down: posting talks to nobody and succeeds, and once it is back the mail arrives, once."""
    server.will("banner", HANG_UP)
    answered(site)
    assert server.seen == []
    assert site.deliver().down is not None
    assert site.deliver(14).states == {}
    site.deliver(2)
    site.deliver(3600)
    assert len(server.taken) == 1


def test_t58_nothing_of_what_was_rolled_back(site: Site, server: MailServer) -> None:
    """The transaction of a comment fails at its end: no comment, no event and no mail."""

    def fail(sender: Any, **_: Any) -> None:
        raise RuntimeError("the host says no")

    site.comment("First.")
    site.deliver()
    crowd(site, 1)
    site.app.config["PROPAGATE_EXCEPTIONS"] = False
    with comment_published.connected_to(fail, site.app):
        assert site.visitor().post(body="News.").status_code == 500
    site.deliver(3600)
    with site.session() as session:
        counts = session.scalar(select(func.count(Comment.id))), session.scalar(select(func.count(Event.id)))
    assert (counts, server.taken) == ((1, 1), [])


def test_t59_a_greylisted_mail(site: Site, server: MailServer) -> None:
    """Told 451 twice, a mail goes out at the third try, five minutes or more after the first and as many again."""
    server.will("RCPT", "451 4.7.1 Greylisted", "451 4.3.0 Later")
    answered(site)
    gaps = []
    for _ in range(2):
        site.deliver()
        (message,) = messages(site)
        gaps.append((message.not_before - site.clock()) / MINUTE)
        site.deliver(gaps[-1] * 60 - 1)
        assert messages(site)[0].attempts == len(gaps)
        site.clock.advance(2)
    site.deliver()
    assert (len(server.taken), [attempt.code for attempt in tries(site)]) == (1, [451, 451, 250])
    assert 5 <= gaps[0] <= 6.25
    assert 3.75 <= gaps[1] <= 6.25


def test_t60_a_mailbox_that_is_gone(site: Site, server: MailServer) -> None:
    """550 5.1.1 ends the message at once and lets the address rest a day; a second one ends all its mail."""
    server.will("RCPT", "550 5.1.1 No such user", "550 5.1.1 No such user")
    answered(site)
    site.deliver()
    site.comment("More news.")
    site.deliver(23 * 3600)
    assert [(message.state, message.attempts) for message in messages(site)] == [("failed", 1)]
    assert server.seen.count("RCPT") == 1
    assert person(site, "r1@reader.example").state == "confirmed"
    site.deliver(3601)
    assert server.seen.count("RCPT") == 2
    assert person(site, "r1@reader.example").state == "bounced"


def test_t61_a_mail_that_is_not_liked(site: Site, server: MailServer) -> None:
    """554 5.7.1 after the dot ends the message and says nothing about the address."""
    server.will("dot", "554 5.7.1 Looks like spam")
    answered(site)
    site.deliver()
    address = person(site, "r1@reader.example")
    assert messages(site)[0].state == "failed"
    assert (address.state, address.bounce_score, address.resting_until) == ("confirmed", 0, None)


def test_t62_a_wrong_password(make_site: MakeSite, server: MailServer) -> None:
    """535 costs no message a try and opens the breaker; with the right password all are delivered."""
    server.offers = ("250 AUTH PLAIN",)
    server.will("AUTH", "535 5.7.8 Wrong", "235 2.7.0 Welcome")
    site = make_site(MAIL_SERVER=server.host, MAIL_PORT=server.port, MAIL_USERNAME="forum", MAIL_PASSWORD="secret")
    site.add_article()
    answered(site, 3)
    site.deliver()
    found = breaker(site)
    assert found is not None
    assert "535" in (found.last_error or "") or "Wrong" in (found.last_error or "")
    assert [(message.state, message.attempts) for message in messages(site)] == [("ready", 0)] * 3
    site.deliver(16)
    assert [message.state for message in messages(site)] == ["sent"] * 3
    assert breaker(site) is None


def test_the_breaker_tries_ever_more_rarely(site: Site, server: MailServer) -> None:
    """A server that stays away is tried after 15 and 30 seconds, 1, 2, 5, 10 and then every 15 minutes."""
    server.will("banner", *[HANG_UP] * 9)
    answered(site, 3)
    waits = []
    for _ in range(9):
        site.deliver()
        found = breaker(site)
        assert found is not None
        assert found.open_until is not None
        waits.append((found.open_until - site.clock()).total_seconds())
        site.clock.advance(waits[-1] + 1)
    assert waits == [15, 30, 60, 120, 300, 600, 900, 900, 900]
    assert server.seen.count("banner") == 9
    site.deliver()
    assert len(server.taken) == 3


def test_t63_a_farewell_that_fails(site: Site, server: MailServer) -> None:
    """The server hangs up at QUIT: what it took before is sent, and not tried again."""
    server.will("QUIT", HANG_UP)
    answered(site)
    site.deliver()
    site.deliver(3600)
    assert (messages(site)[0].state, len(server.taken), server.seen.count("QUIT")) == ("sent", 1, 1)


@pytest.mark.parametrize(("policy", "copies"), [("retry", 2), ("drop", 1)])
def test_t64_no_answer_after_the_dot(make_site: MakeSite, server: MailServer, policy: str, copies: int) -> None:
    """The connection breaks after the dot, each time: two copies at most, alike in Message-ID and Date."""
    server.will("dot", *[HANG_UP] * 3)
    site = make_site(MAIL_SERVER=server.host, MAIL_PORT=server.port, FORUM_MAIL_ON_AMBIGUOUS=policy)
    site.add_article()
    answered(site)
    for _ in range(4):
        site.deliver(600)
    assert len(server.taken) == copies
    assert len({(parsed(raw)["Message-ID"], parsed(raw)["Date"]) for _, raw in server.taken}) == 1
    assert messages(site)[0].state == "dead"


def test_t66_a_silent_server_stops_nobody_else(
    make_site: MakeSite, server: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One connection gets no banner: the mails go out over the other one before that try has ended."""
    monkeypatch.setattr(Limits, "of", classmethod(lambda cls, _settings: Limits(reply=4, attempt=5)))
    server.will("banner", SILENCE)
    site = make_site(MAIL_SERVER=server.host, MAIL_PORT=server.port, FORUM_MAIL_CONNECTIONS=2)
    site.add_article()
    answered(site, 3)
    report = site.deliver()
    assert report.states == {"sent": 2, "ready": 1}
    phases = [(attempt.outcome, attempt.phase) for attempt in tries(site)]
    assert phases == [("accepted", "dot"), ("accepted", "dot"), ("transport", "banner")]


def test_t69_a_certificate_of_somebody_else(make_site: MakeSite, tmp_path: Path) -> None:
    """STARTTLS shows a certificate for another name: nothing is sent, and the breaker opens."""
    pem, context = certificate(tmp_path, "elsewhere.example")
    sink = ScriptedSink()
    controller = Fixed(sink, tls_context=context)
    controller.start()
    site = make_site(MAIL_SERVER="127.0.0.1", MAIL_PORT=controller.port, MAIL_USE_TLS=True, FORUM_MAIL_CA_FILE=str(pem))
    site.add_article()
    answered(site)
    site.deliver()
    controller.stop()
    found = breaker(site)
    assert sink.mails == []
    assert found is not None
    assert "CERTIFICATE" in (found.last_error or "").upper()


def test_t70_a_template_that_raises(site: Site, server: MailServer) -> None:
    """One message cannot be written: the other 99 are sent, and it is laid aside with the error after an hour."""
    broken = "{% if 'Poison' in title %}{{ 1 / 0 }}{% endif %}{{ title }}"
    environment = site.app.jinja_env
    loaders = [DictLoader({"forum/mail/reply/body.txt": broken}), environment.loader]
    environment.loader = ChoiceLoader([loader for loader in loaders if loader])
    site.comment("First.")
    crowd(site, 99)
    site.comment("News.")
    site.page = site.add_article("Poison")
    site.comment("First.")
    crowd(site, 1, domain="poison.example")
    site.comment("News.")
    site.deliver()
    assert len(server.taken) == 99
    for _ in range(3):
        site.deliver(1300)
    (dead,) = [message for message in messages(site) if message.state != "sent"]
    assert (dead.state, dead.attempts) == ("dead", 3)
    assert "ZeroDivisionError" in (dead.last_error or "")


def test_t71_a_lease_that_was_lost(site: Site, server: MailServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker pauses past its lease right before the wire: another one sends, and when it goes on it does not."""
    begin, paused = Sender._write_down, []

    def pause(*args: Any) -> bool:
        if not paused:
            paused.append(True)
            site.lapse()
            assert site.deliver().states["sent"] == 1
        return begin(*args)

    monkeypatch.setattr(Sender, "_write_down", pause)
    answered(site)
    report = site.deliver()
    assert (report.states["lost"], len(server.taken)) == (1, 1)


def test_t72_testing_begins_late(site: Site, server: MailServer) -> None:
    """TESTING set after the extension was set up: nothing leaves the process."""
    answered(site)
    site.app.config["TESTING"] = True
    site.deliver()
    assert (server.seen, messages(site)[0].state) == ([], "cancelled")


def test_a_domain_that_asks_for_less_gets_less(make_site: MakeSite, server: MailServer) -> None:
    """450 4.2.1 from a domain halves what it gets a minute; within minutes it gets more again."""
    site = make_site(MAIL_SERVER=server.host, MAIL_PORT=server.port, FORUM_MAIL_DOMAIN_RATE=8)
    site.add_article()
    server.will("RCPT", "450 4.2.1 Too fast for this user")
    answered(site, 20)
    site.deliver()
    first = len(server.taken)
    site.deliver(61)
    second = len(server.taken) - first
    site.deliver(400)
    assert (first, second) == (7, 5)
    assert len(server.taken) - first - second == 8
