"""What mails look like: their HTML opened as a page, on a telephone and on a desk, by day and by night."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from tests.mails import EVERY
from tests.wire import part

RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
# A mail is shown inside the page of a mail program: the landmarks are that page's.
NOT_OURS = {"region", "landmark-one-main"}
# Where to keep the pictures, for people who want to look; none are kept otherwise.
PICTURES = os.environ.get("FORUM_TEST_PICTURES")
SMALL = """() => [...document.querySelectorAll("a")].map((node) => [node.textContent, node.getBoundingClientRect()])
  .filter(([, box]) => box.height < 24).map(([text, box]) => `${text} is ${Math.round(box.height)} px high`)"""


@pytest.fixture(params=[360, 600])
def window(browser: Browser, request: pytest.FixtureRequest) -> Iterator[Page]:
    """A browser's page of that many pixels."""
    context = browser.new_context(viewport={"width": request.param, "height": 700})
    context.set_default_timeout(30_000)
    yield context.new_page()
    context.close()


@pytest.mark.parametrize("name", EVERY)
def test_a_mail_is_pleasant_to_read(name: str, window: Page) -> None:
    """Nothing scrolls sideways, axe finds no fault by day or night, links fit a finger, nothing is fetched."""
    asked: list[str] = []
    window.on("request", lambda request: asked.append(request.url))
    window.set_content(part(EVERY[name](), "html"))
    found: list[str] = window.evaluate(SMALL)
    for scheme in ("light", "dark"):
        window.emulate_media(color_scheme=scheme)
        found += [f"{scheme}: {fault}" for fault in _faults(window)]
        _keep(window, f"{name}-{scheme}")
    assert found == []
    assert window.evaluate("() => document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    assert asked == []


def test_a_mail_says_its_direction(window: Page) -> None:
    """The page is laid out in the direction of its language, an answer in that of its own words."""
    window.set_content(part(EVERY["reply-several"](), "html"))
    directions = "node => getComputedStyle(node).direction"
    assert window.locator("body").evaluate(directions) == "ltr"
    assert window.locator(".words p").first.evaluate(directions) == "rtl"


def _faults(page: Page) -> list[str]:
    options = {"resultTypes": ["violations"], "runOnly": RULES}
    return [
        f"{fault['id']} ({fault['help']}) at {node['html'][:150]}"
        for fault in Axe().run(page, options=options).response["violations"]
        if fault["id"] not in NOT_OURS
        for node in fault["nodes"][:2]
    ]


def _keep(page: Page, name: str) -> None:
    if PICTURES and page.viewport_size:
        page.screenshot(path=Path(PICTURES) / f"{name}-{page.viewport_size['width']}.png", full_page=True)
