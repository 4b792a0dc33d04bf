"""``flask forum doctor``: database, migrations, mail and Akismet, in one list."""

from __future__ import annotations

import click
from flask.cli import with_appcontext
from sqlalchemy.exc import SQLAlchemyError

from .. import migrations
from ..akismet import Service, Unavailable
from ..mail.doctor import Finding
from ..state import ForumState, get
from .mail.doctor import examine, report


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@with_appcontext
def doctor(as_json: bool) -> None:
    """Check the database, its migrations, Akismet and everything that mail needs. Exits 1 if a thing is wrong."""
    state = get()
    found = _database(state)
    if all(finding.word == "ok" for finding in found):
        found += examine(state)
    found += _akismet(state)
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


def _akismet(state: ForumState) -> list[Finding]:
    """Whether the key of Akismet is good, where one is set; the service is asked."""
    settings = state.settings
    if settings.akismet_key is None:
        return []
    if settings.mail_missing:
        sentence = f"Akismet is never asked, as no mail is delivered: set {', '.join(settings.mail_missing)}."
        return [Finding("akismet", "wrong", sentence)]
    service = Service(settings.akismet_url, settings.akismet_key, settings.base_url or "", is_test=state.app.testing)
    try:
        service.verify()
    except Unavailable as error:
        return [Finding("akismet", "wrong", f"Akismet is of no use: {error}")]
    return [Finding("akismet", "ok", "Akismet knows the key.")]
