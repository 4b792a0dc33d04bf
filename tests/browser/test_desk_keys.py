"""A moderator works through the queue by keys alone; the page stays, and the list under their hands moves on."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect

from forum.models import Comment
from tests.browser.conftest import Live
from tests.browser.desk import OLGA, QUEUE, WAITING, busy_desk, names, sit_down, state
from tests.desk import act, edit


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
    expect(bar(desk)).to_contain_text("Approved: the comment by Cleo. Undo: z")
    here(desk, "Dan")
    desk.keyboard.press("s")
    expect(bar(desk)).to_contain_text("Marked as spam: the comment by Dan. Undo: z")
    here(desk, "Eve")
    desk.keyboard.press("d")
    expect(bar(desk)).to_contain_text("Removed: the comment by Eve. Undo: z")
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
    expect(bar(desk)).to_contain_text("Sent back to wait: the comment by")
    assert state(busy, "Rude") == "held"


def test_ticks_search_help_and_edit_by_keys(busy: Live, desk: Page) -> None:
    """`x` ticks, `/` searches, `?` explains and `e` opens the editor."""
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


def answers(live: Live) -> list[tuple[str, int | None]]:
    """What moderators have answered, and which comment."""
    with live.site.session() as session:
        found = session.query(Comment.source, Comment.parent_id).filter(Comment.is_moderator)
        return [tuple(row) for row in found]  # type: ignore[misc]  # a row is a tuple of these two


def begin_reply(page: Page, text: str) -> Locator:
    """Press `r` on the first row and write into the form that opens there."""
    page.locator("#forum-content").focus()
    page.keyboard.press("j")
    page.keyboard.press("r")
    field = page.get_by_role("textbox", name="Reply", exact=True)
    expect(field).to_be_focused()
    page.keyboard.type(text)
    return field


def test_an_answer_without_leaving_the_list(busy: Live, desk: Page) -> None:
    """`r` opens the form below the row, Esc closes it with its text kept, Ctrl+Enter approves and answers at once."""
    field = begin_reply(desk, "Thank you, zeds and all.")
    desk.keyboard.press("Escape")
    expect(field).to_be_hidden()
    here(desk, "Cleo")
    desk.keyboard.press("r")
    expect(field).to_have_value("Thank you, zeds and all.")
    desk.keyboard.press("Control+Enter")
    expect(bar(desk)).to_contain_text("Approved and answered: the comment by Cleo. Undo: z")
    here(desk, "Dan")
    assert (state(busy, "Cleo"), answers(busy)) == ("published", [("Thank you, zeds and all.", 3)])
    desk.keyboard.press("z")
    expect(bar(desk)).to_contain_text("Undone: 2 changes were taken back.")
    assert (names(desk)[0], stayed(desk)) == ("Cleo", True)


def test_a_published_comment_stays_when_it_is_answered(busy: Live, desk: Page) -> None:
    """In the list of what is published the row stays, and the answer comes on top; other forms stay open."""
    desk.goto(f"{QUEUE}?tab=published")
    begin_reply(desk, "Please be kind.")
    desk.keyboard.press("Control+Enter")
    expect(bar(desk)).to_contain_text("Answered: the comment by Rude.")
    assert names(desk) == ["anna", "Rude"]
    expect(desk.locator("[data-reply]")).to_have_count(0)


def test_a_mistake_in_an_answer_is_said_in_place(busy: Live, desk: Page) -> None:
    """What the site does not take comes back below its row, with the text and the focus in it; so does a preview."""
    field = begin_reply(desk, "x" * 20)
    field.evaluate("(field) => { field.value = 'x'.repeat(20000); }")
    desk.keyboard.press("Control+Enter")
    expect(desk.get_by_text("characters long")).to_be_visible()
    expect(field).to_be_focused()
    field.fill("**Better.**")
    desk.get_by_role("button", name="Preview").press("Enter")
    expect(desk.get_by_role("region", name="Preview").locator("strong")).to_have_text("Better.")
    desk.keyboard.press("Control+Enter")
    expect(bar(desk)).to_contain_text("Approved and answered")
    assert (answers(busy), stayed(desk)) == ([("**Better.**", 3)], True)


def test_an_answer_outlives_what_goes_wrong(busy: Live, desk: Page) -> None:
    """Without a connection, after another's edit and after a reload the text is still there."""
    field = begin_reply(desk, "Do not lose me.")
    desk.evaluate("() => { window.kept = window.fetch; window.fetch = () => Promise.reject(new TypeError('away')); }")
    desk.keyboard.press("Control+Enter")
    expect(desk.get_by_text("There is no connection right now.")).to_be_visible()
    expect(field).to_have_value("Do not lose me.")
    desk.evaluate("() => { window.fetch = window.kept; }")
    edit(busy.site, 3, "Other words.", actor=OLGA)
    desk.keyboard.press("Control+Enter")
    expect(bar(desk)).to_contain_text("olga edited this")
    expect(field).to_have_value("Do not lose me.")
    desk.reload()
    begin_reply(desk, "")
    expect(field).to_have_value("Do not lose me.")
    desk.keyboard.press("Control+Enter")
    expect(bar(desk)).to_contain_text("Approved and answered")
    assert answers(busy) == [("Do not lose me.", 3)]


def test_an_open_answer_outlives_other_acts(busy: Live, desk: Page) -> None:
    """Whatever is decided meanwhile beside other rows, and even about its own, an answer that was begun stays open."""
    field = begin_reply(desk, "Half a sentence")
    edit(busy.site, 3, "Other words.", actor=OLGA)
    desk.get_by_role("button", name="Approve the comment by Dan").click()
    expect(bar(desk)).to_contain_text("Approved: the comment by Dan.")
    expect(desk.get_by_text("Other words.").first).to_be_visible()
    expect(field).to_have_value("Half a sentence")
    expect(field).to_be_visible()


def test_ticks_outlive_a_press(busy: Live, desk: Page) -> None:
    """What was ticked stays ticked while other rows are decided."""
    desk.get_by_role("checkbox", name="Tick the comment by Eve").check()
    desk.get_by_role("button", name="Approve the comment by Cleo").press("Enter")
    expect(bar(desk)).to_contain_text("Approved: the comment by")
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
    expect(bar(desk)).to_contain_text("Approved: the comment by")
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
    expect(bar(desk)).to_contain_text("olga approved this just now.")
    here(desk, "Dan")
    assert (state(busy, "Cleo"), stayed(desk)) == ("published", True)


def test_without_an_answer_the_form_is_sent_as_ever(busy: Live, desk: Page) -> None:
    """Where the script is refused its request, the browser sends the form itself."""
    desk.evaluate("() => { window.fetch = () => Promise.reject(new TypeError('away')); }")
    desk.keyboard.press("j")
    with desk.expect_navigation():
        desk.keyboard.press("a")
    expect(bar(desk)).to_contain_text("Approved: the comment by")
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
    expect(bar(desk)).to_contain_text("Approved: the comment by")
    other.keyboard.press("s")
    expect(bar(other)).to_contain_text("Marked as spam: the comment by")
    assert names(other) == ["Eve", "Fay"]
    desk.keyboard.press("a")
    expect(bar(desk)).to_contain_text("olga marked this as spam")
    assert [state(busy, name) for name in WAITING] == ["published", "spam", "held", "held"]
