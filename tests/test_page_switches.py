"""The list of pages on the desk, and what is decided there for one page alone."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from sqlalchemy import select
from werkzeug.test import TestResponse

from forum.cli.moderators import sign_in_link
from forum.models import Audit, Comment, Thread
from tests.visitors import Site, Visitor

PAGE = "/forum/moderation/pages"
MODERATOR = "mo@forum.example"
TOKEN = re.compile(r'name="csrf_token" value="([^"]+)"')


@pytest.fixture
def desk(make_site: Callable[..., Site]) -> Site:
    """A site with comments on two pages, and a moderator who is no admin."""
    site = make_site(FORUM_MODERATORS=["ada@forum.example", MODERATOR], FORUM_ADMINS=["ada@forum.example"])
    site.add_article()
    site.add_article("100% Wine")
    site.comment("On bread.")
    site.comment("On wine.", stamp=site.visitor().stamp("/articles/100%25-wine"))
    return site


def moderator(site: Site) -> Visitor:
    """Somebody who has signed in at the desk."""
    with site.app.app_context():
        link = sign_in_link(site.state, MODERATOR).removeprefix("http://localhost")
    visitor = site.visitor()
    token = TOKEN.findall(visitor.get(link).text)[-1]
    assert visitor.client.post(link, data={"csrf_token": token}).status_code == 303
    return visitor


def press(visitor: Visitor, thread_id: int, **typed: str) -> TestResponse:
    """Press a button of the list."""
    token = TOKEN.findall(visitor.get(PAGE).text)[-1]
    return visitor.client.post(f"{PAGE}/{thread_id}", data={"csrf_token": token, "back": PAGE, **typed})


def thread(site: Site, number: int = 1) -> Thread:
    with site.session() as session:
        return session.get_one(Thread, number)


def test_each_page_with_its_numbers(desk: Site) -> None:
    """The list has every page with comments, the newest conversation first, with what is there and what waits."""
    with desk.session() as session:
        session.get_one(Comment, 2).state = "held"
        session.commit()
    page = moderator(desk).get(PAGE).text
    assert re.findall(r'<h2[^>]*><a[^>]*href="([^"]+)"', page) == ["/articles/100%25-wine", "/articles/bread"]
    assert page.count("1 waiting") == 1


@pytest.mark.parametrize(
    ("text", "found"), [("bread", 1), ("BREAD", 1), ("%", 1), ("_", 0), ("article:", 2), ("\0", 2)]
)
def test_search(desk: Site, text: str, found: int) -> None:
    """Part of a title or key is enough; signs that mean something to a database mean themselves."""
    page = moderator(desk).get(PAGE, query_string={"q": text}).text
    assert page.count('class="forum-row"') == found


@pytest.mark.parametrize("name", ["closed", "held", "silent"])
def test_a_switch_is_turned_and_turned_back(desk: Site, name: str) -> None:
    """Each decision stands on the page and in the log under the moderator's name, and the same button takes it back."""
    visitor = moderator(desk)
    for to in ("on", "off"):
        answer = press(visitor, 1, name=name, to=to)
        assert answer.headers["Location"].startswith(f"{PAGE}?said=")
        assert 'name="batch"' in visitor.get(answer.headers["Location"]).text
        assert getattr(thread(desk), name) is (to == "on")
        assert getattr(thread(desk, 2), name) is False
    with desk.session() as session:
        assert session.scalars(select(Audit.actor).where(Audit.subject_kind == "thread")).all() == [MODERATOR] * 2


def test_a_page_is_read_first_where_nothing_else_is(make_site: Callable[..., Site]) -> None:
    """The switch that has every comment wait does so on a site that holds none."""
    site = make_site(FORUM_MODERATORS=[MODERATOR], FORUM_MODERATION="none")
    site.add_article()
    first = site.comment("On bread.")
    press(moderator(site), 1, name="held", to="on")
    assert [site.get(id_).state for id_ in (first, site.comment("More."))] == ["published", "held"]


def test_readers_see_that_a_page_was_closed(desk: Site) -> None:
    """A page that was in memory shows no form any more."""
    assert desk.visitor().get(desk.page).text.count('name="stamp"')
    press(moderator(desk), 1, name="closed", to="on")
    assert 'name="stamp"' not in desk.visitor().get(desk.page).text


def test_the_second_of_two_is_told_who_was_faster(desk: Site) -> None:
    """Who presses what has been done already is told by whom, and nothing happens twice."""
    visitor = moderator(desk)
    press(visitor, 1, name="closed", to="on")
    answer = press(visitor, 1, name="closed", to="on")
    assert "You closed this page just now. Nothing was done now." in visitor.get(answer.headers["Location"]).text


def test_a_pinned_comment_is_taken_down(desk: Site) -> None:
    """What stands on top of a page is shown with a button that puts it back into its place."""
    with desk.session() as session:
        session.get_one(Thread, 1).pinned_id = 1
        session.commit()
    visitor = moderator(desk)
    assert "On top:" in visitor.get(PAGE).text
    assert press(visitor, 1, name="pinned", to="1").status_code == 303
    assert thread(desk).pinned_id is None


def test_the_search_is_kept(desk: Site) -> None:
    """Who has searched is still there after a press."""
    answer = press(moderator(desk), 1, name="closed", to="on", back=f"{PAGE}?q=bread+%26+butter")
    assert answer.headers["Location"].startswith(f"{PAGE}?q=bread+%26+butter&said=close.")


@pytest.mark.parametrize(
    ("name", "to"),
    [("closed", "maybe"), ("gone", "on"), ("version", "1"), ("pinned", "on"), ("pinned", "１"), ("", "")],
)
def test_other_buttons_do_not_exist(desk: Site, name: str, to: str) -> None:
    """What is no button of the page is refused."""
    assert press(moderator(desk), 1, name=name, to=to).status_code == 400


def test_a_page_that_does_not_exist(desk: Site) -> None:
    """A made-up number is nothing."""
    assert press(moderator(desk), 99, name="closed", to="on").status_code == 404


def test_a_press_needs_the_token_of_the_session(desk: Site) -> None:
    """Without it nothing is done."""
    data = {"name": "closed", "to": "on", "csrf_token": "forged", "back": PAGE}
    assert moderator(desk).client.post(f"{PAGE}/1", data=data).headers["Location"] == f"{PAGE}?said=csrf#forum-bar"
    assert thread(desk).closed is False


def test_strangers_find_nothing(desk: Site) -> None:
    """Who does not moderate is shown the way to sign in, and can press nothing."""
    visitor = desk.visitor()
    assert visitor.get(PAGE).headers["Location"] == "/forum/sign-in"
    assert visitor.client.post(f"{PAGE}/1", data={"name": "closed", "to": "on"}).status_code == 404
