"""What moderators do to one comment: where it goes, what is written down, who hears of it and when."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select, update

from forum import audit
from forum.errors import Conflict
from forum.explain.sentences import known
from forum.models import Audit, Event, Message, Revision, Thread, Word
from forum.moderation import acts
from tests.desk import ANNA, BEN, act, edit, press, run, take_back
from tests.visitors import Site, comment_id

ANN = "ann@reader.example"
GRACE = 60
# Longer than every wait of a mail: the grace period and the hold.
LATER = 600


@pytest.fixture
def strict(make_site: Callable[..., Site]) -> Site:
    """A site where every comment waits for a moderator."""
    site = make_site(FORUM_MODERATION="all")
    site.add_article()
    return site


def rows(site: Site) -> list[tuple[str, str, str | None, str | None]]:
    """The audit rows of comments: who, what, before and after."""
    with site.session() as session:
        query = select(Audit).where(Audit.subject_kind == "comment").order_by(Audit.id)
        return [(row.actor, row.act, row.before, row.after) for row in session.scalars(query)]


def thread(site: Site) -> Thread:
    with site.session() as session:
        return session.scalars(select(Thread)).one()


@pytest.mark.parametrize(("path", "state", "counted"), [
    (["approve"], "published", 1),
    (["approve", "unapprove"], "held", 0),
    (["approve", "reject"], "rejected", 0),
    (["approve", "spam"], "spam", 0),
    (["approve", "remove"], "removed", 0),
    (["approve", "spam", "restore"], "published", 1),
    (["approve", "remove", "restore"], "published", 1),
    (["spam", "restore"], "held", 0),
    (["reject", "restore"], "held", 0),
    (["remove", "restore"], "held", 0),
    (["spam", "approve"], "published", 1),
])  # fmt: skip
def test_where_an_act_leads(strict: Site, path: list[Any], state: str, counted: int) -> None:
    """Each act leads to its state: restored is what was on the page to the page, the rest to those that wait."""
    posted = strict.comment()
    for what in path:
        act(strict, what, posted)
    assert (strict.get(posted).state, thread(strict).comments) == (state, counted)
    assert [row[:2] for row in rows(strict)] == [(ANNA, what) for what in path]


@pytest.mark.parametrize(("path", "what"), [
    ([], "unapprove"), ([], "restore"), (["approve"], "approve"), (["spam"], "spam"), (["remove"], "approve"),
])  # fmt: skip
def test_an_act_that_the_state_does_not_allow(strict: Site, path: list[Any], what: Any) -> None:
    """Nothing is done where the act makes no sense."""
    posted = strict.comment()
    for earlier in path:
        act(strict, earlier, posted)
    with pytest.raises(Conflict):
        act(strict, what, posted)
    assert len(rows(strict)) == len(path)


def test_what_its_author_has_removed_stays_removed(site: Site) -> None:
    """A moderator cannot bring back what its author has taken away, words or not."""
    author = site.visitor()
    posted = comment_id(author.post())
    author.client.post(f"/forum/comments/{posted}/remove", headers={"Origin": "http://localhost"})
    for what in ("restore", "approve", "spam"):
        with pytest.raises(Conflict):
            act(site, what, posted)  # type: ignore[arg-type]  # mypy does not see the literals in a tuple
    assert (site.get(posted).state, site.get(posted).source) == ("removed", "")


def test_the_second_moderator_reads_who_was_faster(strict: Site) -> None:
    """Of two acts on one version the second is refused, and says who did what when."""
    posted = strict.comment()
    act(strict, "approve", posted)
    strict.clock.advance(5)
    with pytest.raises(Conflict) as caught:
        act(strict, "spam", posted, version=1, actor=BEN)
    error = caught.value
    assert (audit.name_of(error.by or ""), error.act) == ("Anna", "approve")
    assert error.at == strict.clock() - dt.timedelta(seconds=5)


def test_an_act_says_why(strict: Site) -> None:
    """The reason a moderator gives is kept with the act, however long."""
    posted = strict.comment()
    act(strict, "reject", posted, why="Too rude, " * 30)
    with strict.session() as session:
        assert (session.scalars(select(Audit.data)).all()[-1] or {})["why"].startswith("Too rude, Too rude")


def test_an_approved_top_level_comment_gets_the_next_place(strict: Site) -> None:
    """Comments stand in the order they were approved in, and one that comes back stands where it stood."""
    one, two = strict.comment("One."), strict.comment("Two.")
    act(strict, "approve", two)
    act(strict, "approve", one)
    act(strict, "unapprove", two)
    act(strict, "approve", two)
    assert [strict.get(two).branch, strict.get(one).branch, thread(strict).branches] == [1, 2, 2]


# --- mail


@pytest.fixture
def answered(make_site: Callable[..., Site]) -> tuple[Site, int]:
    """A site with a held answer to somebody who asked to be told."""
    site = make_site()
    site.add_article()
    first = site.follower("Ann")
    site.state.settings = site.state.settings.model_copy(update={"moderation": "all"})
    return site, site.comment("An answer.", parent=first)


def replies(site: Site) -> int:
    return len(site.mails(ANN, reason="reply"))


def test_the_mail_of_an_approval_waits_for_second_thoughts(answered: tuple[Site, int]) -> None:
    """Within the grace period nothing is even prepared; after it the mail leaves."""
    site, posted = answered
    act(site, "approve", posted)
    site.deliver(GRACE - 1)
    with site.session() as session:
        query = select(Event.state).where(Event.comment_id == posted, Event.kind == "published")
        assert session.scalars(query).all() == ["new"]
    site.deliver(LATER)
    assert replies(site) == 1


def test_an_approval_undone_in_time_sends_nothing_ever(answered: tuple[Site, int]) -> None:
    """Undone within the grace period, an approval is never mailed."""
    site, posted = answered
    done = act(site, "approve", posted)
    site.deliver(GRACE - 1)
    take_back(site, done.batch)
    site.deliver(LATER)
    assert replies(site) == 0


@pytest.mark.parametrize("between", [0, LATER])
def test_approved_again_is_told_then(answered: tuple[Site, int], between: int) -> None:
    """An approval that was undone and made again is told once, a grace period after the second time."""
    site, posted = answered
    take_back(site, act(site, "approve", posted).batch)
    site.deliver(between)
    act(site, "approve", posted)
    site.deliver(GRACE - 1)
    assert replies(site) == 0
    site.deliver(LATER)
    assert replies(site) == 1


def test_nobody_is_told_twice(answered: tuple[Site, int]) -> None:
    """Unapproved after it was mailed and approved again, a comment is not mailed once more."""
    site, posted = answered
    for what in ("approve", "unapprove", "approve"):
        act(site, what, posted)  # type: ignore[arg-type]  # mypy does not see the literals in a tuple
        site.deliver(LATER)
    assert replies(site) == 1


def test_what_was_spared_while_it_was_gone_is_told_when_it_is_back(answered: tuple[Site, int]) -> None:
    """Whoever was spared a mail since the comment was set aside gets it after it was restored."""
    site, posted = answered
    site.state.settings = site.state.settings.model_copy(update={"mail_hold_seconds": 120})
    act(site, "approve", posted)
    site.deliver(GRACE)
    act(site, "spam", posted)
    site.deliver(LATER)
    assert replies(site) == 0
    act(site, "restore", posted)
    site.deliver(GRACE - 1)
    assert replies(site) == 0
    site.deliver(LATER)
    assert replies(site) == 1


@pytest.fixture
def telling(make_site: Callable[..., Site]) -> tuple[Site, int]:
    """A site that tells authors what became of their comments, and a held one of a confirmed author."""
    site = make_site(FORUM_MAIL_NOTICES=True)
    site.add_article()
    site.follower("Ann")
    site.state.settings = site.state.settings.model_copy(update={"moderation": "all"})
    return site, site.comment("Please.", name="Ann", email=ANN)


def notices(site: Site) -> list[tuple[str, str | None]]:
    with site.session() as session:
        query = select(Message.state, Message.skip_reason).where(Message.kind == "notice").order_by(Message.id)
        return [(state, reason) for state, reason in session.execute(query)]


def test_a_notice_waits_and_leaves(telling: tuple[Site, int]) -> None:
    """An author is told of a decision when the grace period is over."""
    site, posted = telling
    act(site, "approve", posted)
    site.deliver(GRACE - 1)
    assert notices(site) == [("ready", None)]
    site.deliver(1)
    assert notices(site) == [("sent", None)]


def test_a_notice_of_what_was_undone_does_not_leave(telling: tuple[Site, int]) -> None:
    """The notice of a decision that was taken back is cancelled, that of the next one leaves."""
    site, posted = telling
    take_back(site, act(site, "reject", posted).batch)
    act(site, "approve", posted)
    site.deliver(LATER)
    assert notices(site) == [("cancelled", "undone"), ("sent", None)]
    assert "undone" in known()


def test_an_author_is_told_a_decision_once(telling: tuple[Site, int]) -> None:
    """Undone after the notice has left and made again, a decision is not told again; another one is."""
    site, posted = telling
    for what in ("approve", "approve", "reject", "approve"):
        done = act(site, what, posted)  # type: ignore[arg-type]  # mypy does not see the literals in a tuple
        site.deliver(LATER)
        take_back(site, done.batch)
    assert notices(site) == [("sent", None)] * 3


# --- lessons


def lessons(site: Site) -> tuple[int, int]:
    """How many comments the filter knows as spam and as ham."""
    with site.session() as session:
        row = session.get(Word, "")
        return (row.spam, row.ham) if row else (0, 0)


@pytest.mark.parametrize(("path", "taught"), [
    (["spam"], (1, 0)), (["approve"], (0, 1)), (["spam", "restore"], (0, 1)), (["reject"], (0, 0)),
    (["reject", "restore"], (0, 0)), (["approve", "spam"], (1, 0)), (["approve", "reject"], (0, 0)),
    (["approve", "unapprove"], (0, 0)), (["approve", "remove"], (0, 0)), (["spam", "reject"], (0, 0)),
    (["spam", "remove"], (1, 0)), (["spam", "remove", "restore"], (0, 1)), (["spam", "reject", "restore"], (0, 0)),
    (["approve", "reject", "approve"], (0, 1)),
])  # fmt: skip
def test_what_the_filter_learns(strict: Site, path: list[Any], taught: tuple[int, int]) -> None:
    """Spam teaches spam, also when it is cleared away; what was approved, or brought back from there, teaches ham for
    as long as it is not taken down; rejection teaches nothing, and takes back what was taught.
    """
    posted = strict.comment("Cheap pills and watches.")
    for what in path:
        act(strict, what, posted)
    assert lessons(strict) == taught


@pytest.mark.parametrize(("path", "taught"), [(["approve", "reject"], (0, 1)), (["spam", "reject"], (1, 0))])
def test_a_lesson_that_was_taken_back_returns_with_the_undo(
    strict: Site, path: list[Any], taught: tuple[int, int]
) -> None:
    """Undone, a rejection leaves the filter with what it knew before."""
    posted = strict.comment("Cheap pills and watches.")
    done = [act(strict, what, posted) for what in path]
    take_back(strict, done[-1].batch)
    assert lessons(strict) == taught


# --- edits


def test_an_edit_keeps_what_stood_there(site: Site) -> None:
    """A moderator's edit shows the new words and keeps the old ones with who changed them, and mails nobody."""
    first = site.follower("Ann")
    posted = site.comment("Old <b>words</b>.", parent=first)
    site.deliver(LATER)
    before = len(site.mails())
    edit(site, posted, "New words.")
    site.deliver(LATER)
    assert ("New words." in site.get(posted).html, len(site.mails())) == (True, before)
    with site.session() as session:
        (revision,) = session.scalars(select(Revision))
        assert (revision.source, revision.actor) == ("Old <b>words</b>.", ANNA)
    assert "New words." in site.visitor().get(site.page).text


