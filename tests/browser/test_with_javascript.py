"""What the module adds: replying in place, drafts, quick keys; and nothing is lost or said twice."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import Live, press, send, write

STATUS = "form.forum-form [role=status]"


@pytest.fixture
def asked(live: Live, reader: Page) -> Page:
    """A reader in front of two comments, by Ann and by Cleo."""
    live.site.comment("How warm is the kitchen?", name="Ann")
    live.site.comment("How old is the starter?", name="Cleo")
    reader.reload()
    return reader


def test_reply_in_place(asked: Page) -> None:
    """The form moves below the comment it answers, says so, and takes the reader's cursor along."""
    asked.get_by_role("link", name="Reply to Ann").click()
    expect(asked.locator("#comment-1 > form")).to_be_visible()
    expect(asked.get_by_role("heading", name="Reply to Ann")).to_be_visible()
    expect(_text(asked)).to_be_focused()
    write(asked, "Twenty degrees.")
    press(asked, "Post comment")
    expect(asked.locator("#comment-1 .forum-replies .forum-body")).to_have_text("Twenty degrees.")
    expect(asked.locator(STATUS)).to_have_text("Your comment is posted.")


def test_escape_keeps_each_draft(asked: Page) -> None:
    """Esc puts the form back and the focus where it was; each comment keeps the draft of its own answer."""
    asked.get_by_role("link", name="Reply to Ann").click()
    asked.keyboard.type("Twenty")
    asked.keyboard.press("Escape")
    expect(asked.get_by_role("link", name="Reply to Ann")).to_be_focused()
    expect(asked.get_by_role("heading", name="Write a comment")).to_be_visible()
    expect(_text(asked)).to_have_value("")
    asked.get_by_role("link", name="Reply to Cleo").click()
    expect(_text(asked)).to_have_value("")
    asked.get_by_role("button", name="Cancel reply").click()
    asked.get_by_role("link", name="Reply to Ann").click()
    expect(_text(asked)).to_have_value("Twenty")
    expect(asked.locator(STATUS)).to_have_text("Draft restored.")


def test_draft_outlives_a_reload(reader: Page) -> None:
    """A reload keeps what was typed; posting it lets it go."""
    write(reader, "A long thought")
    reader.wait_for_function("() => Object.keys(sessionStorage).some((key) => key.startsWith('forum:draft'))")
    reader.reload()
    expect(_text(reader)).to_have_value("A long thought")
    write(reader, "A long thought, finished.")
    press(reader, "Post comment")
    expect(reader.locator(".forum-body")).to_have_text("A long thought, finished.")
    expect(_text(reader)).to_have_value("")


def test_quick_key_posts(reader: Page) -> None:
    """Ctrl+Enter posts from within the text."""
    write(reader, "Quick.")
    _text(reader).press("Control+Enter")
    expect(reader.locator(".forum-body")).to_have_text("Quick.")


@pytest.mark.parametrize("javascript", [True, False])
def test_double_click_posts_once(javascript: bool, live: Live, person: Callable[..., Page]) -> None:
    """Two quick clicks on Post make one comment, with scripts and without."""
    page = person(live, java_script_enabled=javascript)
    page.goto(live.site.page)
    write(page, "Only once, please.")
    page.get_by_role("button", name="Post comment").dblclick()
    expect(page.locator(".forum-body")).to_have_text("Only once, please.")
    page.goto(live.site.page)
    expect(page.get_by_role("heading", name="1 comment")).to_be_visible()


def test_writing_the_same_again(reader: Page) -> None:
    """Whoever posts the very same words once more is told so, in front of the comment that is there already."""
    for words in ("Your comment is posted.", "You already posted exactly this."):
        write(reader, "Only once, please.")
        send(reader, "Post comment")
        expect(reader.locator(STATUS)).to_have_text(words)
        expect(reader.locator("#comment-1 > article")).to_be_focused()
    expect(reader.get_by_role("heading", name="1 comment")).to_be_visible()


def test_back_button_posts_once(live: Live, person: Callable[..., Page]) -> None:
    """Without scripts: going back and pressing Post again leads to the comment that is there already."""
    page = person(live, java_script_enabled=False)
    page.goto(live.site.page)
    for _ in range(2):
        write(page, "Only once, please.")
        press(page, "Post comment")
        expect(page.locator(".forum-body")).to_have_text("Only once, please.")
        page.go_back()


def test_offline_keeps_the_text(reader: Page) -> None:
    """Without a connection nothing is sent, the reader is told, and the text stays."""
    write(reader, "In the tunnel.")
    reader.context.set_offline(True)
    reader.get_by_role("button", name="Post comment").click()
    expect(reader.get_by_role("alert")).to_contain_text("There is no connection right now.")
    expect(reader.get_by_role("alert")).to_be_focused()
    expect(_text(reader)).to_have_value("In the tunnel.")
    reader.context.set_offline(False)
    send(reader, "Post comment")
    expect(reader.locator(".forum-body")).to_have_text("In the tunnel.")
    expect(reader.get_by_role("alert")).to_have_count(0)


