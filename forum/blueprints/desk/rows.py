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
# Of what takes more letters, or more lines, the beginning is shown, so that the next row is not pages away.
_LONG, _LONG_LINES = 1500, 16
_BEGINNING, _BEGINNING_LINES = 500, 6
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
class Words:
    """What somebody wrote: ``html`` has no links, ``beginning`` is None unless it is long."""

    html: Markup
    beginning: str | None
    length: int


@dataclass(frozen=True)
class Case:
    """``answered`` is the beginning of what it answers, None at the top and where that has no
    words left. ``told`` is how many people its approval would be mailed to, None where it is published.
    """

    comment: Comment
    words: Words
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


def words_of(comment: Comment) -> Words:
    """The same, and the beginning of what is long."""
    source = comment.source
    is_long = len(source) > _LONG or source.count("\n") > _LONG_LINES
    plain = sanitize.plain_text(source, links=True) if is_long else ""
    beginning = sanitize.excerpt(plain, _BEGINNING, _BEGINNING_LINES) if is_long else None
    return Words(shown(comment), beginning, len(source))


def quoted(comment: Comment | None) -> str | None:
    """The beginning of a comment's text, None where it has no words left."""
    if comment is None or comment.removed_by in comments.FOR_GOOD:
        return None
    return sanitize.excerpt(sanitize.plain_text(comment.source, links=True), _QUOTE, 2)


def _case(row: moderation.queue.Row, numbers: Mapping[int, int]) -> Case:
    comment = row.comment
    return Case(
        comment=comment,
        words=words_of(comment),
        answered=quoted(comment.parent),
        chips=[chips.chip(reason) for reason in comment.reasons],
        history=row.history,
        first_timer=row.first_timer,
        reports=row.reports,
        acts=acts_of(comment, bool(row.reports)),
        told=numbers.get(comment.id),
        author_url=url_for("forum.desk_author.index", comment_id=comment.id),
    )


def acts_of(comment: Comment, is_reported: bool = False) -> tuple[Act, ...]:
    """What may be pressed beside a comment, in the order of the buttons."""
    keep: tuple[Act, ...] = ("approve",) if is_reported and comment.state == "published" else ()
    acts = keep + _ORDER[comment.state]
    # What was on its page before is restored to it: to approve it would be the same under another name.
    return tuple(act for act in acts if act != "approve") if "restore" in acts and comment.published_at else acts


def removable(comment: Comment) -> bool:
    """Whether a moderator may take it away."""
    return comment.state in FROM["remove"]
