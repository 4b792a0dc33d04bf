"""What a moderator takes back: everything that still stands as the press left it, and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from sqlalchemy import delete, select

from forum.clashes import is_clash
from forum.errors import Conflict
from forum.models import Audit, Comment, Event, Item, Report, Revision, Thread, Word
from forum.moderation import acts, bulk, pages, reports
from forum.moderation.queue import Filter
from tests.desk import ANNA, BEN, act, act_on_all, edit, move, press, run, take_back
from tests.visitors import Site


@pytest.fixture
def strict(make_site: Callable[..., Site]) -> Site:
    """A site where every comment waits for a moderator."""
    site = make_site(FORUM_MODERATION="all")
    site.add_article()
    return site


SEEN = ("state", "removed_by", "source", "html", "parent_id", "branch", "depth", "learned", "edited_at", "reasons")


def stand(site: Site) -> list[Any]:
    """All that a moderator can change, except how often it was changed."""
    with site.session() as session:
        comments = session.scalars(select(Comment).order_by(Comment.id)).all()
        threads = session.scalars(select(Thread).order_by(Thread.id)).all()
        counts = [(each.comments, each.closed, each.held, each.silent, each.pinned_id) for each in threads]
        settled = session.scalars(select(Report.settled_at).order_by(Report.id)).all()
        words = session.execute(select(Word.word, Word.spam, Word.ham).where(Word.spam + Word.ham > 0)).all()
        return [[getattr(each, name) for name in SEEN] for each in comments] + [
            counts,
            settled,
            sorted(map(tuple, words)),
        ]


@pytest.mark.parametrize(("path", "last"), [
    ([], "approve"), ([], "reject"), ([], "spam"), ([], "remove"),
    (["approve"], "unapprove"), (["approve"], "reject"), (["approve"], "spam"), (["approve"], "remove"),
    (["spam"], "restore"), (["approve", "spam"], "restore"), (["approve", "remove"], "restore"), (["spam"], "approve"),
])  # fmt: skip
def test_every_act_can_be_taken_back(strict: Site, path: list[Any], last: Any) -> None:
    """Undone, an act leaves the comment, the counts and the filter as they were before it."""
    posted = strict.comment("Cheap pills.")
    for what in path:
        act(strict, what, posted)
    before = stand(strict)
    done = act(strict, last, posted)
    assert stand(strict) != before
    assert take_back(strict, done.batch).done == 1
    after = stand(strict)
    # The place that was given with the first approval is kept for the next one.
    after[0][SEEN.index("branch")] = before[0][SEEN.index("branch")]
    assert after == before


def test_an_undone_approval_was_none(strict: Site) -> None:
    """Restored after an approval was taken back and it was called spam, a comment waits: it never was on the page."""
    posted = strict.comment()
    take_back(strict, act(strict, "approve", posted).batch)
    for what in ("spam", "restore"):
        act(strict, what, posted)  # type: ignore[arg-type]  # mypy does not see the literals in a tuple
    assert strict.get(posted).state == "held"


def test_an_answer_shows_that_it_was_published(strict: Site) -> None:
    """An approval that was answered before it was taken back leaves a tombstone above the answer."""
    posted = strict.comment()
    done = act(strict, "approve", posted)
    answer = strict.comment("An answer.", parent=posted)
    act(strict, "approve", answer)
    take_back(strict, done.batch)
    assert strict.get(posted).published_at is not None
    assert "An answer." in strict.visitor().get(strict.page).text


def test_an_edit_taken_back(site: Site) -> None:
    """The old words stand again, as if nobody had touched them."""
    posted = site.comment("Old words.")
    before = stand(site)
    done = edit(site, posted, "New words.")
    take_back(site, done.batch)
    assert stand(site) == before
    assert "Old words." in site.visitor().get(site.page).text


def test_a_move_taken_back(site: Site) -> None:
    """A comment and what was answered to it stand where they stood."""
    first, second = site.comment("One."), site.comment("Two.")
    site.comment("Three.", parent=second)
    before = stand(site)
    done = move(site, second, first)
    assert stand(site) != before
    take_back(site, done.batch)
    assert stand(site) == before


@pytest.mark.parametrize("name", ["closed", "held", "silent"])
def test_a_decision_about_a_page_taken_back(site: Site, name: Any) -> None:
    """A switch that was turned stands again where it stood."""
    site.comment()
    pressed = press(site)
    run(site, lambda session: pages.switch(session, pressed, 1, name, True))
    with site.session() as session:
        assert getattr(session.get_one(Thread, 1), name) is True
    assert take_back(site, pressed.batch).done == 1
    with site.session() as session:
        assert getattr(session.get_one(Thread, 1), name) is False


def test_settled_reports_are_open_again(site: Site) -> None:
    """Reports that an act has settled are open again when it is undone."""
    posted = site.comment()
    run(site, lambda session: reports.report(session, site.state.settings, posted, "other", "", "r", site.clock()))
    done = act(site, "approve", posted)
    with site.session() as session:
        assert session.scalars(select(Report.settled_by)).all() == [ANNA]
    take_back(site, done.batch)
    with site.session() as session:
        assert session.scalars(select(Report.settled_at)).all() == [None]


def test_what_was_changed_since_is_left(strict: Site) -> None:
    """Undoing a press on three comments leaves the one somebody has dealt with since, and says who did what when."""
    ids = [strict.comment(f"Number {n}.") for n in range(3)]
    pressed = press(strict)
    act_on_all(strict, pressed, "spam", bulk.Picked([(id_, 1) for id_ in ids]))
    strict.clock.advance(30)
    act(strict, "approve", ids[1], actor=BEN)
    undone = take_back(strict, pressed.batch)
    (left,) = undone.left
    assert (undone.done, left.id, left.by, left.act, left.at) == (2, ids[1], BEN, "approve", strict.clock())
    assert [strict.get(id_).state for id_ in ids] == ["held", "published", "held"]


def test_undone_once(strict: Site) -> None:
    """A press that was undone is not undone again, and the log keeps both."""
    posted = strict.comment()
    done = act(strict, "spam", posted)
    assert [take_back(strict, done.batch).done for _ in range(2)] == [1, 0]
    with strict.session() as session:
        rows = session.scalars(select(Audit).where(Audit.subject_kind == "comment").order_by(Audit.id)).all()
        assert [(row.act, row.before, row.after, row.cause) for row in rows] == [
            ("spam", "held", "spam", ""), ("undo", "spam", "held", "spam"),
        ]  # fmt: skip
        assert rows[0].undone_at == strict.clock()


def test_many_are_undone_in_chunks(strict: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """A press on many comments is undone call by call until nothing is left below."""
    monkeypatch.setattr("forum.moderation.undo.CHUNK", 2)
    for n in range(5):
        strict.comment(f"Number {n}.")
    pressed = press(strict)
    everything = bulk.Matching(Filter("held"), 5, strict.clock())
    assert act_on_all(strict, pressed, "spam", everything) == 5
    calls = [take_back(strict, pressed.batch)]
    while calls[-1].below is not None:
        calls.append(take_back(strict, pressed.batch, below=calls[-1].below))
    assert [undone.done for undone in calls] == [2, 2, 1]
    assert {strict.get(n).state for n in range(1, 6)} == {"held"}


def test_a_page_closed_again_is_left(site: Site) -> None:
    """A page that somebody opened and closed again since is closed in their name, and stays so."""
    site.comment()
    presses = [press(site), press(site, BEN), press(site, BEN)]
    for pressed, on in zip(presses, (True, False, True), strict=True):
        run(site, lambda session, pressed=pressed, on=on: pages.switch(session, pressed, 1, "closed", on))
    undone = take_back(site, presses[0].batch)
    assert (undone.done, [(left.by, left.act) for left in undone.left]) == (0, [(BEN, "close")])
    for pressed in reversed(presses):
        assert take_back(site, pressed.batch).done == 1
    with site.session() as session:
        assert session.get_one(Thread, 1).closed is False


def test_what_cannot_go_back_is_left(shared: Site) -> None:
    """A move from below a comment that is gone, and an edit whose earlier text is gone, are counted as left."""
    first, second = shared.comment("One."), shared.comment("Two.")
    act(shared, "approve", first)
    act(shared, "approve", second)
    answer = shared.comment("Three.", parent=second)
    moved, edited = move(shared, answer, first), edit(shared, first, "Another one.")
    run(shared, lambda session: session.execute(delete(Item).where(Item.comment_id == second)))
    run(shared, lambda session: session.execute(delete(Event).where(Event.comment_id == second)))
    run(shared, lambda session: session.execute(delete(Comment).where(Comment.id == second)))
    run(shared, lambda session: session.execute(delete(Revision)))
    for done in (moved, edited):
        undone = take_back(shared, done.batch)
        assert (undone.done, len(undone.left)) == (0, 1)
    assert (shared.get(answer).parent_id, shared.get(first).source) == (first, "Another one.")


# --- at one moment


@pytest.fixture
def shared(make_site: Callable[..., Site], database: dict[str, str]) -> Site:
    """A site on each kind of database where every comment waits for a moderator."""
    site = make_site(FORUM_MODERATION="all", **database)
    site.add_article()
    return site


def at_once(site: Site, *works: Callable[[], Any]) -> list[Any]:
    """Do all of it at one moment; what a database sacrificed is tried once more, a Conflict is an answer."""
    barrier = Barrier(len(works))

    def begin(work: Callable[[], Any]) -> Any:
        barrier.wait()
        while True:
            try:
                return work()
            except Conflict as error:
                return error
            except Exception as error:
                if not is_clash(error):
                    raise

    with ThreadPoolExecutor(len(works)) as threads:
        return list(threads.map(begin, works))


def test_two_moderators_at_one_moment(shared: Site) -> None:
    """Of two presses on one comment at one moment one is done, and the other is told whose that was."""
    posted = shared.comment()
    answers = at_once(
        shared,
        lambda: act(shared, "approve", posted, 1, ANNA),
        lambda: act(shared, "approve", posted, 1, BEN),
    )
    (error,) = [each for each in answers if isinstance(each, Conflict)]
    (done,) = [each for each in answers if isinstance(each, acts.Done)]
    with shared.session() as session:
        assert session.scalars(select(Audit.actor).where(Audit.act == "approve")).all() == [error.by]
        assert session.scalars(select(Thread.comments)).all() == [1]
    assert (done.act, error.act) == ("approve", "approve")


def test_an_undo_and_an_act_at_one_moment(shared: Site) -> None:
    """Undone while somebody calls it spam: one of both comes first, and the state is that of an order of the two."""
    posted = shared.comment()
    batch = act(shared, "approve", posted).batch
    undone, called = at_once(
        shared,
        lambda: take_back(shared, batch),
        lambda: act(shared, "spam", posted, 2, BEN),
    )
    comment = shared.get(posted)
    with shared.session() as session:
        assert session.scalars(select(Thread.comments)).all() == [0]
    if isinstance(called, Conflict):
        assert (undone.done, called.act, comment.state) == (1, "undo", "held")
    else:
        assert ([left.by for left in undone.left], comment.state) == ([BEN], "spam")
