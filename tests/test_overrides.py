"""What admins change on a running site: what may be, when it counts, where, and who is told."""

from __future__ import annotations

import datetime as dt
import json
import logging
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from click.testing import Result
from sqlalchemy import select, text, update

from forum import create_app, overrides
from forum.cli import forum_cli
from forum.errors import SettingsError
from forum.models import Audit, Base, Setting
from forum.overrides import Override, Polled
from forum.settings import Settings
from forum.sqlite import begin_writing
from forum.state import get
from tests.conftest import QUIET, ROOT
from tests.visitors import Clock, Site

NOON = dt.datetime(2026, 11, 22, 12, 0, tzinfo=dt.UTC)
POLL = 2


@pytest.fixture
def on_any(make_site: Callable[..., Site], database: dict[str, str]) -> Site:
    """A site on each kind of database."""
    site = make_site(**database)
    site.add_article()
    return site


def change(site: Site, actor: str = "ada@forum.example", **values: Any) -> list[str]:
    """Change settings as an admin does in another process: nobody here is told."""
    changes = {f"FORUM_{name.upper()}": value for name, value in values.items()}
    with site.session() as session:
        begin_writing(session)
        changed = overrides.change(session, site.state.base, changes, actor, site.clock())
        session.commit()
    return changed


def reset(site: Site, *keys: str) -> list[str]:
    with site.session() as session:
        begin_writing(session)
        gone = overrides.reset(session, site.state.base, keys, "ada@forum.example", site.clock())
        session.commit()
    return gone


def asked(site: Site) -> Settings:
    """The settings that a reader's request finds."""
    assert site.visitor().get(site.page).status_code == 200
    return site.state.settings


def run(site: Site, *args: str) -> Result:
    """Run `flask forum …` on the site."""
    return site.app.test_cli_runner().invoke(forum_cli, args)


# --- changing


def test_a_change_is_stored_and_audited(on_any: Site) -> None:
    """A change leaves who made it and when, and a row that says from what to what."""
    assert change(on_any, per_page=7, hold_words=["casino"]) == ["FORUM_PER_PAGE", "FORUM_HOLD_WORDS"]
    with on_any.session() as session:
        assert overrides.load(session) == {
            "FORUM_PER_PAGE": Override(7, "ada@forum.example", on_any.clock()),
            "FORUM_HOLD_WORDS": Override(["casino"], "ada@forum.example", on_any.clock()),
        }
        row = session.scalars(select(Audit).where(Audit.cause == "FORUM_PER_PAGE")).one()
        assert (row.act, row.subject_kind, row.actor) == ("setting_changed", "setting", "ada@forum.example")
        assert (row.before, row.after) == ("50", "7")
        assert row.data == {"key": "FORUM_PER_PAGE", "before": 50, "after": 7}


def test_a_long_value_is_audited_in_full(site: Site) -> None:
    """The row's short texts are cut, its data is not."""
    words = [f"word number {number}" for number in range(200)]
    change(site, hold_words=words)
    with site.session() as session:
        row = session.scalars(select(Audit).where(Audit.act == "setting_changed")).one()
    assert row.after is not None
    assert row.data is not None
    assert len(row.after) == 190
    assert row.data["after"] == words


def test_what_is_so_already_is_no_change(site: Site) -> None:
    """A value that counts already is neither stored nor audited."""
    assert change(site, per_page=50) == []
    with site.session() as session:
        assert overrides.load(session) == {}
        assert session.scalars(select(Audit).where(Audit.subject_kind == "setting")).all() == []


def test_everything_wrong_is_said_at_once_and_nothing_stored(site: Site) -> None:
    """One wrong key keeps the right ones from being stored, and each wrong one is named."""
    with pytest.raises(SettingsError) as caught:
        change(site, per_page=0, max_depth=99, site_name="Right")
    assert [line.partition(" ")[0] for line in caught.value.problems] == ["FORUM_MAX_DEPTH", "FORUM_PER_PAGE"]
    with site.session() as session:
        assert overrides.load(session) == {}


@pytest.mark.parametrize("name", ["moderators", "admins", "base_url", "metrics_token", "secret_key", "no_such_key"])
def test_infrastructure_is_nobodys_to_change(site: Site, name: str) -> None:
    """Only policy keys can be changed; one that got into the table all the same does not count."""
    with pytest.raises(SettingsError):
        change(site, **{name: ["eve@evil.example"]})
    store(site, f"FORUM_{name.upper()}", ["eve@evil.example"])
    site.clock.advance(POLL)
    assert asked(site) == site.state.base


