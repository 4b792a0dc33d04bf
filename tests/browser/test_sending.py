"""Whatever happens between the browser and us: what is typed is never lost, and one form is one comment."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, Route, expect
from sqlalchemy import func, select, update

from forum.models import Comment, Thread
from tests.browser.conftest import Live, press, send, write

POST = "**/forum/comments"
STATUS = "form.forum-form [role=status]"


def stored(live: Live) -> int:
    with live.site.session() as session:
        return session.scalar(select(func.count(Comment.id))) or 0


def alert(page: Page) -> Locator:
    return page.get_by_role("alert")


def text(page: Page) -> Locator:
    return page.get_by_label("Comment", exact=True)


def test_a_reply_is_posted_in_place(live: Live, reader: Page) -> None:
    """A posted answer appears where it belongs without a page load, marked, in focus and told; the form goes home."""
    live.site.comment("How warm is the kitchen?", name="Ann")
    reader.reload()
    reader.evaluate("window.same = true")
    reader.get_by_role("link", name="Reply to Ann").click()
    write(reader, "Twenty degrees.")
    send(reader, "Post comment")
    expect(reader.locator("#comment-1 #comment-2 .forum-body")).to_have_text("Twenty degrees.")
    expect(reader.locator("#comment-2 > article")).to_be_focused()
    expect(reader.locator(STATUS)).to_have_text("Your comment is posted.")
    expect(reader.get_by_role("heading", name="2 comments")).to_be_visible()
    expect(reader.get_by_role("heading", name="Write a comment")).to_be_visible()
    expect(reader.get_by_label("Name", exact=True)).to_have_value("Ben")
    assert reader.evaluate("window.same")
    assert reader.url.endswith("#comment-2")


@pytest.fixture
def newcomer(make_live: Callable[..., Live], person: Callable[..., Page]) -> tuple[Live, Page]:
    """Somebody in front of an article where first comments wait for a moderator."""
    live = make_live(FORUM_MODERATION="first")
    page = person(live)
    page.goto(live.site.page)
    return live, page


def test_a_first_comment_waits_in_place(newcomer: tuple[Live, Page]) -> None:
    """The first comment of a newcomer appears without a page load, in focus, and it is told that it waits."""
    live, page = newcomer
    page.evaluate("window.same = true")
    write(page, "My first words.")
    send(page, "Post comment")
    expect(page.locator("#comment-1 .forum-body")).to_have_text("My first words.")
    expect(page.locator("#comment-1 > article")).to_be_focused()
    expect(page.locator("#comment-1 .forum-waiting")).to_have_text("awaiting moderation")
    expect(page.locator(STATUS)).to_contain_text("Thank you – your comment is waiting for a moderator.")
    expect(text(page)).to_have_value("")
    assert page.evaluate("window.same")
    assert live.site.get(1).state == "held"


def test_a_reply_waits_in_place(newcomer: tuple[Live, Page]) -> None:
    """A reply that waits appears below what it answers, unfolded and in focus; the form goes home."""
    live, page = newcomer
    live.site.comment("How warm is the kitchen?", name="Ann")
    live.approve_all()
    page.reload()
    page.evaluate("window.same = true")
    page.get_by_role("link", name="Reply to Ann").click()
    write(page, "Twenty degrees.")
    send(page, "Post comment")
    expect(page.locator("#comment-1 #comment-2 .forum-waiting")).to_be_visible()
    expect(page.locator("#comment-2 > article")).to_be_focused()
    expect(page.locator(STATUS)).to_contain_text("Thank you – your comment is waiting for a moderator.")
    expect(page.get_by_role("heading", name="Write a comment")).to_be_visible()
    assert page.evaluate("window.same")


def test_a_page_that_does_not_show_what_waits(newcomer: tuple[Live, Page]) -> None:
    """Where a host gives everybody the same copy of its page, the page that says so is opened instead."""
    live, page = newcomer
    copy = page.content()
    page.route(f"**{live.site.page}", lambda route: route.fulfill(body=copy, content_type="text/html"))
    write(page, "My first words.")
    with page.expect_navigation():
        page.get_by_role("button", name="Post comment").click()
    expect(page.get_by_role("heading", name="Your comment is waiting for a moderator")).to_be_visible()


def test_what_waited_is_approved(newcomer: tuple[Live, Page]) -> None:
    """Asking for what is new, its author sees that their comment waits no more."""
    live, page = newcomer
    page.clock.install()
    page.reload()
    write(page, "My first words.")
    send(page, "Post comment")
    expect(page.locator("#comment-1 .forum-waiting")).to_be_visible()
    live.approve_all()
    page.clock.run_for(61_000)
    page.get_by_role("button", name="New comments: 1 – show").click()
    expect(page.locator("#comment-1 > article")).to_be_focused()
    expect(page.locator("#comment-1 .forum-waiting")).to_have_count(0)


def test_folds_and_other_drafts_stay(live: Live, reader: Page) -> None:
    """What was folded is still folded after posting, and the draft of another answer still waits."""
    for parent in (None, 1):
        live.site.comment("Words.", name="Ann" if parent is None else "Ben", parent=parent or "")
    reader.reload()
    reader.locator("summary", has_text="1 reply").click()
    reader.get_by_role("link", name="Reply to Ann").click()
    text(reader).fill("Later.")
    reader.keyboard.press("Escape")
    write(reader, "First this.")
    send(reader, "Post comment")
    expect(reader.locator("#comment-3 .forum-body")).to_have_text("First this.")
    expect(reader.locator("#comment-2 .forum-body")).to_be_hidden()
    reader.get_by_role("link", name="Reply to Ann").click()
    expect(text(reader)).to_have_value("Later.")


def test_a_preview_in_place(live: Live, reader: Page) -> None:
    """A preview opens in the form, under the comment that is answered, in focus; then the same form posts."""
    live.site.comment("How warm is the kitchen?", name="Ann")
    reader.reload()
    reader.get_by_role("link", name="Reply to Ann").click()
    write(reader, "Twenty **degrees**.")
    send(reader, "Preview")
    expect(reader.locator("#comment-1 > form .forum-preview strong")).to_have_text("degrees")
    expect(reader.locator(".forum-preview")).to_be_focused()
    assert stored(live) == 1
    send(reader, "Post reply")
    expect(reader.locator("#comment-2 strong")).to_have_text("degrees")


def test_a_form_that_was_open_too_long(live: Live, reader: Page) -> None:
    """After a day the form comes back filled in, and says to press Post once more."""
    write(reader, "A slow thought.")
    live.site.clock.advance(24 * 3600 + 60)
    send(reader, "Post comment")
    expect(alert(reader)).to_contain_text("This page was open for a while.")
    expect(alert(reader)).to_be_focused()
    send(reader, "Post comment")
    expect(reader.locator(".forum-body")).to_have_text("A slow thought.")
    assert stored(live) == 1


def test_a_limit_keeps_the_text(make_live: Callable[..., Live], person: Callable[..., Page]) -> None:
    """Over a limit the page says when to come back, and holds the text."""
    live = make_live(FORUM_RATE_LIMITS=["1 per minute"])
    page = person(live)
    page.goto(live.site.page)
    for words in ("One.", "Two."):
        write(page, words)
        send(page, "Post comment")
    expect(alert(page)).to_contain_text("That was quick. You can post again in")
    expect(text(page)).to_have_value("Two.")
    assert stored(live) == 1


def test_a_page_that_closed_meanwhile(live: Live, reader: Page) -> None:
    """What was written for a page that has been closed meanwhile stays there to be kept."""
    live.site.comment("First.")
    write(reader, "Too late.")
    with live.site.session() as session:
        session.execute(update(Thread).values(closed=True))
        session.commit()
    send(reader, "Post comment")
    expect(alert(reader)).to_contain_text("Comments on this page are closed.")
    expect(text(reader)).to_have_value("Too late.")


@pytest.mark.parametrize("way", ["lost", "down", "gateway", "portal"])
def test_an_answer_that_never_came(way: str, live: Live, person: Callable[..., Page]) -> None:
    """A lost answer, no server, a broken gateway, somebody else's page: the text stays, is sent again, and is one."""
    page = person(live, noisy=True)
    page.goto(live.site.page)
    write(page, "In the tunnel.")
    page.route(POST, MISHAPS[way])
    page.get_by_role("button", name="Post comment").click()
    expect(alert(page)).to_have_text("That did not go through. Your text is still here; please try again.")
    expect(alert(page)).to_be_focused()
    expect(text(page)).to_have_value("In the tunnel.")
    page.unroute(POST)
    send(page, "Post comment")
    expect(page.locator(".forum-body")).to_have_text("In the tunnel.")
    assert stored(live) == 1


