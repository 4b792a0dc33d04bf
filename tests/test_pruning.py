"""What is over goes after a month, and is counted for good."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from forum.models import Attempt, Base, Comment, Event, Item, Message, Tally, Worker
from forum.outbox import bounces, durations, in_front, tallies, vitals
from forum.outbox.pruning import prune
from forum.outbox.restore import Laid
from tests.visitors import Site

MONTH = dt.timedelta(days=30)
DAY = dt.timedelta(days=1)
SECOND = dt.timedelta(seconds=1)


@pytest.fixture(params=["sqlite", "postgresql", "mariadb"])
def everywhere(request: pytest.FixtureRequest, make_site: Callable[..., Site]) -> Iterator[Site]:
    """A site on each of the databases."""
    fixture = {"postgresql": "postgres_url", "mariadb": "mariadb_url"}.get(request.param)
    site = make_site(**({"SQLALCHEMY_DATABASE_URI": request.getfixturevalue(fixture)} if fixture else {}))
    site.add_article()
    yield site
    with site.app.app_context():
        site.state.db.session.remove()
        Base.metadata.drop_all(site.state.db.engine)


def past(session: Session, site: Site, number: int = 1, tried: dict[str, Any] | None = None, **more: Any) -> Message:
    """A message that ended ``number`` of hours before a month ago, with one attempt."""
    at = site.clock() - MONTH - number * dt.timedelta(hours=1)
    message = letter(session, site, f"{number}", **{"expires_at": at, "created_at": at - DAY, **more})
    session.flush()
    session.add(attempt(message, at, **(tried or {})))
    session.flush()
    return message


def newest(session: Session, site: Site) -> None:
    """A message that waits, written after all others."""
    letter(session, site, "newest", state="ready")
    session.flush()


def letter(session: Session, site: Site, name: str, **more: Any) -> Message:
    """A message to the first address."""
    now = site.clock()
    given = {"kind": "reply", "state": "sent", "created_at": now, "expires_at": now + DAY, **more}
    message = Message(
        address_id=1,
        to_addr="ann@reader.example",
        domain="reader.example",
        rfc_message_id=f"<{name}@x>",
        place=given["created_at"],
        not_before=given["created_at"],
        **given,
    )
    session.add(message)
    return message


def attempt(message: Message, ended: dt.datetime, **more: Any) -> Attempt:
    """An attempt at a message, accepted in a second unless more is said."""
    given = {"phase": "dot", "outcome": "accepted", "content": 1.0, "waited": 130.0, **more}
    return Attempt(message_id=message.id, n=1, worker="w", started_at=ended - SECOND, ended_at=ended, **given)


@pytest.fixture
def known(site: Site) -> Site:
    """A site that knows one address."""
    site.comment(name="Ann", email="ann@reader.example")
    return site


def left(session: Session) -> list[str]:
    """The Message-IDs that are there."""
    return list(session.scalars(select(Message.rfc_message_id).order_by(Message.id)))


@pytest.mark.parametrize("state", tallies.ENDED)
def test_what_ended_a_month_ago_goes(known: Site, state: str) -> None:
    """A message of any final state goes with its attempts when its end is a month past."""
    with known.session() as session:
        past(session, known, state=state)
        newest(session, known)
        assert prune(session, known.clock()) == 1
        assert (left(session), session.scalar(select(func.count()).select_from(Attempt))) == (["<newest@x>"], 0)


@pytest.mark.parametrize(
    "more",
    [
        {"state": "ready"},
        {"state": "claimed"},
        {"state": "sending"},
        {"expires_at": dt.datetime(2026, 10, 24, tzinfo=dt.UTC)},
    ],
)
def test_what_has_not_ended_for_a_month_stays(known: Site, more: dict[str, Any]) -> None:
    """Nothing goes that may still be sent, or whose time was over less than a month ago."""
    with known.session() as session:
        past(session, known, **more)
        newest(session, known)
        assert (prune(session, known.clock()), len(left(session))) == (0, 2)


def test_what_died_lately_stays(known: Site) -> None:
    """A message counts from its last attempt where that was later than its time."""
    with known.session() as session:
        message = past(session, known, state="dead")
        newest(session, known)
        session.add(attempt(message, known.clock() - MONTH + SECOND, outcome="transient"))
        session.flush()
        assert prune(session, known.clock()) == 0
        known.clock.advance(2)
        assert prune(session, known.clock()) == 1


def test_the_item_stays_and_nobody_hears_twice(known: Site) -> None:
    """An item outlives its message, as what keeps its person from hearing of the comment once more."""
    with known.session() as session:
        now, comment = known.clock(), session.scalars(select(Comment)).one()
        event = session.scalars(select(Event)).one()
        message = past(session, known)
        newest(session, known)
        item = Item(event_id=event.id, comment_id=comment.id, thread_id=1, address_id=1, reason="thread", state="sent")
        item.due_at = item.created_at = now
        item.message = message
        session.add(item)
        session.flush()
        prune(session, now)
        session.expire_all()
        assert (item.state, item.message_id, left(session)) == ("sent", None, ["<newest@x>"])


def test_no_counter_falls(everywhere: Site) -> None:
    """On each database all numbers are the same before and after, and once more after the next month."""
    site = everywhere
    site.comment(name="Ann", email="ann@reader.example")
    with site.session() as session:
        past(session, site, 1, state="sent", ambiguous=1, kind="confirm")
        past(session, site, 2, {"outcome": "bad_mailbox", "phase": "rcpt", "envelope": 0.2}, state="failed")
        past(session, site, 3, {"content": 700.0, "waited": 100_000.0}, state="sent")
        newest(session, site)
        before = tallies.read(session)
        assert before["messages", ("confirm", "sent")] == 1
        assert (prune(session, site.clock()), tallies.read(session)) == (3, before)
        session.commit()
        past(session, site, 4, state="failed")
        letter(session, site, "newer", state="ready")
        assert tallies.read(session)["messages", ("reply", "failed")] == 2
        before = tallies.read(session)
        assert (prune(session, site.clock()), tallies.read(session)) == (1, before)
        session.rollback()


def test_what_was_laid_aside_is_a_state_of_its_own(everywhere: Site) -> None:
    """On each database what waits for a decision after a restoration is told apart, and domains can be asked for."""
    site = everywhere
    site.comment(name="Ann", email="ann@reader.example")
    with site.session() as session:
        letter(session, site, "aside", state="dead", skip_reason="restored")
        message = letter(session, site, "dead", state="dead")
        message.items = [Item(event_id=1, comment_id=1, thread_id=1, address_id=1, reason="reply", state="skipped",
                              skip_reason="restored", due_at=site.clock(), created_at=site.clock())]  # fmt: skip
        session.flush()
        assert vitals.message_states(session) == {"dead": 1, "laid_aside": 1}
        assert vitals.item_states(session) == {"laid_aside": 1}
        assert (vitals.laid_aside(session), vitals.dead_messages(session)) == (Laid(0, 1, 1), 1)
        assert [each.id for each in vitals.given_up(session, 3)] == [message.id]
        assert in_front(session, message, site.clock()) is None
        assert bounces.disbelieved(session, site.clock()) == []
        session.rollback()


def test_a_call_is_bounded(known: Site) -> None:
    """One call deletes five hundred messages at most, and says how many it did."""
    with known.session() as session:
        at = known.clock() - MONTH - DAY
        for number in range(503):
            letter(session, known, str(number), expires_at=at, created_at=at)
        session.flush()
        with known.statements() as seen:
            assert prune(session, known.clock()) == 500
        assert len(seen) < 30
        assert [prune(session, known.clock()) for _ in range(2)] == [2, 0]
        assert tallies.read(session)["messages", ("reply", "sent")] == 503


def test_the_newest_stays(known: Site) -> None:
    """The message with the highest number stays however old it is: no other ever gets the number of one that went."""
    with known.session() as session:
        at = known.clock() - MONTH - DAY
        last = [letter(session, known, str(number), expires_at=at, created_at=at) for number in range(2)][-1]
        session.flush()
        prune(session, known.clock())
        assert left(session) == ["<1@x>"]
        new = letter(session, known, "new")
        session.flush()
        assert new.id > last.id


def test_confirmations_stay_while_limits_count_them(known: Site) -> None:
    """A mail that asked for a confirmation stays for as long as the longest limit that counts such mails."""
    with known.session() as session:
        past(session, known, kind="confirm")
        newest(session, known)
        assert prune(session, known.clock(), confirms_stay=90 * DAY) == 0
        assert prune(session, known.clock()) == 1


def test_workers_that_ended_go(known: Site) -> None:
    """A worker that was not seen for a day is no longer listed."""
    now = known.clock()
    with known.session() as session:
        for name, seen in (("gone", now - DAY - SECOND), ("here", now - DAY)):
            session.add(Worker(name=name, started_at=seen, seen_at=seen))
        prune(session, now)
        assert session.scalars(select(Worker.name)).all() == ["here"]


def test_two_that_prune_at_once_count_once(make_site: Callable[..., Site], postgres_url: str) -> None:
    """What one process is about to delete another one leaves to it."""
    site = make_site(SQLALCHEMY_DATABASE_URI=postgres_url)
    site.add_article()
    site.comment(name="Ann", email="ann@reader.example")
    with site.session() as first, site.session() as second:
        past(first, site)
        newest(first, site)
        first.commit()
        assert (prune(first, site.clock()), prune(second, site.clock())) == (1, 0)
        first.commit()
        second.commit()
        assert second.scalar(select(Tally.value).where(Tally.name == "messages")) == 1
    with site.app.app_context():
        site.state.db.session.remove()
        Base.metadata.drop_all(site.state.db.engine)


def test_a_tally_that_came_meanwhile_is_not_counted_twice(known: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows that are deleted while somebody counts them are counted once."""
    live, others = tallies._live, iter(["another worker"])

    def overtaken(session: Session) -> durations.Counts:
        counts = live(session)
        if next(others, None):
            prune(session, known.clock())
        return counts

    with known.session() as session:
        past(session, known)
        newest(session, known)
        before = tallies.read(session)
        monkeypatch.setattr(tallies, "_live", overtaken)
        assert tallies.read(session) == before


def test_durations_outlive_a_change_of_bounds() -> None:
    """What an older release counted by other bounds goes to the next bound that includes it."""
    duration = durations.Duration("waited", Attempt.waited, (1, 10), Attempt.waited > 0)
    counts = {("waited", ("0.5",)): 1.0, ("waited", ("5.0",)): 2.0, ("waited", ("+Inf",)): 4.0, ("other", ("1",)): 9.0}
    assert durations.cumulated(duration, counts) == [("1.0", 1), ("10.0", 3), ("+Inf", 7)]
