"""The privacy clock: what is over goes, and nothing that is younger, published or waiting."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import func, select, update

from forum import learning
from forum.cli import forum_cli
from forum.mail import keeping
from forum.models import (
    Address,
    Audit,
    Comment,
    Event,
    Item,
    Listing,
    Message,
    Refusal,
    Report,
    Revision,
    SignIn,
    Subscription,
)
from forum.moderation import enlisting, listings, retention
from forum.outbox import tallies
from tests.desk import act, edit, press, run, take_back
from tests.test_page_switches import MODERATOR, moderator
from tests.visitors import Site

DAY = 86_400


@pytest.fixture
def everywhere(database: dict[str, str], make_site: Callable[..., Site]) -> Iterator[Site]:
    """A site on each of the databases, with a moderator."""
    site = make_site(FORUM_MODERATORS=["mo@forum.example"], FORUM_MODERATION="none", **database)
    site.add_article()
    yield site
    with site.app.app_context():
        site.state.db.session.remove()


def go_round(site: Site, days: float = 0) -> dict[str, int]:
    """Let ``days`` pass and the clock go round; what it ended."""
    site.clock.advance(days * DAY)
    with site.app.app_context():
        return {name: number for name, number in keeping.keep_clock(site.state.courier()).items() if number}


def count(site: Site, model: Any) -> int:
    with site.session() as session:
        return session.scalar(select(func.count()).select_from(model)) or 0


def test_rejected_comments_go_wholly_a_month_after_the_decision(everywhere: Site) -> None:
    """Spam goes with its items, events, wishes and earlier texts, counted from the decision; the rest stays."""
    site = everywhere
    kept = site.comment("Stays.", name="Ann", email="ann@reader.example", notify="direct")
    spam = site.comment("Buy.", name="Sam", email="sam@reader.example", notify="direct")
    site.deliver(3600)
    edit(site, spam, "Buy now.")
    site.clock.advance(40 * DAY)
    act(site, "spam", spam)
    assert "comments" not in go_round(site, 29)
    before = counters(site)
    assert go_round(site, 2)["comments"] == 1
    assert counters(site) == before
    with site.session() as session:
        assert session.scalars(select(Comment.id)).all() == [kept]
        assert session.scalars(select(Subscription.comment_id)).all() == [kept]
        assert session.scalars(select(Event.comment_id)).all() == [kept]
        assert session.scalars(select(Revision.id)).all() == []


def counters(site: Site) -> dict[Any, float]:
    """Everything about comments that was ever counted."""
    with site.session() as session:
        found = tallies.read(session)
    return {key: value for key, value in found.items() if key[0] in ("items", "events", "skips")}


def test_the_place_of_an_answered_comment_remains(everywhere: Site) -> None:
    """A rejected comment with an answer loses its words and its author; when the answer goes, so does its place."""
    site = everywhere
    parent = site.comment("Bad words.", name="Sam", email="sam@reader.example")
    answer = site.comment("Please do not.", name="Ann", parent=parent)
    act(site, "reject", parent)
    assert go_round(site, 31)["comments"] == 1
    row = site.get(parent)
    assert (row.state, row.name, row.source, row.html, row.address_id, row.reasons) == ("removed", "", "", "", None, [])
    assert (row.visitor_hash, row.removed_by) == (None, "clock")
    assert "Please do not." in site.visitor().get(site.page).text
    assert "comments" not in go_round(site)
    act(site, "spam", answer)
    assert go_round(site, 31)["comments"] == 2
    assert count(site, Comment) == 0


def test_what_has_no_words_left_cannot_come_back(site: Site) -> None:
    """An emptied comment allows no act, and undoing the old one leaves it alone."""
    parent = site.comment("Bad words.")
    site.comment("Please do not.", parent=parent)
    batch = act(site, "reject", parent).batch
    go_round(site, 31)
    assert take_back(site, batch).done == 0
    with pytest.raises(Exception, match="changed since"):
        act(site, "restore", parent)


def test_nothing_published_waiting_or_young_goes(everywhere: Site) -> None:
    """After a year the clock takes nothing from comments that stand or wait, nor from confirmed addresses."""
    site = everywhere
    site.follower("Ann")
    held = site.comment("Waits.", name="Ben", email="ben@reader.example")
    site.deliver(3600)
    act(site, "unapprove", held)
    go_round(site, 365)
    with site.session() as session:
        assert session.scalars(select(Comment.source).order_by(Comment.id)).all() == ["Tell me.", "Waits."]
        states = dict(session.execute(select(Address.key, Address.state)).all())
        assert (states["ann@reader.example"], states["ben@reader.example"]) == ("confirmed", "none")
        assert session.scalars(select(Subscription.state)).all() == ["active"]


def test_hashes_of_networks_and_visitors_go_after_three_months(everywhere: Site) -> None:
    """Comments, consents and refused drafts lose them, published comments too; younger ones keep theirs."""
    site = everywhere
    old = site.comment("Old.", name="Ann", email="ann@reader.example", notify="direct")
    site.clock.advance(60 * DAY)
    young = site.comment("Young.")
    go_round(site, 31)
    assert (site.get(old).network, site.get(old).visitor_hash) == (None, None)
    assert None not in (site.get(young).network, site.get(young).visitor_hash)
    with site.session() as session:
        assert session.scalars(select(Subscription.consent_network)).all() == [None]


def test_unconfirmed_addresses_go_when_no_comment_stands_under_them(everywhere: Site) -> None:
    """An address nobody confirmed is forgotten after a month, together with the spam it wrote; a moderator's stays."""
    site = everywhere
    spam = site.comment("Buy.", name="Sam", email="sam@reader.example", notify="direct")
    site.comment("Stays.", name="Ben", email="ben@reader.example")
    moderator = site.comment("Mine.", name="Ida", email="mo@forum.example")
    for id_ in (spam, moderator):
        act(site, "spam", id_)
    done = go_round(site, 31)
    assert done["unconfirmed addresses"] == 1
    with site.session() as session:
        emails = set(session.scalars(select(Address.email)))
        assert emails == {"", "ben@reader.example", "mo@forum.example"}
        assert "sam@reader.example" not in set(session.scalars(select(Message.to_addr)))


