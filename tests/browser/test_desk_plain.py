"""The desk in a browser that runs no scripts, by keyboard alone."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Live
from tests.browser.desk import QUEUE, WAITING, busy_desk, names, sit_down, state
from tests.desk import edit

FOCUSED = "() => document.activeElement.getAttribute('aria-label') || document.activeElement.textContent"


@pytest.fixture
def busy(make_live: Callable[..., Live]) -> Live:
    """A desk where four comments wait."""
    return busy_desk(make_live)


@pytest.fixture
def desk(busy: Live, person: Callable[..., Page]) -> Page:
    """Anna at the desk, whose browser runs no scripts."""
    return sit_down(busy, person(busy, java_script_enabled=False))


def walk_to(page: Page, name: str) -> None:
    """Press Tab until what is called ``name`` has the focus; from the bottom it goes on at the top."""
    seen = []
    for _ in range(400):
        page.keyboard.press("Tab")
        seen.append(" ".join(str(page.evaluate(FOCUSED)).split()))
        if seen[-1].startswith(name):
            return
    raise AssertionError(f"No way to {name}: {seen}")


def press(page: Page, name: str) -> None:
    """Walk to a button or link and press it."""
    walk_to(page, name)
    with page.expect_navigation():
        page.keyboard.press("Enter")


def test_every_button_by_keyboard(busy: Live, desk: Page) -> None:
    """Approve, reject, spam and remove, each with the way back, by Tab and Enter."""
    bar = desk.locator("#forum-bar")
    for name, button, said in (
        ("Cleo", "Approve the comment by", "Approved: the comment by"),
        ("Dan", "Reject the comment by", "Rejected: the comment by"),
        ("Eve", "Spam: the comment by", "Marked as spam: the comment by"),
    ):
        press(desk, f"{button} {name}")
        expect(bar).to_contain_text(said)
    press(desk, "Remove… the comment by Fay")
    press(desk, "Remove")
    expect(bar).to_contain_text("Removed: the comment by")
    assert [state(busy, name) for name in WAITING] == ["published", "rejected", "spam", "removed"]
    expect(desk.get_by_text("Nothing is waiting.")).to_be_visible()


def test_undo_is_the_next_stop(busy: Live, desk: Page) -> None:
    """After a press the keyboard is at the bar: one Tab further is the button that takes it back."""
    press(desk, "Spam: the comment by Cleo")
    desk.keyboard.press("Tab")
    expect(desk.get_by_role("button", name="Undo")).to_be_focused()
    with desk.expect_navigation():
        desk.keyboard.press("Enter")
    expect(desk.locator("#forum-bar")).to_contain_text("Undone.")
    assert names(desk) == list(WAITING)


def test_ticked_with_the_space_bar(busy: Live, desk: Page) -> None:
    """Boxes are ticked by Space, and one press above the list decides about them."""
    for name in ("Cleo", "Eve"):
        desk.get_by_role("checkbox", name=f"Tick the comment by {name}").press("Space")
    press(desk, "Reject what is ticked")
    expect(desk.locator("#forum-bar")).to_contain_text("2 comments rejected.")
    assert names(desk) == ["Dan", "Fay"]


def test_search_and_come_back_to_it(busy: Live, desk: Page) -> None:
    """A search is in the address, and an act comes back to it."""
    desk.get_by_label("Text", exact=True).focus()
    desk.keyboard.type("Dan")
    with desk.expect_navigation():
        desk.keyboard.press("Enter")
    assert names(desk) == ["Dan"]
    press(desk, "Approve the comment by Dan")
    expect(desk.get_by_text("Nothing here fits what you search for.")).to_be_visible()
    assert "text=Dan" in desk.url


def test_why_it_waits_can_be_opened(busy: Live, desk: Page) -> None:
    """A reason is a summary: Enter opens its explanation."""
    walk_to(desk, "Everything is read")
    desk.keyboard.press("Enter")
    expect(desk.get_by_text("The site reads every comment before it appears.").first).to_be_visible()


def test_edit_and_move_by_keyboard(busy: Live, desk: Page) -> None:
    """Another text and another place, each looked at first."""
    press(desk, "Edit the comment by Cleo")
    desk.get_by_label("Comment", exact=True).fill("Cleo was *there*.")
    press(desk, "Preview")
    expect(desk.get_by_role("region", name="Preview").locator("em")).to_have_text("there")
    press(desk, "Save")
    expect(desk.locator("#forum-bar")).to_contain_text("Edited: the comment by")
    press(desk, "Move the comment by Dan")
    desk.get_by_role("radio", name="It answers nobody").press("Space")
    press(desk, "Look at it there")
    expect(desk.get_by_text("It will stand at the top of its page.")).to_be_visible()
    press(desk, "Move it")
    expect(desk.locator("#forum-bar")).to_contain_text("Moved: the comment by")
    assert (busy.site.get(3).source, busy.site.get(4).parent_id) == ("Cleo was *there*.", None)
    assert desk.url.partition("?")[0].endswith(QUEUE)


def test_an_answer_by_keyboard(busy: Live, desk: Page) -> None:
    """A comment that waits is approved and answered on a page of its own, which leads back to the list."""
    press(desk, "Reply to Cleo")
    walk_to_field(desk, "Reply")
    desk.keyboard.type("Thank you.")
    press(desk, "Approve and reply")
    expect(desk.locator("#forum-bar")).to_contain_text("Approved and answered: the comment by Cleo.")
    assert (names(desk), state(busy, "Cleo"), state(busy, "anna")) == (["Dan", "Eve", "Fay"], "published", "published")
    assert busy.site.get(7).parent_id == 3


def test_many_go_after_a_question(busy: Live, desk: Page) -> None:
    """What is ticked is removed after a page that asks why, as a single comment is."""
    for name in ("Cleo", "Eve"):
        desk.get_by_role("checkbox", name=f"Tick the comment by {name}").press("Space")
    press(desk, "Remove… what is ticked")
    expect(desk.get_by_role("heading", level=1)).to_have_text("Remove 2 comments?")
    assert state(busy, "Cleo") == "held"
    press(desk, "Remove")
    expect(desk.locator("#forum-bar")).to_contain_text("2 comments removed.")
    assert names(desk) == ["Dan", "Fay"]


def test_all_of_a_long_comment_by_keyboard(busy: Live, desk: Page) -> None:
    """Of a long comment the beginning is shown; a press on the sign below it shows all."""
    edit(busy.site, 3, "Long. " * 400 + "The end.")
    desk.goto(QUEUE)
    expect(desk.get_by_text("The end.").first).to_be_hidden()
    walk_to(desk, "Show all 2,408 characters")
    desk.keyboard.press("Enter")
    expect(desk.get_by_text("The end.").first).to_be_visible()


def walk_to_field(page: Page, name: str) -> None:
    """Press Tab until the field with this label has the focus."""
    field = page.get_by_label(name, exact=True)
    for _ in range(400):
        page.keyboard.press("Tab")
        if field.evaluate("(node) => node === document.activeElement"):
            return
    raise AssertionError(f"No way to {name}")


def test_a_setting_by_keyboard(busy: Live, desk: Page) -> None:
    """A setting is typed, looked at and saved, and counts."""
    press(desk, "Settings")
    walk_to_field(desk, "Longest comment (characters)")
    desk.keyboard.press("Control+a")
    desk.keyboard.type("4321")
    press(desk, "Show what would change")
    expect(desk.get_by_text("4321")).to_be_visible()
    press(desk, "Save")
    expect(desk.get_by_label("Longest comment (characters)", exact=True)).to_have_value("4321")
    assert busy.site.state.settings.max_length == 4321


def test_somebody_is_listed_by_keyboard(busy: Live, desk: Page) -> None:
    """From a comment to its author, who is put on the list of people."""
    press(desk, "first comment")
    press(desk, "Put on the list")
    expect(desk.locator("#forum-bar")).to_contain_text("Put on the list.")


def test_a_page_is_closed_by_keyboard(busy: Live, desk: Page) -> None:
    """The list of pages has a button that closes one, and its article says so."""
    press(desk, "Pages")
    press(desk, "Close: Bread")
    desk.goto(busy.site.page)
    expect(desk.get_by_text("Comments on this article are closed.")).to_be_visible()


@pytest.mark.parametrize("name", ["Refused", "Activity", "Overview", "Mail", "Privacy"])
def test_each_page_is_reached_by_keyboard(desk: Page, name: str) -> None:
    """The pages that only show something are a few presses of Tab away from each other."""
    press(desk, name)
    expect(desk.locator(".forum-way-link[aria-current]")).to_have_text(name)
