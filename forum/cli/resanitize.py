"""``flask forum resanitize``: every stored text through today's sanitiser, without losing a word."""

from __future__ import annotations

import click
from flask.cli import with_appcontext
from sqlalchemy import func, select

from .. import sanitize, threads
from ..errors import InvalidDraft
from ..models import Article, Comment
from ..sqlite import begin_writing
from ..state import ForumState, get

_CHUNK = 200


@click.command()
@with_appcontext
def resanitize() -> None:
    """Render all comments and articles again from what was written; needed after the sanitiser changed."""
    state = get()
    total = state.session.scalar(select(func.count()).select_from(Comment)) or 0
    changed, after = 0, 0
    failed: list[int] = []
    with click.progressbar(length=total, label="Rendering") as bar:
        while rows := _chunk(state, after):
            for comment in rows:
                after = comment.id
                changed += _render(state, comment, failed)
                bar.update(1)
            state.session.commit()
    _articles(state)
    click.echo(f"{changed} of {total} comments have changed.")
    if failed:
        raise click.ClickException(f"These comments can no longer be rendered and were left alone: {failed}")


def _chunk(state: ForumState, after: int) -> list[Comment]:
    state.session.rollback()
    begin_writing(state.session)
    query = select(Comment).where(Comment.id > after, Comment.source != "").order_by(Comment.id).limit(_CHUNK)
    return list(state.session.scalars(query))


def _render(state: ForumState, comment: Comment, failed: list[int]) -> bool:
    engine = state.settings.sanitizer
    try:
        html = sanitize.comment_html(comment.source, engine=engine)
    except InvalidDraft:
        failed.append(comment.id)
        return False
    comment.renderer = sanitize.renderer(engine)
    if html == comment.html:
        return False
    comment.html = html
    comment.version += 1
    threads.raise_version(state.session, comment.thread_id)
    return True


def _articles(state: ForumState) -> None:
    begin_writing(state.session)
    for article in state.session.scalars(select(Article)):
        html = sanitize.article_html(article.source)
        if html != article.html:
            article.html = html
            article.version += 1
    state.session.commit()
