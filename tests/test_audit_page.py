"""The activity of the desk: who did what, found again, and taken back."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from html import unescape
from typing import Any

import pytest
from sqlalchemy import insert, select

from forum.blueprints.desk.fields import label_of
from forum.blueprints.desk.log_words import ACTS
from forum.models import Audit, Comment
from forum.moderation import activity, acts, pages
from forum.moderation.activity import Search
from tests.desk import act, press
from tests.desk_pages import ADA, MO, signed_in, staffed
from tests.visitors import Site, Visitor

ACTIVITY = "/forum/moderation/activity"
DAY = dt.timedelta(days=1)


@pytest.fixture
def desk(make_site: Callable[..., Site]) -> Site:
    """A site with an admin and another moderator."""
    return staffed(make_site, FORUM_MODERATION="all")


@pytest.fixture
def each_desk(make_site: Callable[..., Site], database: dict[str, str]) -> Site:
    """The same on each database."""
    return staffed(make_site, FORUM_MODERATION="all", **database)


def note(site: Site, number: int = 1, **values: Any) -> None:
    """Add rows to the log."""
    same = {"at": site.clock(), "actor": "Anna <identity:1>", "act": "spam", "subject_kind": "comment", "subject_id": 1}
    with site.session() as session:
        session.execute(insert(Audit), [{**same, **values}] * number)
        session.commit()


def rows(visitor: Visitor, **asked: Any) -> list[list[str]]:
    """The cells of each row of the page, as they are read."""
    page = visitor.get(ACTIVITY, query_string=asked).text.partition("<tbody")[2].partition("</tbody>")[0]
    cells = [re.findall(r'<td class="forum-td"[^>]*>(.*?)</td>', row, re.DOTALL) for row in page.split("</tr>")]
    return [[unescape(re.sub(r"<[^>]+>", "", cell)).strip() for cell in row] for row in cells if row]


def test_the_clock_is_told_in_words(desk: Site) -> None:
    """That old data went is said by the act alone; the log's own word for it is for nobody."""
    note(desk, actor="clock", act="prune", subject_kind="retention", subject_id=0)
    assert rows(signed_in(desk), act="prune")[0][2] == "let old data go"


def test_a_row_says_who_did_what_when_and_why(desk: Site) -> None:
    """A decision stands there in words, with the states before and after and the reason that was given."""
    id_ = desk.comment("Buy.", name="Eve")
    act(desk, "spam", id_, why="Sells watches.")
    row = rows(signed_in(desk), act="spam")[0]
    assert row[:6] == [
        "22 November 2026 12:00:00",
        "Anna",
        f"marked as spam: comment {id_} by Eve",
        "held",
        "spam",
        "Sells watches.",
    ]


def test_who_is_no_moderator_is_called_and_found_by_words(desk: Site) -> None:
    """Readers, the clock and links in mails have names, which are searched for; a person is never one of them."""
    for actor in ("mail", "clock", "mail <identity:7>"):
        note(desk, actor=actor)
    visitor = signed_in(desk)
    assert [row[1] for row in rows(visitor, act="spam")] == ["mail", "the clock", "a link in a mail"]
    assert [row[1] for row in rows(visitor, actor="The clock")] == ["the clock"]
    assert [row[1] for row in rows(visitor, actor="a link")] == ["a link in a mail"]


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({"actor": "anna"}, {"spam"}),
        ({"actor": "carl"}, {"approve"}),
        ({"act": "approve"}, {"approve"}),
        ({"kind": "thread"}, {"close"}),
        ({"kind": "comment", "number": "#77"}, {"approve"}),
        ({"since": "2026-11-22", "act": "spam"}, {"spam"}),
        ({"until": "2026-11-21"}, {"approve", "close"}),
        ({"since": "2026-11-21", "until": "2026-11-21"}, {"approve"}),
        ({"actor": "%"}, set()),
        ({"act": "nothing"}, set()),
    ],
)
def test_rows_are_found_by_each_filter(each_desk: Site, asked: dict[str, str], found: set[str]) -> None:
    """By who, by what, by its subject and by days in UTC, each from the URL."""
    now = each_desk.clock()
    note(each_desk)
    note(each_desk, actor="carl@forum.example", act="approve", subject_id=77, at=now - dt.timedelta(hours=13))
    note(each_desk, actor="carol@forum.example", act="close", subject_kind="thread", at=now - 5 * DAY)
    with each_desk.session() as session:
        assert {row.act for row in activity.page(session, Search.parse(asked)).rows} == found


