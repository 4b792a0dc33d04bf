"""What holds on every page and in every state: readable by everybody, on every screen, under the strictest policy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, Response

from tests.browser.conftest import Live
from tests.browser.tour import PARTS, stops, town

RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
# The smallest thing a finger hits; links inside sentences and people's own texts are exempt (WCAG 2.5.8).
SMALL_TARGETS = """() => [...document.querySelectorAll("a, button, summary, input:not([type=hidden]), textarea")]
  .filter((node) => !node.closest(".forum-body, .forum-prose, .forum-trap, .forum-where, .forum-words, .forum-source,"
    + " .forum-errors, label, main > p, .skip, .forum-skip:not(:focus)"))
  .map((node) => [node, node.getBoundingClientRect()])
  .filter(([, box]) => box.width > 0 && (box.width < 24 || box.height < 24))
  .map(([node, box]) => `${node.className} ${Math.round(box.width)}x${Math.round(box.height)}`)"""
WITHOUT_CLASS = """() => [...document.querySelectorAll("forum-thread, forum-thread *")]
  .filter((node) => !node.parentElement.closest(".forum-body, svg") && !/^forum-|^forum$/.test(node.classList[0]))
  .map((node) => node.outerHTML.slice(0, 90))"""
# Mail has its styles inline; it is shown in a sandboxed frame of its own.
MAIL_FRAME = "/html"


def test_axe_sees_a_fault(reader: Page) -> None:
    """A picture without words is reported, or the next test would prove nothing."""
    reader.evaluate("() => document.querySelector('main').append(document.createElement('img'))")
    assert [line for line in violations(reader) if "image-alt" in line]


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe(
    make_live: Callable[..., Live], person: Callable[..., Page], scheme: Literal["light", "dark"], part: str
) -> None:
    """axe finds nothing to complain about on any page, light and dark."""
    live = town(make_live)
    page = person(live)
    found: list[str] = []
    for name in stops(live, page, part):
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        found += [f"{name}: {line}" for line in violations(page)]
    assert found == []


@pytest.mark.parametrize("part", PARTS)
def test_narrow(make_live: Callable[..., Live], person: Callable[..., Page], part: str) -> None:
    """At 320 px nothing scrolls sideways and everything to press is at least 24 px high and wide."""
    live = town(make_live)
    page = person(live, viewport={"width": 320, "height": 700})
    found: list[str] = []
    for name in stops(live, page, part):
        if page.evaluate("() => document.documentElement.scrollWidth > document.documentElement.clientWidth"):
            found.append(f"{name} scrolls sideways")
        found += [f"{name}: {line}" for line in page.evaluate(SMALL_TARGETS)]
    assert found == []


@pytest.mark.parametrize("part", PARTS)
def test_strict_policy(make_live: Callable[..., Live], person: Callable[..., Page], part: str) -> None:
    """Every page holds under a policy without `unsafe`, has an icon, and is the only thing its browser asks for.

    That the console stays empty and nobody else is asked for anything is watched by the fixture.
    """
    live = town(make_live)
    page = person(live)
    loose: list[str] = []

    def check(response: Response) -> None:
        policy = response.headers.get("content-security-policy", "")
        strict = "default-src 'none'" in policy and "unsafe" not in policy
        if not strict and not response.url.endswith(MAIL_FRAME):
            loose.append(f"{response.url}: {policy}")

    page.on("response", check)
    for name in stops(live, page, part):
        if page.locator("link[rel=icon]").count() != 1:
            loose.append(f"{name} has no icon")
        loose += [f"{name}: {line}" for line in page.evaluate(WITHOUT_CLASS)]
    assert loose == []


def test_own_layout(bare_live: Live, person: Callable[..., Page]) -> None:
    """Where a site has no templates of its own, ours alone are as good a page."""
    comment = bare_live.site.comment("Some words.")
    page = person(bare_live, viewport={"width": 320, "height": 700})
    found: list[str] = []
    for path in ("/", bare_live.site.page, f"/forum/comments/{comment}/reply", f"/forum/comments/{comment}/branch"):
        page.goto(path)
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
            found += [f"{path}, {scheme}: {line}" for line in violations(page)]
        assert page.evaluate("() => document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    assert found == []


@pytest.mark.parametrize("zoom", ["200%", "spacing"])
def test_large_text(zoom: str, make_live: Callable[..., Live], person: Callable[..., Page]) -> None:
    """With text at 200 % or with wide spacing nothing scrolls sideways on a small screen."""
    live = town(make_live)
    page = person(live, viewport={"width": 320, "height": 700}, bypass_csp=True)
    page.goto("/articles/the-table-where-things-are-mended")
    spacing = "* { line-height: 1.5 !important; letter-spacing: .12em !important; word-spacing: .16em !important }"
    page.add_style_tag(content="html { font-size: 200% }" if zoom == "200%" else spacing)
    assert page.evaluate("() => document.documentElement.scrollWidth <= document.documentElement.clientWidth")


def violations(page: Page) -> list[str]:
    """What axe has to say about the page as it is now."""
    options = {"resultTypes": ["violations"], "runOnly": RULES, "iframes": False}
    response = Axe().run(page, options=options).response
    return [
        f"{violation['id']} ({violation['help']}) at {node['html'][:150]}: {node['any'][:1]}"
        for violation in response["violations"]
        for node in violation["nodes"][:2]
    ]
