"""What readers report: once each, hidden when there are enough, and settled by whatever a moderator does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import func, select

from forum.errors import NotFound
from forum.models import Audit, Report, Thread
from forum.moderation import reports, retention
from tests.desk import act, edit, run, take_back
from tests.test_undo import at_once
from tests.visitors import Site


def report(site: Site, id_: int, reporter: str, note: str = "") -> bool:
    """Have a reader report a comment as spam; one letter is a reader in a network of their own."""
    settings, name = site.state.settings, reporter * (64 // len(reporter))
    return run(site, lambda session: reports.report(session, settings, id_, "spam", note, name, site.clock()))


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


@pytest.mark.parametrize("path", [["approve"], ["spam", "restore"]])
def test_what_a_moderator_kept_is_hidden_by_a_moderator_only(site: Site, path: list[Any]) -> None:
    """Approved or restored after it was hidden, a comment stays whatever readers report, and the reports are open."""
    posted = site.comment()
    for reader in "abc":
        report(site, posted, reader)
    for what in path:
        act(site, what, posted)
    assert [report(site, posted, reader) for reader in "abdef"] == [False, False, True, True, True]
    assert site.get(posted).state == "published"
    with site.session() as session:
        assert reports.are_open(session, posted)


@pytest.mark.parametrize(("back", "readers"), [("edit", "bcd"), ("undo", "bc")])
def test_other_words_than_the_kept_ones_are_hidden(site: Site, back: str, readers: str) -> None:
    """After an edit, and after the approval was undone, a comment is hidden by enough open reports."""
    posted = site.comment()
    report(site, posted, "a")
    done = act(site, "approve", posted)
    if back == "edit":
        edit(site, posted, "Other words.")
    else:
        take_back(site, done.batch)
    for reader in readers:
        report(site, posted, reader)
    assert site.get(posted).state == "held"


def test_what_a_moderator_kept_stays_so_when_the_privacy_clock_has_gone_round(site: Site) -> None:
    """Long after the decision, when the settled reports are gone, readers still cannot hide what was approved."""
    posted = site.comment()
    for reader in "abc":
        report(site, posted, reader)
    act(site, "approve", posted)
    site.clock.advance(5 * 365 * 86_400)
    clock = retention.Clock(site.state.keys, site.state.settings, site.clock())
    for rule in retention.RULES:
        run(site, lambda session, rule=rule: retention.prune(session, rule, clock))
    assert [report(site, posted, reader) for reader in "abcd"] == [True] * 4
    assert site.get(posted).state == "published"


@pytest.mark.parametrize(("readers", "state"), [
    # An account, its network, and all that its provider has given that customer.
    ([("1", "a", "p"), ("2", "a", "p"), ("3", "b", "p"), (None, "a", "p"), (None, "c", "p")], "published"),
    ([("1", "a", "p"), ("1", "b", "q"), ("1", "c", "r")], "published"),
    ([("1", "a", "p"), ("2", "b", "q"), (None, "c", "r")], "held"),
    ([("1", None, None), ("2", None, None), ("3", None, None)], "held"),
    ([(None, None, None)] * 3, "published"),
])  # fmt: skip
def test_one_place_is_one_voice(site: Site, readers: list[tuple[str | None, ...]], state: str) -> None:
    """Accounts and networks can be had by the dozen: what comes from one place counts once, and so does an account."""
    posted = site.comment()
    for account, network, widest in readers:
        report(site, posted, reports.reporter(site.state.keys, account, network, widest))
    assert site.get(posted).state == state
    with site.session() as session:
        kept = session.scalar(select(func.count()).select_from(Report))
    assert kept == len({account or network for account, network, _ in readers})


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
