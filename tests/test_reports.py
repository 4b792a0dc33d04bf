"""What readers report: once each, hidden when there are enough, and settled by whatever a moderator does."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import select

from forum.errors import NotFound
from forum.models import Audit, Report, Thread
from forum.moderation import reports
from tests.desk import act, run
from tests.test_undo import at_once
from tests.visitors import Site


def report(site: Site, id_: int, reporter: str, note: str = "") -> bool:
    """Have a reader report a comment as spam."""
    settings = site.state.settings
    return run(site, lambda session: reports.report(session, settings, id_, "spam", note, reporter, site.clock()))


def test_whoever_reports_twice_has_said_it_once(site: Site) -> None:
    """A second report of the same reader is none."""
    posted = site.comment()
    assert [report(site, posted, "a"), report(site, posted, "a"), report(site, posted, "b")] == [True, False, True]
    assert site.get(posted).state == "published"


def test_enough_reports_hide(site: Site) -> None:
    """With the third report a comment waits for a moderator, and the reason counts them."""
    posted = site.comment("Look at this.")
    for reader in "abc":
        report(site, posted, reader)
    comment = site.get(posted)
    assert (comment.state, comment.reasons) == ("held", ["reported:3"])
    assert "Look at this." not in site.visitor().get(site.page).text
    with site.session() as session:
        assert session.scalars(select(Thread.comments)).all() == [0]
        row = session.scalars(select(Audit).where(Audit.subject_kind == "comment")).one()
        assert (row.actor, row.act, row.before, row.after) == ("readers", "report", "published", "held")


def test_a_kept_comment_needs_as_many_new_reports(site: Site) -> None:
    """Approved after it was hidden, a comment is not hidden again by the reports from before."""
    posted = site.comment()
    for reader in "abc":
        report(site, posted, reader)
    act(site, "approve", posted)
    states = []
    for reader in "abdef":
        report(site, posted, reader)
        states.append(site.get(posted).state)
    assert states == ["published"] * 4 + ["held"]


def test_keeping_what_is_still_on_the_page(site: Site) -> None:
    """A reported comment that is approved stays, its reports are settled, and there is nothing to approve any more."""
    posted = site.comment()
    report(site, posted, "a")
    done = act(site, "approve", posted)
    assert (done.before, site.get(posted).state) == ("published", "published")
    with site.session() as session:
        assert session.scalars(select(Report.settled_at)).all() == [site.clock()]


@pytest.mark.parametrize("number", [0, 2])
def test_the_number_is_a_setting(make_site: Callable[..., Site], number: int) -> None:
    """FORUM_REPORT_HIDE_AFTER says how many; 0 never hides."""
    site = make_site(FORUM_REPORT_HIDE_AFTER=number)
    site.add_article()
    posted = site.comment()
    for reader in "ab":
        report(site, posted, reader)
    assert site.get(posted).state == ("held" if number else "published")


def test_what_is_not_on_the_page_cannot_be_reported(site: Site) -> None:
    """A comment that is gone, or never was, is reported by nobody."""
    posted = site.comment()
    act(site, "spam", posted)
    for id_ in (posted, 99):
        with pytest.raises(NotFound):
            report(site, id_, "a")


def test_a_long_note_is_cut(site: Site) -> None:
    """Five hundred characters of a note are kept."""
    report(site, site.comment(), "a", "x" * 600)
    with site.session() as session:
        assert session.scalars(select(Report.note)).all() == ["x" * 500]


def test_reports_at_one_moment(make_site: Callable[..., Site], database: dict[str, str]) -> None:
    """Six reports at one moment by three readers are three, and hide the comment once."""
    site = make_site(**database)
    site.add_article()
    posted = site.comment()
    at_once(site, *[lambda reader=reader: report(site, posted, reader) for reader in "abc"])
    comment = site.get(posted)
    assert (comment.state, comment.reasons) == ("held", ["reported:3"])
    with site.session() as session:
        assert session.scalars(select(Thread.comments)).all() == [0]