def test_refusals_settled_reports_ended_entries_and_sign_ins_go(everywhere: Site) -> None:
    """Each goes a month after it was over; what is open or younger stays."""
    site, now = everywhere, everywhere.clock()
    posted = site.comment("Stays.")
    about = {"reason": "spam", "comment_id": posted, "created_at": now}
    with site.session() as session:
        session.add(Refusal(at=now, thread_key="x", name="Sam", excerpt="Buy."))
        session.add_all([Report(reporter="a", settled_at=now, **about), Report(reporter="b", **about)])
        session.add(SignIn(email="mo@forum.example", created_at=now, expires_at=now))
        session.commit()
    for name, days in (("Week", 7), ("Ever", None)):
        until = now + dt.timedelta(days=days) if days else None
        run(site, lambda session: enlisting.add(session, press(site), listings.by_name(name), "hold", until))  # noqa: B023  # called at once
    assert go_round(site, 29) == {}
    done = go_round(site, 2)
    assert {name: done.get(name) for name in ("refusals", "reports", "sign-ins")} == {
        "refusals": 1,
        "reports": 1,
        "sign-ins": 1,
    }
    go_round(site, 10)
    assert [count(site, model) for model in (Refusal, Report, SignIn, Listing)] == [0, 1, 0, 1]


def test_zero_is_for_ever(make_site: Callable[..., Site]) -> None:
    """With every key at 0 the clock goes round and ends nothing, mail included."""
    keys = ("UNCONFIRMED", "NETWORK", "REJECTED", "MESSAGE")
    site = make_site(FORUM_MODERATION="none", **{f"FORUM_KEEP_{key}_DAYS": 0 for key in keys})
    site.add_article()
    act(site, "spam", site.comment(email="sam@reader.example", notify="direct"))
    site.deliver(3600)
    assert go_round(site, 3000) == {}


def test_records_of_mail_go_by_their_key(make_site: Callable[..., Site]) -> None:
    """A site that keeps the record of a mail for a week loses it after a week, and no counter falls."""
    site = make_site(FORUM_KEEP_MESSAGE_DAYS=7, FORUM_MODERATION="none")
    site.add_article()
    posted = site.follower("Ann")
    for _ in range(2):
        site.comment("News.", parent=posted)
        site.deliver(7200)
    before = count(site, Message)
    assert "mail" not in go_round(site, 5)
    assert go_round(site, 4)["mail"] == before - 1


