"""A comment in the wrong place: where it stands afterwards, and who is told of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest
from sqlalchemy import select

from forum.errors import Conflict, InvalidDraft
from forum.explain.sentences import known
from forum.models import Comment, Item
from forum.screening import Context, Draft
from tests.desk import move, take_back
from tests.test_undo import at_once
from tests.visitors import Site

LATER = 600
ANN, BEN = "ann@reader.example", "ben@reader.example"


def places(site: Site) -> list[tuple[int | None, int | None, int]]:
    """Parent, branch and depth of each comment."""
    with site.session() as session:
        query = select(Comment.parent_id, Comment.branch, Comment.depth).order_by(Comment.id)
        return [(parent, branch, depth) for parent, branch, depth in session.execute(query)]


@pytest.fixture
def two(site: Site) -> Site:
    """Two branches, the second of which is three levels deep: 1; 2, 3, 4."""
    site.comment("One.")
    parent = site.comment("Two.")
    for words in ("Three.", "Four."):
        parent = site.comment(words, parent=parent)
    return site


def test_a_branch_goes_below_another_comment(two: Site) -> None:
    """Everything below a comment goes with it, and each level is counted from where it stands now."""
    move(two, 2, 1)
    assert places(two) == [(None, 1, 1), (1, 1, 2), (2, 1, 3), (3, 1, 4)]


def test_an_answer_becomes_a_branch(two: Site) -> None:
    """At top level a comment is the newest branch, and the page shows it there."""
    move(two, 3, None)
    assert places(two) == [(None, 1, 1), (None, 2, 1), (None, 3, 1), (3, 3, 2)]
    assert two.comment("Five.") == 5
    assert places(two)[-1] == (None, 4, 1)
    page = two.visitor().get(two.page).text
    assert page.index("Two.") < page.index("Three.") < page.index("Five.")


def test_a_page_shows_the_new_place_at_once(two: Site) -> None:
    """Whoever has seen the page before sees the comment in its new place."""
    visitor = two.visitor()
    before = visitor.get(two.page).text
    move(two, 4, 1)
    after = visitor.get(two.page).text
    assert before.index("Two.") < before.index("Four.")
    assert after.index("Four.") < after.index("Two.")


@pytest.mark.parametrize(("id_", "parent"), [(2, 4), (2, 2), (3, 99), (3, 5), (3, 6)])
def test_where_a_comment_cannot_stand(two: Site, id_: int, parent: int) -> None:
    """Not below itself or its answers, nor below what is not there, what is younger or what stands on another page."""
    two.comment("Five.")
    two.page = two.add_article("Rye")
    two.comment("Elsewhere.")
    before = places(two)
    with pytest.raises(InvalidDraft):
        move(two, id_, parent)
    assert places(two) == before


def test_not_below_what_stands_on_another_page(two: Site) -> None:
    """A comment stays on its page, though the other comment is older."""
    two.page = two.add_article("Rye")
    elsewhere = two.comment("Elsewhere.")
    with pytest.raises(InvalidDraft):
        move(two, elsewhere, 1)


def test_a_move_to_where_it_stands(two: Site) -> None:
    """Nothing is done, and nothing is logged."""
    with pytest.raises(Conflict):
        move(two, 3, 2)


# --- mail


@pytest.fixture
def misplaced(site: Site) -> int:
    """An answer below Ann's comment that is one to Ben's."""
    ann = site.follower("Ann", "Ann's.")
    site.follower("Ben", "Ben's.")
    return site.comment("For Ben.", parent=ann, name="Cem")


def told(site: Site) -> list[str]:
    """Who got a mail about an answer."""
    return sorted(mail["To"] for mail in site.mails(reason="reply"))


def test_moved_before_anything_left(site: Site, misplaced: int) -> None:
    """Moved in time, the comment is mailed to the one it answers and to nobody else."""
    move(site, misplaced, 2)
    site.deliver(LATER)
    assert told(site) == [BEN]


def test_moved_while_the_mail_waits(make_site: Callable[..., Site]) -> None:
    """Whose mail was waiting is spared it, under a reason that has a sentence; the right person is told once."""
    site = make_site()
    site.add_article()
    ann = site.follower("Ann", "Ann's.")
    site.follower("Ben", "Ben's.")
    site.state.settings = site.state.settings.model_copy(update={"mail_hold_seconds": 300})
    misplaced = site.comment("For Ben.", parent=ann, name="Cem")
    site.deliver(1)
    move(site, misplaced, 2)
    for _ in range(3):
        site.deliver(LATER)
    assert told(site) == [BEN]
    with site.session() as session:
        reasons = session.scalars(select(Item.skip_reason).where(Item.comment_id == misplaced)).all()
    assert sorted(map(str, reasons)) == ["None", "moved"]
    assert "moved" in known()


def test_moved_after_the_mail_left(site: Site, misplaced: int) -> None:
    """What has left has left; the right person is told too."""
    site.deliver(LATER)
    move(site, misplaced, 2)
    site.deliver(LATER)
    assert told(site) == [ANN, BEN]


def test_moved_there_and_back(site: Site, misplaced: int) -> None:
    """A move that is taken back before anything left tells those whom the first place concerns, once."""
    site.state.settings = site.state.settings.model_copy(update={"mail_hold_seconds": 300})
    site.deliver(1)
    done = move(site, misplaced, 2)
    take_back(site, done.batch)
    for _ in range(3):
        site.deliver(LATER)
    assert told(site) == [ANN]


# --- at one moment


def test_answered_while_it_is_moved(make_site: Callable[..., Site], database: dict[str, str]) -> None:
    """An answer to a comment that is being moved stands in the branch of its parent, whichever came first."""
    site = make_site(**database)
    site.add_article()
    site.comment("One.")
    for n in range(4):
        parent, answer = _move_and_answer(site, n)
        assert (answer.parent_id, answer.branch, answer.depth) == (parent.id, parent.branch, parent.depth + 1)
        assert (parent.parent_id, parent.branch, parent.depth) == (1, 1, 2)


def _move_and_answer(site: Site, n: int) -> Sequence[Comment]:
    """Post a comment, and answer it while it is moved below the first one."""
    moved = site.comment(f"Moved {n}.")
    visitor = site.visitor()
    fields = visitor.fill(parent=str(moved), body=f"An answer {n}.")
    at_once(site, lambda: move(site, moved, 1), lambda: visitor.post(**fields))
    with site.session() as session:
        return session.scalars(select(Comment).where(Comment.id >= moved).order_by(Comment.id)).all()


@pytest.mark.parametrize("database", ["postgresql", "mariadb"], indirect=True)
def test_an_answer_goes_where_its_parent_was_moved(make_site: Callable[..., Site], database: dict[str, str]) -> None:
    """An answer whose parent is moved after the answer has looked at it stands where the parent stands now."""
    site = make_site(**database)
    site.add_article()
    site.comment("One.")
    moved = site.comment("Two.")
    visitor = site.visitor()
    fields = visitor.fill(parent=str(moved), body="An answer.")

    def while_it_is_screened(draft: Draft, context: Context) -> None:
        move(site, moved, 1)

    site.state.hooks.screens.append(while_it_is_screened)
    assert visitor.post(**fields).status_code == 303
    assert places(site)[1:] == [(1, 1, 2), (2, 1, 3)]
