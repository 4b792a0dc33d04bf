"""A flat list of comments in, the order and nesting of a thread out. No storage, no markup, no recursion.

Depth is not limited here: a recursive walk or template would die at about a thousand levels.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Generic, NamedTuple, Protocol, TypeVar


class Row(Protocol):
    """What the tree needs to know of a comment; its other columns pass through untouched."""

    @property
    def id(self) -> int:
        """The comment's own id; an answer's is always greater than its parent's."""

    @property
    def parent_id(self) -> int | None:
        """The id of the comment it answers."""


R = TypeVar("R", bound=Row)


class Place(NamedTuple, Generic[R]):
    """Where one comment stands: ``answers`` direct replies follow it, then ``closes`` open levels end."""

    row: R
    answers: int
    closes: int


def visible(rows: Sequence[R], published: Callable[[R], bool]) -> list[R]:
    """Keep what is published and whatever has something published below it.

    ``rows`` must hold parents before their replies, as ids do.
    """
    kept: set[int] = set()
    for row in reversed(rows):
        if row.id in kept or published(row):
            kept.add(row.id)
            if row.parent_id is not None:
                kept.add(row.parent_id)
    return [row for row in rows if row.id in kept]


def preorder(rows: Iterable[R]) -> list[Place[R]]:
    """Put every comment before its replies and each reply below its parent, siblings in the order given.

    A row whose parent is not among ``rows`` stands at the top.
    """
    rows = list(rows)
    replies = _replies(rows)
    known = {row.id for row in rows}
    # A stack of (row, levels that end with it): the last reply of a list also closes that list.
    stack = [(row, 0) for row in reversed(rows) if row.parent_id not in known]
    places: list[Place[R]] = []
    while stack:
        row, ends = stack.pop()
        below = replies.get(row.id, [])
        places.append(Place(row, len(below), 0 if below else ends))
        stack.extend((reply, ends + 1 if reply is below[-1] else 0) for reply in reversed(below))
    return places


def subtree(rows: Sequence[R], root_id: int) -> list[R]:
    """The comment ``root_id`` and everything below it, in the order given (parents first)."""
    inside = {root_id}
    for row in rows:
        if row.parent_id in inside:
            inside.add(row.id)
    return [row for row in rows if row.id in inside]


def ancestors(parents: Mapping[int, int | None], comment_id: int) -> list[int]:
    """Ids from the parent of ``comment_id`` up to the top; ``parents`` maps each id to its parent's."""
    chain: list[int] = []
    above = parents.get(comment_id)
    while above is not None:
        chain.append(above)
        above = parents.get(above)
    return chain


def _replies(rows: Iterable[R]) -> dict[int, list[R]]:
    replies: dict[int, list[R]] = {}
    for row in rows:
        if row.parent_id is not None:
            replies.setdefault(row.parent_id, []).append(row)
    return replies
