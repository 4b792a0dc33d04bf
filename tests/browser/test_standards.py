"""What the accessibility standard asks of a thread and axe cannot see; the numbers are those of WCAG 2.2."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Live

TREE = """
- region "3 comments":
  - heading "3 comments" [level=2]
  - list:
    - listitem:
      - article /Ann/:
        - heading /Ann/ [level=3]
        - paragraph: How warm is the kitchen?
        - paragraph:
          - link /Reply to Ann/
      - group:
        - list:
          - listitem:
            - article /Ben/:
              - heading /Ben/ [level=4]:
                - link /replying to Ann/
"""


@pytest.fixture
def thread(live: Live, person: Callable[..., Page]) -> Page:
    """A page with a question, its answer, and one in Arabic."""
    live.site.comment("How warm is the kitchen?", name="Ann")
    live.site.comment("Twenty degrees.", name="Ben", parent=1)
    live.site.comment("كم درجة حرارة المطبخ؟", name="سلمى")
    page = person(live)
    page.goto(live.site.page)
    return page


def test_structure_is_told(thread: Page) -> None:
    """1.3.1, 2.4.6: whoever listens hears a region, lists in lists, articles and headings, each with its name."""
    expect(thread.locator("forum-thread")).to_match_aria_snapshot(TREE)


def test_fields_say_what_they_are_for(thread: Page) -> None:
    """1.3.5: a browser may fill in name, address and website."""
    tokens = {name: thread.locator(f"input[name={name}]").get_attribute("autocomplete") for name in ("name", "email")}
    assert tokens == {"name": "name", "email": "email"}


def test_each_text_runs_its_own_way(thread: Page) -> None:
    """3.1.1, 3.1.2: the thread says its language, and a comment in another script is set in that script's direction."""
    expect(thread.locator("forum-thread")).to_have_attribute("lang", "en")
    way = "(node) => getComputedStyle(node).direction"
    assert thread.locator("#comment-3 .forum-body > p").evaluate(way) == "rtl"
    assert thread.locator("#comment-1 .forum-body > p").first.evaluate(way) == "ltr"


def test_paper_shows_everything_but_the_form(thread: Page) -> None:
    """What is printed are the comments, folded ones too, without what only a screen can do."""
    thread.locator("#comment-1 summary").click()
    expect(thread.get_by_text("Twenty degrees.")).to_be_hidden()
    thread.emulate_media(media="print")
    expect(thread.get_by_text("Twenty degrees.")).to_be_visible()
    expect(thread.locator("form.forum-form")).to_be_hidden()
    expect(thread.get_by_role("link", name="Reply to Ann")).to_be_hidden()


def test_colours_of_the_system_keep_the_marks(thread: Page) -> None:
    """1.4.1, 1.4.11: where the system forces its colours, what was led to has an outline for its tint."""
    thread.goto(f"{thread.url.partition('#')[0]}#comment-1")
    thread.emulate_media(forced_colors="active")
    outline = thread.locator("#comment-1 > article").evaluate("(node) => getComputedStyle(node).outlineStyle")
    assert outline == "solid"


def test_whoever_wants_no_motion_gets_none(thread: Page) -> None:
    """2.3.3: nothing moves or fades by itself."""
    moving = """() => [...document.querySelectorAll("forum-thread *")]
      .filter((node) => parseFloat(getComputedStyle(node).transitionDuration) > 0).map((node) => node.className)"""
    thread.emulate_media(reduced_motion="no-preference")
    assert thread.evaluate(moving) != []
    thread.emulate_media(reduced_motion="reduce")
    assert thread.evaluate(moving) == []
