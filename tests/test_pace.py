"""Digests, pauses and quieter threads: mail that comes when it is wanted, and is never lost."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select, update

from forum import articles
from forum.models import ActorMute, Address, Item, Subscription
from forum.outbox.cadence import due_at
from tests.visitors import Site

ANN = "ann@reader.example"
SUNDAY = dt.datetime(2026, 11, 22, 12, 20, tzinfo=dt.UTC)


def wish(site: Site, **values: Any) -> None:
    """Change all wishes of everybody, as the settings page does."""
    with site.session() as session:
        session.execute(update(Subscription).values(**values))
        session.commit()


def person(site: Site, **values: Any) -> None:
    """Change what is known of Ann."""
    with site.session() as session:
        session.execute(update(Address).where(Address.key == ANN).values(**values))
        session.commit()


def last_reason(site: Site) -> str | None:
    """Why the last item was skipped."""
    with site.session() as session:
        return session.scalars(select(Item).order_by(Item.id.desc())).first().skip_reason  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("cadence", "due"),
    [
        ("instant", SUNDAY),
        ("hourly", SUNDAY.replace(hour=13, minute=0)),
        ("daily", SUNDAY.replace(day=23, hour=8, minute=0)),
        ("weekly", SUNDAY.replace(day=23, hour=8, minute=0)),
    ],
)
def test_news_is_due_when_its_cadence_says(cadence: str, due: dt.datetime) -> None:
    """On a Sunday at noon news is due at once, at one, on Monday at eight, and on Monday at eight."""
    assert due_at(SUNDAY, cadence, 8) == due


def test_news_on_the_hour_needs_no_wait() -> None:
    """What appears right on the hour of the digest is in it."""
    monday = SUNDAY.replace(day=23, hour=8, minute=0)
    assert {due_at(monday, cadence, 8) for cadence in ("instant", "hourly", "daily", "weekly")} == {monday}


def test_a_daily_digest_holds_all_threads(site: Site) -> None:
    """Answers in two threads come in one digest at the hour of the day, and not before."""
    first = site.follower("Ann")
    site.page = site.add_article("Butter")
    second = site.follower("Ann", "Elsewhere.")
    wish(site, cadence="daily")
    site.comment("On butter.", parent=second)
    site.page = "/articles/bread"
    site.comment("On bread.", parent=first)
    site.deliver(3600)
    assert site.mails(reason="digest") == []
    site.clock.now = site.clock.now.replace(day=23, hour=8, minute=0, second=0)
    site.deliver()
    (digest,) = site.mails(reason="digest")
    assert digest["Subject"] == "[Forum] 2 new replies in 2 discussions"
    assert all(words in digest.as_string() for words in ("On butter.", "On bread."))


def test_an_empty_digest_is_never_sent(site: Site) -> None:
    """Everything in a digest was deleted before it was due: nothing is sent."""
    first = site.follower("Ann")
    wish(site, cadence="daily")
    ben = site.visitor()
    ben.post(body="Oops.", parent=first)
    site.deliver()
    ben.act("/forum/comments/2/remove", "remove")
    site.deliver(2 * 86400)
    assert (site.mails(reason="digest"), last_reason(site)) == ([], "comment_gone")


def test_switched_off_is_switched_off(site: Site) -> None:
    """A wish whose cadence is off sends nothing: `off`."""
    first = site.follower("Ann")
    wish(site, cadence="off")
    site.comment("Hello.", parent=first)
    site.deliver()
    assert (site.mails(reason="reply"), last_reason(site)) == ([], "off")


def test_beyond_the_cap_of_a_day_one_digest_holds_the_rest(make_site: Callable[..., Site]) -> None:
    """With three mails a day, seven answers on seven pages are three mails, and one digest a day later."""
    site = make_site(FORUM_MAIL_MAX_PER_DAY=3)
    parents = []
    for n in range(7):
        site.page = site.add_article(f"Bread {n}")
        parents.append((site.page, site.follower("Ann", f"Question {n}.")))
    for page, parent in parents:
        site.page = page
        site.comment("An answer.", parent=parent)
        site.deliver(60)
    assert (len(site.mails(reason="reply")), len(site.mails(reason="digest"))) == (3, 0)
    site.deliver(86400)
    (digest,) = site.mails(reason="digest")
    assert digest["Subject"] == "[Forum] 4 new replies in 4 discussions"


def test_a_lively_thread_slows_down(site: Site) -> None:
    """After twenty-one pieces of news in an hour Ann hears of the thread once an hour, and the mail says so."""
    first = site.follower("Ann", notify="thread")
    for n in range(22):
        site.comment(f"Word {n}.", name=f"Guest {n}", parent=first)
        site.deliver(20)
    told = len(site.mails(reason="reply"))
    assert told < 22
    site.deliver(3600)
    assert len(site.mails(reason="reply")) == told + 1
    assert "once an hour" in site.mails(reason="reply")[-1].as_string()


def test_a_pause_keeps_mail_until_it_ends(site: Site) -> None:
    """While Ann has paused, nothing is sent; when the pause ends, what happened comes in one mail."""
    first = site.follower("Ann")
    person(site, paused_until=site.clock.now + dt.timedelta(days=3))
    site.comment("One.", parent=first)
    site.comment("Two.", parent=first)
    site.deliver(86400)
    assert site.mails(reason="reply") == []
    site.deliver(2 * 86400)
    (mail,) = site.mails(reason="reply")
    assert all(words in mail.as_string() for words in ("One.", "Two."))


def test_a_pause_holds_for_what_is_queued(make_site: Callable[..., Site]) -> None:
    """A mail that was grouped before Ann paused waits too, and leaves afterwards."""
    site = make_site(FORUM_MAIL_HOLD_SECONDS=120)
    site.add_article()
    first = site.follower("Ann")
    site.comment("One.", parent=first)
    site.deliver()
    person(site, paused_until=site.clock.now + dt.timedelta(days=1))
    site.deliver(600)
    assert site.mails(reason="reply") == []
    site.deliver(86400)
    assert len(site.mails(reason="reply")) == 1


def test_a_muted_person_is_not_heard(site: Site) -> None:
    """Ann muted Ben: his answers are not mailed to her, Cem's are."""
    first = site.follower("Ann")
    site.comment("Ha.", name="Ben", email="ben@reader.example", parent=first)
    with site.session() as session:
        ids = {key: id_ for id_, key in session.execute(select(Address.id, Address.key))}
        session.add(ActorMute(address_id=ids[ANN], actor_id=ids["ben@reader.example"], created_at=site.clock()))
        session.commit()
    site.deliver()
    assert (site.mails(reason="reply"), last_reason(site)) == ([], "actor_muted")
    site.comment("Hello.", name="Cem", email="cem@reader.example", parent=first)
    site.deliver()
    assert len(site.mails(reason="reply")) == 1