def test_a_reset_brings_the_configuration_back(on_any: Site) -> None:
    """After a reset the file counts again, and the log has both values."""
    change(on_any, per_page=7)
    assert reset(on_any, "FORUM_PER_PAGE", "FORUM_MAX_DEPTH") == ["FORUM_PER_PAGE"]
    with on_any.session() as session:
        assert overrides.load(session) == {}
        row = session.scalars(select(Audit).where(Audit.act == "setting_reset")).one()
        assert (row.cause, row.before, row.after) == ("FORUM_PER_PAGE", "7", "50")


def test_those_who_change_at_one_moment_take_turns(on_any: Site) -> None:
    """Of simultaneous first changes of one key each is stored after the other, and says what it found."""
    gate = threading.Barrier(4)

    def press(number: int) -> None:
        gate.wait(10)
        change(on_any, actor=f"a{number}@forum.example", per_page=10 + number)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(press, range(4)))
    with on_any.session() as session:
        found = overrides.load(session)["FORUM_PER_PAGE"]
        rows = session.scalars(select(Audit).where(Audit.act == "setting_changed").order_by(Audit.id)).all()
    assert found.by == f"a{found.value - 10}@forum.example"
    assert [row.before for row in rows] == ["50", *(row.after for row in rows[:-1])]


# --- what counts


def store(site: Site, key: str, value: Any) -> None:
    """Put a row into the table as a release with other rules would have."""
    with site.session() as session:
        session.add(Setting(key=key, value=value, changed_by="ada@forum.example", changed_at=site.clock()))
        session.commit()


def test_the_admin_is_over_the_configuration(make_site: Callable[..., Site]) -> None:
    """Default, file, environment, admin: the last one counts, for the keys it names alone."""
    site = make_site(FORUM_PER_PAGE=20, FORUM_MAX_DEPTH=3)
    site.add_article()
    change(site, per_page=7)
    settings = asked(site)
    assert (settings.per_page, settings.max_depth) == (7, 3)
    assert (site.state.base.per_page, site.state.base.max_depth) == (20, 3)


def test_lists_count_as_the_model_keeps_them(site: Site) -> None:
    """A list comes back from the database as the same frozen value that a file gives."""
    change(site, rate_limits=["1 per day"])
    assert asked(site).rate_limits == ("1 per day",)


@pytest.mark.parametrize(("key", "value"), [("FORUM_PER_PAGE", 100_000), ("FORUM_PER_PAGE", "7"), ("FORUM_GONE", 1)])
def test_what_is_no_longer_valid_stops_nothing(
    site: Site, caplog: pytest.LogCaptureFixture, key: str, value: Any
) -> None:
    """A stored value that a release no longer allows is left out and logged once; the others count."""
    store(site, key, value)
    change(site, max_depth=2)
    with caplog.at_level(logging.WARNING, "forum"):
        for _ in range(3):
            site.clock.advance(POLL)
            settings = asked(site)
    assert (settings.per_page, settings.max_depth) == (50, 2)
    assert len([record for record in caplog.records if key in record.getMessage()]) == 1


# --- when it counts


def test_others_follow_within_two_seconds(make_site: Callable[..., Site]) -> None:
    """A process that is already running takes a change over when two seconds have passed since it last asked."""
    site = make_site(FORUM_MODERATION="none")
    site.add_article()
    assert asked(site).moderation == "none"
    change(site, moderation="all")
    site.clock.advance(POLL - 0.1)
    assert asked(site).moderation == "none"
    site.clock.advance(0.1)
    assert asked(site).moderation == "all"
    assert site.visitor().post().headers["Location"].endswith("/held")


def test_a_clock_that_was_put_back_ends_nothing(site: Site) -> None:
    """An hour put back is two seconds too."""
    asked(site)
    change(site, per_page=7)
    site.clock.advance(-3600)
    assert asked(site).per_page == 7


def test_a_warm_page_asks_every_two_seconds_at_most(site: Site) -> None:
    """Ten readers within two seconds cost no SELECT, the one after them costs one."""
    site.comment()
    asked(site)
    with site.statements() as seen:
        for _ in range(10):
            asked(site)
    assert seen == []
    site.clock.advance(POLL)
    with site.statements() as seen:
        asked(site)
        asked(site)
    assert [statement for statement in seen if "forum_setting" in statement] == seen
    assert len(seen) == 1


