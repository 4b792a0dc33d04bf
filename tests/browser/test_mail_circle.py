"""From the ticked box to the last click of an unsubscription, in a browser."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import Page, expect

from tests.browser.conftest import MODERATOR, Live, press, write


def test_mail_circle(live: Live, person: Callable[..., Page]) -> None:
    """A reader asks to be told, confirms, is told of the answer once, and leaves with one click."""
    ann, ben = person(live, java_script_enabled=False), person(live)
    ann.goto(live.site.page)
    write(ann, "How warm is the kitchen?", "Ann", "ann@reader.example")
    ann.get_by_label("E-mail me when someone answers this comment.").check()
    press(ann, "Post comment")
    live.site.deliver()

    confirm = _follow(_newest_mail(ann), "Yes, write to me")
    press(confirm, "Yes, write to me")
    expect(confirm.get_by_role("heading", name="You are confirmed")).to_be_visible()

    _answer(ben, live, "Twenty degrees.")
    live.site.deliver()
    answer = _newest_mail(ann)
    expect(answer.frame_locator("iframe").get_by_text("Twenty degrees.", exact=True)).to_be_visible()
    expect(answer.locator("pre").first).to_contain_text("Twenty degrees.")

    leave = _follow(answer, "Stop all e-mail")
    press(leave, "Stop all mail")
    expect(leave.get_by_role("heading", name="You get no more mail from us")).to_be_visible()

    _answer(ben, live, "Or nineteen.")
    live.site.deliver()
    assert len(live.site.mails("ann@reader.example", reason="reply")) == 1


def test_moderator_signs_in_and_approves(make_live: Callable[..., Live], person: Callable[..., Page]) -> None:
    """A moderator gets a link by mail, sees why a comment is held, and publishes it; no link in it is live."""
    live = make_live(FORUM_MODERATION="first", FORUM_MODERATORS=[MODERATOR])
    live.site.comment("Look at https://example.org/bread for [a recipe](https://example.org/trap).", name="Ann")
    page = person(live, java_script_enabled=False)
    page.goto("/forum/moderation/")
    page.get_by_label("Your e-mail address").fill(MODERATOR)
    press(page, "Send me a link")
    expect(page.get_by_role("heading", name="Look into your inbox")).to_be_visible()
    live.site.deliver()
    enter = _follow(_newest_mail(page), "Sign in")
    press(enter, "Sign in")

    expect(enter.get_by_role("heading", name="1 waiting")).to_be_visible()
    expect(enter.locator(".forum-row .forum-body")).to_contain_text("https://example.org/trap")
    expect(enter.locator(".forum-row .forum-body a")).to_have_count(0)
    press(enter, "Approve the comment by Ann")
    expect(enter.get_by_role("heading", name="Nothing waiting")).to_be_visible()
    page.goto(live.site.page)
    expect(page.get_by_role("link", name="a recipe")).to_be_visible()


def _answer(page: Page, live: Live, body: str) -> None:
    page.goto(live.site.page)
    page.get_by_role("link", name="Reply to Ann").click()
    write(page, body)
    press(page, "Post comment")
    expect(page.get_by_text(body)).to_be_visible()


def _newest_mail(page: Page) -> Page:
    """The mailbox of development, at its newest message."""
    page.goto("/forum/dev/mail/")
    page.locator(".forum-mail-link").first.click()
    return page


def _follow(page: Page, words: str) -> Page:
    """Click a link of the shown mail; it opens in a tab of its own, as from a mail program."""
    with page.expect_popup() as opened:
        page.frame_locator("iframe").get_by_role("link", name=words).first.click()
    return opened.value
