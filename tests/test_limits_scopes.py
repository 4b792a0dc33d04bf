"""How many comments there may be of one network, one visitor and the whole site."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from werkzeug.test import TestResponse

from tests.visitors import Site, Visitor

MakeSite = Callable[..., Site]


@pytest.fixture(params=["memory", "redis"])
def storage(request: pytest.FixtureRequest) -> str:
    """Where limits are counted."""
    return "memory://" if request.param == "memory" else str(request.getfixturevalue("redis_url"))


def limited(make_site: MakeSite, **config: Any) -> Site:
    """A site with these limits alone, that publishes at once."""
    site = make_site(**{"FORUM_MODERATION": "none", "FORUM_RATE_LIMITS": [], **config})
    site.add_article()
    return site


def post(visitor: Visitor, number: int, network: str = "198.51.100.1") -> TestResponse:
    """Post from a network."""
    typed = visitor.fill(body=f"Number {number}.")
    origin = {"Origin": "http://localhost"}
    return visitor.client.post(
        "/forum/comments", data=typed, headers=origin, environ_overrides={"REMOTE_ADDR": network}
    )


def test_one_visitor(make_site: MakeSite, storage: str) -> None:
    """A visitor who is known by a cookie is limited in whatever network; another one in the same network is not."""
    site = limited(make_site, FORUM_VISITOR_LIMITS=["2 per hour"], FORUM_RATE_STORAGE=storage)
    known = site.visitor()
    # The first comment brings the cookie and is nobody's yet.
    statuses = [post(known, number, f"198.51.{number}.1").status_code for number in range(4)]
    assert statuses == [303, 303, 303, 429]
    assert post(site.visitor(), 9, "198.51.3.1").status_code == 303


def test_the_whole_site(make_site: MakeSite, storage: str) -> None:
    """Over the limit of the site everybody waits, is told until when, and keeps the text."""
    site = limited(make_site, FORUM_SITE_LIMITS=["2 per hour"], FORUM_RATE_STORAGE=storage)
    answers = [post(site.visitor(), number, f"198.51.{number}.1") for number in range(3)]
    assert [answer.status_code for answer in answers] == [303, 303, 429]
    assert 3500 < int(answers[2].headers["Retry-After"]) <= 3600
    assert "Number 2." in answers[2].text


def test_the_longest_wait_is_told(make_site: MakeSite) -> None:
    """Where two limits are reached the answer names the time after which both are over."""
    site = limited(make_site, FORUM_RATE_LIMITS=["1 per minute"], FORUM_SITE_LIMITS=["1 per hour"])
    post(site.visitor(), 1)
    answer = post(site.visitor(), 2)
    assert int(answer.headers["Retry-After"]) > 3500
    assert "60 minutes" in answer.text


def test_a_network_over_its_limit_uses_up_nothing_of_the_site(make_site: MakeSite) -> None:
    """What one network is refused is not counted against all others."""
    site = limited(make_site, FORUM_RATE_LIMITS=["1 per hour"], FORUM_SITE_LIMITS=["2 per hour"])
    assert [post(site.visitor(), number).status_code for number in range(4)] == [303, 429, 429, 429]
    assert post(site.visitor(), 5, "203.0.113.1").status_code == 303


def test_a_made_up_cookie_is_its_own_visitor(make_site: MakeSite) -> None:
    """Whoever changes the cookie each time is still limited by the network."""
    site = limited(make_site, FORUM_RATE_LIMITS=["2 per hour"], FORUM_VISITOR_LIMITS=["1 per hour"])
    statuses = []
    for number in range(3):
        visitor = site.visitor()
        visitor.client.set_cookie("forum_visitor", f"made-up-{number}")
        statuses.append(post(visitor, number).status_code)
    assert statuses == [303, 303, 429]
