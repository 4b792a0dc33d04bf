"""What every test may ask for: a site in memory, its clock, its visitors and its mailbox."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from flask import Flask
from sqlalchemy import create_engine

from forum import create_app
from forum.models import Base
from tests.hosts.blog import create_app as create_blog
from tests.hosts.one_page import one_page
from tests.hosts.people import RELAXED, open_blog
from tests.visitors import Clock, Site

pytest_plugins = ["tests.services"]
ROOT = Path(__file__).parent.parent

# A busy machine is no failure of the property.
hypothesis.settings.register_profile("forum", deadline=None)
hypothesis.settings.load_profile("forum")

QUIET: dict[str, Any] = {
    "TESTING": True,
    "SECRET_KEY": "a secret for tests",
    "FORUM_DELIVERY": "off",
    "FORUM_BASE_URL": "http://localhost",
    # One after the other, so that a test knows which mail is the first.
    "FORUM_MAIL_CONNECTIONS": 1,
}


@pytest.fixture
def make_site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Site]]:
    """A maker of reference sites with an empty database each; keyword arguments are configuration."""
    for name in ("FORUM_ENV", "FORUM_CONFIG", "SQLALCHEMY_DATABASE_URI", "SECRET_KEY"):
        monkeypatch.delenv(name, raising=False)
    sites: list[Site] = []

    def make(**config: Any) -> Site:
        uri = f"sqlite:///{tmp_path / f'site-{len(sites)}.db'}"
        app = create_app(ROOT, **{**QUIET, "SQLALCHEMY_DATABASE_URI": uri, **config})
        with app.app_context():
            Base.metadata.create_all(app.extensions["sqlalchemy"].engine)
        app.instance_path = str(tmp_path / "instance")
        sites.append(Site(app, Clock()))
        return sites[-1]

    yield make
    for site in sites:
        _close(site.app)


@pytest.fixture
def site(make_site: Callable[..., Site]) -> Site:
    """The reference site as development runs it, with one article, and mail that leaves when the test says so."""
    made = make_site()
    made.add_article()
    return made


@pytest.fixture
def adopt() -> Iterator[Callable[[Flask], Site]]:
    """Take somebody's app in: make Forum's tables, give it a clock and visitors, and close it in the end."""
    apps: list[Flask] = []

    def take(app: Flask) -> Site:
        with app.app_context():
            Base.metadata.create_all(app.extensions["sqlalchemy"].engine)
        apps.append(app)
        return Site(app, Clock())

    yield take
    for app in apps:
        _close(app)


@pytest.fixture
def make_blog(tmp_path: Path, adopt: Callable[[Flask], Site]) -> Callable[..., Site]:
    """A maker of blogs (tests/hosts/blog) with people and posts; keyword arguments are those of its factory."""

    def make(**config: Any) -> Site:
        path = tmp_path / f"blog-{len(list(tmp_path.glob('blog-*')))}.db"
        return open_blog(adopt(create_blog(**{**RELAXED, "SQLALCHEMY_DATABASE_URI": f"sqlite:///{path}", **config})))

    return make


@pytest.fixture
def make_host(adopt: Callable[[Flask], Site]) -> Callable[..., Site]:
    """A maker of the smallest hosts (tests/hosts/one_page.py); arguments are those of its factory."""

    def make(*args: Any, **kwargs: Any) -> Site:
        site = adopt(one_page(*args, **kwargs))
        site.page = "/"
        return site

    return make


@pytest.fixture(params=["sqlite", "postgresql", "mariadb"])
def database(request: pytest.FixtureRequest) -> Iterator[dict[str, str]]:
    """The configuration of an empty database of each kind."""
    if request.param == "sqlite":
        yield {}
        return
    url = request.getfixturevalue("postgres_url" if request.param == "postgresql" else "mariadb_url")
    yield {"SQLALCHEMY_DATABASE_URI": url}
    engine = create_engine(url)
    Base.metadata.drop_all(engine)
    engine.dispose()


def _close(app: Flask) -> None:
    with app.app_context():
        database = app.extensions["sqlalchemy"]
        database.session.remove()
        database.engine.dispose()
