"""Two histories in one database: the host's migrations and ours, and neither sees the other's tables."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import flask_migrate
import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from flask import Flask
from sqlalchemy import Engine, MetaData, create_engine, inspect

from forum.cli import forum_cli
from forum.migrations import VERSION_TABLE, include_object
from forum.models import Base
from tests.hosts.blog import ORDER, create_app
from tests.hosts.blog.models import Base as BlogBase
from tests.hosts.blog.models import db

# Flask-Migrate's own env.py tries the old name first.
pytestmark = pytest.mark.filterwarnings("ignore:'get_engine' is deprecated:DeprecationWarning")
MIGRATE_FIRST = ("db", "csrf", "login", "migrate", "forum")
BETWEEN = {"space": " ", "newline": "\n    ", "os": os.pathsep}


class Repository:
    """A blog with a folder of migrations, as `flask db init` makes it."""

    def __init__(self, app: Flask, folder: Path) -> None:
        self.app, self.folder = app, folder
        self.run(flask_migrate.init)

    def run(self, command: Callable[..., Any], *args: Any, **options: Any) -> None:
        """Run one of the `flask db` commands; SystemExit is what a person sees as a failure."""
        with self.app.app_context():
            command(str(self.folder), *args, **options)

    def propose(self, **options: Any) -> str | None:
        """What `flask db migrate` writes, if it writes anything."""
        before = self.revisions()
        self.run(flask_migrate.migrate, **options)
        new = self.revisions() - before
        return new.pop().read_text() if new else None

    def revisions(self) -> set[Path]:
        return set((self.folder / "versions").glob("*.py"))

    def edit(self, name: str, old: str, new: str) -> None:
        path = self.folder / name
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new, 1))

    def forum(self, *args: str) -> str:
        """Run `flask forum …` and return what it said."""
        result = self.app.test_cli_runner().invoke(forum_cli, args)
        return result.output

    @property
    def engine(self) -> Engine:
        with self.app.app_context():
            return db.engine


MakeRepository = Callable[..., Repository]


@pytest.fixture
def make_repository(tmp_path: Path, logging_as_it_was: None) -> Iterator[MakeRepository]:
    """A maker of blogs with migrations; arguments are those of the blog's factory."""
    made: list[Repository] = []

    def make(**config: Any) -> Repository:
        place = tmp_path / str(len(made))
        place.mkdir()
        app = create_app(SQLALCHEMY_DATABASE_URI=f"sqlite:///{place / 'blog.db'}", **config)
        made.append(Repository(app, place / "migrations"))
        return made[-1]

    yield make
    for repository in made:
        repository.engine.dispose()


@pytest.fixture
def logging_as_it_was() -> Iterator[None]:
    """The env.py that Flask-Migrate gives to hosts configures logging for the whole process."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    loggers = {name: logging.getLogger(name) for name in logging.root.manager.loggerDict}
    before = {name: (logger.disabled, logger.level) for name, logger in loggers.items()}
    yield
    root.handlers[:], root.level = handlers, level
    for name, (disabled, own_level) in before.items():
        loggers[name].disabled = disabled
        loggers[name].setLevel(own_level)


def test_our_tables_come_from_our_own_command(make_repository: MakeRepository) -> None:
    """`flask forum db upgrade` makes our tables and our version table, and nothing of the host's."""
    repository = make_repository()
    assert "were created, at 0003" in repository.forum("db", "upgrade")
    names = set(inspect(repository.engine).get_table_names())
    assert names == {*Base.metadata.tables, VERSION_TABLE}
    assert "up to date" in repository.forum("db", "upgrade")


@pytest.mark.parametrize("order", [MIGRATE_FIRST, ORDER], ids=["migrate-first", "forum-first"])
def test_the_host_is_offered_its_own_tables_only(make_repository: MakeRepository, order: tuple[str, ...]) -> None:
    """`flask db migrate` beside our tables sees the host's, and afterwards nothing at all."""
    repository = make_repository(order=order)
    repository.forum("db", "upgrade")
    first = repository.propose()
    assert first is not None
    assert "create_table('post'" in first
    assert "forum" not in first
    repository.run(flask_migrate.upgrade)
    assert repository.propose() is None


@pytest.mark.parametrize("order", [MIGRATE_FIRST, ORDER], ids=["migrate-first", "forum-first"])
def test_the_hosts_own_filters_hold(make_repository: MakeRepository, order: tuple[str, ...]) -> None:
    """What a host gives to Migrate as `include_object` and `include_name` is asked as before."""
    filters = {
        "include_object": lambda object_, name, *_: name != "activity",
        "include_name": lambda name, type_, parents: name != "legacy",
    }
    repository = make_repository(order=order, migrate_options=filters)
    repository.forum("db", "upgrade")
    with repository.engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE legacy (id INTEGER)")
        connection.exec_driver_sql("CREATE TABLE forgotten (id INTEGER)")
    first = repository.propose()
    assert first is not None
    assert "create_table('post'" in first
    assert "drop_table('forgotten'" in first
    assert not re.search("activity|legacy|forum", first)


