"""``flask forum demo``: fill an empty site once with something worth reading, and say where everything is."""

from __future__ import annotations

import datetime as dt
import json
import unicodedata
from importlib.resources import files
from typing import Any

import click
from flask.cli import with_appcontext
from sqlalchemy import select

from .. import articles, comments, outbox, sanitize
from ..addresses import parse
from ..comments import Submission
from ..models import Article, Comment
from ..moderation import LINK_LIFE
from ..screening import Draft, Verdict
from ..sqlite import begin_writing
from ..state import ForumState, get
from ..tokens import Stamp
from .moderators import sign_in_link

_DATA = files(__package__.rpartition(".")[0]) / "demo"
_SECOND = "second.md"
_LINK_MINUTES = int(LINK_LIFE.total_seconds() // 60)


@click.command()
@with_appcontext
def demo() -> None:
    """Fill the site with two articles and a conversation, once, and print where to look."""
    state = get()
    source = articles.parse((_DATA / "article.md").read_text(encoding="utf-8"))
    known = state.session.scalar(select(Article.id).where(Article.slug == source.slug))
    state.session.rollback()
    if known is None:
        begin_writing(state.session)
        _fill(state, source)
        state.session.commit()
    click.echo(f"Article     {state.url('forum_articles.show', slug=source.slug)}")
    if state.settings.moderators:
        moderator = sorted(state.settings.moderators)[0]
        click.echo(f"Moderation  {sign_in_link(state, moderator)}")
        click.echo(f"            for {moderator}, once and within {_LINK_MINUTES} minutes; another one:")
        click.echo(f"            flask forum moderator link {moderator}")
    if state.settings.mail_transport == "mailbox":
        click.echo(f"Mailbox     {state.url('forum.dev.mailbox')}")


def _fill(state: ForumState, source: articles.Source) -> None:
    session = state.session
    second = articles.parse((_DATA / _SECOND).read_text(encoding="utf-8"))
    articles.put(session, second, state.clock())
    article = articles.put(session, source, state.clock())
    url = f"/articles/{article.slug}"
    rows = json.loads((_DATA / "comments.json").read_text(encoding="utf-8"))
    stored: dict[int, Comment] = {}
    for row in rows:
        stored[row["id"]] = _add(state, article, url, row, stored)
    for row in rows:
        if row.get("state") == "removed":
            comments.remove(session, stored[row["id"]], state.clock())
    outbox.forget_news(session, [comment.id for comment in stored.values()])


def _add(state: ForumState, article: Article, url: str, row: dict[str, Any], stored: dict[int, Comment]) -> Comment:
    parent = stored.get(row.get("parent") or 0)
    body = sanitize.body(row["body"], max_length=state.settings.max_length)
    draft = Draft(article.thread_key, parent.id if parent else None, row["name"], None, row.get("website"), body)
    submission = Submission(
        stamp=Stamp(article.thread_key, article.title, url, f"demo-{row['id']}"),
        draft=draft,
        mailbox=parse(_made_up(row["name"])),
        notify="direct" if row.get("notify") else "",
        seconds=60.0,
        honeypot=False,
        # They confirmed long ago: an answer to them is mailed at once, and nobody is asked anything.
        vouched=True,
    )
    held = row.get("state") == "held"
    rule = (lambda draft, context: Verdict("hold", ("demonstration",))) if held else (lambda draft, context: None)
    moment = article.published_at + dt.timedelta(minutes=row["minutes"])
    settings = state.settings.model_copy(update={"moderation": "first" if held else "none", "min_seconds": 0})
    return comments.post(state.session, submission, settings, moment, (rule,)).comment


def _made_up(name: str) -> str:
    """One address per person, in a domain that can never receive mail."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().casefold()
    words = "".join(letter if letter.isalnum() else " " for letter in plain).split()
    return f"{'.'.join(words) or 'reader'}@readers.example"
