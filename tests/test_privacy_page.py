"""What is held about people, as admins read it, and the words for a privacy policy."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from forum.mail import keeping
from tests.desk import act
from tests.test_authors import ADMIN, admin
from tests.test_page_switches import MODERATOR, moderator
from tests.visitors import Site

PAGE = "/forum/moderation/privacy"
MakeSite = Callable[..., Site]


@pytest.fixture
def make_desk(make_site: MakeSite) -> MakeSite:
    """A maker of sites with an admin and a moderator."""

    def make(**config: object) -> Site:
        site = make_site(FORUM_MODERATORS=[ADMIN, MODERATOR], FORUM_ADMINS=[ADMIN], FORUM_MODERATION="none", **config)
        site.add_article()
        return site

    return make


def rows(page: str) -> dict[str, list[str]]:
    """The table: what is held, how much, the oldest, how long it is kept."""
    found = re.findall(r'scope="row">([^<]+)</th>(.*?)</tr>', page, re.DOTALL)
    return {kind: [_bare(cell) for cell in re.findall(r"<td[^>]*>(.*?)</td>", cells)] for kind, cells in found}


def _bare(markup: str) -> str:
    return re.sub(r"<[^>]+>", "", markup)


def test_each_kind_with_its_age_and_its_limit(make_desk: MakeSite) -> None:
    """How much is held, since when, and the setting that ends it, which the table links."""
    site = make_desk(FORUM_KEEP_REJECTED_DAYS=14)
    site.comment("First.", email="ann@reader.example")
    site.clock.advance(86_400)
    act(site, "spam", site.comment("Buy."))
    page = admin(site).get(PAGE).text
    table = rows(page)
    assert table["Comments on the page or waiting"][:2] == ["1", "22 November 2026"]
    assert table["Comments rejected or removed by moderators, and spam"] == ["1", "23 November 2026", "after 14 days"]
    assert table["Addresses that nobody confirmed"] == ["1", "22 November 2026", "after 30 days"]
    assert table["Refused drafts"][:2] == ["0", "–"]
    assert 'href="/forum/moderation/settings#FORUM_KEEP_REJECTED_DAYS"' in page


def test_when_the_clock_went_round(make_desk: MakeSite) -> None:
    """Never, then when; after two days without it the page says what to do."""
    site = make_desk()
    assert "never gone round" in admin(site).get(PAGE).text
    with site.app.app_context():
        keeping.prune(site.state.courier())
    assert "last went round on" in admin(site).get(PAGE).text
    site.clock.advance(3 * 86_400)
    late = admin(site).get(PAGE).text
    assert "It should every day" in late


def test_the_policy_says_what_the_settings_say(make_desk: MakeSite) -> None:
    """Days come from the settings, and of mail nothing is said where there is none."""
    site = make_desk(FORUM_KEEP_NETWORK_DAYS=7, FORUM_KEEP_REJECTED_DAYS=0)
    policy = admin(site).get(PAGE).text.partition("For your privacy policy")[2]
    assert "change what you wrote, for 7 days." in policy
    assert "are kept so that a mistake can be put right." in policy
    assert "one mail to confirm your address" in policy


def test_only_admins_find_the_page(make_desk: MakeSite) -> None:
    """For other moderators it does not exist, and their navigation does not name it."""
    site = make_desk()
    mo = moderator(site)
    assert mo.get(PAGE).status_code == 404
    assert PAGE not in mo.get("/forum/moderation/people").text
