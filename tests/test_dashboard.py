"""The overview: what waits, what was written, how mail is doing, in a fixed number of statements."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from typing import Any
from xml.etree import ElementTree

import pytest
from sqlalchemy import insert, select, text, update
from sqlalchemy.dialects import sqlite

from forum.blueprints.desk import plot
from forum.models import Address, Comment, Message, Refusal, Report, Throttle, Worker
from forum.moderation import figures
from tests.desk_pages import ADA, MO, signed_in, staffed
from tests.visitors import Site

OVERVIEW = "/forum/moderation/overview"
DAY = dt.timedelta(days=1)


@pytest.fixture
def desk(make_site: Callable[..., Site]) -> Site:
    """A site with an admin and another moderator, and a worker that has just been there."""
    site = staffed(make_site)
    site.deliver()
    return site


@pytest.fixture
def each_desk(make_site: Callable[..., Site], database: dict[str, str]) -> Site:
    """The same on each database."""
    site = staffed(make_site, **database)
    site.deliver()
    return site


def write(site: Site, number: int, **values: Any) -> None:
    """Add comments as they stand in an old site."""
    first = site.get(site.comment("The first."))
    kept = ("thread_id", "depth", "name", "source", "html", "renderer", "state", "created_at")
    same = {name: getattr(first, name) for name in kept} | {"reasons": [], **values}
    with site.session() as session:
        session.execute(
            insert(Comment), [{**same, "nonce": f"{first.id}-{n}", "digest": str(n)} for n in range(number)]
        )
        session.commit()


def change(site: Site, statement: Any) -> None:
    with site.session() as session:
        session.execute(statement)
        session.commit()


def figure(page: str, name: str) -> tuple[str, str]:
    """The number and the note of one figure of the page."""
    found = re.search(rf">{name}</dt><dd [^>]*>([^<]*)</dd>\s*(?:<dd [^>]*>([^<]*)</dd>)?", page)
    assert found is not None, page
    return found[1], found[2]


# --- what waits


def test_it_says_what_waits_and_for_how_long(each_desk: Site) -> None:
    """Held and reported comments are counted, with the age of the oldest; two reports of one comment are one."""
    now = each_desk.clock()
    write(each_desk, 2, state="held", created_at=now - 3 * DAY)
    with each_desk.session() as session:
        id_ = session.scalars(select(Comment.id).where(Comment.state == "published")).first()
        same = {"comment_id": id_, "reason": "spam", "created_at": now - dt.timedelta(hours=2)}
        session.execute(insert(Report), [{**same, "reporter": "a"}, {**same, "reporter": "b"}])
        session.commit()
    page = signed_in(each_desk).get(OVERVIEW).text
    assert figure(page, "Comments waiting") == ("2", "the oldest came 3 days ago")
    assert figure(page, "Comments reported") == ("1", "the oldest report came 2 hours ago")


def test_an_empty_site_has_a_calm_page(desk: Site) -> None:
    """Where nothing was ever written nothing waits, and the plot says so in words."""
    page = signed_in(desk).get(OVERVIEW).text
    assert figure(page, "Comments waiting") == ("0", "nothing waits")
    assert "Nobody has written anything." in page
    assert 'role="alert"' not in page


# --- comments each day


def test_each_day_has_its_verdicts(each_desk: Site) -> None:
    """Thirty days in UTC up to today are counted by what became of their comments, refusals at the door included."""
    now = each_desk.clock()
    night = figures.midnight(now) - 2 * DAY
    write(each_desk, 2, state="spam", created_at=night)
    write(each_desk, 3, state="held", created_at=night - dt.timedelta(seconds=1))
    write(each_desk, 4, state="rejected", created_at=night)
    write(each_desk, 5, state="removed", created_at=night)
    write(each_desk, 6, state="spam", created_at=figures.midnight(now) - 30 * DAY)
    with each_desk.session() as session:
        session.add(Refusal(at=night, thread_key="k", name="N", excerpt="", reasons=["word:x"]))
        session.commit()
        days = figures.days(session, now)
    assert [day.date for day in days] == [(now - ago * DAY).date() for ago in reversed(range(30))]
    # The first comments of all five calls were written today.
    assert [dict(day.numbers) for day in days[-4:]] == [
        {"published": 0, "held": 3, "spam": 0, "refused": 0},
        {"published": 5, "held": 0, "spam": 2, "refused": 5},
        {"published": 0, "held": 0, "spam": 0, "refused": 0},
        {"published": 5, "held": 0, "spam": 0, "refused": 0},
    ]
    assert sum(day.total for day in days[:-4]) == 0


def test_the_days_are_counted_by_an_index(desk: Site) -> None:
    """No comment and no refusal older than thirty days is looked at."""
    write(desk, 50)
    for query in (figures._written(desk.clock()), figures._turned_away(desk.clock())):
        compiled = query.compile(dialect=sqlite.dialect(), compile_kwargs={"literal_binds": True})
        with desk.session() as session:
            plan = " ".join(row.detail for row in session.execute(text(f"EXPLAIN QUERY PLAN {compiled}")))
        assert re.search(r"SEARCH forum_\w+ USING (COVERING )?INDEX ix_forum_\w+ \(.*>", plan), plan


def test_the_plot_is_read_three_ways(desk: Site) -> None:
    """It has a title, a sentence with the numbers and a table, and no style or script of its own."""
    write(desk, 4, state="spam")
    page = signed_in(desk).get(OVERVIEW).text
    svg = ElementTree.fromstring(page[page.index('<svg class="forum-plot ') : page.index("</svg>") + 6])
    assert [node.tag for node in svg[:2]] == ["title", "desc"]
    assert svg[1].text == "5 in all: 1 published, 0 held, 4 spam, 0 refused. The busiest day was 22 November, with 5."
    assert not [node for node in svg.iter() if "style" in node.attrib or node.tag in ("style", "script")]
    rows = re.findall(r'<time class="forum-time" datetime="([-\d]+)">.*?</time></th>(.*?)</tr>', page)
    assert len(rows) == 30
    assert (rows[0][0], re.findall(r">(\d+)<", rows[0][1])) == ("2026-11-22", ["1", "0", "4", "0"])


@pytest.mark.parametrize("most", [0, 1, 4, 5, 9, 10, 11, 99, 101, 350, 99_999])
def test_a_plot_holds_its_bars(most: int) -> None:
    """Whatever the numbers, the lines are whole numbers and the highest bar fits below the highest line."""
    drawn = plot.stacked(
        [("a", {"x": most, "y": 0}), ("b", {"x": most // 2, "y": most - most // 2})], every=1, width=640
    )
    assert [line.number * 4 for line in drawn.lines] == [drawn.lines[-1].number * step for step in range(5)]
    assert drawn.lines[-1].number >= most
    heights = [sum(piece.height for piece in drawn.pieces if piece.kind in kinds) for kinds in ("x", "y")]
    assert all(piece.y >= drawn.lines[-1].y and piece.height > 0 for piece in drawn.pieces)
    assert (sum(heights) > 0) == (most > 0)
    assert [label.word for label in drawn.labels] == ["a", "b"]


# --- mail


def test_it_says_how_mail_is_doing(each_desk: Site) -> None:
    """What waits, was sent today, was refused, given up or bounces is counted; the last errors are in words."""
    now = each_desk.clock()
    for number in range(5):
        each_desk.comment(name=f"N{number}", email=f"n{number}@reader.example", notify="direct")
    each_desk.deliver()
    with each_desk.session() as session:
        ids = session.scalars(select(Message.id).order_by(Message.id)).all()
    new = [
        {"state": "ready", "not_before": now - 2 * DAY, "accepted_at": None},
        {"state": "failed", "accepted_at": None},
        {"state": "dead", "accepted_at": None, "last_error": "rcpt: 450 not now, bob@reader.example"},
        {"accepted_at": figures.midnight(now) - dt.timedelta(seconds=1)},
    ]
    for id_, values in zip(ids, new, strict=False):
        change(each_desk, update(Message).where(Message.id == id_).values(values))
    change(each_desk, update(Address).where(Address.key == "n0@reader.example").values(state="bounced"))
    page = signed_in(each_desk).get(OVERVIEW).text
    assert figure(page, "Waiting to leave") == ("1", "the oldest was due 2 days ago")
    names = ("Sent today", "Refused", "Given up", "Addresses that bounce")
    assert [figure(page, name)[0] for name in names] == ["1", "1", "1", "1"]
    assert "450 not now, b•••@reader.example" in page
    assert "bob@" not in page


def test_only_admins_are_led_to_the_mails(desk: Site) -> None:
    """The errors link to the mails for whoever may see them."""
    desk.comment(name="Ann", email="ann@reader.example", notify="direct")
    desk.deliver()
    change(desk, update(Message).values(state="dead", last_error="dot: no answer"))
    pages = [signed_in(desk, email).get(OVERVIEW).text for email in (ADA, MO)]
    assert [('href="/forum/moderation/mail/1"' in page, "dot: no answer" in page) for page in pages] == [
        (True, True),
        (False, True),
    ]


def test_a_worker_is_missed_after_two_minutes(desk: Site) -> None:
    """It was seen some seconds ago; after two minutes the page is red and names the command to start one."""
    mo = signed_in(desk)
    desk.clock.advance(12)
    assert figure(mo.get(OVERVIEW).text, "Whoever delivers") == ("12 seconds ago", "was last seen then")
    desk.clock.advance(109)
    page = mo.get(OVERVIEW).text
    assert "was last seen 2 minutes ago." in page
    assert '<code class="forum-raw">flask forum deliver --watch</code>' in page


def test_a_worker_that_never_came_is_missed(desk: Site) -> None:
    """Where nobody has ever delivered the page says that too."""
    with desk.session() as session:
        session.query(Worker).delete()
        session.commit()
    assert "Nobody has delivered mail yet." in signed_in(desk).get(OVERVIEW).text


def test_a_site_without_mail_misses_nobody(make_site: Callable[..., Site]) -> None:
    """Where mail is not set up the page says so, and asks for no worker."""
    site = make_site(FORUM_MODERATORS=[MO])
    site.state.base = site.state.settings = site.state.settings.model_copy(update={"mail_transport": None})
    page = signed_in(site).get(OVERVIEW).text
    assert "Mail is not set up on this site" in page
    assert 'role="alert"' not in page


def test_a_mail_server_that_is_away_is_told_of(desk: Site) -> None:
    """While the breaker is open the page says since when."""
    now = desk.clock()
    since = {"since": now - dt.timedelta(hours=1), "changed_at": now, "open_until": now + dt.timedelta(minutes=5)}
    change(desk, insert(Throttle).values(scope="transport", key="smtp", failures=3, **since))
    assert "The mail server went away 1 hour ago." in signed_in(desk).get(OVERVIEW).text


# --- cost


def test_it_costs_the_same_however_much_there_is(desk: Site) -> None:
    """An empty site and a full one cost the same number of statements."""
    mo, costs = signed_in(desk), []
    for _ in range(2):
        with desk.statements() as statements:
            assert mo.get(OVERVIEW).status_code == 200
        costs.append(len(statements))
        write(desk, 500, state="held")
    assert costs[0] == costs[1]
