"""The order and nesting of a thread."""

from __future__ import annotations

from typing import NamedTuple

from forum import tree


class Row(NamedTuple):
    id: int
    parent_id: int | None = None


def test_replies_follow_their_parent() -> None:
    """A reply stands below its parent even when another branch was begun in between."""
    rows = [Row(1), Row(2), Row(3, 1), Row(4, 3), Row(5, 1)]
    assert [place.row.id for place in tree.preorder(rows)] == [1, 3, 4, 5, 2]


def test_levels_are_closed_where_they_end() -> None:
    """Every list that is opened is closed once, after its last reply."""
    places = tree.preorder([Row(1), Row(2, 1), Row(3, 2), Row(4)])
    assert [(place.row.id, place.answers, place.closes) for place in places] == [
        (1, 1, 0),
        (2, 1, 0),
        (3, 0, 2),
        (4, 0, 0),
    ]


def test_depth_has_no_limit() -> None:
    """Five thousand answers to each other are put in order without recursion."""
    rows = [Row(1), *(Row(n, n - 1) for n in range(2, 5001))]
    assert tree.preorder(rows)[-1].closes == 4999


def test_a_row_without_its_parent_stands_at_the_top() -> None:
    """A branch shown alone begins with a comment whose parent is elsewhere."""
    assert [place.row.id for place in tree.preorder([Row(7, 3), Row(8, 7)])] == [7, 8]


def test_what_is_gone_stays_where_something_hangs_on_it() -> None:
    """A removed comment keeps its place as long as something published is below it, however deep."""
    rows = [Row(1), Row(2, 1), Row(3, 2), Row(4)]
    kept = tree.visible(rows, lambda row: row.id == 3)
    assert [row.id for row in kept] == [1, 2, 3]


def test_a_branch_alone() -> None:
    """A branch is a comment and everything below it, nothing beside it."""
    rows = [Row(1), Row(2, 1), Row(3, 1), Row(4, 2)]
    assert [row.id for row in tree.subtree(rows, 2)] == [2, 4]


def test_ancestors_from_parent_to_top() -> None:
    """The nearest ancestor comes first."""
    assert tree.ancestors({1: None, 2: 1, 3: 2}, 3) == [2, 1]
