"""Reading with the script: what is new, what comes next, quoting, folding, and the keys for it."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from tests.browser.conftest import Live, send, write

PILL = "button[data-do=news]"
SHIFTS = """() => { window.shift = 0; new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) window.shift += entry.value;
}).observe({type: "layout-shift", buffered: true}); }"""
PAINTED = """() => new PerformanceObserver(() => { window.painted = true; }).observe({type: "paint", buffered: true})"""
CHOOSE = """(node) => { const range = document.createRange(); range.selectNodeContents(node);
  getSelection().removeAllRanges(); getSelection().addRange(range); }"""


def text(page: Page) -> Locator:
    return page.get_by_label("Comment", exact=True)


@pytest.fixture
def regular(live: Live, person: Callable[..., Page]) -> Page:
    """Somebody who was here yesterday, when there was one comment, and comes back to three."""
    live.site.comment("Old.", name="Ann")
    page = person(live)
    page.clock.set_fixed_time(live.site.clock())
    page.goto(live.site.page)
    live.site.clock.advance(86400)
    for name in ("Ben", "Cleo"):
        live.site.comment(f"New from {name}.", name=name)
    page.clock.set_fixed_time(live.site.clock() + dt.timedelta(seconds=5))
    return page


def test_new_since_the_last_visit(live: Live, regular: Page) -> None:
    """Whoever comes back finds the new comments marked, and a button that leads from one to the next."""
    for _ in range(2):  # also after a reload, which is no visit of its own
        regular.goto(live.site.page)
        expect(regular.locator("article .forum-new")).to_have_count(2)
    button = regular.get_by_role("button", name="2 new since your last visit")
    for number in (2, 3, 2):
        button.click()
        expect(regular.locator(f"#comment-{number} > article")).to_be_focused()


def test_nothing_is_new_at_first(live: Live, person: Callable[..., Page]) -> None:
    """Who comes for the first time, and who wrote the comment, are told of nothing new."""
    live.site.comment("Old.")
    page = person(live)
    page.goto(live.site.page)
    write(page, "Mine.")
    send(page, "Post comment")
    page.reload()
    expect(page.locator("#comment-2 .forum-body")).to_have_text("Mine.")
    expect(page.locator("article .forum-new")).to_have_count(0)
    expect(page.locator("button[data-do=since]")).to_be_hidden()


@pytest.mark.parametrize("width", [360, 1000])
def test_marks_move_nothing(width: int, live: Live, regular: Page) -> None:
    """When the marks come nothing moves, be the page narrow or wide."""
    regular.set_viewport_size({"width": width, "height": 900})
    regular.add_init_script(f"({SHIFTS})()")
    regular.goto(live.site.page)
    expect(regular.locator("article .forum-new")).to_have_count(2)
    regular.wait_for_load_state("networkidle")
    assert regular.evaluate("() => window.shift") == 0


@pytest.mark.parametrize("width", [320, 480])
def test_late_marks_move_nothing(width: int, live: Live, regular: Page) -> None:
    """Marks and ages that come after the page is painted move nothing, however deep, and however long the names."""
    for depth in range(1, 6):
        live.site.comment("An answer.", name="Bartholomew Featherstonehaugh", parent=1 if depth == 1 else depth + 2)
    regular.set_viewport_size({"width": width, "height": 2500})
    regular.add_init_script(f"({SHIFTS})(); ({PAINTED})()")
    asked: list[Route] = []
    regular.route("**/forum.js*", lambda route: asked.append(route))
    regular.goto(live.site.page, wait_until="commit")
    regular.wait_for_function("() => window.painted")
    asked[0].continue_()
    expect(regular.locator("article .forum-new")).to_have_count(7)
    regular.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    assert regular.evaluate("() => window.shift") == 0


def test_new_comments_are_offered(live: Live, person: Callable[..., Page]) -> None:
    """A page that stays open says when there are new comments, and shows them when asked, where they belong."""
    live.site.comment("How warm is the kitchen?", name="Ann")
    page = person(live)
    page.clock.install()
    page.goto(live.site.page)
    text(page).fill("Half a thought")
    live.site.comment("Twenty degrees.", parent=1, name="Ben")
    live.site.comment("How old is the starter?", name="Cleo")
    page.clock.run_for(61_000)
    pill = page.get_by_role("button", name="New comments: 2 – show")
    expect(pill).to_be_visible()
    expect(page.locator(".forum-comment")).to_have_count(1)
    pill.click()
    expect(page.locator("#comment-1 #comment-2 .forum-new")).to_be_visible()
    expect(page.locator("#comment-3 .forum-new")).to_be_visible()
    expect(page.locator("#comment-2 > article")).to_be_focused()
    expect(page.get_by_role("heading", name="3 comments")).to_be_visible()
    expect(page.locator(PILL)).to_be_hidden()
    expect(text(page)).to_have_value("Half a thought")


def test_news_of_another_page_are_led_to(make_live: Callable[..., Live], person: Callable[..., Page]) -> None:
    """Where the new comments stand on a later page, the button opens the last one."""
    live = make_live(FORUM_PER_PAGE=2)
    for name in ("Ann", "Ben"):
        live.site.comment("First page.", name=name)
    page = person(live)
    page.clock.install()
    page.goto(live.site.page)
    live.site.comment("Second page.", name="Cleo")
    page.clock.run_for(61_000)
    page.get_by_role("button", name="New comments: 1 – show").click()
    expect(page.locator("#comment-3")).to_be_visible()
    expect(page).to_have_url(re.compile("forum_page=2"))


def test_asking_is_cheap(live: Live, person: Callable[..., Page]) -> None:
    """Without news a page asks ever more rarely, up to every five minutes, and gives up after three failures."""
    live.site.comment("How warm is the kitchen?", name="Ann")
    page = person(live, noisy=True)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if "/poll/" in request.url else None)
    page.clock.install()
    page.goto(live.site.page)
    for minutes in (1, 2, 4, 5, 5):
        with page.expect_response("**/poll/**"):
            page.clock.run_for(minutes * 60_000 + 500)
    assert len(asked) == 5
    page.route("**/poll/**", lambda route: route.abort())
    for _ in range(6):
        page.clock.run_for(5 * 60_000 + 500)
        page.wait_for_timeout(100)
    assert len(asked) == 8


def test_more_comments_below(make_live: Callable[..., Live], person: Callable[..., Page]) -> None:
    """The link to the next page brings its comments here, and is then the link to the one after that."""
    live = make_live(FORUM_PER_PAGE=2)
    for number in range(5):
        live.site.comment(f"Loaf {number}.")
    page = person(live)
    page.goto(live.site.page)
    for shown, first in ((4, 3), (5, 5)):
        page.locator("a.forum-more").click()
        expect(page.locator(".forum-body")).to_have_count(shown)
        expect(page.locator(f"#comment-{first} > article")).to_be_focused()
    expect(page.locator("a.forum-more")).to_have_count(0)
    assert page.url.endswith(live.site.page)


def test_quoting(live: Live, reader: Page) -> None:
    """What is chosen of a comment stands quoted before the draft of its answer; of another comment it does not."""
    live.site.comment("How warm is the kitchen?\n\nAnd how old is the starter?", name="Ann")
    live.site.comment("No idea.", name="Ben")
    reader.reload()
    reader.get_by_role("link", name="Reply to Ann").click()
    text(reader).fill("Twenty.")
    reader.locator("#comment-1 .forum-body").evaluate(CHOOSE)
    reader.get_by_role("link", name="Reply to Ben").click()
    expect(text(reader)).to_have_value("")
    reader.locator("#comment-1 .forum-body").evaluate(CHOOSE)
    reader.get_by_role("link", name="Reply to Ann").click()
    expect(text(reader)).to_have_value("> How warm is the kitchen?\n> \n> And how old is the starter?\n\nTwenty.")


def test_the_time_to_edit(live: Live, person: Callable[..., Page]) -> None:
    """The link to edit counts minutes, seconds in the last one, and ends as a sentence."""
    page = person(live)
    page.clock.install()
    page.goto(live.site.page)
    write(page, "Salt first.")
    page.get_by_role("button", name="Post comment").click()
    edit = page.locator("#comment-1 [data-left]")
    for seconds, words in ((2, "Edit (15 minutes left)"), (180, "Edit (12 minutes left)")):
        expect(edit).to_be_visible()
        page.clock.run_for(seconds * 1000)
        expect(edit).to_have_text(words)
    page.clock.run_for((12 * 60 - 40) * 1000)
    expect(edit).to_have_text(re.compile(r"Edit \(\d\d seconds left\)"))
    page.clock.run_for(60_000)
    expect(edit).to_have_text("The time to edit is over.")
    expect(page.get_by_role("link", name="Edit")).to_have_count(0)


def test_keys(live: Live, regular: Page) -> None:
    """With the focus among the comments c, Shift+C and z lead through them; a switch turns that off for good."""
    regular.goto(live.site.page)
    regular.get_by_role("link", name="Reply to Ann").focus()
    for key, number in (("c", 2), ("c", 3), ("Shift+C", 2), ("z", 3), ("z", 2)):
        regular.keyboard.press(key)
        expect(regular.locator(f"#comment-{number} > article")).to_be_focused()
    text(regular).focus()
    regular.keyboard.type("czc")
    expect(text(regular)).to_have_value("czc")
    regular.get_by_text("Keys", exact=True).click()
    regular.get_by_label("Use c and z").uncheck()
    regular.reload()
    regular.locator("#comment-1 > article").focus()
    regular.keyboard.press("c")
    expect(regular.locator("#comment-1 > article")).to_be_focused()
    expect(regular.locator("[data-do=keys]")).not_to_be_checked()


def test_folding_all(live: Live, reader: Page) -> None:
    """All branches fold and unfold at once, but for the one somebody is writing in."""
    for name in ("Ann", "Ben"):
        first = live.site.comment("Top.", name=name)
        live.site.comment("Below.", parent=first, name="Cleo")
    reader.reload()
    reader.get_by_role("button", name="Fold all", exact=True).click()
    expect(reader.get_by_text("Below.")).to_have_count(2)
    expect(reader.get_by_text("Below.").first).to_be_hidden()
    reader.get_by_role("button", name="Unfold all").click()
    reader.get_by_role("link", name="Reply to Cleo").last.click()
    reader.get_by_role("button", name="Fold all", exact=True).click()
    expect(reader.get_by_text("Below.").first).to_be_hidden()
    expect(text(reader)).to_be_visible()
