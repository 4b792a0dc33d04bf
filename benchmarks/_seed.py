"""Articles with conversations of a known size, written in bulk: the same texts and trees in every run.

``whole-N`` fits one page of 200 branches and is up to five deep; ``flat-N`` has one comment in each branch, so that a
page of 50 branches is a page of 50 comments; a thousand small ones stand around them.
"""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import insert
from sqlalchemy.orm import Session

from forum import sanitize
from forum.models import Address, Article, Comment, Thread

SIZES = (20, 200, 2000)
_SMALL, _SMALL_SIZE = 1000, 20
_BRANCHES = 200
_DEEPEST = 5
PEOPLE = 400
_TEXTS = 300
_START = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
_VOCABULARY = (
    "bread flour water salt oven crust crumb starter dough morning kitchen neighbour recipe hour patience weather "
    "kettle window table because although rather never always perhaps today again without under between warm slowly"
)

Parents = Sequence[int | None]


def text(dice: random.Random) -> str:
    """About 300 characters with bold, emphasis, a link and code; now and then a list or a quote."""
    words = dice.choices(_VOCABULARY.split(), k=40)
    words[5] = f"**{words[5]} {words[6]}**"
    words[12] = f"_{words[12]}_"
    words[20] = f"[{words[20]}](https://bread.example/{dice.randrange(9999)})"
    words[30] = f"`{words[30]}()`"
    opening = dice.choice(["", "", "", "", "> as you said\n\n", "- one\n- two\n\n"])
    return opening + " ".join(words)


def seed(session: Session) -> None:
    """Fill an empty database and commit."""
    dice = random.Random(7)
    shapes: dict[str, Parents] = {}
    for size in SIZES:
        shapes |= {f"whole-{size}": _tree(dice, size), f"flat-{size}": [None] * size}
    shapes |= {f"small-{number}": _tree(dice, _SMALL_SIZE) for number in range(_SMALL)}
    sources = [text(dice) for _ in range(_TEXTS)]
    texts = [{"source": source, "html": sanitize.comment_html(source)} for source in sources]
    session.add_all(_addresses())
    session.flush()
    first = 1
    for number, (slug, parents) in enumerate(shapes.items(), 1):
        session.add_all([_article(slug), _thread(number, slug, parents)])
        session.flush()
        session.execute(insert(Comment), list(_comments(first, number, parents, texts)))
        first += len(parents)
    session.commit()


def _tree(dice: random.Random, size: int) -> Parents:
    """Where each comment's parent stands, None for a branch: 57 % replies, more where one page could not hold them."""
    branches = min(_BRANCHES, round(size * 0.43))
    parents: list[int | None] = [None] * branches
    depths = [1] * branches
    while len(parents) < size:
        parent = dice.randrange(len(parents))
        if depths[parent] < _DEEPEST:
            parents.append(parent)
            depths.append(depths[parent] + 1)
    return parents


def _addresses() -> Iterator[Address]:
    """One for each person, so that the database knows what its indexes are good for."""
    for number in range(PEOPLE):
        email = f"reader{number}@reader.example"
        since = {"active_at": _START, "changed_at": _START, "created_at": _START}
        yield Address(id=number + 1, key=email, email=email, state="confirmed", **since)


def _article(slug: str) -> Article:
    return Article(
        slug=slug,
        thread_key=f"article:{slug}",
        title=slug.capitalize(),
        author="Ann",
        source="Flour and water.",
        html="<p>Flour and water.</p>",
        published_at=_START,
    )


def _thread(number: int, slug: str, parents: Parents) -> Thread:
    return Thread(
        id=number,
        key=f"article:{slug}",
        title=slug.capitalize(),
        url=f"/articles/{slug}",
        created_at=_START,
        comments=len(parents),
        branches=sum(parent is None for parent in parents),
    )


def _comments(
    first: int, thread_id: int, parents: Parents, texts: Sequence[dict[str, str]]
) -> Iterator[dict[str, Any]]:
    """Rows with ids from ``first`` on; one insert can then hold replies together with what they answer."""
    branches: list[int] = []
    depths: list[int] = []
    for at, parent in enumerate(parents):
        branches.append(at + 1 if parent is None else branches[parent])
        depths.append(1 if parent is None else depths[parent] + 1)
        moment = _START + dt.timedelta(minutes=at)
        yield texts[(first + at) % len(texts)] | {
            "id": first + at,
            "thread_id": thread_id,
            "parent_id": None if parent is None else first + parent,
            "branch": branches[at],
            "depth": depths[at],
            "state": "published",
            "name": f"Reader {(first + at) % PEOPLE}",
            "address_id": (first + at) % PEOPLE + 1,
            "renderer": sanitize.renderer("bleach"),
            "nonce": f"seed-{first + at}",
            "digest": "",
            "created_at": moment,
            "published_at": moment,
        }
