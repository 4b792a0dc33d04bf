"""What the sheet and the module weigh, and how they stand on somebody else's page."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Live
from tests.browser.tour import DEMO, town

STATIC = Path(__file__).parents[2] / "forum" / "static"
HOSTILE = """
article { border: 3px solid red; padding: 2rem; background: pink }
ol, ul { margin-left: 4rem; list-style: square } li { padding: 1rem }
h1, h2, h3, h4 { font-size: 2.2rem; text-transform: uppercase; text-align: center }
p { text-align: justify; text-indent: 2rem; margin: 2rem 0 } summary { font-size: 2rem } a { text-decoration: wavy }
section, form, header, blockquote, details { float: right; border: 1px dotted; padding: 1rem }
input, textarea, button, label { width: 50%; float: left; border-radius: 0; text-transform: uppercase; font-size: 2rem }
"""
BOXES = """() => [...document.querySelectorAll("forum-thread *")].map((node) => {
  const top = document.querySelector("forum-thread").getBoundingClientRect().y;
  const box = node.getBoundingClientRect(), style = getComputedStyle(node);
  const size = [box.x, box.y - top, box.width, box.height].map(Math.round);
  return [node.className, ...size, style.color, style.backgroundColor, style.textTransform].join(" "); })"""
# Heights follow from what is inside; everything else of an element is its own.
OUTSIDE = """() => [...document.querySelectorAll("body, body *")].filter((node) => !node.closest("[class^=forum]"))
  .map((node) => getComputedStyle(node))
  .map((style) => [...style].filter((name) => !/height|block-size|origin/.test(name)).map((name) => style[name]))"""
SMALL = """() => [...document.querySelectorAll("forum-thread :is(a, button, summary)")]
  .filter((node) => node.offsetParent && !node.closest(".forum-body, .forum-skip"))
  .filter((node) => Math.min(node.getBoundingClientRect().width, node.getBoundingClientRect().height) < 24)
  .map((node) => node.outerHTML.slice(0, 120))"""
SHIFTS = """() => { window.shift = 0; new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) window.shift += entry.value;
}).observe({type: "layout-shift", buffered: true}); }"""


@pytest.mark.parametrize(
    ("names", "limit"),
    [
        (["forum.js"], 6),
        (["forum.css"], 4),
        (["bare.css", "forum.css", "moderation.css"], 7),
    ],
)
def test_weight(names: list[str], limit: int) -> None:
    """What a reader downloads is at most 6 KB of module and 4 KB of sheet; a moderator's sheets together 7 KB."""
    assert sum(len(gzip.compress((STATIC / name).read_bytes())) for name in names) <= limit * 1024


def test_html_weight(live: Live) -> None:
    """50 branches with 200 comments are at most 60 KB on the wire."""
    for _ in range(50):
        first = live.site.comment("A comment of ordinary length, as people write them under a page they liked.")
        for _ in range(3):
            live.site.comment("An answer that is a little shorter than that.", parent=first)
    assert len(gzip.compress(live.site.visitor().get(live.site.page).data)) <= 60 * 1024


def test_nothing_moves(make_live: Callable[..., Live], person: Callable[..., Page]) -> None:
    """While a page with a long thread is loading and its times become relative, nothing shifts."""
    live = town(make_live)
    page = person(live)
    page.add_init_script(f"({SHIFTS})()")
    page.clock.set_fixed_time(live.site.clock())
    page.goto(DEMO)
    page.wait_for_load_state("networkidle")
    assert page.evaluate("() => window.shift") == 0


def test_text_stays_wide_on_a_phone(make_live: Callable[..., Live], person: Callable[..., Page]) -> None:
    """Five levels deep at 320 px a line of text is still at least 220 px wide."""
    live = town(make_live)
    page = person(live, viewport={"width": 320, "height": 700}, is_mobile=True)
    page.goto(DEMO)
    deep = page.locator('[data-depth="5"] > .forum-article > .forum-body')
    widths = [body.bounding_box() for body in deep.all()]
    assert widths
    assert all(box is not None and box["width"] >= 220 for box in widths)


def test_marks_move_nothing(make_live: Callable[..., Live], person: Callable[..., Page]) -> None:
    """A page on which everything is new since a reader was there does not shift either."""
    live = town(make_live)
    page = person(live)
    page.add_init_script(f"({SHIFTS})()")
    page.goto(f"{DEMO}?forum_since=1")
    page.wait_for_load_state("networkidle")
    assert page.locator("article .forum-new").count() > 5
    assert page.evaluate("() => window.shift") == 0