def test_a_mistake_takes_the_focus(reader: Page) -> None:
    """When the form comes back the summary of what is wrong has the focus, and leads to the field."""
    write(reader, "Words.", name="")
    send(reader, "Post comment")
    expect(reader.get_by_role("alert")).to_be_focused()
    reader.get_by_role("alert").get_by_role("link").click()
    expect(reader.get_by_label("Name", exact=True)).to_be_focused()


def test_link_into_a_folded_branch(live: Live, asked: Page) -> None:
    """A link to a comment inside folded replies unfolds them."""
    answer = live.site.comment("Twenty degrees.", parent=1)
    asked.reload()
    asked.get_by_text("1 reply").click()
    expect(asked.get_by_text("Twenty degrees.")).to_be_hidden()
    asked.goto(f"{live.site.page}#comment-{answer}")
    expect(asked.get_by_text("Twenty degrees.")).to_be_visible()


def test_an_address_that_cannot_be_read(live: Live, asked: Page) -> None:
    """A mark in the address that is no percent-encoding stops nothing: replying in place still works."""
    asked.goto("about:blank")
    asked.goto(f"{live.site.page}#50%")
    asked.get_by_role("link", name="Reply to Ann").click()
    expect(asked.locator("#comment-1 > form")).to_be_visible()


def test_what_was_not_posted_stays_a_draft(live: Live, asked: Page) -> None:
    """A form that came back with a mistake was not posted: at the comment one came from the text is still there."""
    asked.goto(f"{live.site.page}#comment-1")
    write(asked, "A long thought", name="")
    send(asked, "Post comment")
    expect(asked.get_by_role("alert")).to_be_visible()
    asked.goto(f"{live.site.page}#comment-1")
    expect(_text(asked)).to_have_value("A long thought")


def test_a_mended_mistake_leaves_no_draft(asked: Page) -> None:
    """A text that is posted from the page that told of a mistake is a draft no more."""
    write(asked, "Twenty degrees.", name="")
    send(asked, "Post comment")
    asked.get_by_label("Name", exact=True).fill("Ben")
    press(asked, "Post comment")
    expect(asked.locator("#comment-3 .forum-body")).to_have_text("Twenty degrees.")
    expect(_text(asked)).to_have_value("")


def test_a_held_comment_is_no_draft(make_live: Callable[..., Live], person: Callable[..., Page]) -> None:
    """A comment that waits for a moderator has arrived: the form is empty when its author is back."""
    live = make_live(FORUM_MODERATION="first")
    page = person(live)
    page.goto(live.site.page)
    write(page, "My first words.")
    send(page, "Post comment")
    expect(page.get_by_text("awaiting moderation")).to_be_visible()
    page.goto("/")
    page.goto(live.site.page)
    expect(page.get_by_text("My first words.")).to_be_visible()
    expect(_text(page)).to_have_value("")


def test_recent_times_are_relative(live: Live, person: Callable[..., Page]) -> None:
    """Something of this month says how long ago it was; something older keeps its date."""
    live.site.comment("Fresh.")
    page = person(live)
    page.clock.set_fixed_time(live.site.clock() + dt.timedelta(hours=3))
    page.goto(live.site.page)
    expect(page.locator("#comment-1 time")).to_have_text("3 hours ago")
    page.clock.set_fixed_time(live.site.clock() + dt.timedelta(days=40))
    page.reload()
    expect(page.locator("#comment-1 time")).to_have_text("22 November 2026")


def test_keyboard_only(asked: Page) -> None:
    """Read, fold, reply, fail, fix and post with nothing but a keyboard."""
    _tab_to(asked, asked.get_by_role("link", name="Reply to Ann"))
    asked.keyboard.press("Enter")
    expect(_text(asked)).to_be_focused()
    asked.keyboard.type("Twenty degrees.")
    _tab_to(asked, asked.get_by_role("button", name="Post comment"))
    asked.keyboard.press("Enter")
    expect(asked.get_by_role("alert")).to_be_focused()
    _tab_to(asked, asked.get_by_label("Name", exact=True))
    asked.keyboard.type("Ben")
    asked.keyboard.press("Enter")
    fold = asked.locator("summary", has_text="1 reply")
    expect(fold).to_be_visible()
    # Until the page is complete the browser has not gone to the posted comment.
    asked.wait_for_load_state("load")
    # The tab order goes on from the comment that was posted; what folds it stands above.
    _tab_to(asked, fold, "Shift+Tab")
    asked.keyboard.press("Space")
    expect(asked.get_by_text("Twenty degrees.")).to_be_hidden()


def _text(page: Page) -> Locator:
    return page.get_by_label("Comment", exact=True)


def _tab_to(page: Page, target: Locator, key: str = "Tab") -> None:
    """Press ``key`` until ``target`` has the focus, each time on something that shows it."""
    for _ in range(30):
        page.keyboard.press(key)
        visible = page.evaluate("() => getComputedStyle(document.activeElement).outlineStyle !== 'none'")
        assert visible, page.evaluate("() => document.activeElement.outerHTML")
        if target.evaluate("(node) => node === document.activeElement"):
            return
    raise AssertionError(f"{target} cannot be reached by keyboard")