def test_a_moderators_edit_is_not_screened(site: Site) -> None:
    """Where all comments are read first, what a moderator has edited stays on the page."""
    posted = site.comment()
    site.state.settings = site.state.settings.model_copy(update={"moderation": "all"})
    edit(site, posted, "New words.")
    assert site.get(posted).state == "published"


def test_an_authors_edit_leaves_a_revision_and_a_removal_none(site: Site) -> None:
    """An author's edit keeps the words before it, until the author removes the comment."""
    author = site.visitor()
    posted = comment_id(author.post(body="Old words."))
    origin = {"Origin": "http://localhost"}
    author.client.post(f"/forum/comments/{posted}/edit", data={"body": "New words."}, headers=origin)
    with site.session() as session:
        found = [(revision.source, revision.actor) for revision in session.scalars(select(Revision))]
        assert found == [("Old words.", "author")]
    author.client.post(f"/forum/comments/{posted}/remove", headers=origin)
    with site.session() as session:
        assert session.scalars(select(Revision)).all() == []


def test_an_act_on_what_the_author_has_edited_is_refused(strict: Site) -> None:
    """A moderator does not approve words they have not read: the refusal names the author's edit."""
    author = strict.visitor()
    posted = comment_id(author.post(body="Kind words."))
    data = {"body": "Other words."}
    author.client.post(f"/forum/comments/{posted}/edit", data=data, headers={"Origin": "http://localhost"})
    with pytest.raises(Conflict) as caught:
        act(strict, "approve", posted, version=1)
    assert (caught.value.by, caught.value.act) == ("author", "edit")


def test_the_state_of_a_silent_page_is_told_to_nobody(answered: tuple[Site, int]) -> None:
    """On a page without mail an approved answer is mailed to nobody, and the ledger says why."""
    site, posted = answered
    run(site, lambda session: session.execute(update(Thread).values(silent=True)))
    act(site, "approve", posted)
    site.deliver(LATER)
    assert (replies(site), "article_silent" in known()) == (0, True)


def test_presses_have_names_of_their_own(site: Site) -> None:
    """No two presses share a batch, so that undoing one never touches another."""
    assert len({press(site).batch for _ in range(100)}) == 100
    assert isinstance(press(site), acts.Press)
