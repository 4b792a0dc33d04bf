"""What a page that stays open may ask: how many comments there are by now, and nothing else."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from forum.tokens import Keys
from tests.visitors import Site

_POLL = re.compile(r'data-poll="([^"]+)"')


def poll_url(site: Site) -> str:
    """Where the page asks."""
    found = _POLL.search(site.visitor().get(site.page).text)
    assert found is not None
    return found[1].replace("&amp;", "&")


def test_a_page_says_what_it_shows(site: Site) -> None:
    """The section carries the number and the version that its poll answers with."""
    site.comment()
    page = site.visitor().get(site.page).text
    said = re.search(r'data-count="(\d+)" data-version="(\d+)"', page)
    assert said is not None
    assert site.visitor().get(poll_url(site)).json == {"comments": int(said[1]), "version": int(said[2])}


def test_a_poll_hears_of_a_comment(site: Site) -> None:
    """A page opened before the first comment hears of it."""
    url = poll_url(site)
    assert site.visitor().get(url).json == {"comments": 0, "version": 0}
    site.comment()
    answer = site.visitor().get(url).json
    assert answer is not None
    assert answer["comments"] == 1
    assert answer["version"] > 0


def test_no_news_is_304(site: Site) -> None:
    """Whoever has the version already is told so without a body, until something changes."""
    site.comment()
    url = poll_url(site)
    tag = site.visitor().get(url).headers["ETag"]
    assert site.visitor().get(url, headers={"If-None-Match": tag}).status_code == 304
    site.comment("One more.")
    assert site.visitor().get(url, headers={"If-None-Match": tag}).status_code == 200


def test_one_answer_serves_all(site: Site) -> None:
    """The answer knows nobody: no cookie, none asked for, and twenty seconds for any cache between."""
    site.comment()
    author = site.visitor()
    author.post(body="Mine.")
    answer = author.get(poll_url(site))
    assert answer.headers["Cache-Control"] == "public, max-age=20"
    assert "Set-Cookie" not in answer.headers
    assert "Vary" not in answer.headers


def test_it_costs_one_statement(site: Site) -> None:
    """However long the thread, a poll is one query, also when there is nothing new."""
    for number in range(3):
        site.comment(f"Number {number}.")
    url = poll_url(site)
    tag = site.visitor().get(url).headers["ETag"]
    for headers in ({}, {"If-None-Match": tag}):
        visitor = site.visitor()
        with site.statements() as seen:
            visitor.get(url, headers=headers)
        assert len(seen) <= 1


@pytest.mark.parametrize("key", ["article:wine", "", "article:bread\0", "article:bread "])
def test_no_seal_no_answer(site: Site, key: str) -> None:
    """The seal of one page says nothing of another one, and a made-up seal says nothing of any."""
    site.comment()
    seal = poll_url(site).partition("?")[0]
    assert site.visitor().get(seal, query_string={"key": key}).status_code == 404
    made_up = Keys(["another site"]).sign("poll", "article:bread")
    assert site.visitor().get(f"/forum/poll/{made_up}?key=article:bread").status_code == 404


def test_where_nothing_can_come_nobody_asks(make_site: Callable[..., Site]) -> None:
    """A closed page does not poll, and no page does where the setting is off."""
    site = make_site()
    assert "data-poll" not in site.visitor().get(site.add_article("Closed", closed=True)).text
    off = make_site(FORUM_POLL=False)
    off.add_article()
    assert "data-poll" not in off.visitor().get(off.page).text
    url = f"/forum/poll/{off.state.keys.sign('poll', 'article:bread')}?key=article:bread"
    assert off.visitor().get(url).status_code == 404


def test_who_may_not_read_hears_nothing(site: Site) -> None:
    """Where the host says who may read, a kept address tells nothing, and no cache keeps an answer for all."""
    site.comment()
    url = poll_url(site)
    site.state.hooks.may_read = lambda key, email, ref: email == "" and key == "article:bread"
    assert site.visitor().get(url).headers["Cache-Control"] == "private, max-age=20"
    site.state.hooks.may_read = lambda key, email, ref: False
    assert site.visitor().get(url).status_code == 404
