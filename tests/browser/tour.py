"""One site with everything on it, and the way through all its pages and states."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from playwright.sync_api import Locator, Page

from forum.cli import forum_cli
from forum.moderation import pages
from tests.browser.conftest import MODERATOR, Live, press, send, write
from tests.desk import press as press_of
from tests.desk import run
from tests.visitors import Site

DEMO = "/articles/the-table-where-things-are-mended"
DESK = {
    "published": "/forum/moderation/?tab=published",
    "edit": "/forum/moderation/comments/3/edit",
    "move": "/forum/moderation/comments/3/move",
    "remove": "/forum/moderation/comments/3/remove",
    "author": "/forum/moderation/people/comment/3",
    "pages": "/forum/moderation/pages",
    "people": "/forum/moderation/people",
    "refused": "/forum/moderation/refused",
    "activity": "/forum/moderation/activity",
    "overview": "/forum/moderation/overview",
    "mail": "/forum/moderation/mail",
    "one mail": "/forum/moderation/mail/1",
    "settings": "/forum/moderation/settings",
    "privacy": "/forum/moderation/privacy",
}
DONE = ("confirmed", "refused", "unsubscribed", "muted", "unmuted", "renewed")


def town(make_live: Callable[..., Live]) -> Live:
    """A site with the demonstration, a closed and an empty article, held comments, and mail of every kind."""
    known = {"FORUM_MODERATION": "first", "FORUM_MODERATORS": [MODERATOR], "FORUM_MODERATION_GRACE_SECONDS": 0}
    live = make_live(FORUM_PER_PAGE=8, **known)
    site = live.site
    assert site.app.test_cli_runner().invoke(forum_cli, ["demo"]).exit_code == 0
    site.add_article("Closed", closed=True)
    cleo = _say(live, "Cleo", notify="direct")
    site.deliver()
    site.visitor().act(site.links(site.mails("cleo@reader.example")[-1], "c")[0], "confirm")
    _say(live, "Dan", parent=cleo)
    _say(live, "Eve", notify="direct")
    site.deliver()
    _pin(site, cleo)
    site.comment("Have a look at https://example.org/ and [here](https://example.org/x).", name="Fay", parent=cleo)
    return live


def _pin(site: Site, comment: int) -> None:
    run(site, lambda session: pages.pin(session, press_of(site), comment, site.get(comment).version))


def _say(live: Live, name: str, **fields: Any) -> int:
    comment = live.site.comment("Some `words`.", name=name, email=f"{name.lower()}@reader.example", **fields)
    live.approve_all()
    return comment


def stops(live: Live, page: Page, part: str) -> Iterator[str]:
    """Bring ``page`` to each page and state of a part in turn, and name it: where to look when something is wrong."""
    for way in PARTS[part]:
        yield from way(live, page)


def _reading(live: Live, page: Page) -> Iterator[str]:
    places = {
        "index": "/",
        "articles": "/articles/",
        "article": DEMO,
        "second page": f"{DEMO}?forum_page=2",
        "empty": "/articles/notes-from-the-slow-carriage",
        "closed": "/articles/closed",
        "reply": "/forum/comments/3/reply",
        "branch": "/forum/comments/2/branch",
        "report": "/forum/comments/2/report",
        "deep branch": "/forum/comments/7/branch",
        "missing": "/nothing-here",
    }
    for name, path in places.items():
        page.goto(path)
        yield name


def _writing(live: Live, page: Page) -> Iterator[str]:
    page.goto(live.site.page)
    page.get_by_role("link", name="Reply to Cleo").click()
    yield "reply in place"
    page.goto(live.site.page)
    write(page, "", name="", email="ben@")
    send(page, "Post comment")
    yield "mistakes"
    write(page, "> A quote\n\n**Words** and [a link](https://example.org/).\n\n- a list\n\n    some code")
    send(page, "Preview")
    yield "preview"
    page.locator("input[name=stamp]").evaluate("(field) => { field.value = field.value.slice(0, -4) + 'AAAA'; }")
    send(page, "Post comment")
    yield "old stamp"
    press(page, "Post comment")
    yield "own held comment"
    page.goto(f"/forum/comments/{page.url.rpartition('-')[2]}/held")
    yield "held"
    _follow(page, page.get_by_role("link", name="Back to the conversation"))


def _own(live: Live, page: Page) -> Iterator[str]:
    own = page.locator(".forum-comment", has=page.get_by_text("awaiting moderation"))
    edit = own.get_by_role("link", name="Edit").get_attribute("href") or ""
    page.goto(edit)
    yield "edit"
    send(page, "Preview")
    yield "edit preview"
    page.get_by_label("Comment", exact=True).fill("")
    send(page, "Save")
    yield "edit mistake"
    page.goto(edit.replace("/edit", "/remove"))
    yield "delete"
    live.site.clock.advance(3600)
    page.goto(edit)
    yield "edit too late"
    page.goto(edit.replace("/edit", "/remove"))
    yield "delete too late"


def _mail(live: Live, page: Page) -> Iterator[str]:
    confirm = live.site.mails("eve@reader.example", reason="confirm")[-1]
    answer = live.site.mails("cleo@reader.example", reason="reply")[-1]
    for kind, mail in {"c": confirm, "x": confirm, "u": answer, "t": answer}.items():
        page.goto(live.site.links(mail, kind)[0])
        yield f"mail page {kind}"
    for what in DONE:
        page.goto(f"/forum/m/done/{what}")
        yield f"mail page done: {what}"
    page.goto("/forum/dev/mail/")
    yield "mailbox"
    _follow(page, page.locator(".forum-mail-link").first)
    yield "message"
    _follow(page, page.get_by_role("link", name="360 px"))
    yield "narrow message"


def _moderating(live: Live, page: Page) -> Iterator[str]:
    page.goto("/forum/sign-in")
    yield "sign in"
    page.goto("/forum/sign-in/used-up")
    yield "sign in again"
    page.get_by_label("Your e-mail address").fill(MODERATOR)
    press(page, "Send me a link")
    yield "link sent"
    live.site.deliver()
    found = re.search(r"(/forum/sign-in/\S+)", str(live.site.mails(MODERATOR)[-1].get_body(("plain",))))
    assert found is not None
    page.goto(found[1])
    yield "link opened"
    press(page, "Sign in")
    yield "queue"
    for name, path in DESK.items():
        page.goto(path)
        yield f"desk: {name}"
    live.approve_all()
    page.goto("/forum/moderation/?tab=held")
    yield "empty queue"


def _follow(page: Page, link: Locator) -> None:
    with page.expect_navigation():
        link.click()


# Each is a walk of its own, short enough for a test on a busy machine.
PARTS = {"reading": [_reading], "writing": [_writing, _own], "mail": [_mail], "moderating": [_moderating]}