def test_kept_pages_follow(site: Site) -> None:
    """A page in memory is drawn anew when a setting that shows on it changes, and its ETag with it."""
    for number in range(3):
        site.comment(f"Number {number}.")
    before = site.visitor().get(site.page)
    change(site, per_page=1)
    site.clock.advance(POLL)
    after = site.visitor().get(site.page, headers={"If-None-Match": before.headers["ETag"]})
    assert after.status_code == 200
    assert after.text.count('class="forum-comment"') == 1


def test_limits_follow(site: Site) -> None:
    """A limit that an admin sets counts from then on."""
    change(site, rate_limits=["1 per hour"])
    site.clock.advance(POLL)
    assert site.visitor().post(body="One.").status_code == 303
    assert site.visitor().post(body="Two.").status_code == 429


def test_delivery_follows(site: Site) -> None:
    """A round of delivery asks by itself: a page need not have been opened since the change."""
    site.comment("An answer.", parent=site.follower("Ann"))
    change(site, site_name="Renamed")
    site.clock.advance(POLL)
    site.deliver()
    assert "Renamed" in site.mails("ann@reader.example", reason="reply")[0]["From"]


def test_commands_follow(site: Site) -> None:
    """A command that reads the settings reads those that count."""
    change(site, mail_contact="1 Bread Street")
    with site.app.app_context():
        assert get().settings.mail_contact == "1 Bread Street"


def test_a_host_in_a_transaction_is_left_in_it(site: Site) -> None:
    """Whoever has begun a transaction before Forum is asked finds it as it was, with what was not flushed yet."""
    change(site, per_page=7)
    site.clock.advance(POLL)
    with site.app.app_context():
        session = site.state.session
        row = Setting(key="mine", value=1, changed_by="x", changed_at=NOON)
        session.add(row)
        site.state.follow_admins()
        assert site.state.settings.per_page == 7
        assert row in session.new
        session.rollback()


def test_asking_leaves_no_transaction_behind(site: Site) -> None:
    """Whoever writes after it can still say so before the first statement."""
    with site.app.app_context():
        site.state.follow_admins()
        assert not site.state.session.in_transaction()


def test_two_sites_do_not_feel_each_other(make_site: Callable[..., Site]) -> None:
    """A change on one site of the process is none on the other."""
    one, two = make_site(), make_site()
    for site in (one, two):
        site.add_article()
    change(one, per_page=7)
    for site in (one, two):
        site.clock.advance(POLL)
    assert (asked(one).per_page, asked(two).per_page) == (7, 50)


# --- without a database


def test_a_site_without_tables_has_its_configuration(make_site: Callable[..., Site]) -> None:
    """Before the first `db upgrade`, and while the tables are away, what was known counts."""
    site = make_site(FORUM_PER_PAGE=20)
    with site.app.app_context():
        engine = site.state.db.engine
        Base.metadata.drop_all(engine)
        site.state.follow_admins(at_once=True)
        assert site.state.settings.per_page == 20
        Base.metadata.create_all(engine)
    change(site, per_page=7)
    with site.app.app_context():
        site.state.follow_admins(at_once=True)
        Base.metadata.drop_all(engine)
        site.state.follow_admins(at_once=True)
        assert site.state.settings.per_page == 7


def test_a_database_that_is_away_stops_no_command() -> None:
    """With nobody where the database should be, `config show` says what the configuration says, and what it lacks."""
    uri = "sqlite:////nowhere/at/all.db"
    app = create_app(ROOT, **{**QUIET, "SQLALCHEMY_DATABASE_URI": uri, "FORUM_PER_PAGE": 20})
    result = run(Site(app, Clock()), "config", "show")
    assert result.exit_code == 0
    assert "FORUM_PER_PAGE = 20  (override)" in result.stdout
    assert "cannot be asked" in result.stderr


# --- who asks


def test_an_answer_from_before_ones_own_change_is_old() -> None:
    """A thread that read just before this process changed something does not undo that."""
    taken: list[Any] = []
    polled = Polled(taken.append)
    ticket = polled.is_due(NOON)
    polled.forget()
    assert ticket is not None
    polled.hear(ticket, {"FORUM_PER_PAGE": Override(7, "ada", NOON)})
    assert taken == []


