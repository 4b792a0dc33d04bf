"""The last questions before a mail leaves: what changed since it was written, and what the host's hooks raise."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select, update
from sqlalchemy.exc import OperationalError

from forum import addresses, moderation, outbox
from forum.explain.sentences import known
from forum.models import Address, Message, Subscription
from tests.visitors import Site

ANN = "ann@reader.example"
DATA: dict[str, dict[str, Any]] = {
    "link": {"page": "p"},
    "notice": {"comment": 1, "decision": "approve"},
    "moved": {},
    "confirm": {"generation": 0},
}


@pytest.fixture
def written(site: Site) -> Callable[[str], None]:
    """Writes a mail of a kind to Ann, who has left a comment and is told of nothing."""
    site.comment(name="Ann", email=ANN)

    def write(kind: str) -> None:
        state = site.state
        with site.session() as session:
            ann = session.scalars(select(Address)).one()
            ann.state = "pending" if kind == "confirm" else "confirmed"
            assert outbox.write(session, state.keys, state.settings, ann, kind, DATA[kind], site.clock())
            session.commit()

    return write


def outcome(site: Site) -> tuple[str, str | None, int]:
    """Deliver; the state of the message, the reason beside it, and how many mails arrived."""
    site.deliver()
    with site.session() as session:
        message = session.scalars(select(Message)).one()
        return message.state, message.skip_reason, len(site.mails())


@pytest.mark.parametrize("kind", DATA)
def test_nothing_changed(site: Site, written: Callable[[str], None], kind: str) -> None:
    """A mail whose address may still be written to is sent."""
    written(kind)
    assert outcome(site) == ("sent", None, 1)


@pytest.mark.parametrize("kind", DATA)
@pytest.mark.parametrize("state", ["refused", "blocked", "complained", "bounced"])
def test_an_address_that_fell_silent_meanwhile(
    site: Site, written: Callable[[str], None], kind: str, state: str
) -> None:
    """After the writing the address came to say no, or its mail came back: nothing leaves, and why is kept."""
    written(kind)
    with site.session() as session:
        session.scalars(select(Address)).one().state = state
        session.commit()
    assert outcome(site) == ("cancelled", f"address_{state}", 0)
    assert f"address_{state}" in known()


@pytest.mark.parametrize("kind", DATA)
@pytest.mark.parametrize("why", ["refused", "bounced", "complained"])
def test_an_address_that_was_suppressed_meanwhile(
    site: Site, written: Callable[[str], None], kind: str, why: str
) -> None:
    """After the writing the mailbox was put among those never to be written to: nothing leaves."""
    written(kind)
    with site.session() as session:
        ann = session.scalars(select(Address)).one()
        addresses.suppress(session, site.state.keys, ann, why, site.clock())
        session.commit()
    assert outcome(site) == ("cancelled", f"suppressed:{why}", 0)
    assert f"suppressed:{why}" in known()


@pytest.mark.parametrize("kind", ["link", "notice", "moved"])
def test_an_unsubscribed_address_gets_what_it_asked_for(site: Site, written: Callable[[str], None], kind: str) -> None:
    """Who unsubscribed from news still gets links, notices and warnings: the state alone forbids none of them."""
    written(kind)
    with site.session() as session:
        session.scalars(select(Address)).one().state = "unsubscribed"
        session.commit()
    assert outcome(site) == ("sent", None, 1)


def test_a_moderator_gets_in_whatever_they_think_of_mail(make_site: Callable[..., Site]) -> None:
    """The one-time link of a moderator leaves although mail about comments to them is refused."""
    site = make_site(FORUM_MODERATORS=[ANN])
    state = site.state
    with site.session() as session:
        moderation.mail_link(session, state.keys, state.settings, ANN, site.clock())
        session.scalars(select(Address)).one().state = "refused"
        session.commit()
    assert outcome(site) == ("sent", None, 1)


@pytest.mark.parametrize("hook", ["may_read", "last_seen"])
def test_a_host_whose_own_database_is_away_stops_no_other_mail(site: Site, hook: str) -> None:
    """A hook that raises an error of SQLAlchemy has failed like any other: one mail waits, those of other pages go."""
    first, stamp = site.follower("Ann"), site.visitor().stamp()
    site.page = site.add_article("Butter")
    site.comment("On butter.", parent=site.follower("Cem"))
    site.comment("On bread.", parent=first, stamp=stamp)
    with site.session() as session:
        session.execute(update(Subscription).values(identity_ref="7"))
        session.commit()

    def ask(key: str, *_: str | None) -> Any:
        if key == "article:bread":
            raise OperationalError("SELECT 1", {}, ConnectionError("the host's database is away"))
        return True if hook == "may_read" else None

    setattr(site.state.hooks, hook, ask)
    site.deliver()
    assert [mail["To"] for mail in site.mails(reason="reply")] == ["cem@reader.example"]
    with site.session() as session:
        (waits,) = session.scalars(select(Message).where(Message.state == "ready"))
        assert (waits.attempts, (waits.last_error or "")[:24]) == (1, "render: OperationalError")