def test_an_only_answer_is_no_step(live: Live, person: Callable[..., Page]) -> None:
    """Two who answer each other in turn stand below one another, though each answer is nested in the one before."""
    parent = live.site.comment("One.", name="Ann")
    for name in ("Ben", "Ann", "Ben"):
        parent = live.site.comment("And more.", name=name, parent=parent)
    page = person(live)
    page.goto(live.site.page)
    expect(page.locator("#comment-1 #comment-2 #comment-3 #comment-4")).to_have_count(1)
    left = [box["x"] for article in page.locator("article.forum-article").all() if (box := article.bounding_box())]
    assert left[0] < left[1] == left[2] == left[3]


@pytest.mark.parametrize("width", [320, 1000])
def test_everything_can_be_hit(width: int, make_live: Callable[..., Live], person: Callable[..., Page]) -> None:
    """Every link, button and fold of a thread is at least 24 by 24 px."""
    page = person(town(make_live), viewport={"width": width, "height": 700})
    page.goto(f"{DEMO}?forum_since=1&forum_page=2")
    assert page.locator(".forum-sort a").count() == 2
    assert page.evaluate(SMALL) == []


def test_skip_link_shows_when_it_is_reached(live: Live, person: Callable[..., Page]) -> None:
    """The way past the comments appears under the keyboard, and leads past them."""
    live.site.comment("How warm is the kitchen?")
    page = person(live, java_script_enabled=False)
    page.goto(live.site.page)
    skip = page.get_by_role("link", name="Skip comments")
    skip.focus()
    box = skip.bounding_box()
    assert box is not None
    assert min(box["width"], box["height"]) >= 24
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert not page.evaluate("() => document.querySelector('.forum-list').contains(document.activeElement)")


def test_dark(make_live: Callable[..., Live], person: Callable[..., Page]) -> None:
    """Where the page is dark, so is everything of ours."""
    live = town(make_live)
    page = person(live, color_scheme="dark")
    page.goto(DEMO)
    lightness = "(node) => getComputedStyle(node).color.match(/[0-9.]+/g).slice(0, 3).map(Number)"
    for part in (".forum-title", ".forum-author", ".forum-body", ".forum-input"):
        assert min(page.locator(part).first.evaluate(lightness)) > 150, part


def test_hostile_host(make_live: Callable[..., Live], person: Callable[..., Page]) -> None:
    """A host's rules for bare elements change neither the boxes nor the colours of ours."""
    live = town(make_live)
    page = person(live, bypass_csp=True, reduced_motion="reduce")
    page.goto(DEMO)
    page.add_style_tag(content=".masthead, .forum-story, .colophon { display: none }")
    before = page.evaluate(BOXES)
    page.add_style_tag(content=HOSTILE)
    after = page.evaluate(BOXES)
    assert [pair for pair in zip(before, after, strict=True) if pair[0] != pair[1]][:5] == []


def test_we_change_nothing_of_the_host(make_live: Callable[..., Live], person: Callable[..., Page]) -> None:
    """Our sheet changes no element outside the thread."""
    live = town(make_live)
    page = person(live)
    page.goto("/articles/closed")
    before = page.evaluate(OUTSIDE)
    page.locator("link.forum-sheet").evaluate("(link) => { link.disabled = true; }")
    assert len(before) > 5
    assert page.evaluate(OUTSIDE) == before


@pytest.mark.parametrize("css", ["none", "layered"])
def test_other_sheets(css: str, make_live: Callable[..., Live], person: Callable[..., Page]) -> None:
    """Without our sheet, or with it in a layer, the thread is complete and can be used."""
    live = make_live(FORUM_CSS=css)
    live.site.comment("How warm is the kitchen?", name="Ann")
    page = person(live)
    page.goto(live.site.page)
    assert page.locator("link.forum-sheet").count() == (css == "layered")
    expect(page.get_by_text("How warm is the kitchen?")).to_be_visible()
    page.get_by_role("link", name="Reply to Ann").click()
    expect(page.locator("#comment-1 > form textarea")).to_be_focused()


def test_trap_without_our_sheet(make_live: Callable[..., Live], person: Callable[..., Page]) -> None:
    """Where a host styles everything itself, the trap for machines says to people that it is to be left empty."""
    live = make_live(FORUM_CSS="none")
    page = person(live, java_script_enabled=False)
    page.goto(live.site.page)
    box = page.get_by_text("Please leave this field empty").bounding_box()
    assert box is not None
    assert box["width"] > 100
