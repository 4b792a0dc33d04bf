"""What a moderator finds: tabs, filters and pages, and what stands beside each comment."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import insert, select, update

from forum import outbox
from forum.models import Comment, Item
from forum.moderation import queue, reports
from forum.moderation.queue import Filter
from tests.desk import act, run
from tests.visitors import Site, crowd


@pytest.fixture
def strict(make_site: Callable[..., Site]) -> Site:
    """A site where every comment waits for a moderator."""
    site = make_site(FORUM_MODERATION="all", FORUM_RATE_LIMITS=[])
    site.add_article()
    return site


def found(site: Site, **asked: Any) -> list[int]:
    """The ids on the first page."""
    page = run(site, lambda session: queue.page(session, Filter(**asked)))
    return [row.comment.id for row in page.rows]


def many(site: Site, number: int, **values: Any) -> None:
    """Store copies of the first comment, as many as wanted."""
    with site.session() as session:
        first = session.get_one(Comment, 1)
        columns = {column.key: getattr(first, column.key) for column in Comment.__mapper__.column_attrs}
        rows = [columns | {"id": 1000 + n, "nonce": f"n{n}"} | values for n in range(number)]
        session.execute(insert(Comment), rows)
        session.commit()


@pytest.fixture
def tabbed(strict: Site) -> Site:
    """One comment in each state, the second of those on the page reported: 1 held, 2 and 3 published, 4 spam, 5
    rejected, 6 removed by a moderator, 7 by its author.
    """
    for n in range(1, 8):
        strict.comment(f"Number {n}.")
    for id_, what in ((2, "approve"), (3, "approve"), (4, "spam"), (5, "reject"), (6, "remove")):
        act(strict, what, id_)  # type: ignore[arg-type]  # mypy does not see the literals in a tuple
    with strict.session() as session:
        session.execute(update(Comment).where(Comment.id == 7).values(state="removed", removed_by="author"))
        session.commit()
    settings = strict.state.settings
    run(strict, lambda session: reports.report(session, settings, 3, "other", "", "a", strict.clock()))
    return strict


def test_what_the_tabs_show(tabbed: Site) -> None:
    """Each tab shows its comments, and counts what it shows; what an author has removed is in none."""
    shown = {tab: sorted(found(tabbed, tab=tab)) for tab in queue.TABS}
    assert shown == {
        "held": [1], "reported": [3], "spam": [4], "published": [2, 3], "bin": [5, 6], "all": [1, 2, 3, 4, 5, 6],
    }  # fmt: skip
    tabs = run(tabbed, queue.tabs)
    assert tabs.counts == {tab: len(ids) for tab, ids in shown.items()}
    assert tabs.first == "held"


def test_the_desk_opens_where_something_is(tabbed: Site) -> None:
    """Where nothing waits the first tab that has something is opened, and the last decision is known."""
    tabbed.clock.advance(60)
    act(tabbed, "approve", 1)
    tabs, last = run(tabbed, lambda session: (queue.tabs(session), queue.last_decision(session)))
    assert (tabs.counts["held"], tabs.first) == (0, "reported")
    assert last is not None
    assert (last.by, last.act, last.at) == ("Anna <identity:1>", "approve", tabbed.clock())


def test_an_empty_desk(site: Site) -> None:
    """Nothing anywhere: the tab of what waits, and no decision."""
    assert run(site, queue.tabs).first == "held"
    assert run(site, queue.last_decision) is None


@pytest.mark.parametrize(("asked", "ids"), [
    ({"text": "RYE"}, [2]), ({"text": "100%"}, [3]), ({"text": "%"}, [3]), ({"text": "_"}, []),
    ({"author": "cem"}, [3]), ({"email": "ada@"}, [2]), ({"email": "%"}, []), ({"thread": "article:bread"}, [1, 2, 3]),
    ({"thread": "bre"}, [1, 2, 3]), ({"thread": "article:"}, []), ({"reason": "links"}, [1]),
    ({"reason": "links:4"}, [1]), ({"reason": "link"}, []), ({"reason": 'said "so"'}, [2]), ({"reason": "größe"}, [3]),
    ({"network": "n1"}, [1]), ({"since": dt.date(2026, 11, 23)}, [2, 3]), ({"until": dt.date(2026, 11, 22)}, [1]),
    ({"text": "rye", "author": "cem"}, []),
])  # fmt: skip
def test_filters(make_site: Callable[..., Site], database: dict[str, str], asked: dict[str, Any], ids: Any) -> None:
    """Each filter finds what it names, signs of LIKE are letters, and several must all fit."""
    site = make_site(FORUM_MODERATION="all", **database)
    site.add_article()
    site.comment("Wheat.", name="Ann")
    site.clock.advance(86_400)
    site.comment("Some rye, I think.", name="Ada", email="ada@reader.example")
    site.comment("It is 100% spelt.", name="Cem")
    with site.session() as session:
        for id_, values in (
            (1, {"reasons": ["first", "links:4"], "network": "n1"}),
            (2, {"reasons": ['said "so"']}),
            (3, {"reasons": ["word:x", "größe"]}),
        ):
            session.execute(update(Comment).where(Comment.id == id_).values(**values))
        session.commit()
    assert found(site, **asked) == ids
    matches = run(site, lambda session: queue.matching(session, Filter(**asked)))
    assert matches == (len(ids), max(ids, default=0))


def test_a_filter_travels_in_a_url() -> None:
    """What is written to a URL is read from it again, and only what was asked is written."""
    asked = Filter("spam", text="a & b", reason="links:4", since=dt.date(2026, 11, 1))
    assert asked.serialise() == {"tab": "spam", "text": "a & b", "reason": "links:4", "since": "2026-11-01"}
    assert Filter.parse(asked.serialise()) == asked
    assert [bool(asked), bool(Filter("spam"))] == [True, False]


def test_nonsense_in_a_url_asks_for_nothing() -> None:
    """Whatever somebody types into the URL, there is a filter."""
    values = {"tab": "x", "since": "31.12.", "until": "2026-13-01", "text": "  ", "author": "a\0b", "what": "1"}
    assert Filter.parse(values, "spam") == Filter("spam", author="ab")


@pytest.mark.parametrize("tab", queue.TABS)
def test_pages_show_everything_once(strict: Site, tab: Any) -> None:
    """From page to page every comment is shown once, in one order, also those written at one moment."""
    strict.comment()
    state = {"reported": "published", "bin": "rejected", "all": "held"}.get(tab, tab)
    many(strict, 120, state=state)
    if tab == "reported":
        run(strict, lambda session: [_report(session, strict, 1000 + n) for n in range(120)])
    seen: list[int] = []
    cursor, pages = None, 0
    # Not for ever, should a cursor lead back.
    while pages == 0 or (cursor is not None and pages < 9):
        page = _page(strict, tab, cursor)
        seen += [row.comment.id for row in page.rows]
        cursor, pages = page.next, pages + 1
    expected = [id_ for id_ in seen if id_ >= 1000]
    assert (pages, len(expected)) == (3, 120)
    assert seen == sorted(set(seen), reverse=tab not in ("held", "reported"))


def _page(site: Site, tab: Any, cursor: str | None) -> queue.Page:
    return run(site, lambda session: queue.page(session, Filter(tab), cursor))


def _report(session: Any, site: Site, id_: int) -> bool:
    return reports.report(session, site.state.settings, id_, "other", "", "a", site.clock())


CURSORS = [
    *("", "x", "2026-11-22~1", "2026-11-22T12:00:00+00:00~x", "~", f"2020-01-01T00:00:00+00:00~{'9' * 23}"),
    *("0001-01-01T00:00:00+01:00~1", "9999-12-31T23:59:59-01:00~1", "2020-01-01T00:00:00+00:00~١"),
]


@pytest.mark.parametrize("cursor", CURSORS)
def test_a_cursor_that_is_none(strict: Site, cursor: str) -> None:
    """A cursor somebody has made up shows the first page."""
    strict.comment()
    assert len(_page(strict, "held", cursor).rows) == 1


def test_the_last_day_there_is(strict: Site) -> None:
    """A filter up to the end of all days shows everything."""
    strict.comment()
    asked = Filter.parse({"tab": "held", "until": "9999-12-31"}, "held")
    assert len(run(strict, lambda session: queue.page(session, asked)).rows) == 1


def test_what_stands_beside_a_comment(strict: Site) -> None:
    """The row knows what the author's other comments came to, what readers report and what is answered."""
    first = strict.comment("One.", name="Ann", email="ann@reader.example")
    for n in range(3):
        strict.comment(f"Mine {n}.", name="Ann", email="ann@reader.example")
    act(strict, "approve", first)
    act(strict, "spam", 2)
    act(strict, "reject", 3)
    settings = strict.state.settings
    run(strict, lambda session: reports.report(session, settings, first, "private", "", "a", strict.clock()))
    strict.comment("An answer.", parent=first, name="Ben", email="ben@reader.example")
    strict.comment("Without an address.")
    rows = run(strict, lambda session: queue.page(session, Filter("held"))).rows
    assert [(tuple(row.history), row.first_timer) for row in rows] == [
        ((1, 1, 1, True), False), ((0, 0, 0, True), True), ((0, 0, 0, False), False),
    ]  # fmt: skip
    assert [row.comment.parent and row.comment.parent.source for row in rows] == [None, "One.", None]
    (reported,) = run(strict, lambda session: queue.page(session, Filter("reported"))).rows
    assert [report.reason for report in reported.reports] == ["private"]
    assert not reported.first_timer


