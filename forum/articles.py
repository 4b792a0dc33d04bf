"""Articles of the bundled blueprint: added from Markdown files, read with the version of their thread in one query."""

from __future__ import annotations

import datetime as dt
import json
import re
import secrets
import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeVar

from sqlalchemy import Row, bindparam, select, update
from sqlalchemy.orm import Session

from . import sanitize, threads
from .errors import ForumError, NotFound
from .models import Article, Thread
from .threads import HEAD, Head

_KEYS = frozenset({"title", "slug", "author", "date", "closed", "summary"})
_LINE = re.compile(r"([A-Za-z_]+)\s*:\s*(.*)")
_NO_BLOCK = """The file must begin with a block between two lines of three dashes, with a title at least:
---
title: What the article is called
---"""
T = TypeVar("T")


@dataclass(frozen=True)
class Source:
    """An article as its author wrote it."""

    title: str
    slug: str
    author: str
    summary: str
    closed: bool
    published_at: dt.datetime | None
    body: str


class Front(NamedTuple):
    """What of an article is read for every request: enough to know whether the cached page is the right one."""

    id: int
    slug: str
    thread_key: str
    title: str
    author: str
    closed: bool
    published_at: dt.datetime
    version: int
    head: Head


# Columns of tables, not of entities, and built once: it runs for every request, and takes longer to build than to run.
_FRONT = [Article.__table__.c[name] for name in Front._fields[:-1]]
_THREAD = Thread.__table__
_BY_SLUG = (
    select(*_FRONT, *HEAD)
    .select_from(Article.__table__.outerjoin(_THREAD, _THREAD.c.key == Article.__table__.c.thread_key))
    .where(Article.__table__.c.slug == bindparam("slug"))
)
_HTML = select(Article.__table__.c.html).where(Article.__table__.c.id == bindparam("id"))


def front(session: Session, slug: str) -> Front | None:
    """The article and the head of its thread, in one query; None when there is no such article."""
    # PostgreSQL would refuse the question itself.
    if "\0" in slug:
        return None
    row = session.execute(_BY_SLUG, {"slug": slug}).one_or_none()
    if row is None:
        return None
    values: list[Any] = list(row)
    own, head = values[: len(_FRONT)], values[len(_FRONT) :]
    return Front(*(*own, Head(*head) if head[0] is not None else Head(0, 0, 0, 0, False)))


def html(session: Session, article_id: int) -> str:
    """The stored, sanitised HTML of an article."""
    return str(session.scalars(_HTML, {"id": article_id}).one())


def newest(session: Session, limit: int = 100) -> list[Row[Any]]:
    """Articles for a list, newest first, each with the number of its comments."""
    columns = (Article.slug, Article.title, Article.author, Article.summary, Article.published_at, Thread.comments)
    query = select(*columns).outerjoin(Thread, Thread.key == Article.thread_key)
    return list(session.execute(query.order_by(Article.published_at.desc(), Article.id.desc()).limit(limit)))


def parse(text: str) -> Source:
    """Read a ``---`` block of ``key: value`` lines (plain or JSON-quoted values), then Markdown.

    Raises ForumError with a line for each mistake in the block.
    """
    lines = text.replace("\r\n", "\n").split("\n")
    if lines[0].strip() != "---" or "---" not in (line.strip() for line in lines[1:]):
        raise ForumError(_NO_BLOCK)
    end = next(n for n, line in enumerate(lines[1:], 1) if line.strip() == "---")
    wrong: list[str] = []
    values = _values(lines[1:end], wrong)
    source = _source(values, "\n".join(lines[end + 1 :]).strip(), wrong)
    if wrong:
        raise ForumError("\n".join(wrong))
    return source


def put(session: Session, source: Source, now: dt.datetime) -> Article:
    """Add the article, or update the one with the same slug; its thread learns of a new title or of closing."""
    article = session.scalar(select(Article).where(Article.slug == source.slug))
    if article is None:
        # Not from 0: an article that is removed and added again must not look like the one that browsers remember.
        version = secrets.randbelow(2**30) + 1
        article = Article(slug=source.slug, thread_key=f"article:{source.slug}", published_at=now, version=version)
        session.add(article)
    else:
        article.version = Article.version + 1
    article.title, article.author, article.summary = source.title, source.author, source.summary
    article.source, article.html = source.body, sanitize.article_html(source.body)
    article.closed = source.closed
    article.published_at = source.published_at or article.published_at
    session.flush()
    _follow(session, article)
    return article


def remove(session: Session, slug: str) -> None:
    """Take the article away; its thread and comments stay stored. Raises NotFound."""
    article = session.scalar(select(Article).where(Article.slug == slug))
    if article is None:
        raise NotFound(f"There is no article {slug!r}.")
    session.execute(update(Thread).where(Thread.key == article.thread_key).values(gone=True))
    session.delete(article)
    session.flush()


def _follow(session: Session, article: Article) -> None:
    thread = session.scalar(select(Thread).where(Thread.key == article.thread_key))
    if thread is not None:
        # Forms that were opened before are refused from now on too.
        thread.closed, thread.title, thread.gone = article.closed, article.title, False
        session.flush()
        threads.raise_version(session, thread.id)


def _values(lines: Iterable[str], wrong: list[str]) -> dict[str, str | None]:
    """What the block says; None for a value that cannot be read, so that nothing else is said about that line."""
    values: dict[str, str | None] = {}
    for number, line in enumerate(lines, 2):
        match = _LINE.fullmatch(line.strip())
        if match and match[1].lower() in _KEYS:
            values[match[1].lower()] = _attempt(wrong, _unquoted, number, match[2].strip())
        elif line.strip():
            wrong.append(f"Line {number} cannot be read: {line!r}. Known are: {', '.join(sorted(_KEYS))}.")
    return values


def _source(values: dict[str, str | None], body: str, wrong: list[str]) -> Source:
    title, date = values.get("title", ""), values.get("date")
    if title == "":
        wrong.append("The block at the top must have a line with the title: title: …")
    named = values.get("slug") or title
    return Source(
        title=title or "",
        slug=(_attempt(wrong, _slug, named) if named else None) or "",
        author=values.get("author") or "",
        summary=values.get("summary") or "",
        closed=_attempt(wrong, _flag, values.get("closed") or "") or False,
        published_at=_attempt(wrong, _date, date) if date is not None else None,
        body=body,
    )


def _attempt(wrong: list[str], read: Callable[..., T], *args: Any) -> T | None:
    try:
        return read(*args)
    except ForumError as error:
        wrong.append(error.message)
        return None


def _unquoted(number: int, value: str) -> str:
    if not value.startswith('"'):
        return value
    try:
        return str(json.loads(value))
    except ValueError:
        raise ForumError(f"Line {number} has a quoted value that is not JSON: {value}") from None


def _flag(text: str) -> bool:
    if text.lower() not in ("true", "yes", "1", "false", "no", "0", ""):
        raise ForumError(f"closed must be true or false, not {text!r}.")
    return text.lower() in ("true", "yes", "1")


def _date(text: str) -> dt.datetime:
    try:
        moment = dt.datetime.fromisoformat(text)
    except ValueError:
        raise ForumError(f"date must look like 2026-11-22 or 2026-11-22T10:30, not {text!r}.") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)


def _slug(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    slug = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:120].strip("-")
    if not slug:
        raise ForumError("The title has no letter an address could be made of; please give a line  slug: …")
    return slug
