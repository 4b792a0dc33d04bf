"""The whole life of a comment in a browser that runs no scripts."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import Page, expect

from tests.browser.conftest import Live, press, write


def test_read_and_fold(live: Live, plain_reader: Page) -> None:
    """Comments can be read, and a branch folded away, without a script."""
    first = live.site.comment("How warm is the kitchen?")
    live.site.comment("Twenty degrees.", parent=first)
    plain_reader.reload()
    expect(plain_reader.get_by_role("heading", name="2 comments")).to_be_visible()
    answer = plain_reader.get_by_text("Twenty degrees.")
    expect(answer).to_be_visible()
    plain_reader.get_by_text("1 reply").click()
    expect(answer).to_be_hidden()


def test_permalink(live: Live, plain_reader: Page) -> None:
    """The date of a comment leads to the comment itself, which is marked."""
    live.site.comment("One.")
    second = live.site.comment("Two.")
    plain_reader.reload()
    plain_reader.locator(f"#comment-{second} .forum-permalink").click()
    assert plain_reader.url.endswith(f"/articles/bread#comment-{second}")
    assert plain_reader.locator(":target").get_attribute("id") == f"comment-{second}"


def test_reply_fail_fix_preview_and_post(live: Live, plain_reader: Page) -> None:
    """From the first mistake to the posted reply no typed word is lost."""
    first = live.site.comment("How warm is the kitchen?", name="Ann")
    plain_reader.reload()
    plain_reader.get_by_role("link", name="Reply to Ann").click()
    expect(plain_reader.get_by_role("heading", name="Reply to Ann", level=1)).to_be_visible()
    expect(plain_reader.get_by_text("How warm is the kitchen?")).to_be_visible()

    write(plain_reader, "Twenty **degrees**.", name="", email="ben@")
    press(plain_reader, "Post reply")
    assert plain_reader.title().startswith("Error: ")
    expect(plain_reader.get_by_label("Comment", exact=True)).to_have_value("Twenty **degrees**.")
    expect(plain_reader.get_by_label("E-mail (optional)")).to_have_value("ben@")
    assert plain_reader.get_by_label("Name", exact=True).get_attribute("aria-invalid") == "true"

    write(plain_reader, "Twenty **degrees**.", name="Ben")
    press(plain_reader, "Preview")
    expect(plain_reader.get_by_role("heading", name="Preview – not posted yet")).to_be_visible()
    expect(plain_reader.locator(".forum-preview strong")).to_have_text("degrees")
    expect(plain_reader.get_by_label("Name", exact=True)).to_have_value("Ben")

    press(plain_reader, "Post reply")
    posted = plain_reader.locator(f"#comment-{first} .forum-replies .forum-comment")
    expect(posted.locator(".forum-body")).to_have_text("Twenty degrees.")


def test_edit(plain_reader: Page) -> None:
    """For a while one's own words can be changed."""
    _post(plain_reader, "Salt first.")
    plain_reader.get_by_role("link", name="Edit (15 minutes left)").click()
    plain_reader.get_by_label("Comment", exact=True).fill("Salt last.")
    press(plain_reader, "Save")
    expect(plain_reader.locator(".forum-body")).to_have_text("Salt last.")
    expect(plain_reader.locator(".forum-edited")).to_have_text("edited")


def test_words_outlive_the_time_to_edit(live: Live, plain_reader: Page) -> None:
    """Whoever edits for too long can still post what they wrote as a new comment."""
    _post(plain_reader, "Salt first.")
    plain_reader.get_by_role("link", name="Edit").click()
    live.site.clock.advance(16 * 60)
    plain_reader.get_by_label("Comment", exact=True).fill("A long second thought.")
    press(plain_reader, "Save")
    expect(plain_reader.get_by_role("alert")).to_contain_text("The time to edit is over.")
    expect(plain_reader.get_by_label("Comment", exact=True)).to_have_value("A long second thought.")
    press(plain_reader, "Post comment")
    expect(plain_reader.locator(".forum-body")).to_have_text(["Salt first.", "A long second thought."])


def test_delete_leaves_a_tombstone(live: Live, plain_reader: Page) -> None:
    """A deleted comment takes name and words with it and leaves the answers."""
    _post(plain_reader, "I was wrong here.")
    live.site.comment("Not at all!", parent=1)
    plain_reader.reload()
    plain_reader.get_by_role("link", name="Delete").click()
    press(plain_reader, "Delete")
    expect(plain_reader.get_by_text("This comment was removed by its author.")).to_be_visible()
    expect(plain_reader.get_by_text("Not at all!")).to_be_visible()
    expect(plain_reader.get_by_text("I was wrong here.")).to_have_count(0)


def test_held(make_live: Callable[..., Live], person: Callable[..., Page]) -> None:
    """A held comment is seen by its author, who is told why, and by nobody else until it is approved."""
    live = make_live(FORUM_MODERATION="first")
    author, other = person(live, java_script_enabled=False), person(live, java_script_enabled=False)
    author.goto(live.site.page)
    _post(author, "My first words.")
    expect(author.get_by_role("heading", name="Your comment is waiting for a moderator")).to_be_visible()
    author.get_by_role("link", name="Back to the conversation").click()
    expect(author.get_by_text("awaiting moderation")).to_be_visible()

    other.goto(live.site.page)
    expect(other.get_by_role("heading", name="No comments yet")).to_be_visible()
    live.approve_all()
    other.reload()
    expect(other.get_by_text("My first words.")).to_be_visible()


def test_closed(live: Live, plain_reader: Page) -> None:
    """A closed article shows its thread and a notice instead of the form."""
    plain_reader.goto(live.site.add_article("Rye", closed=True))
    expect(plain_reader.get_by_text("Comments on this article are closed.")).to_be_visible()
    expect(plain_reader.locator("form")).to_have_count(0)


def test_empty(plain_reader: Page) -> None:
    """An article without comments invites to write the first."""
    expect(plain_reader.get_by_role("heading", name="No comments yet")).to_be_visible()
    expect(plain_reader.get_by_text("You could be the first to write one.")).to_be_visible()


def test_paging(make_live: Callable[..., Live], person: Callable[..., Page]) -> None:
    """A long thread comes in pages of whole branches, and a permalink leads to the right one."""
    live = make_live(FORUM_PER_PAGE=2)
    ids = [live.site.comment(f"Loaf {number}.") for number in range(5)]
    page = person(live, java_script_enabled=False)
    page.goto(live.site.page)
    expect(page.locator(".forum-body")).to_have_text(["Loaf 0.", "Loaf 1."])
    page.get_by_role("link", name="More comments").click()
    expect(page.locator(".forum-body")).to_have_text(["Loaf 2.", "Loaf 3."])
    page.goto(f"/forum/comments/{ids[4]}")
    expect(page.locator(".forum-body")).to_have_text(["Loaf 4."])
    expect(page.get_by_role("link", name="Page 3 of 3")).to_have_attribute("aria-current", "page")


def test_no_cookie_for_readers(live: Live, plain_reader: Page) -> None:
    """Reading sets no cookie; posting sets one."""
    comment = live.site.comment("Hello.")
    for path in (live.site.page, "/", f"/forum/comments/{comment}/reply", f"/forum/comments/{comment}/branch"):
        plain_reader.goto(path)
        assert plain_reader.context.cookies() == []
    plain_reader.goto(live.site.page)
    _post(plain_reader, "Now I say something.")
    assert [cookie.get("name") for cookie in plain_reader.context.cookies()] == ["forum_visitor"]


def _post(page: Page, body: str) -> None:
    write(page, body)
    press(page, "Post comment")
