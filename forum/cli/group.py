"""The group, and how its commands fail: one clear line on stderr, never a traceback for what a person can mend."""

from __future__ import annotations

from typing import Any

import click
from flask.cli import AppGroup
from sqlalchemy.exc import DBAPIError, OperationalError, ProgrammingError

from .. import migrations
from ..errors import ForumError


class ForumGroup(AppGroup):
    """Turns our own errors, and a database that is missing or not migrated, into one line and exit code 1."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command."""
        try:
            return super().invoke(ctx)
        except ForumError as error:
            raise click.ClickException(error.message) from None
        except (OperationalError, ProgrammingError) as error:
            raise click.ClickException(_said(error)) from None


def _said(error: DBAPIError) -> str:
    remedy = ". Has `flask forum db upgrade` been run?" if migrations.is_missing(error) else ""
    return f"The database says: {migrations.first_line(error)}{remedy}"


@click.group("forum", cls=ForumGroup)
def forum_cli() -> None:
    """The comment section of this site."""
