"""A desk with something on it, and moderators with a real browser in front of it."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import Page
from sqlalchemy import update

from forum.cli.moderators import sign_in_link
from forum.models import Comment
from forum.moderation import reports
from tests.browser.conftest import Live
from tests.desk import act, run

QUEUE = "/forum/moderation/"
ANNA, OLGA = "anna@forum.example", "olga@forum.example"
# From the oldest to the newest, as they stand on the page; Rude is published and reported.
WAITING = ("Cleo", "Dan", "Eve", "Fay")


def busy_desk(make_live: Callable[..., Live]) -> Live:
    """A site with two moderators: four comments wait, one is reported, one is spam."""
    live = make_live(FORUM_MODERATION="all", FORUM_RATE_LIMITS=[], FORUM_MODERATORS=[ANNA, OLGA])
    site = live.site
    rude = site.comment("You are all idiots.", name="Rude")
    act(site, "approve", rude)
    act(site, "spam", site.comment("Cheap watches", name="Watches"))
    for name in WAITING:
        site.comment(f"{name} was here.", name=name, email=f"{name.lower()}@reader.example", parent=rude)
    settings = site.state.settings
    run(site, lambda session: reports.report(session, settings, rude, "insulting", "Not nice.", "x", site.clock()))
    return live


def dress_up(live: Live) -> None:
    """Let the comments that wait be long, foreign and hostile, for as many reasons as there are."""
    reasons = ["links:4", "word:casino", "too_fast:1.2", "honeypot", "score:0.87 watches", "first", "<b>own rule</b>"]
    texts = {
        3: {"source": "W" * 300 + " " + "Donaudampfschifffahrtsgesellschaft" * 6, "name": "W" * 40, "reasons": reasons},
        4: {"source": "مرحبا بالعالم، هذا تعليق طويل بالعربية.", "name": "سلمى العربي"},
        5: {"source": "<script>alert(1)</script> https://evil.example/" + "x" * 200, "name": '<b>"; DROP'},
        6: {"source": "Line.\n\n" * 100, "website": "https://spam.example/" + "y" * 200},
    }
    with live.site.session() as session:
        for id_, values in texts.items():
            session.execute(update(Comment).where(Comment.id == id_).values(**values))
        session.commit()


def sit_down(live: Live, page: Page, email: str = ANNA) -> Page:
    """Sign in, and open the desk."""
    with live.site.app.app_context():
        page.goto(sign_in_link(live.site.state, email))
    with page.expect_navigation():
        page.get_by_role("button", name="Sign in").press("Enter")
    return page


def names(page: Page) -> list[str]:
    """Whose comments stand on the page."""
    return page.locator(".forum-row:not([hidden]) .forum-line-up .forum-author").all_inner_texts()


def state(live: Live, name: str) -> str:
    """What became of somebody's comment."""
    with live.site.session() as session:
        return session.query(Comment.state).filter(Comment.name == name).scalar()  # type: ignore[no-any-return]
