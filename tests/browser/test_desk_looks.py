"""The desk in every state: readable by everybody, on the smallest screen, and light enough."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterator
from pathlib import Path

from playwright.sync_api import Page

from tests.browser.conftest import Live, press
from tests.browser.desk import OLGA, QUEUE, busy_desk, dress_up, sit_down
from tests.browser.test_every_page import SMALL_TARGETS, violations
from tests.desk import act, edit

SCRIPT = Path(__file__).parents[2] / "forum" / "static" / "desk.js"
PLACES = {
    "waiting": "?tab=held",
    "reported": "?tab=reported",
    "published": "?tab=published",
    "spam": "?tab=spam",
    "bin": "?tab=bin",
    "all, with a search": "?tab=all&text=a&since=2026-01-01",
    "nothing found": "?tab=held&text=nowhere",
    "all ticked": "?tab=all&tick=all",
    "edit": "comments/3/edit",
    "move": "comments/4/move",
    "remove": "comments/6/remove",
    "reply": "comments/4/reply",
    "nothing here": "nothing-here",
}


def stops(live: Live, page: Page) -> Iterator[str]:
    """Bring ``page`` to each state of the desk, and name it."""
    dress_up(live)
    edit(live.site, 3, "W" * 400 + " words")
    sit_down(live, page)
    for name, path in PLACES.items():
        page.goto(QUEUE + path)
        page.locator("details").evaluate_all("(folds) => { for (const fold of folds) fold.open = true; }")
        yield name
    yield from _pressing(live, page)


def _pressing(live: Live, page: Page) -> Iterator[str]:
    page.goto(QUEUE)
    act(live.site, "reject", 3, actor=OLGA)
    page.locator("[data-row^='3.'] button").first.click()
    page.get_by_text("olga rejected this").wait_for()
    yield "somebody was faster"
    page.goto(QUEUE)
    page.locator("[data-row^='5.'] button").first.click()
    page.locator("#forum-undo").wait_for()
    yield "approved in place"
    page.get_by_role("link", name="Reply to").first.click()
    page.get_by_role("textbox", name="Reply", exact=True).wait_for()
    yield "reply in place"
    page.get_by_role("button", name="Keys").click()
    yield "keys"
    page.goto(f"{QUEUE}comments/4/move")
    page.get_by_label("The number of that comment").fill("x")
    press(page, "Look at it there")
    yield "no such place"
    page.get_by_label("The number of that comment").fill("1")
    press(page, "Look at it there")
    yield "a place looked at"


def test_axe(make_live: Callable[..., Live], person: Callable[..., Page]) -> None:
    """axe finds nothing to complain about in any state of the desk, light and dark."""
    live = busy_desk(make_live)
    page = person(live)
    found: list[str] = []
    for name in stops(live, page):
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # type: ignore[arg-type]
            found += [f"{name}, {scheme}: {line}" for line in violations(page)]
    assert found == []


def test_narrow(make_live: Callable[..., Live], person: Callable[..., Page]) -> None:
    """At 320 px nothing scrolls sideways, whatever people write, and everything to press is at least 24 px each way."""
    live = busy_desk(make_live)
    page = person(live, viewport={"width": 320, "height": 700})
    found: list[str] = []
    for name in stops(live, page):
        if page.evaluate("() => document.documentElement.scrollWidth > document.documentElement.clientWidth"):
            found.append(f"{name} scrolls sideways")
        found += [f"{name}: {line}" for line in page.evaluate(SMALL_TARGETS)]
    assert found == []


def test_weight() -> None:
    """The script of the desk is at most 6 KB on the wire."""
    assert len(gzip.compress(SCRIPT.read_bytes())) <= 6 * 1024