def test_nobody_is_called_back_to_a_page_that_is_gone(site: Site) -> None:
    """The article is taken away before the mail leaves: `article_gone`."""
    first = site.follower("Ann")
    site.comment("Hello.", parent=first)
    with site.session() as session:
        articles.remove(session, "bread")
        session.commit()
    site.deliver()
    assert (site.mails(reason="reply"), last_reason(site)) == ([], "article_gone")


def test_silence_for_a_year_is_asked_about_and_then_respected(site: Site) -> None:
    """After a year without a sign of life the mail asks; after three more unanswered mails no more are sent."""
    first = site.follower("Ann")
    site.clock.advance(400 * 86400)
    for n in range(5):
        site.comment(f"Word {n}.", parent=first)
        site.deliver(3600)
    assert len(site.mails(reason="reply")) == 4
    assert last_reason(site) == "dormant"


def test_a_sign_of_life_wakes_a_dormant_address(site: Site) -> None:
    """Ann writes again: mail to her goes on."""
    first = site.follower("Ann")
    person(site, nudges=4)
    again = site.comment("I am back.", name="Ann", email=ANN, notify="direct")
    site.comment("Welcome.", parent=first)
    site.comment("Welcome!", parent=again)
    site.deliver()
    assert len(site.mails(reason="reply")) == 1


def test_who_has_seen_it_is_not_mailed(make_host: Callable[..., Site]) -> None:
    """A signed-in reader the host saw on the page after the answer appeared gets no mail: `seen`."""
    site = make_host("{{ forum_thread('a', title='A', url='/') }}")
    site.state.hooks.last_seen = lambda key, ref: site.clock.now
    first = site.follower("Ann")
    wish(site, identity_ref="7")
    site.comment("Hello.", parent=first)
    site.clock.advance(10)
    site.deliver()
    assert (site.mails(reason="reply"), last_reason(site)) == ([], "seen")


@pytest.mark.parametrize(("decision", "told"), [("approve", 1), ("reject", 1), ("spam", 0)])
def test_authors_can_be_told_what_became_of_their_comment(
    make_site: Callable[..., Site], decision: str, told: int
) -> None:
    """With FORUM_MAIL_NOTICES a confirmed author hears of approval and rejection; of spam nobody does."""
    from forum import moderation

    site = make_site(FORUM_MAIL_NOTICES=True)
    site.add_article()
    site.follower("Ann")
    site.state.settings = site.state.settings.model_copy(update={"moderation": "all"})
    held = site.comment("Please.", name="Ann", email=ANN)
    with site.session() as session:
        what: Any = decision
        press = moderation.acts.Press(site.state.keys, site.state.settings, "test", site.clock())
        moderation.acts.decide(session, press, what, held, 1)
        session.commit()
    site.deliver(60)
    assert len(site.mails(ANN)) == 1 + told