def test_a_search_survives_its_url() -> None:
    """What was asked is in the URL whole, and what makes no sense is as if it was not there."""
    asked = Search("anna", "spam", "comment", 7, dt.date(2026, 11, 1), dt.date(2026, 11, 22))
    assert Search.parse(asked.serialise()) == asked
    assert not Search.parse({"kind": "moon", "number": "x", "since": "yesterday", "until": "2026-13-01"})
    assert Search.parse({"until": "9999-12-31"}).until == dt.date.max


def test_the_last_day_there_is_is_no_mistake(desk: Site) -> None:
    """A search up to the end of time finds everything."""
    note(desk)
    assert rows(signed_in(desk), until="9999-12-31", act="spam")


def test_one_press_on_many_is_one_row(each_desk: Site) -> None:
    """What was done at one press, and taken back at one, is a row each, with a number and a way to see all of it."""
    ids = [each_desk.comment(f"Loaf {n}.", name="Eve") for n in range(3)]
    batch = press(each_desk)
    for id_ in ids:
        note(each_desk, subject_id=id_, batch=batch.batch, before="held", after="spam")
    note(each_desk, 3, act="undo", cause="spam", before="spam", after="held", actor="mo@forum.example")
    mo = signed_in(each_desk)
    assert [row[2:5] for row in rows(mo, act="spam")] == [
        ["marked as spam: 3 comments Show each of 3 comments, marked as spam", "held", "spam"]
    ]
    assert [row[2].partition(" Show")[0] for row in rows(mo, act="undo")] == ["undid: 3 comments"]
    last = re.findall(r"activity\?press=(\d+)", mo.get(ACTIVITY, query_string={"act": "spam"}).text)[0]
    assert [row[2] for row in rows(mo, press=last)] == [f"marked as spam: comment {id_} by Eve" for id_ in ids[::-1]]


def test_a_setting_is_called_as_on_its_page(desk: Site) -> None:
    """What was changed is said in the words of its field."""
    note(desk, act="setting_changed", subject_kind="setting", subject_id=0, cause="FORUM_HOLD_WORDS", after="casino")
    assert rows(signed_in(desk), act="setting_changed")[0][2] == f"changed a setting: “{label_of('FORUM_HOLD_WORDS')}”"


def test_pages_follow_each_other_without_a_gap(each_desk: Site) -> None:
    """Every row is on exactly one page, and the link to older ones keeps what was asked."""
    note(each_desk, 120)
    with each_desk.session() as session:
        everything = list(session.scalars(select(Audit.id).where(Audit.act == "spam").order_by(Audit.id.desc())))
        seen: list[int] = []
        before: int | None = None
        while True:
            found = activity.page(session, Search(act="spam"), before)
            seen += [row.id for row in found.rows]
            if found.before is None:
                break
            before = found.before
    assert seen == everything
    page = signed_in(each_desk).get(ACTIVITY, query_string={"act": "spam"}).text
    older = unescape(re.findall(r'href="([^"]+)">Older activity', page)[0])
    assert "act=spam" in older
    assert len(rows_at(each_desk, older)) == 50


def rows_at(site: Site, path: str) -> list[str]:
    return re.findall("marked as spam: comment", signed_in(site).get(path).text)


