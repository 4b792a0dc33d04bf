"""The comment that moderators put before all others, as readers of its page see it."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from forum.cache import ByteCache
from forum.moderation import pages
from forum.moderation.acts import Act
from tests.desk import act, press, run
from tests.desk_pages import words
from tests.visitors import Site


def pin(site: Site, id_: int) -> None:
    """Put a comment on top of its page."""
    seen = site.get(id_).version
    run(site, lambda session: pages.pin(session, press(site), id_, seen))


def page(site: Site, path: str = "") -> str:
    """The article as a stranger reads it."""
    return site.visitor().get(path or site.page).text


def box(site: Site, path: str = "") -> str | None:
    """The markup of what stands above the list, None where nothing does."""
    found = re.search(r'<section class="forum-pinned".*?</section>', page(site, path), re.DOTALL)
    return None if found is None else found[0]


@pytest.fixture
def pinned(site: Site) -> Site:
    """A page with three comments, the last of which is on top."""
    site.comment("One.")
    site.comment("Two.")
    pin(site, site.comment("Be *kind*.", name="Ada"))
    return site


@pytest.fixture
def long(make_site: Callable[..., Site]) -> Site:
    """A conversation of two pages, and the comment on the second is on top."""
    site = make_site(FORUM_PER_PAGE=1)
    site.add_article()
    site.comment("One.")
    pin(site, site.comment("Two."))
    return site


def test_what_the_box_says(pinned: Site) -> None:
    """A box above the list has the name, the text as it is shown below, and the date."""
    shown = box(pinned)
    assert shown is not None
    assert "Be <em>kind</em>." in shown
    assert "<time" in shown
    assert words(shown).startswith("Pinned by the moderators Ada ")
    assert page(pinned).index('class="forum-pinned"') < page(pinned).index('class="forum-list"')


def test_nothing_is_pinned(site: Site) -> None:
    """A page where nobody has pinned anything has no box."""
    site.comment()
    assert box(site) is None


def test_its_own_place_stays(pinned: Site) -> None:
    """The comment keeps its place in the list, and no id is given twice."""
    ids = re.findall(r'\sid="([^"]+)"', page(pinned))
    assert "comment-3" in ids
    assert len(ids) == len(set(ids))


def test_the_box_has_a_name(pinned: Site) -> None:
    """A screen reader lists the box under its heading, one level below that of the conversation."""
    shown = box(pinned)
    assert shown is not None
    label = re.search(r'aria-labelledby="([^"]+)"', shown)
    assert label is not None
    assert f'<h3 class="forum-pinned-title" id="{label[1]}">Pinned by the moderators</h3>' in shown


def test_the_link_leads_to_its_page(long: Site) -> None:
    """The link of the box goes straight to the comment, on whatever page that is."""
    shown = box(long)
    assert shown is not None
    assert f'href="{long.page}?forum_page=2#comment-2"' in shown.replace("http://localhost", "")
    assert 'id="comment-2"' in page(long, f"{long.page}?forum_page=2")


def test_only_the_first_page(long: Site) -> None:
    """Whoever reads on has seen it."""
    assert box(long) is not None
    assert box(long, f"{long.page}?forum_page=2") is None


@pytest.mark.parametrize("what", ["unapprove", "spam", "remove"])
def test_what_is_no_longer_published(pinned: Site, what: Act) -> None:
    """A comment that is set aside leaves the box too, at once."""
    assert box(pinned) is not None
    act(pinned, what, 3)
    assert box(pinned) is None


def test_taken_down(pinned: Site) -> None:
    """A comment that is taken from the top is gone from there for the next reader."""
    assert box(pinned) is not None
    run(pinned, lambda session: pages.unpin(session, press(pinned), 1, 3))
    assert box(pinned) is None


def test_a_name_is_text(site: Site) -> None:
    """A name that looks like markup is shown as it was typed."""
    pin(site, site.comment(name="<b>Bo</b>"))
    shown = box(site)
    assert shown is not None
    assert "&lt;b&gt;Bo&lt;/b&gt;" in shown
    assert "<b>" not in shown


def cost(site: Site) -> int:
    with site.statements() as seen:
        page(site)
    return len(seen)


def test_a_page_in_memory_pays_nothing_for_it(pinned: Site) -> None:
    """Once somebody has read the page, the box costs no statement."""
    page(pinned)
    assert cost(pinned) == 0


def test_a_page_that_was_missed_pays_one_statement(pinned: Site) -> None:
    """The first reader after a change pays one statement more where something is pinned, and none where nothing is."""
    pinned.state.cache = ByteCache(pinned.state.settings.cache_bytes)
    with_box = cost(pinned)
    run(pinned, lambda session: pages.unpin(session, press(pinned), 1, 3))
    pinned.state.cache = ByteCache(pinned.state.settings.cache_bytes)
    assert (with_box, cost(pinned)) == (4, 3)
