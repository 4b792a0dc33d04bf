"""Articles with conversations of a known size, written in bulk: the same texts and trees in every run.

``whole-N`` fits one page of 200 branches and is up to five deep; ``flat-N`` has one comment in each branch, so that a
page of 50 branches is a page of 50 comments; a thousand small ones stand around them.
"""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Iterator
from typing import Any

from sqlalchemy import insert
from sqlalchemy.orm import Session

from forum import sanitize
from forum.models import Article, Comment, Thread

SIZES = (20, 200, 2000)
_SMALL, _SMALL_SIZE = 1000, 20
_BRANCHES = 200
_DEEPEST = 5
_TEXTS = 300
_START = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
_WORDS = (
    "bread flour water salt oven crust crumb starter dough morning kitchen neighbour recipe hour patience weather "
    "kettle window table because although rather never always perhaps today again without under between warm slowly"
).split()


def text(dice: random.Random) -> str:
    """About 300 characters with bold, emphasis, a link and code; now and then a list or a quote."""
    words = [dice.choice(_WORDS) for _ in range(40)]
    words[5] = f"**{words[5]} {words[6]}**"
    words[12] = f"_{words[12]}_"
    words[20] = f"[{words[20]}](https://bread.example/{dice.randrange(9999)})"
    words[30] = f"`{words[30]}()`"
    prefix = dice.choice(["", "", "", "", "> as you said\n\n", "- one\n- two\n\n"])
    return prefix + " ".join(words)


def seed(session: Session, small: int = _SMALL) -> None:
    """Fill an empty database: each size once whole and once flat, and ``small`` threads of 20. Commits."""
    dice = random.Random(7)
    sources = [text(dice) for _ in range(_TEXTS)]
    texts = [(source, sanitize.comment_html(source)) for source in sources]
    for size in SIZES:
        _thread(session, f"whole-{size}", _tree(dice, size), texts)
        _thread(session, f"flat-{size}", [None] * size, texts)
    for number in range(small):
        _thread(session, f"small-{number}", _tree(dice, _SMALL_SIZE), texts)
    session.commit()


def _tree(dice: random.Random, size: int) -> list[int | None]:
    """The position of each comment's parent, None for a branch: 57 % replies, more where branches would not fit."""
    depths: list[int] = []
    parents: list[int | None] = []
    branches = min(_BRANCHES, max(1, round(size * 0.43)))
    for position in range(size):
        parent = None
        if position >= branches:
            parent = next(at for at in iter(lambda: dice.randrange(position), None) if depths[at] < _DEEPEST)
        parents.append(parent)
        depths.append(1 if parent is None else depths[parent] + 1)
    return parents


def _thread(session: Session, slug: str, parents: list[int | None], texts: list[tuple[str, str]]) -> None:
    key, title = f"article:{slug}", slug.capitalize()
    article = Article(slug=slug, thread_key=key, title=title, author="Ann", source="", html="<p>Flour and water.</p>")
    article.published_at, article.version = _START, 1
    branches = sum(parent is None for parent in parents)
    thread = Thread(key=key, title=title, url=f"/articles/{slug}", created_at=_START, version=1)
    thread.comments, thread.branches = len(parents), branches
    session.add_all([article, thread])
    session.flush()
    session.execute(insert(Comment), list(_rows(_next_id(session), thread.id, parents, texts)))


def _next_id(session: Session) -> int:
    # Ids are ours to give here: replies must name their parents in the same bulk insert.
    first: int = session.info.setdefault("next_comment_id", 1)
    return first


def _rows(
    first: int, thread_id: int, parents: list[int | None], texts: list[tuple[str, str]]
) -> Iterator[dict[str, Any]]:
    raise NotImplementedError
