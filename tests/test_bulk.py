"""One press on many comments: what it reaches, what it leaves, and that it goes on where it was interrupted."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import select, update

from forum.models import Audit, Comment, Thread
from forum.moderation import bulk
from forum.moderation.bulk import Matching, Picked
from forum.moderation.queue import Filter
from tests.desk import BEN, act, act_on_all, press, run, take_back
from tests.visitors import Site

LATER = 600


@pytest.fixture
def strict(make_site: Callable[..., Site], monkeypatch: pytest.MonkeyPatch) -> Site:
    """A site with five comments that wait; two of them are dealt with at a time."""
    monkeypatch.setattr("forum.moderation.bulk.CHUNK", 2)
    site = make_site(FORUM_MODERATION="all")
    site.add_article()
    for n in range(1, 6):
        site.comment(f"Number {n}.")
    return site


def states(site: Site) -> list[str]:
    with site.session() as session:
        return list(session.scalars(select(Comment.state).order_by(Comment.id)))


def held(site: Site, upto: int = 5, **asked: str) -> Matching:
    """Everything that waits, up to this comment."""
    return Matching(Filter("held", **asked), upto, site.clock())  # type: ignore[arg-type]  # texts only


def test_all_that_match(strict: Site) -> None:
    """Every match goes, one batch for all of them, and one undoing brings all of them back."""
    pressed = press(strict)
    assert act_on_all(strict, pressed, "spam", held(strict)) == 5
    assert states(strict) == ["spam"] * 5
    assert run(strict, lambda session: bulk.done(session, pressed.batch)) == 5
    assert take_back(strict, pressed.batch).done == 5
    assert states(strict) == ["held"] * 5


def test_many_are_approved_in_the_order_they_were_written(strict: Site) -> None:
    """Approved together, comments stand on the page in the order in which they were written."""
    act_on_all(strict, press(strict), "approve", held(strict))
    with strict.session() as session:
        assert session.scalars(select(Comment.branch).order_by(Comment.id)).all() == [1, 2, 3, 4, 5]
        assert session.execute(select(Thread.comments, Thread.branches)).all() == [(5, 5)]


def test_only_what_was_there_when_the_moderator_looked(strict: Site) -> None:
    """What came afterwards, or was edited afterwards, is left to be read."""
    seen = held(strict)
    strict.clock.advance(10)
    strict.comment("Number 6.")
    with strict.session() as session:
        session.execute(update(Comment).where(Comment.id == 2).values(edited_at=strict.clock()))
        session.commit()
    act_on_all(strict, press(strict), "approve", seen)
    assert states(strict) == ["published", "held", "published", "published", "published", "held"]


def test_what_was_ticked_and_has_changed_is_left(strict: Site) -> None:
    """Of the comments that were ticked those go that still are as they were seen; the others are named."""
    act(strict, "approve", 2, actor=BEN)
    ticked = Picked([(1, 1), (2, 1), (3, 1), (99, 1)])
    answer = run(strict, lambda session: bulk.act(session, press(strict), "spam", ticked))
    assert (answer.done, answer.left, answer.more) == (2, [2, 99], False)
    assert states(strict) == ["spam", "published", "spam", "held", "held"]


def test_an_interrupted_press_goes_on(strict: Site) -> None:
    """Called again with its batch, a press that was killed between two chunks does the rest, and nothing twice."""
    pressed, everything = press(strict), held(strict)
    run(strict, lambda session: bulk.act(session, pressed, "spam", everything))
    # Meanwhile somebody brings one back.
    act(strict, "restore", 1, actor=BEN)
    assert act_on_all(strict, press(strict, batch=pressed.batch), "spam", everything) == 3
    assert states(strict) == ["held", "spam", "spam", "spam", "spam"]


def test_a_chunk_that_was_not_committed_is_done_again(strict: Site) -> None:
    """What a killed process had not committed is as if it had not begun."""
    pressed = press(strict)
    with strict.session() as session:
        bulk.act(session, pressed, "spam", held(strict))
    assert states(strict) == ["held"] * 5
    assert act_on_all(strict, pressed, "spam", held(strict)) == 5
    with strict.session() as session:
        assert len(session.scalars(select(Audit.id).where(Audit.batch == pressed.batch)).all()) == 5


def test_a_filter_narrows(strict: Site) -> None:
    """Only what the filter shows is touched."""
    act_on_all(strict, press(strict), "reject", held(strict, text="number 3"))
    assert states(strict) == ["held", "held", "rejected", "held", "held"]


def test_a_chunk_costs_the_same_for_few_and_many(make_site: Callable[..., Site]) -> None:
    """Calling forty comments spam takes as many statements as calling four."""
    costs = set()
    for number in (4, 40):
        site = make_site(FORUM_MODERATION="all", FORUM_RATE_LIMITS=[])
        site.add_article()
        for n in range(number):
            site.comment(f"Number {n}.")
        pressed, everything = press(site), held(site, number)
        with site.app.app_context(), site.statements() as seen:
            assert act_on_all(site, pressed, "spam", everything) == number
        costs.add(len(seen))
    assert len(costs) == 1
