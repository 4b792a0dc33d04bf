"""The reference site as a whole, and what a bare ``create_app()`` does."""

from __future__ import annotations

import re
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from forum import create_app
from forum.errors import SettingsError
from forum.models import Base
from tests.conftest import ROOT
from tests.visitors import Site


def test_a_bare_app_runs_anywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a checkout the site starts on development defaults, migrates its database and answers."""
    monkeypatch.chdir(tmp_path)
    for name in ("FORUM_ENV", "SQLALCHEMY_DATABASE_URI", "SECRET_KEY"):
        monkeypatch.delenv(name, raising=False)
    app = create_app(FORUM_DELIVERY="off")
    assert app.test_client().get("/").status_code == 200
    secret = tmp_path / "instance" / "secret-key"
    assert stat.S_IMODE(secret.stat().st_mode) == 0o600
    assert create_app(FORUM_DELIVERY="off").config["SECRET_KEY"] == secret.read_text()
    with app.app_context():
        app.extensions["sqlalchemy"].engine.dispose()


def test_what_is_missing_is_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """In production without keys the start names all that are missing, in our own words."""
    for name in ("FORUM_CONFIG", "SQLALCHEMY_DATABASE_URI", "SECRET_KEY"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(SettingsError) as caught:
        create_app(ROOT, FORUM_ENV="production", SQLALCHEMY_DATABASE_URI="")
    assert [line.split()[0] for line in caught.value.problems] == ["SECRET_KEY", "SQLALCHEMY_DATABASE_URI"]


def test_a_short_secret_is_for_development(make_site: Callable[..., Site]) -> None:
    """A SECRET_KEY that can be guessed stops the start in production, and is not repeated."""
    assert make_site(SECRET_KEY="hunter2")
    with pytest.raises(SettingsError) as caught:
        make_site(SECRET_KEY="hunter2", FORUM_ENV="production")
    (line,) = caught.value.problems
    assert line.startswith("SECRET_KEY has fewer than 16 characters")
    assert "hunter2" not in line


@pytest.mark.parametrize("page", ["/", "/articles/bread", "/forum/comments/1"])
def test_missing_tables_are_named_in_the_log(
    make_site: Callable[..., Site], caplog: pytest.LogCaptureFixture, page: str
) -> None:
    """Where the tables were never made the log says in one line what to do."""
    site = make_site(TESTING=False)
    with site.app.app_context():
        Base.metadata.drop_all(site.state.db.engine)
    assert site.visitor().get(page).status_code in (500, 503)
    assert sum("flask forum db upgrade" in record.getMessage() for record in caplog.records) == 1


def test_the_front_page_lists_articles(site: Site) -> None:
    """The front page leads to each article and counts its comments."""
    site.comment()
    page = site.visitor().get("/").text
    assert 'href="/articles/bread"' in page
    assert "1 comment" in page


def test_headers_of_every_page(site: Site) -> None:
    """Every answer carries a strict policy without exceptions, and is not sniffed."""
    for path in ("/", site.page, "/forum/sign-in", "/nothing-here"):
        headers = site.visitor().get(path).headers
        assert "unsafe" not in headers["Content-Security-Policy"], path
        assert headers["X-Content-Type-Options"] == "nosniff", path


def test_no_page_holds_anything_inline(site: Site) -> None:
    """No style attribute, style element, handler or inline script stands in the pages of the site."""
    first = site.comment()
    for path in ("/", site.page, f"/forum/comments/{first}/reply", "/forum/sign-in", "/nothing-here"):
        page = site.visitor().get(path).text
        assert not re.search(r"<style|\sstyle=|\son[a-z]+=|<script(?![^>]*\ssrc=)", page), path


def test_health_is_good_news(site: Site) -> None:
    """A migrated, idle site is healthy."""
    report = site.visitor().get("/forum/health")
    assert report.json is not None
    assert report.json["database"] == "ok"


def test_mail_that_waits_too_long_is_bad_news(site: Site) -> None:
    """A message ready for a quarter of an hour that nobody sends turns the health page to 503."""
    site.comment(name="Ann", email="ann@reader.example", notify="direct")
    with site.app.app_context(), site.session() as session:
        from forum import outbox

        outbox.fan_out(session, site.state.keys, site.state.settings, site.clock())
        session.commit()
    site.clock.advance(1000)
    report = site.visitor().get("/forum/health")
    assert report.status_code == 503
    assert report.json is not None
    assert report.json["oldest_ready_seconds"] == 1000


def test_news_that_nobody_looks_at_is_bad_news(site: Site) -> None:
    """A comment was posted and no worker has run for a quarter of an hour: 503, though there is no message yet."""
    site.comment()
    site.clock.advance(1000)
    assert site.visitor().get("/forum/health").status_code == 503


def test_a_mail_server_that_is_down_is_bad_news(make_site: Callable[..., Site]) -> None:
    """Tried again and again without an answer, a message turns the health page to 503."""
    site = make_site(FORUM_MAIL_TRANSPORT="smtp", MAIL_SERVER="127.0.0.1", MAIL_PORT=1, TESTING=False)
    site.add_article()
    site.comment(name="Ann", email="ann@reader.example", notify="direct")
    for _ in range(4):
        site.deliver(300)
    assert site.visitor().get("/forum/health").status_code == 503


def test_without_mail_nothing_waits(make_site: Callable[..., Site]) -> None:
    """A site that sends no mail is healthy however many comments it has."""
    site = make_site(FORUM_MAIL_FROM=None)
    site.add_article()
    site.comment()
    site.clock.advance(100_000)
    assert "oldest_ready_seconds" in site.visitor().get("/forum/health").text
    assert site.visitor().get("/forum/health").json["oldest_ready_seconds"] is None  # type: ignore[index]
