"""The documentation is true: its examples run, and whatever can be used is written about."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click
import flask
import pytest
from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.script import ScriptDirectory
from blinker import NamedSignal
from flask import Flask, render_template_string
from flask_login import LoginManager
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import MetaData, create_engine

from forum import Forum, signals
from forum.cli import forum_cli
from forum.models import Comment
from forum.settings import Settings
from forum.settings.reference import key_of
from tests.hosts.one_page import also
from tests.visitors import Site

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
TEXT = "\n".join(page.read_text() for page in PAGES)
EMBEDDING = (ROOT / "docs" / "embedding.md").read_text()
RELAXED = {"FORUM_MIN_SECONDS": "0", "FORUM_RATE_LIMITS": "[]", "FORUM_MODERATION": '"none"'}


def examples(page: str, language: str) -> list[str]:
    """The fenced blocks of one language, in their order."""
    return re.findall(rf"^```{language}\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)


@pytest.fixture
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a reader of the page has in the environment, besides what it advises for tests."""
    config = {"SECRET_KEY": "x", "SQLALCHEMY_DATABASE_URI": f"sqlite:///{tmp_path / 'docs.db'}", **RELAXED}
    for key, value in config.items():
        monkeypatch.setenv(f"FLASK_{key}", value)


@pytest.fixture
def names(environment: None) -> Iterator[dict[str, Any]]:
    """Everything the examples of docs/embedding.md define, run from top to bottom as one module."""
    first, *others = examples(EMBEDDING, "python")
    names: dict[str, Any] = {"__name__": "docs_embedding"}
    exec(first, names)
    names |= readers_own(names["db"])
    for number, example in enumerate(others, 2):
        exec(compile(example, f"docs/embedding.md, example {number}", "exec"), names)
    yield names
    signals.comment_published.disconnect(names["note"])
    names["connection"].close()
    names["connection"].engine.dispose()


def readers_own(db: SQLAlchemy) -> dict[str, Any]:
    """What the page takes for granted: models, and the names of an Alembic env.py."""

    class Post(db.Model):  # type: ignore[name-defined, misc]
        id = db.Column(db.Integer, primary_key=True)
        title = db.Column(db.String)
        is_private = db.Column(db.Boolean, default=False)
        author_id = db.Column(db.Integer)

    class Visit(db.Model):  # type: ignore[name-defined, misc]
        key = db.Column(db.String, primary_key=True)
        ref = db.Column(db.String, primary_key=True)
        seen_at = db.Column(db.DateTime)

    class Activity(db.Model):  # type: ignore[name-defined, misc]
        id = db.Column(db.Integer, primary_key=True)
        line = db.Column(db.String)

    config = Config()
    config.set_main_option("script_location", "forum:migrations")
    config.set_main_option("path_separator", "newline")
    context = EnvironmentContext(config, ScriptDirectory.from_config(config))
    connection = create_engine("sqlite://").connect()
    return {
        "Post": Post,
        "Visit": Visit,
        "Activity": Activity,
        "context": context,
        "connection": connection,
        "metadata": MetaData(),
    }


def with_pages(names: dict[str, Any], app: Flask) -> Flask:
    """The app of the page with the templates of the page."""
    thread, counts = examples(EMBEDDING, "jinja")
    post, db = names["Post"], names["db"]
    LoginManager(app).user_loader(lambda ref: None)
    app.add_url_rule("/<int:id>", "post", lambda id: render_template_string(thread, post=db.session.get(post, id)))
    app.add_url_rule("/", "index", lambda: render_template_string(counts, posts=db.session.scalars(db.select(post))))
    return app


def test_the_embedding_page_makes_a_site(names: dict[str, Any], adopt: Callable[[Flask], Site]) -> None:
    """All examples of docs/embedding.md together are a site where people comment and receivers hear of it."""
    db, app = names["db"], with_pages(names, names["create_app"]())
    site = adopt(app)
    site.page = "/1"
    with app.app_context():
        db.create_all()
        db.session.add(names["Post"](id=1, title="Bread"))
        db.session.commit()
    site.comment("As the page says.", name="Cy")
    assert "As the page says." in site.visitor().get("/1").text
    assert "Bread: 1 comments" in site.visitor().get("/").text
    with app.app_context():
        assert db.session.scalars(db.select(names["Activity"].line)).all() == ["Cy on Bread"]
        assert names["may_read"]("post:1", "cy@reader.example", None)
        assert not names["may_read"]("post:2", "cy@reader.example", None)


def test_the_page_spares_who_was_there(names: dict[str, Any], adopt: Callable[[Flask], Site]) -> None:
    """The example for `last_seen` knows who saw a page and who did not, and Forum asks it."""
    db, app = names["db"], names["create_app"]()
    site = adopt(app)
    with app.app_context():
        db.create_all()
        db.session.add(names["Visit"](key="post:1", ref="7", seen_at=site.clock()))
        db.session.commit()
        assert names["last_seen"]("post:1", "8") is None
    assert site.state.courier().last_seen("post:1", "7") == site.clock()


def test_the_page_names_every_template_of_a_mail(names: dict[str, Any]) -> None:
    """Each kind of mail and each of its templates is named; there are no others."""
    folders = {path for path in (ROOT / "forum/templates/forum/mail").iterdir() if path.is_dir()}
    assert {file.name for folder in folders for file in folder.iterdir()} == {"subject.txt", "body.txt", "body.html"}
    listed = re.search(r"the kinds are (.*?)\.", EMBEDDING, re.DOTALL)
    assert listed is not None
    assert set(re.findall(r"`(\w+)`", listed[1])) == {folder.name for folder in folders}


