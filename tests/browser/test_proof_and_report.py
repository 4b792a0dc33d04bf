"""The arithmetic that a browser does unseen, and a report by keyboard without JavaScript."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, Route, expect
from sqlalchemy import select

from forum.models import Comment, Report
from tests.browser.conftest import Live, press, send, write


@pytest.fixture
def working(make_live: Callable[..., Live]) -> Live:
    """A site that publishes what comes with a proof."""
    return make_live(FORUM_PROOF_OF_WORK=True, FORUM_MODERATION="first", FORUM_RESERVED_NAMES=[])


def reasons(live: Live) -> list[list[str]]:
    with live.site.session() as session:
        return list(session.scalars(select(Comment.reasons).order_by(Comment.id)))


def test_the_browser_works_while_somebody_writes(working: Live, person: Callable[..., Page]) -> None:
    """From the first key press on it works in the background; the comment comes with its proof, and nothing is said."""
    page = person(working)
    page.goto(working.site.page)
    write(page, "A fine loaf.")
    expect(page.locator("input[name=proof]")).not_to_have_value("")
    press(page, "Post comment")
    assert reasons(working) == [["first"]]


def test_a_quick_press_waits_for_the_work(working: Live, person: Callable[..., Page]) -> None:
    """Whoever presses Post before the work is done, twice even, posts once, and with the proof."""
    page = person(working)
    page.goto(working.site.page)
    asked: list[Route] = []
    page.route("**/forum/proof/*.json", lambda route: asked.append(route))
    write(page, "A fine loaf.")
    for _ in range(2):
        page.get_by_role("button", name="Post comment").click()
    assert reasons(working) == []
    with page.expect_navigation():
        asked[0].continue_()
    assert reasons(working) == [["first"]]


def test_a_form_that_comes_back_is_worked_on_anew(working: Live, person: Callable[..., Page]) -> None:
    """After a mistake the form has a fresh stamp, and a proof of its own by the time it is sent."""
    page = person(working)
    page.goto(working.site.page)
    write(page, "A fine loaf.", name="")
    send(page, "Post comment")
    page.get_by_label("Name", exact=True).fill("Ben")
    press(page, "Post comment")
    assert reasons(working) == [["first"]]


def test_without_scripts_a_comment_waits(working: Live, person: Callable[..., Page]) -> None:
    """Nobody is turned away for want of JavaScript."""
    page = person(working, java_script_enabled=False)
    page.goto(working.site.page)
    write(page, "A fine loaf.")
    press(page, "Post comment")
    assert reasons(working) == [["proof", "first"]]


def test_reporting_by_keyboard_without_scripts(live: Live, person: Callable[..., Page]) -> None:
    """A reader without JavaScript reports a comment with keys alone."""
    rude = live.site.comment("Rude words.", name="Rob")
    page = person(live, java_script_enabled=False)
    page.goto(live.site.page)
    link = page.get_by_role("link", name=f"Report comment {rude}")
    link.focus()
    with page.expect_navigation():
        page.keyboard.press("Enter")
    page.get_by_label("It is advertising or spam.").focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Tab")
    page.keyboard.type("Look at the second word.")
    page.keyboard.press("Tab")
    with page.expect_navigation():
        page.keyboard.press("Enter")
    expect(page.get_by_text("A moderator will look at it.")).to_be_visible()
    with live.site.session() as session:
        kept = session.execute(select(Report.reason, Report.note)).one()
    assert tuple(kept) == ("insulting", "Look at the second word.")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 1000])
def test_the_report_is_for_everybody(live: Live, person: Callable[..., Page], scheme: str, width: int) -> None:
    """The form, and the one with mistakes, is accessible and fits, narrow and wide, light and dark."""
    live.site.comment("Rude words." * 30, name="Rob")
    page = person(live, color_scheme=scheme, viewport={"width": width, "height": 800})
    page.goto("/forum/comments/1/report")
    for _ in range(2):
        assert [each["id"] for each in Axe().run(page).response["violations"]] == []
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        press(page, "Send")
