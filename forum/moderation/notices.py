"""What a mail tells moderators: the comments that still wait, and the links by which they decide on each."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal, get_args

from sqlalchemy import func, select
from sqlalchemy.orm import Session, joinedload

from ..errors import BadToken
from ..language import gettext as _
from ..models import Comment, Event
from ..tokens import Keys, check_age, make_token, read_token

LINK_DAYS: Final = 7
Act = Literal["approve", "spam", "undo"]
# Their numbers travel in tokens: new ones come at the end.
_ACTS: Final[tuple[Act, ...]] = get_args(Act)
# With any of these a comment looks like spam, and spam is not brought to a mailbox a second time.
_SMELLS: Final = frozenset({"score", "word", "links", "duplicate", "listed"})
# Of a service's words these alone are an opinion: the others say that there is none.
_OPINIONS: Final = frozenset({"akismet:spam", "akismet:discard"})


@dataclass(frozen=True)
class Link:
    """What a link lets one moderator do: ``act`` is proposed for the comment as it was in this ``version``.

    ``day`` is when it was made; it is good for a week.
    """

    comment_id: int
    version: int
    address_id: int
    day: int
    act: Act

    def token(self, keys: Keys) -> str:
        """The link as it travels in a mail."""
        number = _ACTS.index(self.act)
        return make_token(keys, "a", self.comment_id, self.version, self.address_id, self.day, number)

    def now_for(self, comment: Comment, act: Act) -> Link:
        """The same for the comment as it is now."""
        return replace(self, version=comment.version, act=act)

    def check(self, now: dt.datetime) -> None:
        """Raise ExpiredToken when it is older than a week."""
        check_age(self.day, now, LINK_DAYS)


def read_link(keys: Keys, token: str) -> Link:
    """What a token stands for, however old it is. Raises BadToken for anything that is not one of our links."""
    comment_id, version, address_id, day, act = read_token(keys, "a", token)
    if act >= len(_ACTS):
        raise BadToken(_("This link was made by a newer version of the site."))
    return Link(comment_id, version, address_id, day, _ACTS[act])


@dataclass(frozen=True)
class Waiting:
    """The comments a mail tells of, the longest waiting first, and how many of them and of all there are."""

    comments: Sequence[Comment]
    told: int
    in_all: int


def waiting(session: Session, first: int, last: int, limit: int = 10) -> Waiting:
    """What still waits of the comments whose events have the numbers ``first`` to ``last``; ``limit`` are read."""
    told = (Event.kind == "held", Event.id.between(first, last), Comment.state == "held")
    query = select(Comment).join(Event, Event.comment_id == Comment.id).where(*told)
    oldest = query.options(joinedload(Comment.thread)).order_by(Comment.created_at, Comment.id).limit(limit)
    return Waiting(
        comments=session.scalars(oldest).all(),
        told=session.scalar(query.with_only_columns(func.count())) or 0,
        in_all=session.scalar(select(func.count()).where(Comment.state == "held")) or 0,
    )


def smells_of_spam(comment: Comment) -> bool:
    """Whether a rule that looks for spam has held it."""
    return any(reason in _OPINIONS or reason.partition(":")[0] in _SMELLS for reason in comment.reasons)