def _lose(route: Route) -> None:
    route.fetch()
    route.abort()


MISHAPS: dict[str, Callable[[Route], None]] = {
    "lost": _lose,
    "down": lambda route: route.abort("connectionrefused"),
    "gateway": lambda route: route.fulfill(status=502, content_type="text/html", body="<h1>Bad gateway</h1>"),
    "portal": lambda route: route.fulfill(content_type="text/html", body="<h1>Welcome to our hotel</h1>"),
}


def test_the_list_could_not_be_fetched(live: Live, reader: Page) -> None:
    """A comment that arrived is shown even when the page could not be asked for it at first."""
    write(reader, "Here.")
    reader.route(f"**{live.site.page}", lambda route: route.fulfill(body="later"), times=1)
    reader.get_by_role("button", name="Post comment").click()
    expect(reader.locator(".forum-body")).to_have_text("Here.")
    expect(text(reader)).to_have_value("")
    assert stored(live) == 1


POLICIES = [
    "connect-src 'none'",
    "require-trusted-types-for 'script'; trusted-types 'none'",
    "require-trusted-types-for 'script'; trusted-types forum",
]


@pytest.mark.parametrize("policy", POLICIES)
def test_policies_of_hosts(policy: str, live: Live, person: Callable[..., Page]) -> None:
    """Where a host's policy forbids what the script does, the browser sends the form; `forum` is all it needs."""
    page = person(live, noisy=True)
    page.route(f"**{live.site.page}", lambda route: _under(route, policy))
    page.goto(live.site.page)
    write(page, "Plain.")
    press(page, "Post comment")
    expect(page.locator(".forum-body")).to_have_text("Plain.")
    expect(text(page)).to_have_value("")
    navigated = page.evaluate("performance.getEntriesByType('navigation')[0].redirectCount")
    assert navigated == (0 if policy.endswith("forum") else 1)
    assert stored(live) == 1


