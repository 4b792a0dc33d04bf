"""``flask forum db``: our tables, in their own version table, without touching the host's."""

from __future__ import annotations

import click
from alembic.runtime.migration import MigrationContext
from flask.cli import with_appcontext
from sqlalchemy import Engine

from .. import migrations
from ..state import get


@click.group()
def db() -> None:
    """Create and change Forum's tables."""


@db.command()
@click.option("--sql", is_flag=True, help="Print the statements instead of running them.")
@with_appcontext
def upgrade(sql: bool) -> None:
    """Bring the tables to the newest revision, and say from where."""
    engine = get().db.engine
    if sql:
        migrations.upgrade(engine, sql=True)
        return
    before = _revision(engine)
    migrations.upgrade(engine)
    click.echo(f"Forum's tables {_change(before, _revision(engine))}.")


@db.command()
@with_appcontext
def check() -> None:
    """Say whether the tables are at the newest revision; exit 1 if not."""
    with get().db.engine.connect() as connection:
        if not migrations.is_at_head(connection):
            raise click.ClickException("Forum's tables are behind: run `flask forum db upgrade`.")
    click.echo("Forum's tables are up to date.")


def _revision(engine: Engine) -> str | None:
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"version_table": migrations.VERSION_TABLE})
        return context.get_current_revision()


def _change(before: str | None, after: str | None) -> str:
    if before == after:
        return f"are up to date, at {after}"
    return f"were brought from {before} to {after}" if before else f"were created, at {after}"


@db.command()
@click.argument("revision")
@click.confirmation_option(prompt="This can delete comments for good. Go on?")
@with_appcontext
def downgrade(revision: str) -> None:
    """Take the tables back to REVISION; "base" removes them and everything in them."""
    migrations.downgrade(get().db.engine, revision)
    click.echo(f"Forum's tables are at {revision}.")
