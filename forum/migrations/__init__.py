"""Our tables' own migrations: own environment, own version table, and how they live beside a host's."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from typing import Any

from alembic import command, context
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import Flask
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

from ..errors import Conflict
from ..models import Base

VERSION_TABLE = "forum_alembic_version"
_OURS = frozenset(Base.metadata.tables) | {VERSION_TABLE}
# In the words of SQLite, PostgreSQL and MariaDB.
_ABSENT = re.compile(r"no such (table|column)|has no column|not exist|n't exist|unknown column", re.IGNORECASE)
_HERE = Path(__file__).parent


def include_object(object_: Any, name: str | None, type_: str, reflected: bool, compare_to: Any) -> bool:
    """For a host's Alembic environment: leave Forum's tables alone, look at everything else.

    Pass it as ``include_object`` to ``context.configure``; without it ``--autogenerate`` proposes to drop them.
    """
    return not (type_ == "table" and name in _OURS)


def protect(app: Flask) -> bool:
    """Teach Flask-Migrate on ``app`` to leave our tables alone; False when it is not set up (yet).

    It is done by ``include_name``: hosts that filter write ``include_object=`` into their env.py, which would then be
    given twice and stop Alembic. A host's own ``include_name`` is asked too.
    """
    migrate = app.extensions.get("migrate")
    if migrate is None:
        return False
    theirs = migrate.configure_args.get("include_name")
    if not getattr(theirs, "forum", False):
        migrate.configure_args["include_name"] = _composed(theirs)
    return True


def configure(connection: Connection) -> None:
    """Run the migrations of the Alembic command in progress on ``connection``; called by the environments."""
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        version_table=VERSION_TABLE,
        include_name=lambda name, type_, parents: type_ != "table" or name in Base.metadata.tables,
        # SQLite cannot alter a table in place.
        render_as_batch=True,
    )
    with context.begin_transaction():
        context.run_migrations()


def upgrade(engine: Engine, revision: str = "head", *, sql: bool = False) -> None:
    """Bring our tables to ``revision``; with ``sql`` only print the statements.

    Raises Conflict when the host's own migrations have made them (forum:migrations/versions as a version location).
    """
    _refuse_foreign(engine)
    _run(engine, lambda config: command.upgrade(config, revision, sql=sql))


def downgrade(engine: Engine, revision: str) -> None:
    """Take our tables back to ``revision``; "base" removes them with everything in them."""
    _run(engine, lambda config: command.downgrade(config, revision))


def is_at_head(connection: Connection) -> bool:
    """Whether the database has our newest revision, by our own version table or by a host's."""
    names = (VERSION_TABLE, "alembic_version")
    heads = [MigrationContext.configure(connection, opts={"version_table": name}).get_current_heads() for name in names]
    return any(_head() in found for found in heads)


def is_missing(error: DBAPIError) -> bool:
    """Whether ``error`` says that one of our tables, or a column of one, does not exist."""
    said = first_line(error)
    return bool(_ABSENT.search(said)) and any(name in said for name in _OURS)


def first_line(error: DBAPIError) -> str:
    """What the database said, without statement and values: they hold addresses and texts."""
    return str(error.orig).partition("\n")[0]


@cache
def _head() -> str | None:
    # To find it Alembic loads every script; they do not change while the process lives.
    return ScriptDirectory.from_config(_config()).get_current_head()


def _refuse_foreign(engine: Engine) -> None:
    ours = {script.revision for script in ScriptDirectory.from_config(_config()).walk_revisions()}
    with engine.connect() as connection:
        theirs = MigrationContext.configure(connection).get_current_heads()
    if ours.intersection(theirs):
        raise Conflict("This site's own migrations keep Forum's tables: run `flask db upgrade heads` instead.")


def _run(engine: Engine, work: Callable[[Config], None]) -> None:
    with engine.connect() as connection:
        config = _config()
        config.attributes["run"] = partial(configure, connection)
        work(config)
        connection.commit()


def _config() -> Config:
    config = Config()
    # A path, not "forum:migrations": that form would import the package by name, which a host may shadow.
    config.set_main_option("script_location", str(_HERE).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config


def _composed(theirs: Callable[..., bool] | None) -> Callable[..., bool]:
    def composed(name: str | None, type_: str, parents: Any) -> bool:
        is_ours = type_ == "table" and name in _OURS
        return not is_ours and (theirs is None or theirs(name, type_, parents))

    composed.forum = True  # type: ignore[attr-defined]  # says that it is ours
    return composed