def test_an_env_with_a_filter_of_its_own_works(make_repository: MakeRepository) -> None:
    """A host whose env.py passes `include_object` itself is neither stopped nor offered our tables."""
    repository = make_repository()
    repository.edit(
        "env.py", "            **conf_args", "            include_object=lambda *_: True,\n            **conf_args"
    )
    repository.forum("db", "upgrade")
    first = repository.propose()
    assert first is not None
    assert "forum" not in first


def proposals(engine: Engine, metadata: MetaData, **options: Any) -> set[tuple[str, str]]:
    """The tables a plain Alembic environment would add or drop."""
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts=options)
        found = compare_metadata(context, metadata)
    return {(step[0], step[1].name) for step in found if isinstance(step, tuple) and step[0].endswith("_table")}


def test_plain_alembic_is_given_our_filter(make_repository: MakeRepository) -> None:
    """With `forum.migrations.include_object` a plain environment leaves our tables; without, it drops them."""
    repository = make_repository()
    repository.forum("db", "upgrade")
    assert ("remove_table", "forum_comment") in proposals(repository.engine, BlogBase.metadata)
    filtered = proposals(repository.engine, BlogBase.metadata, include_object=include_object)
    assert filtered == {("add_table", name) for name in BlogBase.metadata.tables}


# The second way: our revisions in the host's own history


def two_places(repository: Repository, separator: str = "space") -> None:
    """Name our revisions as a second version location."""
    places = BETWEEN[separator].join(["%(here)s/versions", "forum:migrations/versions"])
    lines = f"[alembic]\npath_separator = {separator}\nversion_locations = {places}\n"
    repository.edit("alembic.ini", "[alembic]\n", lines)


def schema(engine: Engine) -> dict[str, Any]:
    """All that matters about our tables: a column added later stands last, which changes nothing."""
    found = inspect(engine)
    return {
        table: (
            sorted((column["name"], str(column["type"]), column["nullable"]) for column in found.get_columns(table)),
            found.get_pk_constraint(table),
            sorted(found.get_foreign_keys(table), key=lambda key: str(key["name"])),
            sorted(found.get_indexes(table), key=lambda index: str(index["name"])),
            sorted(found.get_unique_constraints(table), key=lambda unique: str(unique["name"])),
        )
        for table in Base.metadata.tables
    }


@pytest.mark.parametrize("separator", ["space", "newline"])
def test_both_ways_make_one_schema(make_repository: MakeRepository, separator: str) -> None:
    """Our own command, a second version location and the models make the same tables."""
    own_way, second_way = make_repository(), make_repository()
    own_way.forum("db", "upgrade")
    two_places(second_way, separator)
    second_way.run(flask_migrate.upgrade, "heads")
    by_models = create_engine("sqlite://")
    Base.metadata.create_all(by_models)
    assert schema(own_way.engine) == schema(second_way.engine) == schema(by_models)
    by_models.dispose()


def with_history(repository: Repository) -> str:
    """Give the blog a first revision and both histories their tables; returns the revision's id."""
    first = repository.propose()
    assert first is not None
    two_places(repository)
    repository.run(flask_migrate.upgrade, "heads")
    found = re.search(r"^revision = '(\w+)'", first, re.MULTILINE)
    assert found is not None
    return found[1]


def test_two_heads_are_named(make_repository: MakeRepository) -> None:
    """With two histories a plain `flask db upgrade` fails; it needs `heads`."""
    repository = make_repository()
    repository.propose()
    two_places(repository)
    with pytest.raises(SystemExit):
        repository.run(flask_migrate.upgrade)
    repository.run(flask_migrate.upgrade, "heads")
    assert "up to date" in repository.forum("db", "check")


def test_a_new_revision_names_its_head(make_repository: MakeRepository) -> None:
    """With two histories `flask db migrate` needs `--head`, by the id of one of the host's revisions or a label."""
    repository = make_repository()
    own = with_history(repository)
    with repository.engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE post DROP COLUMN is_closed")
    with pytest.raises(SystemExit):
        repository.propose()
    second = repository.propose(head=f"{own}@head")
    assert second is not None
    assert "is_closed" in second
    assert "forum" not in second


@pytest.mark.skipif(os.pathsep != ":", reason="where paths are not separated by colons this works")
def test_the_separator_must_not_be_a_colon(
    make_repository: MakeRepository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`path_separator = os` takes `forum:migrations/versions` apart, and nothing says that our tables are missing."""
    # The halves are looked for in the working folder; in our own checkout there is one called `forum`.
    monkeypatch.chdir(tmp_path)
    repository = make_repository()
    two_places(repository, "os")
    repository.run(flask_migrate.upgrade, "heads")
    assert "forum_comment" not in inspect(repository.engine).get_table_names()
    assert "behind" in repository.forum("db", "check")


def test_the_first_way_refuses_after_the_second(make_repository: MakeRepository) -> None:
    """Where the host's history has made our tables, `flask forum db upgrade` says so and changes nothing."""
    repository = make_repository()
    two_places(repository)
    repository.run(flask_migrate.upgrade, "heads")
    assert "flask db upgrade heads" in repository.forum("db", "upgrade")
    assert VERSION_TABLE not in inspect(repository.engine).get_table_names()
