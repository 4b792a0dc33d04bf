"""``flask forum mail doctor``: what is left to do before mail can be trusted to arrive."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict

import click
from flask.cli import with_appcontext

from ...mail import doctor as checks
from ...mail.doctor import Finding
from ...state import ForumState, get

_COLOURS = {"ok": "green", "todo": "yellow", "wrong": "red"}


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@with_appcontext
def doctor(as_json: bool) -> None:
    """Check all that mail needs, the DNS records of the sender's domain included. Exits 1 if a thing is wrong."""
    report(examine(get()), as_json=as_json)


def examine(state: ForumState) -> list[Finding]:
    """Every check of mail for this site; asks DNS about a real domain, and itself for the unsubscribe page."""
    settings, config, now = state.settings, state.app.config, state.clock()
    development = state.app.debug or config.get("FORUM_ENV") == "development"
    found = checks.site(settings, development)
    if settings.mail_missing:
        return found
    found += checks.server(config, settings)
    found += checks.connections(state.db.engine.pool)
    found += checks.records(settings, checks.resolver())
    return [*found, *checks.look(checks.flow(state.session, now), unsubscribing(state), now)]


def report(found: Sequence[Finding], *, as_json: bool) -> None:
    """Print findings, the worst last where a terminal shows them; exit 1 if one of them is wrong."""
    count = Counter(finding.word for finding in found)
    if as_json:
        click.echo(json.dumps({"findings": [asdict(finding) for finding in found]}, ensure_ascii=False))
    else:
        for finding in sorted(found, key=lambda finding: list(_COLOURS).index(finding.word)):
            click.echo(f"{click.style(f'{finding.word:<6}', fg=_COLOURS[finding.word])}{finding.sentence}")
        click.echo(f"{count['wrong']} wrong, {count['todo']} to do.")
    if count["wrong"]:
        raise SystemExit(1)


def unsubscribing(state: ForumState) -> int:
    """The status of a one-click POST as a mailbox provider makes it, with a token nobody was given."""
    base = state.settings.base_url or "http://localhost"
    path = state.url("forum.mail.page", kind="u", token="x").removeprefix(base)
    # A look must not deliver: the first request of a process would begin to.
    state.kick = lambda: None
    # A context of its own: the request's session ends with it, and lets go of the database.
    with state.app.app_context():
        client = state.app.test_client(use_cookies=False)
        return client.post(path, base_url=base, data={"List-Unsubscribe": "One-Click"}).status_code
