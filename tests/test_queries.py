"""What a request costs in SQL: fixed numbers, whatever the size of the thread and however many follow it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask import render_template_string

from forum.cache import ByteCache
from forum.models import Worker
from tests.visitors import Site

POST_STATEMENTS = 8


@pytest.fixture
def followed(site: Site) -> Site:
    """A site whose article has a comment, and twenty people who want to hear of everything there."""
    site.comment()
    for number in range(20):
        site.comment(name=f"R{number}", email=f"r{number}@reader.example", notify="thread", body=f"Me too, {number}.")
    return site


def cost_of_get(site: Site, path: str, **kwargs: Any) -> int:
    with site.statements() as seen:
        response = site.visitor().get(path, **kwargs)
    assert response.status_code in (200, 304)
    return len(seen)


def cost_of_post(site: Site, **fields: Any) -> int:
    """Statements of a POST alone: the form was opened before."""
    visitor = site.visitor()
    typed = visitor.fill(**fields)
    with site.statements() as seen:
        response = visitor.post(**typed)
    assert response.status_code == 303
    return len(seen)


def settle(site: Site) -> None:
    """Have something committed that no page shows: what was remembered of the database is forgotten."""
    with site.session() as session:
        session.add(Worker(name="w", started_at=site.clock(), seen_at=site.clock()))
        session.commit()


def test_warm_page_costs_one_statement(site: Site) -> None:
    """A page that was shown before asks only for its version after a commit, and for nothing while there is none."""
    site.comment()
    site.visitor().get(site.page)
    assert cost_of_get(site, site.page) == 0
    settle(site)
    assert cost_of_get(site, site.page) == 1


def test_unchanged_page_costs_one_statement(site: Site) -> None:
    """A browser that has the page already learns so from one query at most."""
    tag = site.visitor().get(site.page).headers["ETag"]
    assert cost_of_get(site, site.page, headers={"If-None-Match": tag}) == 0
    settle(site)
    assert cost_of_get(site, site.page, headers={"If-None-Match": tag}) == 1


@pytest.mark.parametrize("size", [0, 1, 30])
def test_missed_page_costs_three_statements_at_most(site: Site, size: int) -> None:
    """The first reader after a change pays for the article, its text and the comments, however many there are."""
    parent = ""
    for number in range(size):
        parent = str(site.comment(f"Number {number}.", parent=parent if number % 3 else ""))
    site.state.cache = ByteCache(site.state.settings.cache_bytes)  # as after a restart
    assert cost_of_get(site, site.page) <= 3


@pytest.mark.parametrize("number", [1, 3, 6, 99])
def test_every_page_of_a_paged_thread_costs_the_same(make_site: Callable[..., Site], number: int) -> None:
    """First, middle, last and a page beyond the end: three statements each."""
    site = make_site(FORUM_PER_PAGE=2)
    site.add_article()
    for comment in range(12):
        site.comment(f"Number {comment}.")
    assert cost_of_get(site, f"{site.page}?forum_page={number}") <= 3


def test_posting_anonymously(site: Site) -> None:
    """A comment at the top of a known thread is a handful of statements."""
    site.comment()
    assert cost_of_post(site) <= POST_STATEMENTS


def test_opening_a_thread(site: Site) -> None:
    """The first comment makes the thread's row too."""
    assert cost_of_post(site) <= POST_STATEMENTS


def test_replying(site: Site) -> None:
    """The parent is found together with the thread."""
    parent = site.comment()
    assert cost_of_post(site, parent=str(parent), body="I agree.") <= POST_STATEMENTS


def test_replying_far_down_costs_what_replying_costs(site: Site) -> None:
    """Nobody walks up the ancestors to store a reply."""
    parent = site.comment()
    first = cost_of_post(site, parent=str(parent), body="One below.")
    for level in range(10):
        parent = site.comment(f"Level {level}.", parent=str(parent))
    assert cost_of_post(site, parent=str(parent), body="At the bottom.") == first


@pytest.mark.parametrize("notify", ["", "direct", "branch", "thread"])
def test_posting_with_a_known_address(site: Site, notify: str) -> None:
    """Whoever was here before, and whatever they want to hear of, it costs no more."""
    author = {"name": "Ada", "email": "ada@reader.example"}
    site.comment(**author)
    for body in ("For the first time.", "Once more."):
        assert cost_of_post(site, body=body, notify=notify, **author) <= POST_STATEMENTS


def test_followers_cost_the_author_nothing(followed: Site, make_site: Callable[..., Site]) -> None:
    """Whom to tell is worked out after the request, so twenty followers add no statement to it."""
    alone = make_site()
    alone.add_article()
    alone.comment()
    assert cost_of_post(followed) == cost_of_post(alone)


def test_thread_in_a_page_of_the_host_costs_one_statement(site: Site) -> None:
    """`forum_thread` in a host's template reads one row once the thread is warm."""
    site.app.add_url_rule("/host", "host", lambda: render_template_string(_HOST_PAGE))
    site.comment()
    site.visitor().get("/host")
    assert cost_of_get(site, "/host") == 1


_HOST_PAGE = '{{ forum_thread("article:bread", title="Bread", url="/host") }}'
