"""``flask forum resanitize``: every stored text through today's sanitiser, without losing a word.

Rendered while nobody waits, and stored only where nobody has changed the text meanwhile: who did has rendered it anew.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click
from flask.cli import with_appcontext
from sqlalchemy import CursorResult, func, select, update

from .. import sanitize, threads
from ..errors import InvalidDraft
from ..models import Article, Comment
from ..sqlite import begin_writing
from ..state import ForumState, get

_CHUNK = 200
_COLUMNS = (Comment.id, Comment.thread_id, Comment.source, Comment.html, Comment.renderer, Comment.version)


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
            after = rows[-1].id
            changed += _store(state, [(row, html) for row in rows if (html := _render(state, row, failed)) is not None])
            bar.update(len(rows))
    _articles(state)
    click.echo(f"{changed} of {total} comments have changed.")
    if failed:
        raise click.ClickException(f"These comments can no longer be rendered and were left alone: {failed}")


def _chunk(state: ForumState, after: int) -> list[Any]:
    state.session.rollback()
    query = select(*_COLUMNS).where(Comment.id > after, Comment.source != "").order_by(Comment.id).limit(_CHUNK)
    rows = list(state.session.execute(query))
    state.session.rollback()
    return rows


def _render(state: ForumState, row: Any, failed: list[int]) -> str | None:
    try:
        return sanitize.comment_html(row.source, engine=state.settings.sanitizer)
    except InvalidDraft:
        failed.append(row.id)
        return None


def _store(state: ForumState, rendered: Sequence[tuple[Any, str]]) -> int:
    """Write what was rendered; returns the number of comments that look different now."""
    renderer = sanitize.renderer(state.settings.sanitizer)
    begin_writing(state.session)
    changed = []
    for row, html in rendered:
        if html == row.html and row.renderer != renderer:
            _update(state, Comment, row, {"renderer": renderer})
        elif html != row.html:
            values = {"renderer": renderer, "html": html, "version": Comment.version + 1}
            changed += [row.thread_id] * _update(state, Comment, row, values)
    # Comments first, as everybody else locks them: whoever edits one waits for its thread while holding it.
    for thread_id in sorted(set(changed)):
        threads.raise_version(state.session, thread_id)
    state.session.commit()
    return len(changed)


def _articles(state: ForumState) -> None:
    state.session.rollback()
    rows = list(state.session.execute(select(Article.id, Article.source, Article.html, Article.version)))
    state.session.rollback()
    rendered = [(row, sanitize.article_html(row.source)) for row in rows]
    begin_writing(state.session)
    for row, html in rendered:
        if html != row.html:
            _update(state, Article, row, {"html": html, "version": Article.version + 1})
    state.session.commit()


def _update(state: ForumState, model: type[Comment | Article], row: Any, values: dict[str, Any]) -> bool:
    """Whether the row still was as it had been read, and now has ``values``."""
    unchanged = (model.id == row.id, model.version == row.version)
    done = state.session.execute(
        update(model).where(*unchanged).values(values).execution_options(synchronize_session=False)
    )
    return isinstance(done, CursorResult) and done.rowcount == 1
