"""A moderator works through the queue by keys alone; the page stays, and the list under their hands moves on."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import Live
from tests.browser.desk import OLGA, QUEUE, WAITING, busy_desk, names, sit_down, state
from tests.desk import act


@pytest.fixture
def busy(make_live: Callable[..., Live]) -> Live:
    """A desk where four comments wait."""
    return busy_desk(make_live)


@pytest.fixture
def desk(busy: Live, person: Callable[..., Page]) -> Page:
    """Anna at the desk, with the focus at the list."""
    page = sit_down(busy, person(busy))
    page.locator("#forum-content").focus()
    page.evaluate("() => { window.stayed = true; }")
    return page


def bar(page: Page) -> Locator:
    """What was just done."""
    return page.locator("#forum-bar")


def here(page: Page, name: str) -> None:
    """Expect the focus to be on the row of ``name``."""
    expect(page.locator(".forum-row:focus-within .forum-line-up .forum-author")).to_have_text(name)


def stayed(page: Page) -> bool:
    """Whether it still is the same page."""
    return bool(page.evaluate("() => window.stayed === true"))


def test_everything_by_keys(busy: Live, desk: Page) -> None:
    """Approve, spam and bin without a mouse: each row goes, the next one has the focus, and the page stays."""
    desk.keyboard.press("j")
    here(desk, "Cleo")
    desk.keyboard.press("j")
    desk.keyboard.press("k")
    here(desk, "Cleo")
    desk.keyboard.press("a")
    expect(bar(desk)).to_contain_text("Approved. Undo: z")
    here(desk, "Dan")
    desk.keyboard.press("s")
    expect(bar(desk)).to_contain_text("Marked as spam. Undo: z")
    here(desk, "Eve")
    desk.keyboard.press("d")
    expect(bar(desk)).to_contain_text("Removed. Undo: z")
    here(desk, "Fay")
    expect(desk.get_by_role("link", name="Waiting 1")).to_be_visible()
    expect(desk.get_by_role("link", name="Spam 2")).to_be_visible()
    expect(desk.get_by_role("heading", level=1)).to_have_text("1 waiting")
    assert [state(busy, name) for name in WAITING] == ["published", "spam", "removed", "held"]
    assert stayed(desk)


def test_undo_by_key(busy: Live, desk: Page) -> None:
    """`z` takes the last press back; the row stands where it was."""
    desk.keyboard.press("j")
    desk.keyboard.press("s")
    desk.keyboard.press("z")
    expect(bar(desk)).to_contain_text("Undone.")
    assert names(desk) == list(WAITING)
    assert state(busy, "Cleo") == "held"
    assert stayed(desk)


def test_fast_fingers(busy: Live, desk: Page) -> None:
    """Keys pressed faster than the site answers are all carried out, each on the row that had the focus then."""
    desk.keyboard.press("j")
    for key in "asas":
        desk.keyboard.press(key)
    expect(desk.get_by_text("Nothing is waiting.")).to_be_visible()
    assert [state(busy, name) for name in WAITING] == ["published", "spam", "published", "spam"]
    assert stayed(desk)


def test_a_key_held_down_decides_once(busy: Live, desk: Page) -> None:
    """A finger that rests on a key is no row of decisions."""
    desk.keyboard.press("j")
    desk.keyboard.down("a")
    desk.keyboard.down("a")
    desk.keyboard.down("a")
    desk.keyboard.up("a")
    # A row goes before its answer comes.
    assert names(desk) == ["Dan", "Eve", "Fay"]


def test_unapprove_by_key(busy: Live, desk: Page) -> None:
    """`u` takes a published comment back from the page."""
    desk.goto(f"{QUEUE}?tab=published")
    desk.locator("#forum-content").focus()
    desk.keyboard.press("j")
    desk.keyboard.press("u")
    expect(bar(desk)).to_contain_text("Sent back to wait.")
    assert state(busy, "Rude") == "held"


def test_ticks_search_help_edit_and_reply_by_keys(busy: Live, desk: Page) -> None:
    """`x` ticks, `/` searches, `?` explains, `e` opens the editor and `r` the form to answer."""
    desk.keyboard.press("j")
    desk.keyboard.press("x")
    expect(desk.get_by_role("checkbox", name="Tick the comment by Cleo")).to_be_checked()
    desk.keyboard.press("?")
    expect(desk.get_by_role("dialog", name="Keys")).to_be_visible()
    desk.keyboard.press("Escape")
    expect(desk.get_by_role("dialog", name="Keys")).to_be_hidden()
    here(desk, "Cleo")
    desk.keyboard.press("/")
    expect(desk.get_by_label("Text", exact=True)).to_be_focused()
    desk.keyboard.type("asdz")
    expect(desk.get_by_label("Text", exact=True)).to_have_value("asdz")
    assert names(desk) == list(WAITING)
    desk.locator("#forum-content").focus()
    desk.keyboard.press("j")
    with desk.expect_navigation():
        desk.keyboard.press("e")
    expect(desk.get_by_role("heading", name="Edit the comment by")).to_be_visible()
    desk.goto(f"{QUEUE}?tab=published")
    desk.locator("#forum-content").focus()
    desk.keyboard.press("j")
    with desk.expect_navigation():
        desk.keyboard.press("r")
    expect(desk.get_by_role("heading", level=1)).to_have_text("Reply to Rude")


def test_ticks_outlive_a_press(busy: Live, desk: Page) -> None:
    """What was ticked stays ticked while other rows are decided."""
    desk.get_by_role("checkbox", name="Tick the comment by Eve").check()
    desk.get_by_role("button", name="Approve the comment by Cleo").press("Enter")
    expect(bar(desk)).to_contain_text("Approved.")
    here(desk, "Dan")
    expect(desk.get_by_role("checkbox", name="Tick the comment by Eve")).to_be_checked()
    assert stayed(desk)


def test_keys_can_be_switched_off(busy: Live, desk: Page) -> None:
    """Switched off, no single key does anything, now and on the next visit; the buttons work as ever."""
    desk.get_by_role("button", name="Keys").press("Enter")
    desk.get_by_label("Single keys work").select_option("off")
    desk.get_by_role("button", name="Close").press("Enter")
    for _ in range(2):
        desk.get_by_role("button", name="Approve the comment by Cleo").focus()
        for key in "asudx":
            desk.keyboard.press(key)
        desk.reload()
    assert names(desk) == list(WAITING)
    desk.get_by_role("button", name="Approve the comment by Cleo").press("Enter")
    expect(bar(desk)).to_contain_text("Approved.")
    expect(bar(desk)).not_to_contain_text("Undo: z")


def test_keys_stay_in_the_list_unless_asked(busy: Live, desk: Page) -> None:
    """Elsewhere on the page a key does nothing, until somebody wants it everywhere."""
    desk.get_by_role("link", name="Activity").focus()
    desk.keyboard.press("j")
    expect(desk.get_by_role("link", name="Activity")).to_be_focused()
    desk.get_by_role("button", name="Keys").press("Enter")
    desk.get_by_label("Single keys work").select_option("on")
    desk.get_by_role("button", name="Close").press("Enter")
    desk.get_by_role("link", name="Activity").focus()
    desk.keyboard.press("j")
    here(desk, "Cleo")


def test_somebody_was_faster(busy: Live, desk: Page) -> None:
    """The row of a comment that another moderator has decided goes, and the bar says who that was."""
    act(busy.site, "approve", 3, actor=OLGA)
    desk.keyboard.press("j")
    desk.keyboard.press("s")
    expect(bar(desk)).to_contain_text("olga approved this 0 seconds ago.")
    here(desk, "Dan")
    assert (state(busy, "Cleo"), stayed(desk)) == ("published", True)


def test_without_an_answer_the_form_is_sent_as_ever(busy: Live, desk: Page) -> None:
    """Where the script is refused its request, the browser sends the form itself."""
    desk.evaluate("() => { window.fetch = () => Promise.reject(new TypeError('away')); }")
    desk.keyboard.press("j")
    with desk.expect_navigation():
        desk.keyboard.press("a")
    expect(bar(desk)).to_contain_text("Approved.")
    assert (state(busy, "Cleo"), stayed(desk)) == ("published", False)


def test_two_moderators(busy: Live, desk: Page, person: Callable[..., Page]) -> None:
    """Both work through one list: every comment is decided once, and neither is told of a mistake."""
    other = sit_down(busy, person(busy), OLGA)
    other.locator("#forum-content").focus()
    desk.keyboard.press("j")
    for _ in range(4):
        other.keyboard.press("k")
    here(other, "Cleo")
    other.keyboard.press("j")
    desk.keyboard.press("a")
    expect(bar(desk)).to_contain_text("Approved.")
    other.keyboard.press("s")
    expect(bar(other)).to_contain_text("Marked as spam.")
    assert names(other) == ["Eve", "Fay"]
    desk.keyboard.press("a")
    expect(bar(desk)).to_contain_text("olga marked this as spam")
    assert [state(busy, name) for name in WAITING] == ["published", "spam", "held", "held"]