def test_a_receiver_says_the_language(make_host: Callable[..., Site]) -> None:
    """What a receiver of `comment_posted` writes into the address is the language its mails are looked for in."""
    site = make_host()
    also(site.app, {"forum/mail/confirm/de/subject.txt": "Bitte bestätigen"})

    def speaks_german(app: Flask, comment: Comment) -> None:
        assert comment.address is not None
        comment.address.locale = "de-AT"

    with signals.comment_posted.connected_to(speaks_german, site.app):
        site.comment(email="ben@reader.example", notify="direct")
    site.deliver()
    assert [mail["Subject"] for mail in site.mails()] == ["Bitte bestätigen"]


def test_the_ten_lines_are_ten_lines(names: dict[str, Any]) -> None:
    """Beside the imports and the empty lines of the first example there are about ten."""
    lines = [line for line in examples(EMBEDDING, "python")[0].splitlines() if line and not line.startswith("from")]
    assert len(lines) <= 10


def test_the_smaller_examples_work(names: dict[str, Any], adopt: Callable[[Flask], Site]) -> None:
    """The examples for SQLite and for proxies do what the page says they do."""
    app = names["create_app_on_sqlite"]()
    adopt(app)
    with app.app_context(), names["db"].engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
    wsgi = app.wsgi_app
    assert names["behind_one_proxy"](app).wsgi_app is not wsgi


@pytest.mark.usefixtures("environment")
def test_the_readme_makes_a_site(adopt: Callable[[Flask], Site]) -> None:
    """The example of the README is an app that embeds Forum."""
    names: dict[str, Any] = {"__name__": "docs_readme"}
    for example in examples((ROOT / "README.md").read_text(), "python"):
        exec(compile(example, "README.md", "exec"), names)
    app = names["create_app"]()
    adopt(app)
    assert "forum" in app.extensions


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    """A relative link in the documentation names a file that exists."""
    for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", page.read_text()):
        if not target.endswith(".png"):
            assert (page.parent / target).exists(), target


@pytest.mark.parametrize("key", [key_of(name) for name in Settings.model_fields])
def test_every_setting_is_documented(key: str) -> None:
    """Each setting is explained in docs/settings.md."""
    assert f"### `{key}`" in (ROOT / "docs" / "settings.md").read_text()


def commands(group: click.Group, *path: str) -> Iterator[tuple[str, ...]]:
    """The words of every command below a group."""
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from commands(command, *path, name)
        else:
            yield (*path, name)


@pytest.mark.parametrize("words", list(commands(forum_cli)), ids=" ".join)
def test_every_command_is_documented(words: tuple[str, ...]) -> None:
    """Each `flask forum` command is named in full, or beside another of its group."""
    full = "`flask forum " + " ".join(words)
    beside = rf"`flask forum {words[0]} [^\n]*`{words[-1]}`"
    assert full in TEXT or (len(words) > 1 and re.search(beside, TEXT))


@pytest.mark.parametrize("name", [name for name, found in vars(signals).items() if isinstance(found, NamedSignal)])
def test_every_signal_is_documented(name: str) -> None:
    """Each signal is named."""
    assert f"`{name}`" in TEXT


def test_every_template_function_is_documented() -> None:
    """Each function that Forum gives to templates is named with its arguments."""
    app = Flask("docs")
    app.config["SECRET_KEY"] = "x"
    before = set(app.jinja_env.globals)
    Forum().init_app(app)
    for name in set(app.jinja_env.globals) - before:
        assert f"`{name}(" in EMBEDDING, name


def registered(app: Flask) -> set[str]:
    """By name, all that stands on an app and in its signals where an extension may leave something."""
    slots = (app.blueprints, app.url_map.converters, app.jinja_env.globals, app.jinja_env.filters, app.jinja_env.tests)
    names = {name.split(".")[0] for slot in (*slots, app.extensions, app.cli.commands) for name in slot}
    heard = {name for name, found in vars(flask.signals).items() if isinstance(found, NamedSignal)}
    names |= {name for name in heard if any(vars(flask.signals)[name].receivers_for(app))}
    hooks = ["before_request_funcs", "after_request_funcs", "teardown_request_funcs", "url_value_preprocessors"]
    hooks += ["url_default_functions", "template_context_processors"]
    names |= {f"{hook} {function}" for hook in hooks for function in getattr(app, hook).get(None, ())}
    names |= {f"error handler {error}" for errors in app.error_handler_spec[None].values() for error in errors}
    return names | {f"teardown {function}" for function in app.teardown_appcontext_funcs}


def test_all_that_is_added_to_a_host_is_listed() -> None:
    """Whatever `init_app` leaves on an app stands in the list; what is for all pages of a host stays as it was."""
    app = Flask("docs")
    app.config["SECRET_KEY"] = "x"
    before = registered(app)
    Forum().init_app(app, articles=True)
    added = registered(app) - before
    assert {"forum", "forum_articles", "forum_id", "request_finished"} <= added
    assert [name for name in added if f"`{name}`" not in EMBEDDING] == []


@pytest.mark.parametrize("hook", [name for name in vars(Forum) if not name.startswith("_") and name != "init_app"])
def test_every_hook_has_an_example(hook: str) -> None:
    """Each decorator of `Forum` is used in an example of docs/embedding.md."""
    assert f"@forum.{hook}\n" in "".join(examples(EMBEDDING, "python"))


def test_every_custom_property_is_documented() -> None:
    """Each property that the style sheet reads is named, and no other."""
    read = set(re.findall(r"var\((--forum-[a-z-]+)", (ROOT / "forum" / "static" / "forum.css").read_text()))
    assert set(re.findall(r"`(--forum-[a-z-]+)`", EMBEDDING)) == read
