"""Answers of the mail server that come too late: the lease is lost, others went on, and the ledger still has them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import func, select

from forum import outbox
from forum.mail.outcome import Outcome
from forum.models import Attempt, Message
from forum.outbox import Claim, Try
from tests.mail_servers import MailServer
from tests.visitors import Site

SMTP: dict[str, Any] = {"FORUM_MAIL_TRANSPORT": "smtp", "MAIL_SUPPRESS_SEND": False, "TESTING": False}
ACCEPTED = Outcome("accepted", "dot", code=250, text="Ok")


@pytest.fixture
def server() -> Iterator[MailServer]:
    """A mail server that does what it is told."""
    running = MailServer()
    yield running
    running.stop()


@pytest.fixture
def site(make_site: Callable[..., Site], server: MailServer, database: dict[str, str]) -> Site:
    """A site on each database with a confirmation mail to Ann due."""
    made = make_site(**SMTP, MAIL_SERVER=server.host, MAIL_PORT=server.port, **database)
    made.add_article()
    made.comment(name="Ann", email="ann@reader.example", notify="direct")
    return made


def meanwhile(site: Site, server: MailServer) -> None:
    """While the server is about to answer, the lease runs out and another worker delivers."""

    def overtake() -> None:
        server.at_the_end = lambda: None
        site.lapse()
        site.deliver(901)

    server.at_the_end = overtake


def late(site: Site, outcome: Outcome, message_id: int = 1) -> str | None:
    """Settle a try of a worker whose lease is long lost."""
    now = site.clock()
    tried = Try(Claim(message_id, "a lost token"), 1, "sleeper:1", now - dt.timedelta(hours=1), now, now)
    with site.session() as session:
        state = outbox.settle(session.connection(), site.state.settings, tried, outcome)
        session.commit()
        return state


def ledger(site: Site) -> list[tuple[str, str]]:
    """The worker and the outcome of every try, as they were written down."""
    with site.session() as session:
        rows = session.execute(select(Attempt.worker, Attempt.outcome).order_by(Attempt.id))
        return [(worker, outcome) for worker, outcome in rows]


def state_of(site: Site) -> tuple[Any, ...]:
    """What others made of the message."""
    with site.session() as session:
        message = session.get_one(Message, 1)
        return message.state, message.attempts, message.ambiguous, message.smtp_code


def test_both_acceptances_are_on_record(site: Site, server: MailServer) -> None:
    """Accepted after another worker had sent it again: both copies are in the ledger, and the message is sent."""
    meanwhile(site, server)
    report = site.deliver()
    assert report.states == {"lost": 1}
    assert [outcome for _, outcome in ledger(site)] == ["accepted", "accepted"]
    assert (state_of(site), len(server.taken)) == (("sent", 1, 1, 250), 2)


@pytest.mark.parametrize("outcome", [ACCEPTED, Outcome("bad_mailbox", "rcpt", code=550, text="nobody here")])
def test_a_late_answer_changes_the_ledger_alone(site: Site, outcome: Outcome) -> None:
    """Whatever the server said too late goes on record, and what others did with the message stands."""
    site.deliver()
    before = state_of(site)
    assert late(site, outcome) is None
    assert ledger(site)[1:] == [("sleeper:1", outcome.word)]
    assert state_of(site) == before


def test_a_late_answer_that_is_told_twice_is_one(site: Site) -> None:
    """Read from the spool by two workers, a late acceptance is one row."""
    site.deliver()
    late(site, ACCEPTED)
    late(site, ACCEPTED)
    assert len(ledger(site)) == 2


def test_an_answer_about_a_deleted_message_is_nothing(site: Site) -> None:
    """Its message was deleted meanwhile: nothing is stored, and nothing raises."""
    assert late(site, ACCEPTED, message_id=99) is None
    with site.session() as session:
        assert session.scalar(select(func.count()).select_from(Attempt)) == 0
