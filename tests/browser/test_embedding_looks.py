"""On a stranger's page: their sheet does not get in, ours does not get out, their policy and scripts break nothing."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import Page, expect

from tests.browser.conftest import Live, serving
from tests.hosts.stranger import FORM, SHEETS, stranger
from tests.visitors import Site

MakeStranger = Callable[..., Live]
MakePerson = Callable[..., Page]
# Boxes are looked at from the thread's own corner: what the host does to its own page is its affair.
BOXES = """() => [...document.querySelectorAll("forum-thread *:not(input[type=hidden])")].map((node) => {
  const corner = document.querySelector("forum-thread").getBoundingClientRect(), box = node.getBoundingClientRect();
  return {name: `${node.localName}.${node.getAttribute("class")}`,
    box: box.width * box.height ? [box.x - corner.x, box.y - corner.y, box.width, box.height] : [0, 0, 0, 0]}; })"""
LOOKS = """() => [...document.querySelectorAll("forum-thread *")].map((node) => {
  const style = getComputedStyle(node);
  return [node.getAttribute("class"), style.color, style.backgroundColor, style.fontSize, style.fontWeight,
    style.textTransform, style.textAlign, style.textDecorationLine, style.listStyleType, style.borderTopStyle,
    style.fill].join(" "); })"""
# Heights follow from what is inside; everything else of an element is its own.
OUTSIDE = """() => [...document.querySelectorAll("html, html *")]
  .filter((node) => !node.closest("forum-thread, [class^=forum-]"))
  .flatMap((node) => ["", "::before", "::after", "::marker"].map((part) => [node, part]))
  .map(([node, part]) => {
    const style = getComputedStyle(node, part || null);
    return node.localName + part + " " + [...style].filter((name) => !/height|block-size|origin/.test(name))
      .map((name) => `${name}: ${style.getPropertyValue(name)}`).join("; "); })"""
SIDEWAYS = "() => document.documentElement.scrollWidth > document.documentElement.clientWidth"
# What htmx and Turbo do with a link, without the forty kilobytes around it.
SWAPPING = """document.addEventListener("click", async (event) => {
  const link = event.target.closest("body > header a");
  if (!link) return;
  event.preventDefault();
  const answer = await fetch(link.href);
  const next = new DOMParser().parseFromString(await answer.text(), "text/html");
  history.pushState({}, "", link.href);
  document.body.innerHTML = next.body.innerHTML;
});"""
WORDS = """Some **weight**, _stress_, `code` and [a link](https://example.org/).

> A quote

- one
- two

    and a line of code"""


@pytest.fixture
def make_stranger(tmp_path: Path, adopt: Callable[[Flask], Site]) -> Iterator[MakeStranger]:
    """A maker of served strangers with a conversation of three levels; arguments are those of the factory."""
    with ExitStack() as stack:

        def make(**options: Any) -> Live:
            listening = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
            url = f"http://127.0.0.1:{listening.getsockname()[1]}"
            uri = f"sqlite:///{tmp_path / f'stranger-{listening.getsockname()[1]}.db'}"
            site = adopt(stranger(FORUM_BASE_URL=url, SQLALCHEMY_DATABASE_URI=uri, **options))
            site.page = "/"
            answer = site.comment("An answer.", name="Bo", parent=site.comment(WORDS, name="Ann"))
            site.comment("And one to that.", name="Cy", parent=answer)
            stack.enter_context(serving(site.app, listening))
            return Live(site, url)

        yield make


# Their sheet and ours


@pytest.mark.parametrize("name", SHEETS)
def test_their_sheet_does_not_get_in(make_stranger: MakeStranger, person: MakePerson, name: str) -> None:
    """A host's rules for elements move no box of ours by more than a pixel or two, and change no look."""
    live = make_stranger(sheet=SHEETS[name])
    page = person(live, reduced_motion="reduce")
    page.goto("/")
    hostile = page.evaluate(BOXES), page.evaluate(LOOKS)
    _without(page, "#host-sheet")
    clean = page.evaluate(BOXES), page.evaluate(LOOKS)
    looks = [f"{one} became {other}" for one, other in zip(clean[1], hostile[1], strict=True) if one != other]
    boxes = [f"{one} became {other}" for one, other in zip(clean[0], hostile[0], strict=True) if _apart(one, other) > 2]
    assert (looks[:5], boxes[:5]) == ([], [])


@pytest.mark.parametrize("css", ["full", "layered"])
@pytest.mark.parametrize("name", ["", *SHEETS])
def test_our_sheet_does_not_get_out(make_stranger: MakeStranger, person: MakePerson, css: str, name: str) -> None:
    """No computed style of anything outside the thread is another one because our sheet is there."""
    live = make_stranger(sheet=SHEETS.get(name, ""), FORUM_CSS=css)
    page = person(live)
    page.goto("/")
    dressed = page.evaluate(OUTSIDE)
    assert len(dressed) > 200
    _without(page, "link.forum-sheet")
    assert [pair for pair in zip(dressed, page.evaluate(OUTSIDE), strict=True) if pair[0] != pair[1]][:3] == []


@pytest.mark.parametrize(("css", "case"), [("full", "none"), ("layered", "uppercase"), ("none", "uppercase")])
def test_who_wins(make_stranger: MakeStranger, person: MakePerson, css: str, case: str) -> None:
    """The host's element rules lose against our full sheet, and win where it asked for a layer or for no sheet."""
    live = make_stranger(sheet=SHEETS["elements"], FORUM_CSS=css)
    page = person(live)
    page.goto("/")
    assert page.locator("#forum-title").evaluate("(node) => getComputedStyle(node).textTransform") == case


def test_a_host_without_focus_rings(make_stranger: MakeStranger, person: MakePerson) -> None:
    """Where a host takes the rings of its own elements away, ours still show where the keyboard is."""
    live = make_stranger(sheet="*:focus { outline: none }")
    page = person(live)
    page.goto("/")
    for selector in ("#forum-body-field", ".forum-reply", ".forum-fold", ".forum-primary"):
        page.locator(selector).first.focus()
        page.keyboard.press("Shift+Tab")
        page.keyboard.press("Tab")
        focused = "() => getComputedStyle(document.activeElement).outlineStyle"
        assert (selector, page.evaluate(focused)) == (selector, "solid")


# Other pages


def test_right_to_left(make_stranger: MakeStranger, person: MakePerson) -> None:
    """From right to left the thread is mirrored: replies move in from the right, and nothing scrolls sideways."""
    live = make_stranger(direction="rtl")
    page = person(live, viewport={"width": 320, "height": 700}, is_mobile=True)
    page.goto("/")
    page.locator("forum-thread").evaluate("(thread) => { thread.dir = 'rtl'; }")
    outer, inner = (page.locator(f"#comment-{id_} > .forum-article").bounding_box() for id_ in (1, 2))
    assert outer is not None
    assert inner is not None
    assert inner["x"] == outer["x"]
    assert inner["x"] + inner["width"] < outer["x"] + outer["width"]
    assert not page.evaluate(SIDEWAYS)


@pytest.mark.parametrize("css", ["full", "layered"])
def test_small_screen_and_large_text(make_stranger: MakeStranger, person: MakePerson, css: str) -> None:
    """On a stranger's page at 320 px with text at 200 % nothing of ours makes it scroll sideways."""
    live = make_stranger(sheet="html { font-size: 200% } article, form { overflow: hidden }", FORUM_CSS=css)
    page = person(live, viewport={"width": 320, "height": 700}, is_mobile=True)
    page.goto("/")
    assert not page.evaluate(SIDEWAYS)


# Their policy and their scripts


@pytest.mark.parametrize("scripts", [True, False], ids=["script", "no-script"])
def test_trusted_types(make_stranger: MakeStranger, person: MakePerson, scripts: bool) -> None:
    """Where strings may not become markup people read, fold, page, answer, preview and post all the same.

    That the console stays empty is watched by the fixture.
    """
    live = make_stranger(FORUM_PER_PAGE=1)
    live.site.comment("A second branch.", name="Di")
    page = person(live, java_script_enabled=scripts)
    page.goto("/?forum_page=1")
    page.locator(".forum-fold").first.click()
    page.locator(".forum-fold").first.click()
    page.get_by_role("link", name="More comments").click()
    expect(page.get_by_text("A second branch.")).to_be_visible()
    page.get_by_role("link", name="Reply to Di").click()
    page.get_by_label("Comment", exact=True).fill("A **strong** answer.")
    page.get_by_label("Name", exact=True).fill("Eve")
    page.get_by_role("button", name="Preview").click()
    expect(page.locator(".forum-preview strong")).to_have_text("strong")
    page.get_by_role("button", name="Post").click()
    expect(page.locator("#comment-5 .forum-body")).to_have_text("A strong answer.")


def test_swapped_in_and_out(make_stranger: MakeStranger, person: MakePerson) -> None:
    """A host that swaps its pages without loading them gets a thread that works, each time, once."""
    live = make_stranger(script=SWAPPING, policy="")
    page = person(live)
    page.goto("/other")
    for _ in range(3):
        page.get_by_role("link", name="To the page").click()
        expect(page.locator("forum-thread")).to_have_count(1)
        page.get_by_role("link", name="A stranger").click()
        expect(page.locator("forum-thread")).to_have_count(0)
    page.get_by_role("link", name="To the page").click()
    page.get_by_role("link", name="Reply to Cy").click()
    expect(page.locator("#comment-3 form")).to_have_count(1)
    page.get_by_label("Comment", exact=True).fill("Posted after four swaps.")
    page.get_by_label("Name", exact=True).fill("Di")
    page.get_by_role("button", name="Post").click()
    expect(page.locator("#comment-4 .forum-body")).to_have_text("Posted after four swaps.")
    assert live.site.visitor().get("/").text.count("Posted after four swaps.") == 1


def test_a_form_of_their_own(make_stranger: MakeStranger, person: MakePerson) -> None:
    """A form without our parts is the browser's: the link to reply leads to its page, and the answer to its parent."""
    live = make_stranger(templates={"forum/_form.html": FORM})
    page = person(live)
    page.goto("/")
    page.get_by_role("link", name="Reply to Ann").click()
    expect(page).to_have_url(f"{live.url}/forum/comments/1/reply")
    page.get_by_label("Comment", exact=True).fill("By a form of theirs.")
    page.get_by_label("Name", exact=True).fill("Di")
    page.get_by_role("button", name="Post comment").click()
    expect(page.locator("#comment-1 #comment-4 .forum-body")).to_have_text("By a form of theirs.")


def _without(page: Page, sheet: str) -> None:
    page.locator(sheet).evaluate("(link) => { link.disabled = true; }")


def _apart(one: dict[str, Any], other: dict[str, Any]) -> float:
    return max(abs(a - b) for a, b in zip(one["box"], other["box"], strict=True))
