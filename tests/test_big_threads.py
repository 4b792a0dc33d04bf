"""Threads with more comments than one page should hold."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from sqlalchemy import insert

from forum.cache import ByteCache
from forum.models import Comment, Thread
from forum.threads import CAP
from tests.test_threads import shown
from tests.visitors import Site

_MORE = re.compile(r'class="forum-rest"><a class="forum-action" href="([^"]+)"[^>]*>Show (\d+) more repl')


def answer(site: Site, top: int, number: int) -> list[int]:
    """Store so many answers to one comment, all published, and return their ids."""
    with site.session() as session:
        first = session.get_one(Comment, top)
        names = ("thread_id", "branch", "name", "html", "source", "renderer")
        values = {name: getattr(first, name) for name in names} | {"parent_id": top, "depth": 2, "state": "published"}
        ids = range(top * 10_000, top * 10_000 + number)
        when = {"created_at": site.clock(), "published_at": site.clock()}
        rows = [{**values, **when, "id": id_, "nonce": f"n{id_}", "digest": "", "reasons": []} for id_ in ids]
        session.execute(insert(Comment), rows)
        thread = session.get_one(Thread, first.thread_id)
        thread.comments, thread.version = thread.comments + number, thread.version + 1
        session.commit()
    return list(ids)


@pytest.fixture
def long(site: Site) -> Site:
    """A page with a branch of 300 answers, one of 20, and two comments that nobody answered."""
    for n in range(4):
        site.comment(f"Branch {n}.")
    answer(site, 1, 300)
    answer(site, 2, 20)
    return site


def test_a_page_has_room_for_so_many(long: Site) -> None:
    """Small branches stay whole; the large one is cut, with a link that says how much it holds beyond."""
    page = long.visitor().get(long.page).text
    assert len(shown(page)) == CAP
    assert {2, 3, 4, *range(20_000, 20_020)} <= set(shown(page))
    assert _MORE.findall(page) == [("/forum/comments/1/branch", str(4 + 320 - CAP))]


def test_the_link_leads_to_the_whole_branch(long: Site) -> None:
    """Behind it the branch is complete."""
    page = long.visitor().get("/forum/comments/1/branch").text
    assert len(shown(page)) == 301
    assert not _MORE.search(page)


def test_a_permalink_leads_to_where_the_comment_is_read(long: Site) -> None:
    """What a page has no room for is found on the page of its branch, everything else in its place."""
    for posted in (1, 10_000, 10_299, 20_019, 4):
        location = long.visitor().get(f"/forum/comments/{posted}").headers["Location"]
        assert location.endswith(f"#comment-{posted}")
        assert location.startswith("/forum/comments/1/branch" if posted == 10_299 else long.page)
        assert posted in shown(long.visitor().get(location).text)


def test_who_posts_beyond_sees_it(long: Site) -> None:
    """The author of an answer that finds no room is led to where it stands."""
    author = long.visitor()
    response = author.post(body="The newest of all.", parent="1")
    assert response.status_code == 303
    assert "The newest of all." in author.get(response.headers["Location"]).text


def test_a_removed_beginning_keeps_its_place(long: Site) -> None:
    """The branch of a removed comment is cut and read like any other, without its author's name."""
    with long.session() as session:
        top = session.get_one(Comment, 1)
        top.name, top.state, top.removed_by, top.html = "Somebody", "removed", "author", "What they said"
        top.thread.version += 1
        top.thread.comments -= 1
        session.commit()
    page = long.visitor().get(long.page).text
    assert [number for _, number in _MORE.findall(page)] == [str(3 + 320 - CAP)]
    branch = long.visitor().get("/forum/comments/1/branch").text
    assert "Somebody" not in branch
    assert "What they said" not in branch
    assert len(shown(branch)) == 301


@pytest.mark.parametrize("number", [0, 250, 1000])
def test_missed_pages_cost_the_same(site: Site, number: int) -> None:
    """A page of any size is three statements when nothing is remembered."""
    top = site.comment()
    if number:
        answer(site, top, number)
    site.state.cache = ByteCache(site.state.settings.cache_bytes)
    visitor = site.visitor()
    with site.statements() as seen:
        visitor.get(site.page)
    assert len(seen) <= 3


@pytest.mark.parametrize("order", ["oldest", "newest"])
def test_on_every_database(make_site: Callable[..., Site], database: dict[str, str], order: str) -> None:
    """Pages are cut alike, in both orders, by each database we support."""
    site = make_site(**database, FORUM_PER_PAGE=2)
    site.add_article()
    tops = [site.comment(f"Branch {n}.") for n in range(3)]
    answer(site, tops[0], 150)
    answer(site, tops[1], 150)
    page = site.visitor().get(f"{site.page}?forum_sort={order}").text
    cut = [int(number) for _, number in _MORE.findall(page)]
    assert len(shown(page)) == (CAP if order == "oldest" else 152)
    assert sum(cut) == (302 - CAP if order == "oldest" else 0)
