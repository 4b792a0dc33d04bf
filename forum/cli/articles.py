"""``flask forum article``: the bundled articles, from Markdown files."""

from __future__ import annotations

from pathlib import Path

import click
from flask.cli import with_appcontext

from .. import articles
from ..errors import ForumError
from ..sqlite import begin_writing
from ..state import get


@click.group()
def article() -> None:
    """Add, list and remove articles."""


@article.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@with_appcontext
def add(file: Path) -> None:
    """Add the article in FILE, or update the one with its slug; print its URL.

    FILE begins with a block of `key: value` lines between two lines of three dashes (title, optional slug, author,
    date, summary, closed), then Markdown follows.
    """
    state = get()
    source = articles.parse(_text(file))
    begin_writing(state.session)
    slug = articles.put(state.session, source, state.clock()).slug
    state.session.commit()
    click.echo(state.url("forum_articles.show", slug=slug))


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise ForumError(f"{file} is not written in UTF-8.") from None


@article.command("list")
@with_appcontext
def list_() -> None:
    """Print the slug, the number of comments and the title of each article, newest first."""
    for row in articles.newest(get().session):
        click.echo(f"{row.slug}\t{row.comments or 0}\t{row.title}")


@article.command()
@click.argument("slug")
@with_appcontext
def remove(slug: str) -> None:
    """Take the article SLUG away; its comments stay stored and come back with it."""
    state = get()
    begin_writing(state.session)
    articles.remove(state.session, slug)
    state.session.commit()
    click.echo(f"Removed {slug}.")
