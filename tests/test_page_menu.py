"""The menu of a row: what is decided for the page of a comment without leaving the list of comments."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import select

from forum.models import Audit, Thread
from forum.moderation import pages
from tests.desk import press, run
from tests.desk_pages import ANNA, OLGA, QUEUE, moderator, words
from tests.visitors import Site

ASKED = f"{QUEUE}?tab=published&text=On"


@pytest.fixture
def desk(make_site: Callable[..., Site]) -> Site:
    """A site with comments on two pages, and two moderators."""
    site = make_site(FORUM_MODERATORS=[ANNA, OLGA])
    site.add_article()
    site.add_article("Wine")
    site.comment("On bread.", name="Cleo")
    site.comment("On wine.", name="Dan", stamp=site.visitor().stamp("/articles/wine"))
    return site


def thread(site: Site, number: int = 1) -> Thread:
    with site.session() as session:
        return session.get_one(Thread, number)


@pytest.mark.parametrize(
    ("name", "button", "opposite", "said"),
    [
        ("closed", "Close: Bread", "Open again: Bread", "Page closed."),
        ("held", "Hold every comment: Bread", "Hold no more: Bread", "Every comment on the page waits from now on."),
        ("silent", "Send no mail: Bread", "Send mail again: Bread", "No mail about the page any more."),
    ],
)
def test_a_switch_is_turned_from_the_row(desk: Site, name: str, button: str, opposite: str, said: str) -> None:
    """One press decides for that page, leads back to the same list, and the bar takes it back."""
    anna = moderator(desk)
    anna.open(ASKED)
    anna.press(button)
    assert (anna.bar, getattr(thread(desk), name), getattr(thread(desk, 2), name)) == (f"{said} Undo", True, False)
    assert anna.url.startswith(f"{ASKED}&said=")
    assert f">{opposite.partition(':')[0]}<" in anna.row(1)
    anna.press("Undo")
    assert (anna.bar, getattr(thread(desk), name)) == ("Undone.", False)


@pytest.mark.parametrize("opposite", ["Open again: Bread", "Hold no more: Bread", "Send mail again: Bread"])
def test_a_switch_is_turned_back_from_the_row(desk: Site, opposite: str) -> None:
    """What was decided before is taken back by the same menu."""
    for name in pages.ACTS:
        run(desk, lambda session, name=name: pages.switch(session, press(desk), 1, name, True))
    anna = moderator(desk)
    anna.open(ASKED)
    anna.press(opposite)
    assert anna.bar.endswith(" Undo")
    now = thread(desk)
    assert [now.closed, now.held, now.silent].count(False) == 1


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("closed", "closed"),
        ("held", "every comment on this page waits"),
        ("silent", "no mail about this page"),
    ],
)
def test_a_row_says_what_is_decided_for_its_page(desk: Site, name: pages.Switch, says: str) -> None:
    """Moderators read beside the title what is special there, and nothing beside that of another page."""
    run(desk, lambda session: pages.switch(session, press(desk), 1, name, True))
    anna = moderator(desk)
    anna.open(ASKED)
    assert f"On Bread · {says} " in words(anna.row(1))
    assert says not in words(anna.row(2)).replace("close, hold, no mail", "")


def test_the_second_of_two_reads_who_was_faster(desk: Site) -> None:
    """Who presses what another moderator has just done is told so in the list, and nothing happens twice."""
    anna, olga = moderator(desk), moderator(desk, OLGA)
    anna.open(ASKED)
    olga.open(ASKED)
    olga.press("Close: Bread")
    desk.clock.advance(5)
    anna.press("Close: Bread")
    assert anna.bar == "olga closed this page 5 seconds ago. Nothing was done now."
    with desk.session() as session:
        assert session.scalars(select(Audit.act).where(Audit.subject_kind == "thread")).all() == ["close"]


def test_without_the_token_of_the_session(desk: Site) -> None:
    """A form that was not shown to this session leads back to the list, and nothing was done."""
    anna = moderator(desk)
    anna.open(ASKED)
    anna.press("Close: Bread", csrf_token="forged")
    assert anna.bar.startswith("Your session has changed")
    assert thread(desk).closed is False


def test_it_leads_back_to_the_desk_only(desk: Site) -> None:
    """A made-up way back ends at the list of comments."""
    anna = moderator(desk)
    anna.open(ASKED)
    answer = anna.send("Close: Bread", back="https://evil.example/")
    assert answer.headers["Location"].startswith(f"{QUEUE}?said=close.")


def test_a_row_is_another_one_once_its_page_is_decided_about(desk: Site) -> None:
    """The name of a row changes with its page, so that the script does not keep a menu that offers what is done."""
    anna = moderator(desk)
    before = anna.open(ASKED)
    after = anna.press("Close: Bread")
    assert 'data-row="1.1.0000"' in before
    assert 'data-row="1.1.1000"' in after
    assert 'data-row="2.1.0000"' in after
