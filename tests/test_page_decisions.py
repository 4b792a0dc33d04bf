"""What a moderator decides for one page alone, and how the list of pages shows it."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from forum import threads
from forum.errors import Conflict, NotFound
from forum.models import Audit, Thread
from forum.moderation import pages
from tests.desk import ANNA, act, press, run, take_back
from tests.visitors import Site


def switch(site: Site, name: Any, on: bool) -> None:
    run(site, lambda session: pages.switch(session, press(site), 1, name, on))


def pin(site: Site, id_: int) -> str:
    """Pin a comment and return the batch."""
    pressed, seen = press(site), site.get(id_).version
    run(site, lambda session: pages.pin(session, pressed, id_, seen))
    return pressed.batch


def on_top(site: Site) -> int | None:
    """Which comment stands before all others."""
    with site.session() as session:
        head = threads.head(session, "article:bread")
        assert head is not None
        line = threads.pinned(session, head)
        return None if line is None else line.id


def test_a_page_is_closed_and_opened(site: Site) -> None:
    """A closed page takes no comment, an opened one does, and the log says who did it."""
    site.comment()
    visitor = site.visitor()
    fields = visitor.fill(body="One more.")
    for on, status in ((True, 422), (False, 303)):
        switch(site, "closed", on)
        assert visitor.post(**fields).status_code == status
    with site.session() as session:
        rows = session.scalars(select(Audit).where(Audit.subject_kind == "thread").order_by(Audit.id)).all()
        assert [(row.actor, row.act, row.before, row.after) for row in rows] == [
            (ANNA, "close", "off", "on"), (ANNA, "open", "on", "off"),
        ]  # fmt: skip


def test_a_switch_that_stands_so_already(site: Site) -> None:
    """The second of two moderators reads who was faster."""
    site.comment()
    switch(site, "held", True)
    with pytest.raises(Conflict) as caught:
        switch(site, "held", True)
    assert (caught.value.by, caught.value.act) == (ANNA, "hold")


def test_a_page_that_is_not_there(site: Site) -> None:
    """Before its first comment a page has nothing to decide about."""
    with pytest.raises(NotFound):
        switch(site, "closed", True)


def test_a_pinned_comment(site: Site) -> None:
    """One comment stands on top; another one takes its place; undoing gives it back."""
    one, two = site.comment("One."), site.comment("Two.")
    pin(site, one)
    batch = pin(site, two)
    assert on_top(site) == two
    take_back(site, batch)
    assert on_top(site) == one
    run(site, lambda session: pages.unpin(session, press(site), 1, one))
    assert on_top(site) is None


def test_what_is_not_published_is_not_on_top(site: Site) -> None:
    """A pinned comment that is set aside is not shown, and stands on top again when it is back."""
    one = site.comment()
    pin(site, one)
    batch = act(site, "spam", one).batch
    assert on_top(site) is None
    with pytest.raises(Conflict):
        pin(site, one)
    take_back(site, batch)
    assert on_top(site) == one


def test_a_switch_that_was_turned_again_is_left(site: Site) -> None:
    """Undoing what somebody has undone by hand changes nothing, and says who that was."""
    site.comment()
    pressed = press(site)
    run(site, lambda session: pages.switch(session, pressed, 1, "closed", True))
    switch(site, "closed", False)
    (left,) = take_back(site, pressed.batch).left
    assert (left.kind, left.by, left.act) == ("thread", ANNA, "open")
    with site.session() as session:
        assert session.get_one(Thread, 1).closed is False


@pytest.mark.parametrize(
    ("text", "titles"), [("", ["Rye", "Bread"]), ("RY", ["Rye"]), ("article:b", ["Bread"]), ("%", [])]
)
def test_the_list_of_pages(site: Site, text: str, titles: list[str]) -> None:
    """Pages are found by key and title, the newest first, with what waits there and what is on top, in three
    statements.
    """
    pinned = site.comment()
    pin(site, pinned)
    site.page = site.add_article("Rye")
    act(site, "unapprove", site.comment("Held."))
    with site.app.app_context(), site.statements() as seen:
        found = run(site, lambda session: pages.find(session, text))
    assert [row.thread.title for row in found] == titles
    assert {row.thread.title: (row.waiting, row.pinned and row.pinned.id) for row in found} == {
        title: {"Rye": (1, None), "Bread": (0, pinned)}[title] for title in titles
    }
    assert len(seen) == 3