@pytest.mark.parametrize("number", [1, 60])
def test_a_page_costs_eight_statements_at_most(strict: Site, number: int) -> None:
    """Tabs, rows with all they show, and the last decision, whatever there is of each."""
    strict.comment(email="ann@reader.example")
    many(strict, number)
    with strict.app.app_context(), strict.statements() as seen:
        run(strict, lambda session: (queue.tabs(session), queue.page(session, Filter()), queue.last_decision(session)))
    assert len(seen) <= 8


# --- who would be told


def test_told_is_what_the_outbox_does(strict: Site) -> None:
    """The number beside a held comment is the number of people whom its approval tells, no more and no fewer."""
    strict.state.settings = strict.state.settings.model_copy(update={"moderation": "none"})
    first = strict.follower("Ann")
    second = strict.comment("Two.", parent=first, name="Ben")
    crowd(strict, 3)
    strict.follower("Cem", notify="thread")
    strict.state.settings = strict.state.settings.model_copy(update={"moderation": "all"})
    held = [
        strict.comment("To Ann.", parent=first, name="Dora"),
        strict.comment("To Ben.", parent=second, name="Dora"),
        strict.comment("To all.", name="Cem", email="cem@reader.example"),
    ]
    numbers = told(strict)
    assert numbers == {held[0]: 5, held[1]: 4, held[2]: 3}
    for id_ in held:
        act(strict, "approve", id_)
    strict.clock.advance(60)
    while run(
        strict, lambda session: outbox.fan_out(session, strict.state.keys, strict.state.settings, strict.clock())
    ):
        pass
    with strict.session() as session:
        for id_ in held:
            waiting = session.scalars(select(Item.id).where(Item.comment_id == id_, Item.state == "waiting")).all()
            assert len(waiting) == numbers[id_]


def test_told_costs_the_same_for_few_and_many(strict: Site) -> None:
    """Asking for fifty comments takes as many statements as asking for two."""
    strict.comment(email="ann@reader.example")
    crowd(strict, 5)
    costs = []
    for number in (1, 49):
        many(strict, number)
        with strict.app.app_context(), strict.statements() as seen:
            assert set(told(strict).values()) == {5}
        costs.append(len(seen))
        with strict.session() as session:
            session.execute(Comment.__table__.delete().where(Comment.__table__.c.id >= 1000))
            session.commit()
    assert costs[0] == costs[1]


def told(site: Site) -> dict[int, int]:
    """Whom the approval of each held comment would tell."""

    def work(session: Any) -> dict[int, int]:
        comments = [row.comment for row in queue.page(session, Filter()).rows]
        return queue.told(session, site.state.keys, site.state.settings, comments, site.clock())

    return run(site, work)
