"""Lists of words tried on comments there are: what they would have caught, before they count."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from ..models import Address, Comment
from ..sanitize import excerpt
from ..screening import matches

# Enough to see what a word catches, few enough to read at one press.
NUMBER = 500
_SHOWN = 3
_EXCERPT = 120


@dataclass(frozen=True)
class Hit:
    """One comment in which a word stands."""

    id: int
    name: str
    state: str
    excerpt: str


@dataclass(frozen=True)
class Tried:
    """How many of ``of`` comments were ``caught``, and for each word how many and the latest of them."""

    of: int
    caught: int
    words: list[tuple[str, int, list[Hit]]]


def on_the_latest(session: Session, words: Sequence[str]) -> Tried:
    """Compare ``words`` with the latest 500 comments as screening would: text, name, address and website."""
    query = (
        select(Comment.id, Comment.name, Comment.state, Comment.source, Comment.website, Address.email)
        .outerjoin(Address, Comment.address_id == Address.id)
        .where(Comment.source != "")
        .order_by(Comment.id.desc())
        .limit(NUMBER)
    )
    rows = session.execute(query).all()
    hits: dict[str, list[Hit]] = {word: [] for word in words}
    caught = 0
    for row in rows:
        found = matches(words, (row.source, row.name, row.email or "", row.website or ""))
        caught += bool(found)
        for word in found:
            hits[word].append(Hit(row.id, row.name, row.state, excerpt(row.source, _EXCERPT)))
    return Tried(len(rows), caught, [(word, len(all_), all_[:_SHOWN]) for word, all_ in hits.items()])
