"""The order of a thread, and what is new since a reader was there."""

from __future__ import annotations

import re
from collections.abc import Callable
from html import unescape

import pytest

from tests.test_threads import shown
from tests.visitors import Site

NEWEST = "forum_sort=newest"


@pytest.fixture
def paged(make_site: Callable[..., Site]) -> Site:
    """A site with two branches a page and five branches, one of them with two answers."""
    return fill(make_site(FORUM_PER_PAGE=2))


def fill(site: Site) -> Site:
    """Add the article, its branches 1 to 5, and 6 and 7 that answer 1."""
    site.add_article()
    for n in range(5):
        site.clock.advance(100)
        site.comment(f"Branch {n}.")
    for n in range(2):
        site.clock.advance(100)
        site.comment(f"Answer {n}.", parent=1)
    return site


def test_newest_first_turns_only_branches(paged: Site) -> None:
    """Branches stand in the order asked for; answers follow in the order they were written."""
    pages = [shown(paged.visitor().get(f"{paged.page}?{NEWEST}&forum_page={n}").text) for n in (1, 2, 3)]
    assert pages == [[5, 4], [3, 2], [1, 6, 7]]


def test_the_order_is_kept_from_page_to_page(paged: Site) -> None:
    """Following the links to more comments keeps the order and shows each comment once."""
    path, seen = f"{paged.page}?{NEWEST}", []
    while path:
        page = paged.visitor().get(path).text
        seen += shown(page)
        more = re.search(r'href="([^"]+)" rel="next"', page)
        path = unescape(more[1]) if more else ""
    assert seen == [5, 4, 3, 2, 1, 6, 7]


def test_links_say_which_order_is_shown(paged: Site) -> None:
    """Both orders are links, and the one that is shown says so."""
    page = paged.visitor().get(f"{paged.page}?{NEWEST}").text
    nav = page[page.index('aria-label="Sort comments"') :].partition("</nav>")[0]
    assert re.findall(r'href="([^"]+)"', nav) == [f"{paged.page}#forum-thread", f"{paged.page}?{NEWEST}#forum-thread"]
    assert re.findall(r'aria-current="true">([^<]+)<', nav) == ["Newest first"]


def test_one_branch_needs_no_order(site: Site) -> None:
    """Where there is nothing to turn round, no order is offered."""
    site.comment("An answer.", parent=site.comment())
    assert "Sort comments" not in site.visitor().get(site.page).text


def test_the_site_chooses_what_stands_first(make_site: Callable[..., Site]) -> None:
    """FORUM_SORT says what a plain URL shows; the other order is asked for, and permalinks find their page."""
    site = fill(make_site(FORUM_PER_PAGE=2, FORUM_SORT="newest"))
    assert shown(site.visitor().get(site.page).text) == [5, 4]
    assert shown(site.visitor().get(f"{site.page}?forum_sort=oldest").text) == [1, 6, 7, 2]
    for posted, page in ((5, ""), (2, "?forum_page=2"), (7, "?forum_page=3")):
        location = site.visitor().get(f"/forum/comments/{posted}").headers["Location"]
        assert location == f"{site.page}{page}#comment-{posted}"
        assert posted in shown(site.visitor().get(location).text)


@pytest.mark.parametrize("order", ["", "best", "NEWEST", "newest\0"])
def test_odd_orders_show_the_usual_one(paged: Site, order: str) -> None:
    """An order that is none is the order of the site, from the same copy."""
    plain, odd = (paged.visitor().get(paged.page, query_string=query) for query in ({}, {"forum_sort": order}))
    assert shown(odd.text) == shown(plain.text) == [1, 6, 7, 2]
    assert odd.headers["ETag"] == plain.headers["ETag"]


def test_a_held_branch_stands_where_the_newest_would(make_site: Callable[..., Site]) -> None:
    """Its author sees a waiting comment first where the newest stand first, and last where they stand last."""
    site = fill(make_site(FORUM_PER_PAGE=2))
    site.state.settings = site.state.settings.model_copy(update={"moderation": "all"})
    author = site.visitor()
    author.post(body="Waiting.")
    assert shown(author.get(f"{site.page}?{NEWEST}").text) == [8, 5, 4]
    assert shown(author.get(f"{site.page}?{NEWEST}&forum_page=3").text) == [1, 6, 7]
    assert shown(author.get(f"{site.page}?forum_page=3").text) == [5, 8]


def since(site: Site, seconds: float) -> str:
    """So many seconds ago, as a URL says it."""
    return f"forum_since={int(site.clock().timestamp() - seconds)}"


def new(page: str) -> list[int]:
    """The comments that are marked as new."""
    return [int(part[:9].partition('"')[0]) for part in page.split('<li id="comment-')[1:] if 'forum-new">new<' in part]


def test_what_came_since_is_marked(site: Site) -> None:
    """Comments after the time in the URL carry a badge, and the head of the thread leads to the first of them."""
    for n in range(3):
        site.comment(f"Number {n}.")
        site.clock.advance(100)
    page = site.visitor().get(f"{site.page}?{since(site, 250)}").text
    assert new(page) == [2, 3]
    assert re.search(r'href="#comment-2">2 new since 22 November 2026, 12:00 UTC</a>', page)


def test_a_mails_link_leads_to_the_marks(paged: Site) -> None:
    """The permalink with a time leads to the page of the comment with that time, where later ones are marked."""
    at = int(paged.clock().timestamp()) - 150
    location = paged.visitor().get(f"/forum/comments/5?since={at}").headers["Location"]
    assert location == f"{paged.page}?forum_page=3&forum_since={at}#comment-5"
    assert new(paged.visitor().get(f"{paged.page}?forum_since={at}").text) == [6, 7]


def test_nobodys_own_comment_is_new_to_them(site: Site) -> None:
    """What one wrote oneself is not marked."""
    author = site.visitor()
    author.post(body="Mine.")
    url = f"{site.page}?{since(site, 10)}"
    assert new(author.get(url).text) == []
    assert new(site.visitor().get(url).text) == [1]


def test_marks_stay_out_of_the_page_everybody_gets(site: Site) -> None:
    """A page with marks is kept by nobody, and leaves none behind in the copy of the others."""
    site.comment()
    marked = site.visitor().get(f"{site.page}?{since(site, 10)}")
    assert marked.headers["Cache-Control"] == "private, no-store"
    assert new(site.visitor().get(site.page).text) == []


@pytest.mark.parametrize("time", ["", "0", "-1", "x", "1e9", "١", "9" * 400, "99999999999"])
def test_odd_times_mark_nothing(site: Site, time: str) -> None:
    """A time that is none, or lies ahead, changes nothing."""
    site.comment()
    answer = site.visitor().get(site.page, query_string={"forum_since": time})
    assert answer.status_code == 200
    assert new(answer.text) == []
