"""What authors do to their own comments at any time: the filter unlearns, copies are known, the desk reads of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from forum import comments, learning, preferences
from forum.errors import Conflict
from forum.models import Address, Audit, Comment
from forum.screening.bayes import COMMENTS, Seen
from tests.desk import act, edit, run
from tests.visitors import Site

ANN = "ann@reader.example"
PILLS = "Cheap pills for everybody here."


@pytest.fixture
def strict(make_site: Callable[..., Site], database: dict[str, str]) -> Iterator[Site]:
    """A site on each database on which every comment waits."""
    site = make_site(FORUM_MODERATION="all", **database)
    site.add_article()
    yield site
    with site.app.app_context():
        site.state.db.session.remove()


@pytest.mark.parametrize("how", ["edited", "removed", "anonymised", "forgotten"])
def test_what_was_learned_goes_before_the_words_do(strict: Site, how: str) -> None:
    """Whoever edits or deletes a comment, takes the name off it or has themselves forgotten leaves no word behind."""
    posted = strict.comment(PILLS, name="Ann", email=ANN, website="https://ann.example")
    act(strict, "approve", posted)
    assert learned(strict)["pills"] == Seen(0, 1)
    run(strict, lambda session: _change(strict, session, session.get_one(Comment, posted), how))
    assert learned(strict) in ({}, {COMMENTS: Seen(0, 0)})
    assert strict.get(posted).learned is None


def _change(site: Site, session: Session, comment: Comment, how: str) -> None:
    now, settings = site.clock(), site.state.settings
    if how == "edited":
        assert comments.edit(session, comment, "A fine loaf.", settings, now)
    elif how == "removed":
        comments.remove(session, comment, now)
    elif how == "anonymised":
        preferences.anonymise(session, comment)
    else:
        address = session.scalars(select(Address).where(Address.key == ANN)).one()
        preferences.forget(session, site.state.keys, address, now)


def learned(site: Site) -> dict[str, Seen]:
    with site.session() as session:
        return dict(learning.export(session))


def test_a_moderators_edit_keeps_the_lesson(strict: Site) -> None:
    """The decision still counts after a moderator has put a word right, for the words that stand there now."""
    posted = strict.comment(PILLS)
    act(strict, "approve", posted)
    edit(strict, posted, "Cheap loaves for everybody here.")
    known = learned(strict)
    assert (known[COMMENTS], known["loaves"], "pills" in known) == (Seen(0, 1), Seen(0, 1), False)


def test_an_edited_text_is_a_copy_of_nothing_old(strict: Site) -> None:
    """Copies are known by the text that stands there: an edit changes by what, and a removal forgets it."""
    posted = strict.comment(PILLS)
    run(strict, lambda session: _change(strict, session, session.get_one(Comment, posted), "edited"))
    other = strict.comment("A fine loaf, and a second one too.")
    before = strict.get(other).text_hash
    assert (strict.get(posted).text_hash, before is None) == (None, False)
    run(strict, lambda session: _change(strict, session, session.get_one(Comment, other), "removed"))
    assert strict.get(other).text_hash is None


def test_a_moderator_reads_that_the_author_was_faster(strict: Site) -> None:
    """A comment its author has deleted meanwhile cannot be approved, and the answer says who deleted it and when."""
    posted = strict.comment(PILLS)
    seen = strict.get(posted).version
    run(strict, lambda session: comments.remove(session, session.get_one(Comment, posted), strict.clock()))
    with pytest.raises(Conflict) as caught:
        act(strict, "approve", posted, seen)
    assert (caught.value.by, caught.value.act, caught.value.at) == ("author", "remove", strict.clock())
    with strict.session() as session:
        row = session.scalars(select(Audit).where(Audit.act == "remove")).one()
        assert (row.before, row.after, row.batch) == ("held", "removed", None)
