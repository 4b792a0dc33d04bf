"""``flask forum filter``: what the spam filter has learned, to take along or to begin anew."""

from __future__ import annotations

import json

import click
from flask.cli import with_appcontext

from .. import learning
from ..sqlite import begin_writing
from ..state import get


@click.group("filter")
def spam_filter() -> None:
    """Look at what the spam filter has learned, or have it begin anew."""


@spam_filter.command()
@with_appcontext
def export() -> None:
    """Print every word and in how many comments of each kind it stood, as JSON lines; "" counts the comments."""
    for word, seen in learning.export(get().session):
        click.echo(json.dumps({"word": word, "spam": seen.spam, "ham": seen.ham}, ensure_ascii=False))


@spam_filter.command()
@click.confirmation_option(prompt="The filter forgets everything it has learned. Go on?")
@with_appcontext
def reset() -> None:
    """Forget every word: the filter says nothing until it has learned twenty comments of each kind again."""
    session = get().session
    begin_writing(session)
    learning.forget_all(session)
    session.commit()
    click.echo("The filter begins anew.")
