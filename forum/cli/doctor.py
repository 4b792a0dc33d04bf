"""``flask forum doctor``: database, migrations and mail, in one list."""

from __future__ import annotations

import click
from flask.cli import with_appcontext
from sqlalchemy.exc import SQLAlchemyError

from .. import migrations
from ..mail.doctor import Finding
from ..state import ForumState, get
from .mail.doctor import examine, report


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@with_appcontext
def doctor(as_json: bool) -> None:
    """Check the database, its migrations and everything that mail needs. Exits 1 if a thing is wrong."""
    state = get()
    found = _database(state)
    if all(finding.word == "ok" for finding in found):
        found += examine(state)
    report(found, as_json=as_json)


def _database(state: ForumState) -> list[Finding]:
    try:
        at_head = migrations.is_at_head(state.session.connection())
    except SQLAlchemyError as error:
        state.session.rollback()
        return [Finding("database", "wrong", f"The database does not answer: {str(error).splitlines()[0]}")]
    answers = Finding("database", "ok", "The database answers.")
    if at_head:
        return [answers, Finding("migrations", "ok", "Forum's tables are up to date.")]
    return [answers, Finding("migrations", "wrong", "Forum's tables are behind: run `flask forum db upgrade`.")]