def _under(route: Route, policy: str) -> None:
    answer = route.fetch()
    route.fulfill(response=answer, headers={**answer.headers, "content-security-policy": policy})


def test_the_server_asks_back(live: Live, person: Callable[..., Page]) -> None:
    """A page of ours that is no form, as for a sender nobody named, is shown by the browser."""
    page = person(live)
    page.goto(live.site.page)
    write(page, "Mine.")
    page.route(POST, lambda route: route.fulfill(response=route.fetch(headers=_nameless(route))))
    press(page, "Post comment")
    expect(page.get_by_role("heading", name="Was that you?")).to_be_visible()
    assert stored(live) == 0


def _nameless(route: Route) -> dict[str, str]:
    hidden = ("origin", "referer", "sec-fetch-site")
    return {name: value for name, value in route.request.headers.items() if name not in hidden}


def test_editing_for_too_long(live: Live, reader: Page) -> None:
    """Whoever is still changing their words when the time is over posts them as a new comment from the same page."""
    write(reader, "Salt first.")
    send(reader, "Post comment")
    reader.get_by_role("link", name="Edit").click()
    reader.wait_for_url("**/edit")
    text(reader).fill("A long second thought.")
    live.site.clock.advance(16 * 60)
    send(reader, "Save")
    expect(alert(reader)).to_contain_text("The time to edit is over. You can post it as a new comment instead.")
    expect(text(reader)).to_have_value("A long second thought.")
    with reader.expect_navigation():
        reader.get_by_role("button", name="Post comment").click()
    expect(reader.locator(".forum-body")).to_have_text(["Salt first.", "A long second thought."])


def test_an_edit_outlives_a_reload(reader: Page) -> None:
    """What was changed but not saved is there again after leaving the page."""
    write(reader, "Salt first.")
    send(reader, "Post comment")
    edit = reader.get_by_role("link", name="Edit").get_attribute("href")
    assert edit is not None
    reader.goto(edit)
    text(reader).fill("Salt last.")
    reader.goto("/")
    reader.goto(edit)
    expect(text(reader)).to_have_value("Salt last.")
    press(reader, "Save")
    expect(reader.locator(".forum-body")).to_have_text("Salt last.")


def test_two_windows(live: Live, reader: Page) -> None:
    """Two windows on one page have drafts and comments of their own."""
    other = reader.context.new_page()
    other.goto(live.site.page)
    write(reader, "From the one.")
    write(other, "From the other.")
    send(reader, "Post comment")
    send(other, "Post comment")
    expect(other.locator(".forum-body")).to_have_text(["From the one.", "From the other."])
    expect(reader.locator(".forum-body")).to_have_text(["From the one."])
    assert stored(live) == 2


def test_a_host_takes_the_thread_out_and_puts_it_in_again(live: Live, reader: Page) -> None:
    """A host may remove the thread, put it in again or put in a copy: it works, keeps the draft, and posts once."""
    live.site.comment("How warm is the kitchen?", name="Ann")
    reader.reload()
    reader.get_by_role("link", name="Reply to Ann").click()
    text(reader).fill("Twenty.")
    for swap in ("thread.remove(); place.append(thread)", "place.innerHTML = place.innerHTML"):
        reader.evaluate(
            f"() => {{ const thread = document.querySelector('forum-thread'), place = thread.parentNode; {swap} }}"
        )
        expect(reader.get_by_role("heading", name="Write a comment")).to_be_visible()
        reader.get_by_role("link", name="Reply to Ann").click()
        expect(text(reader)).to_have_value("Twenty.")
    write(reader, "Twenty.")
    send(reader, "Post comment")
    expect(reader.locator("#comment-2 .forum-body")).to_have_text("Twenty.")
    assert stored(live) == 2
