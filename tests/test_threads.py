"""Threads as they are read: pages of whole branches, and what each reader may see."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from forum import comments
from forum.models import Comment
from tests.visitors import Site, comment_id

_IDS = re.compile(r'<li id="comment-(\d+)"')


def shown(page: str) -> list[int]:
    """The comments on a page, in order."""
    return [int(found) for found in _IDS.findall(page)]


@pytest.fixture
def paged(make_site: Callable[..., Site]) -> Site:
    """A site with two branches a page and five branches, one of them with an answer."""
    site = make_site(FORUM_PER_PAGE=2)
    site.add_article()
    for n in range(5):
        site.comment(f"Branch {n}.")
    site.comment("An answer to the first.", parent=1)
    return site


def test_pages_hold_whole_branches(paged: Site) -> None:
    """An answer stands on the page of its branch however late it came."""
    pages = [shown(paged.visitor().get(f"{paged.page}?forum_page={n}").text) for n in (1, 2, 3)]
    assert pages == [[1, 6, 2], [3, 4], [5]]


def test_every_comment_is_reached_by_links(paged: Site) -> None:
    """Following the links to later comments from the first page shows each comment once, without a script."""
    reader, path, seen = paged.visitor(), paged.page, []
    while path:
        page = reader.get(path).text
        seen += shown(page)
        later = re.search(r'href="([^"]+)" rel="next"', page)
        path = later[1] if later else ""
    assert sorted(seen) == [1, 2, 3, 4, 5, 6]


def test_a_permalink_finds_its_page(paged: Site) -> None:
    """The permalink of any comment leads to the page that shows it."""
    for id_, page in ((6, 1), (3, 2), (5, 3)):
        location = paged.visitor().get(f"/forum/comments/{id_}").headers["Location"]
        assert location == f"{paged.page}{f'?forum_page={page}' if page > 1 else ''}#comment-{id_}"
        assert id_ in shown(paged.visitor().get(location).text)


@pytest.mark.parametrize("number", ["0", "-1", "x", "٣", "99999999999999999999", ""])
def test_odd_page_numbers_show_a_page(paged: Site, number: str) -> None:
    """A page number that is none shows the first page."""
    assert shown(paged.visitor().get(f"{paged.page}?forum_page={number}").text) == [1, 6, 2]


def test_beyond_the_end_is_the_last_page(paged: Site) -> None:
    """A page number past the end shows the last page, and all such numbers share one cached copy."""
    pages = [paged.visitor().get(f"{paged.page}?forum_page={n}") for n in (3, 4, 1000)]
    assert [shown(page.text) for page in pages] == [[5]] * 3
    assert len({page.headers["ETag"] for page in pages}) == 1


def test_held_comments_take_no_place(make_site: Callable[..., Site]) -> None:
    """Spam that was never published leaves no gap in the pages."""
    site = make_site(FORUM_MODERATION="first", FORUM_PER_PAGE=2)
    site.add_article()
    for n in range(4):
        site.visitor().post(body=f"Spam {n}.")
    with site.session() as session:
        for id_ in (2, 4):
            comments.publish(session, [session.get_one(Comment, id_)], site.clock())
        session.commit()
    assert shown(site.visitor().get(site.page).text) == [2, 4]


def test_a_held_answer_is_seen_by_its_author_in_its_place(make_site: Callable[..., Site]) -> None:
    """Held, an answer stands below its parent for its author and for nobody else."""
    site = make_site(FORUM_MODERATION="first")
    site.add_article()
    first = comment_id(site.visitor().post(body="First."))
    with site.session() as session:
        comments.publish(session, [session.get_one(Comment, first)], site.clock())
        session.commit()
    author = site.visitor()
    answer = comment_id(author.post(body="Waiting.", parent=first))
    assert shown(author.get(site.page).text) == [first, answer]
    assert "awaiting moderation" in author.get(site.page).text
    assert shown(site.visitor().get(site.page).text) == [first]


@pytest.mark.parametrize(
    ("passed", "left"), [(0, "15 minutes"), (1, "15 minutes"), (60, "14 minutes"), (899, "1 minute")]
)
def test_the_minutes_left_are_rounded_up(site: Site, passed: int, left: str) -> None:
    """An edit window that has just begun shows its whole length, on the page and above the editor, and never 0."""
    visitor = site.visitor()
    posted = comment_id(visitor.post())
    site.clock.advance(passed)
    assert f"Edit ({left} left)" in visitor.get(site.page).text
    assert f">{left} left<" in visitor.get(f"/forum/comments/{posted}/edit").text


def test_a_thousand_levels(site: Site) -> None:
    """A conversation of a thousand answers to each other is shown whole and nested, and its last one is found."""
    parent = site.comment("Level 1.")
    with site.session() as session:
        top = session.get_one(Comment, parent)
        values = {name: getattr(top, name) for name in ("thread_id", "branch", "name", "html", "source", "renderer")}
        for n in range(2, 1001):
            session.add(
                Comment(id=n, parent_id=n - 1, depth=n, state="published", nonce=f"n{n}", digest="", reasons=[],
                        created_at=site.clock(), published_at=site.clock(), **values)
            )  # fmt: skip
        top.thread.version += 1
        session.commit()
    page = site.visitor().get(site.page).text
    assert page.count('data-depth="') == 1000
    assert page.count("<ol") == page.count("</ol>") == 1000


def test_indentation_ends_where_the_setting_says(make_site: Callable[..., Site]) -> None:
    """Below FORUM_MAX_DEPTH replies stay nested in the markup and are no longer indented."""
    site = make_site(FORUM_MAX_DEPTH=2)
    site.add_article()
    parent = site.comment("Level 1.")
    for n in (2, 3, 4):
        parent = site.comment(f"Level {n}.", parent=parent)
    assert site.visitor().get(site.page).text.count("forum-branch forum-flat") == 2


_NAMED = re.compile(r'<a class="[^"]*" href="([^"]*)"[^>]*?(?: aria-label="([^"]*)")?>(.*?)</a>', re.DOTALL)


def test_no_two_links_are_called_the_same(site: Site) -> None:
    """Links that lead elsewhere are called otherwise, also below people of one name; dates alone may repeat."""
    first = site.comment("One.", name="Anna")
    second = site.comment("Two.", name="Anna")
    for parent in (first, second):
        site.comment(f"To {parent}.", name="Anna", parent=parent)
    page = site.visitor().get(site.page).text
    thread = page[page.index("<forum-thread") :]
    called: dict[str, set[str]] = {}
    for url, label, text in _NAMED.findall(thread):
        if "<time" not in text:
            called.setdefault(label or re.sub("<[^>]+>", "", text).strip(), set()).add(url)
    assert {name: urls for name, urls in called.items() if len(urls) > 1} == {}
    assert f"Reply to Anna, comment {first}" in called
    assert f"replying to Anna, comment {second}" in called


def test_a_reader_can_skip_the_comments(site: Site) -> None:
    """The region has a name and a link past all comments, and its links find what they lead to."""
    site.comment()
    page = site.visitor().get(site.page).text
    assert '<section id="forum-thread"' in page
    for name in ("forum-end", "forum-form", "forum-title"):
        assert page.count(f'id="{name}"') == 1
    assert page.index('href="#forum-end"') < page.index('<ol class="forum-list"') < page.index('id="forum-end"')


def test_a_thread_says_its_language(site: Site) -> None:
    """The element around the thread carries its language and the way that is written."""
    assert '<forum-thread class="forum-thread" lang="en" dir="ltr"' in site.visitor().get(site.page).text


def test_conversations_and_their_answers_are_told_apart_by_headings(site: Site) -> None:
    """Below the thread's heading, comments at the top stand one level deeper and all answers two, however deep."""
    parent = site.comment("Level 1.")
    for n in (2, 3, 4):
        parent = site.comment(f"Level {n}.", parent=parent)
    levels = re.findall(r'<h(\d) class="forum-head"', site.visitor().get(site.page).text)
    assert levels == ["3", "4", "4", "4"]
