"""Times written by a clock that ran ahead: what holds mail back must not do so until the world has caught up."""

from __future__ import annotations

import datetime as dt

import pytest

from forum.models import Throttle
from forum.outbox import breaker, throttle
from tests.visitors import Site

HOUR, YEAR = dt.timedelta(hours=1), dt.timedelta(days=365)
SERVER = "mail.example:25:"


def follow(site: Site, *names: str) -> None:
    """Have people post who are asked for a confirmation."""
    for name in names:
        site.comment(f"I am {name}.", name=name, email=f"{name}@small.example", notify="direct")


@pytest.mark.parametrize("ahead", [dt.timedelta(minutes=5), HOUR, YEAR])
def test_a_domain_is_slow_at_most_whatever_the_clock_said(site: Site, ahead: dt.timedelta) -> None:
    """A domain asked for less mail by a clock that ran ahead: it still gets some."""
    with site.session() as session:
        throttle.slow_down(session, site.state.settings, "small.example", "421", site.clock() + ahead)
        session.commit()
    follow(site, "ann", "ben")
    site.deliver()
    assert len(site.mails()) == 2


def test_mails_of_the_future_fill_no_domain(site: Site) -> None:
    """What a clock that ran ahead called sent is not counted against the domain until that time comes."""
    site.state.settings = site.state.settings.model_copy(update={"mail_domain_rate": 1})
    site.clock.advance(YEAR.total_seconds())
    follow(site, "ann")
    site.deliver()
    site.clock.advance(-YEAR.total_seconds())
    follow(site, "ben")
    site.deliver()
    assert len(site.mails()) == 2


def test_a_domain_that_asks_again_is_heard_whatever_the_clock_said(site: Site) -> None:
    """Asked by a clock a year ahead and again by the right one, the rate is that of the right one."""
    with site.session() as session:
        for now in (site.clock() + YEAR, site.clock()):
            throttle.slow_down(session, site.state.settings, "small.example", "421", now)
        row = session.query(Throttle).one()
        assert row.changed_at == site.clock()


def test_a_server_rests_no_longer_than_the_longest_rest(site: Site) -> None:
    """A breaker opened by a clock a year ahead lets a try through at once, and one try only."""
    with site.session() as session:
        breaker.trip(session, SERVER, "gone", site.clock() + YEAR, probe=False)
        rooms = [breaker.room(session, SERVER, site.clock(), 50) for _ in range(2)]
    assert rooms == [breaker.Room(1, probe=True), breaker.Room(0)]


def test_a_server_that_fails_again_rests_from_now(site: Site) -> None:
    """A failure counts although an earlier one was noted by a clock a year ahead."""
    with site.session() as session:
        for now in (site.clock() + YEAR, site.clock()):
            breaker.trip(session, SERVER, "gone", now, probe=False)
        assert breaker.room(session, SERVER, site.clock(), 50) == breaker.Room(0)
        assert breaker.room(session, SERVER, site.clock() + HOUR, 50) == breaker.Room(1, probe=True)