def test_it_costs_the_same_however_much_is_on_it(desk: Site) -> None:
    """One row or fifty, about anything: the number of statements is the same."""
    id_ = desk.comment("One.", name="Eve", email="eve@reader.example")
    act(desk, "approve", id_)
    note(desk, subject_kind="thread", act="close")
    note(desk, subject_kind="address", act="state")
    mo, costs = signed_in(desk), []
    for _ in range(2):
        with desk.statements() as statements:
            assert mo.get(ACTIVITY).status_code == 200
        costs.append(len(statements))
        for kind in ("comment", "thread", "address", "comment"):
            note(desk, 5, subject_kind=kind, batch="00ff00ff00ff00ff")
    assert costs[0] == costs[1]


def test_whose_mailbox_it_was_only_admins_read(desk: Site) -> None:
    """A row about an address names it for admins, with the way to its mail, and gives others its number."""
    desk.comment("One.", name="Eve", email="eve@reader.example")
    note(desk, subject_kind="address", act="state", before="pending", after="confirmed")
    for email, named in ((ADA, True), (MO, False)):
        page = signed_in(desk, email).get(ACTIVITY, query_string={"kind": "address"}).text
        assert ("eve@reader.example" in page) is named
        assert ('href="/forum/moderation/mail?address=' in page) is named


def test_what_a_stranger_wrote_stays_text(desk: Site) -> None:
    """Names, titles and reasons are shown as letters."""
    id_ = desk.comment("One.", name="<b>Eve</b>")
    act(desk, "spam", id_, why="<script>alert(1)</script>")
    page = signed_in(desk).get(ACTIVITY).text
    assert "<b>Eve" not in page
    assert "<script>alert" not in page


def test_a_press_is_taken_back_where_it_stands(desk: Site) -> None:
    """The button beside a decision undoes it, leads back to the page, and is gone then."""
    id_ = desk.comment("One.", name="Eve")
    act(desk, "spam", id_)
    mo = signed_in(desk)
    page = mo.get(ACTIVITY, query_string={"act": "spam"}).text
    form = dict(re.findall(r'<input class="forum-hidden" type="hidden" name="(\w+)" value="([^"]*)">', page))
    answer = mo.client.post("/forum/moderation/undo", data={name: unescape(value) for name, value in form.items()})
    assert (answer.status_code, desk.get(id_).state) == (303, "held")
    assert answer.headers["Location"].startswith(f"{ACTIVITY}?act=spam")
    assert rows(mo, act="spam")[0][6].startswith("undone 22 November")
    assert f'name="batch" value="{form["batch"]}"' not in mo.get(ACTIVITY).text


def test_one_button_says_how_much_it_takes_back(desk: Site) -> None:
    """A press that changed many comments is undone as a whole, and the button says how many there are."""
    note(desk, 214, batch="00ff00ff00ff00ff")
    assert rows(signed_in(desk), act="spam")[0][6].startswith("Undo all 214")


def test_what_cannot_be_taken_back_has_no_button(desk: Site) -> None:
    """An act on mail, or one without a batch, offers no undo."""
    note(desk, subject_kind="address", act="requeue", batch="00ff00ff00ff00ff")
    note(desk)
    assert "Undo" not in " ".join(" ".join(row) for row in rows(signed_in(desk)))


def test_an_empty_log_and_an_empty_search_say_so(desk: Site) -> None:
    """A search that finds nothing offers to show everything again."""
    page = signed_in(desk).get(ACTIVITY, query_string={"actor": "nobody"}).text
    assert "Nothing matches." in page
    assert f'href="{ACTIVITY}">Show all' in page


def test_every_act_of_a_moderator_has_its_words() -> None:
    """No decision is listed under the name the database has for it alone."""
    known = {*acts.FROM, *(name for pair in pages.ACTS.values() for name in pair), "pin", "unpin", "edit", "move"}
    assert known <= ACTS.keys()


def test_a_comment_that_is_gone_is_told_of(desk: Site) -> None:
    """A row outlives what it is about."""
    note(desk, subject_id=4711)
    assert rows(signed_in(desk), act="spam")[0][2] == "marked as spam: comment 4711, which is gone"
    with desk.session() as session:
        assert session.get(Comment, 4711) is None