def test_what_was_cut_off_goes_on(everywhere: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stopped after the first chunk, the clock notes no run, and the next one ends the rest."""
    site = everywhere
    monkeypatch.setattr(retention, "RULES", [retention.Rule(*_but_chunk(rule), 2) for rule in retention.RULES])
    for number in range(5):
        act(site, "spam", site.comment(f"Buy {number}."))
    site.clock.advance(31 * DAY)
    with site.app.app_context():
        keeping.keep_clock(site.state.courier(), lambda: count(site, Comment) < 5)
    assert count(site, Comment) == 3
    with site.session() as session:
        assert retention.last_run(session) is None
    assert go_round(site)["comments"] == 3
    with site.session() as session:
        assert retention.last_run(session) == site.clock()


def _but_chunk(rule: retention.Rule) -> tuple[Any, ...]:
    return rule.name, rule.setting, rule.over, rule.end


def test_the_clock_goes_round_once_a_day_where_mail_is_delivered(site: Site) -> None:
    """Delivery looks after it each time, and once a day it goes round; each round is on record."""
    with site.app.app_context():
        for hours in (0, 1, 22, 1):
            site.clock.advance(hours * 3600)
            keeping.prune(site.state.courier())
    with site.session() as session:
        assert len(session.scalars(select(Audit).where(Audit.act == "prune")).all()) == 2


def test_the_command_says_what_would_go_and_then_lets_it_go(site: Site) -> None:
    """`prune --dry-run` counts and changes nothing, `prune` ends the same, and a second one finds nothing."""
    act(site, "spam", site.comment("Buy."))
    site.clock.advance(31 * DAY)
    runner = site.app.test_cli_runner()
    said = [runner.invoke(forum_cli, ["prune", *more]).output for more in (["--dry-run"], [], [])]
    assert said == ["comments: 1\n", "comments: 1\n", "Nothing is older than it may be.\n"]


def test_two_workers_end_each_row_once(everywhere: Site) -> None:
    """What one worker holds another leaves alone; together they end everything once."""
    site = everywhere
    for number in range(6):
        act(site, "spam", site.comment(f"Buy {number}."))
    with site.session() as session:
        session.execute(update(Comment).values(created_at=site.clock() - dt.timedelta(days=1)))
        session.commit()
    site.clock.advance(31 * DAY)
    with ThreadPoolExecutor(2) as pool:
        done = list(pool.map(lambda _: go_round(site).get("comments", 0), range(2)))
    assert sum(done) == 6
    assert [count(site, model) for model in (Comment, Item)] == [0, 0]


def test_whoever_signed_in_stays_so_for_two_weeks(make_site: Callable[..., Site]) -> None:
    """The clock ends no session before its time: a moderator who works here for 13 days is never sent away."""
    site = make_site(FORUM_MODERATORS=[MODERATOR])
    site.add_article()
    anna = moderator(site)
    for _ in range(13 * 3):
        go_round(site, 1 / 3)
        assert anna.get("/forum/moderation/").status_code == 200


def test_what_the_clock_takes_the_filter_still_knows(site: Site) -> None:
    """The words of spam are nobody's: they stay learned when the spam itself is gone, or only its place is left."""
    answered = site.comment("Cheap pills here.")
    site.comment("Please do not.", parent=answered)
    for posted in (answered, site.comment("Cheap pills there.")):
        act(site, "spam", posted)
    go_round(site, 31)
    with site.session() as session:
        assert learning.known(session, ["pills"])["pills"].spam == 2
    assert site.get(answered).learned is None


def test_mail_goes_again_when_a_block_is_over(everywhere: Site) -> None:
    """After a day's block the address is what it was, without a wait for the daily round; the entry says it ended."""
    site = everywhere
    site.follower("Ann")
    _block_ann(site)
    go_round(site)
    assert _state_of_ann(site) == "blocked"
    site.clock.advance(DAY + 60)
    _note_run(site)
    with site.app.app_context():
        keeping.prune(site.state.courier())
    assert (_state_of_ann(site), count(site, Listing)) == ("confirmed", 1)
    with site.session() as session:
        said = select(Audit.actor, Audit.act).where(Audit.subject_kind == "listing").order_by(Audit.id.desc())
        assert session.execute(said.limit(1)).one() == ("clock", "end")
        assert not retention.is_due(session, site.clock())


def test_an_ended_block_does_not_come_back(site: Site) -> None:
    """Lifted after its time and the lift undone, a block that is over silences nobody."""
    site.follower("Ann")
    _block_ann(site)
    go_round(site, 1.1)
    pressed = press(site)
    with site.session() as session:
        row = session.scalars(select(Listing)).one()
        seen = enlisting.edition(row)
    run(site, lambda session: enlisting.lift(session, pressed, row.id, seen))
    assert take_back(site, pressed.batch).done == 1
    assert (_state_of_ann(site), count(site, Listing)) == ("confirmed", 1)


def _block_ann(site: Site) -> None:
    mark = listings.typed(site.state.keys, "address", "ann@reader.example")
    until = site.clock() + dt.timedelta(days=1)
    run(site, lambda session: enlisting.add(session, press(site), mark, "block", until))


def _state_of_ann(site: Site) -> str:
    with site.session() as session:
        return session.scalars(select(Address.state).where(Address.key == "ann@reader.example")).one()


def _note_run(site: Site) -> None:
    """The daily round has just been."""
    run(site, lambda session: retention.note(session, {}, site.clock()))