def test_what_is_known_is_not_taken_again() -> None:
    """The same answer twice is news once."""
    taken: list[Any] = []
    polled = Polled(taken.append)
    for seconds in (0, 10):
        ticket = polled.is_due(NOON + dt.timedelta(seconds=seconds))
        assert ticket is not None
        polled.hear(ticket, {"FORUM_PER_PAGE": Override(7, "ada", NOON)})
    assert len(taken) == 1


# --- on the command line


def test_show_names_the_admin(site: Site) -> None:
    """`config show` says who changed a key and when, for people and for scripts; the other sources stay."""
    change(site, per_page=7)
    shown = run(site, "config", "show").stdout
    assert "FORUM_PER_PAGE = 7  (admin (ada@forum.example, 2026-11-22 12:00 UTC))" in shown
    assert 'FORUM_MODERATION = "none"  (config/development.toml)' in shown
    rows = json.loads(run(site, "config", "show", "--json").stdout)
    assert rows["FORUM_PER_PAGE"] == {"value": 7, "source": "admin (ada@forum.example, 2026-11-22 12:00 UTC)"}


def test_show_names_what_does_not_count(site: Site) -> None:
    """A stored value that is not allowed is named on stderr, and the value that counts has its own source."""
    store(site, "FORUM_PER_PAGE", 100_000)
    result = run(site, "config", "show")
    assert "FORUM_PER_PAGE = 50  (default)" in result.stdout
    assert "What ada@forum.example has set does not count: FORUM_PER_PAGE = 100000" in result.stderr


def test_reset_on_the_command_line(site: Site) -> None:
    """`config reset` forgets what an admin has set, says what counts now, and leaves its own name in the log."""
    change(site, per_page=7)
    assert run(site, "config", "reset", "FORUM_PER_PAGE").stdout == "FORUM_PER_PAGE = 50  (default)\n"
    with site.session() as session:
        assert session.scalars(select(Audit.actor).where(Audit.act == "setting_reset")).all() == ["command line"]


def test_reset_of_what_nobody_changed(site: Site) -> None:
    """A key without an override is one clear line, and a failure."""
    result = run(site, "config", "reset", "FORUM_PER_PAGE")
    assert (result.exit_code, result.stderr) == (1, "No admin has changed FORUM_PER_PAGE.\n")


def test_reset_of_a_key_that_is_gone(site: Site) -> None:
    """What a release has left behind can be cleared away."""
    store(site, "FORUM_GONE", 1)
    assert run(site, "config", "reset", "FORUM_GONE").exit_code == 0
    with site.session() as session:
        assert overrides.load(session) == {}


def test_the_version_changes_with_every_change(site: Site) -> None:
    """What a page has seen can be compared with what is stored, also when a value was changed and changed back."""
    seen = set()
    for value in (7, 8, 7):
        change(site, per_page=value)
        site.clock.advance(1)
        with site.session() as session:
            seen.add(overrides.version(overrides.load(session)))
            session.execute(update(Setting).values(changed_at=site.clock()))
    assert len(seen) == 3


# --- damaged by hand


@pytest.mark.parametrize("damage", ["value = '{\"half'", "changed_at = 'yesterday'"])
def test_a_damaged_row_stops_nothing(site: Site, caplog: pytest.LogCaptureFixture, damage: str) -> None:
    """A row that cannot be read is left out and logged once; the others count, and a reset clears it away."""
    change(site, max_depth=2, per_page=7)
    with site.session() as session:
        session.execute(text(f"UPDATE forum_setting SET {damage} WHERE \"key\" = 'FORUM_PER_PAGE'"))
        session.commit()
    with caplog.at_level(logging.WARNING, "forum"):
        for _ in range(3):
            site.clock.advance(POLL)
            settings = asked(site)
    assert (settings.per_page, settings.max_depth) == (50, 2)
    assert [line.getMessage() for line in caplog.records if "FORUM_PER_PAGE" in line.getMessage()] == [
        "what an admin has set does not count: "
        "FORUM_PER_PAGE is not allowed: it must be stored anew, as what is there cannot be read."
    ]
    assert reset(site, "FORUM_PER_PAGE") == ["FORUM_PER_PAGE"]
    with site.session() as session:
        assert overrides.load(session).keys() == {"FORUM_MAX_DEPTH"}


def test_a_damaged_row_can_be_set_anew(site: Site) -> None:
    """Whoever changes the key puts a whole row in the place of the damaged one."""
    change(site, per_page=7)
    with site.session() as session:
        session.execute(text("UPDATE forum_setting SET value = 'x'"))
        session.commit()
    change(site, per_page=8)
    assert asked(site).per_page == 8
