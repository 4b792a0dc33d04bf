"""A comment as a row of the desk: its words without a single link, why it waits, whose it is, what may be done."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, get_args

from flask import url_for
from markupsafe import Markup

from ... import comments, moderation, sanitize
from ...models import Comment, Report
from ...moderation.acts import FROM, Act
from ...moderation.queue import History, told
from ...screening import chips
from ...screening.chips import Chip
from ...state import ForumState

_QUOTE = 220
# What takes more letters, or more lines, is shown in a box of its own, so that the next row is not pages away.
_LONG, _LONG_LINES = 2000, 20
# The order of the buttons. `restore` of spam says that it is none; whoever sets aside for good removes.
_ORDER: Final[dict[str, tuple[Act, ...]]] = {
    "held": ("approve", "reject", "spam"),
    "published": ("unapprove", "spam"),
    "spam": ("restore", "approve"),
    "rejected": ("approve", "restore", "spam"),
    "removed": ("restore",),
}
ACTS: Final[tuple[Act, ...]] = get_args(Act)


@dataclass(frozen=True)
class Case:
    """``html`` has no links. ``answered`` is the beginning of what it answers, None at the top and where that has no
    words left. ``told`` is how many people its approval would be mailed to, None where it is published.
    """

    comment: Comment
    html: Markup
    is_long: bool
    answered: str | None
    chips: Sequence[Chip]
    history: History
    first_timer: bool
    reports: Sequence[Report]
    acts: tuple[Act, ...]
    told: int | None
    author_url: str


def cases(state: ForumState, rows: Sequence[moderation.queue.Row]) -> list[Case]:
    """The rows of a page, with a fixed number of statements."""
    hidden = [row.comment for row in rows if row.comment.state != "published"]
    numbers = told(state.session, state.keys, state.settings, hidden, state.clock()) if hidden else {}
    return [_case(row, numbers) for row in rows]


def shown(comment: Comment) -> Markup:
    """The text as readers see it, with links spelled out: nobody follows a stranger's by a slip of the mouse."""
    return Markup(sanitize.mail_html(comment.source, links=True))  # just sanitised


def quoted(comment: Comment | None) -> str | None:
    """The beginning of a comment's text, None where it has no words left."""
    if comment is None or comment.removed_by in comments.FOR_GOOD:
        return None
    return sanitize.excerpt(sanitize.plain_text(comment.source, links=True), _QUOTE, 2)


def _case(row: moderation.queue.Row, numbers: Mapping[int, int]) -> Case:
    comment = row.comment
    return Case(
        comment=comment,
        html=shown(comment),
        is_long=len(comment.source) > _LONG or comment.source.count("\n") > _LONG_LINES,
        answered=quoted(comment.parent),
        chips=[chips.chip(reason) for reason in comment.reasons],
        history=row.history,
        first_timer=row.first_timer,
        reports=row.reports,
        acts=_acts(comment, bool(row.reports)),
        told=numbers.get(comment.id),
        author_url=url_for("forum.desk_author.index", comment_id=comment.id),
    )


def _acts(comment: Comment, is_reported: bool) -> tuple[Act, ...]:
    keep: tuple[Act, ...] = ("approve",) if is_reported and comment.state == "published" else ()
    return keep + _ORDER[comment.state]


def removable(comment: Comment) -> bool:
    """Whether a moderator may take it away."""
    return comment.state in FROM["remove"]
