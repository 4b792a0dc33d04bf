"""The pages people manage their mail and their comments by, in a browser without JavaScript."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import select

from forum.models import Address
from forum.tokens import day_number, make_token
from tests.browser.conftest import Live, press
from tests.browser.test_every_page import SMALL_TARGETS, violations

LONG = "A title as long as titles get when nobody stops their author, and then another half of it again"


@pytest.fixture
def ann(live: Live) -> int:
    """Ann follows two conversations, was answered by Ben, and has muted one of them."""
    site = live.site
    first = site.follower("Ann")
    site.comment("I agree.", parent=first, name="Ben", email="ben@reader.example")
    site.deliver()
    site.page = site.add_article(LONG)
    site.follower("Ann", "And here too, with many words. " * 8, notify="thread")
    with site.session() as session:
        number = session.scalars(select(Address.id).where(Address.key == "ann@reader.example")).one()
    site.visitor().act(f"/forum/m/t/{make_token(site.state.keys, 't', number, 2)}", "mute_week")
    return first


def path(live: Live, kind: str, *numbers: int, days_ago: int = 0) -> str:
    return (
        f"/forum/m/{kind}/{make_token(live.site.state.keys, kind, *numbers, day_number(live.site.clock()) - days_ago)}"
    )


def stops(live: Live, page: Page, ann: int) -> Iterator[str]:
    """Bring ``page`` to each page and state in turn, and name it."""
    own = path(live, "o", 1, ann)
    places = {"settings": path(live, "p", 1), "answered comment": own, "own comment": path(live, "o", 1, 3)}
    places |= {"old settings": path(live, "p", 1, days_ago=40), "done": "/forum/m/done/forgotten"}
    places |= {"new address": path(live, "n", 1, 2), "ask": f"/forum/comments/{ann}/mine"}
    for name, place in places.items():
        page.goto(place)
        yield name
    press(page, "Send me a link")
    yield "ask again"
    page.goto(places["own comment"])
    page.get_by_label("Comment", exact=True).fill("")
    press(page, "Save")
    yield "own comment, mistake"
    page.goto(places["settings"])
    press(page, "Pause")
    yield "paused"
    press(page, "Forget me")
    yield "settings, mistake"
    press(page, "Stop all mail")
    page.goto(places["settings"])
    yield "stopped"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_everybody_can_use_them(live: Live, ann: int, person: Callable[..., Page], scheme: str) -> None:
    """axe has nothing to say, nothing scrolls sideways at 320 px, and everything to press is large enough."""
    page = person(live, viewport={"width": 320, "height": 700}, color_scheme=scheme)
    found: list[str] = []
    for name in stops(live, page, ann):
        found += [f"{name}: {line}" for line in (*violations(page), *page.evaluate(SMALL_TARGETS))]
        if page.evaluate("() => document.documentElement.scrollWidth > document.documentElement.clientWidth"):
            found.append(f"{name} scrolls sideways")
    assert found == []


def test_settings_without_javascript(live: Live, ann: int, person: Callable[..., Page]) -> None:
    """Pace, mute and pause are changed by forms alone, and the page says what was done."""
    page = person(live, java_script_enabled=False)
    page.goto(path(live, "p", 1))
    page.get_by_label("How often", exact=True).last.select_option("daily")
    page.locator("form", has=page.get_by_label("How often", exact=True)).last.get_by_role("button", name="Save").click()
    expect(page.get_by_role("status")).to_have_text("Saved.")
    expect(page.get_by_label("How often", exact=True).last).to_have_value("daily")
    press(page, "Mute Ben")
    expect(page.get_by_text("Ben is muted.")).to_be_visible()
    press(page, "Pause")
    expect(page.get_by_text("Paused until")).to_be_visible()


def test_own_comment_without_javascript(live: Live, ann: int, person: Callable[..., Page]) -> None:
    """From the question to the changed and then deleted comment, through the mailbox."""
    page = person(live, java_script_enabled=False)
    page.goto("/forum/comments/3/mine")
    page.get_by_label("Your e-mail address").fill("ann@reader.example")
    press(page, "Send me a link")
    expect(page.get_by_role("heading", name="Look into your inbox")).to_be_visible()
    page.goto(path(live, "o", 1, 3))
    page.get_by_label("Comment", exact=True).fill("Fewer words.")
    press(page, "Save")
    expect(page.get_by_role("status")).to_have_text("Saved.")
    press(page, "Delete my comment")
    expect(page.get_by_role("heading", name="Your comment is gone")).to_be_visible()
