"""What moderators have laid down, as posting asks for it: their names, their lists, what the filter has learned."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import select, true
from sqlalchemy.orm import Session

from .. import learning
from ..comments import Author
from ..models import Comment
from ..screening import Draft, Listed
from ..screening.bayes import Opinion
from ..settings import Settings
from ..tokens import Keys
from . import listings
from .listings import Who

# What changes seldom is remembered so long in each process.
_REMEMBERED = dt.timedelta(minutes=1)
_LONG_AGO = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


class Desk:
    """The moderators' word on drafts, for one app.

    Who moderates, and that the filter knows too little, may be as old as a minute.
    """

    def __init__(self, keys: Keys) -> None:
        self._keys = keys
        self._posted: tuple[dt.datetime, tuple[str, ...]] = (_LONG_AGO, ())
        self._ignorant_since = _LONG_AGO

    def staff(self, session: Session, settings: Settings, now: dt.datetime) -> tuple[str, ...]:
        """The names moderators have written under, and the first parts of their addresses."""
        at, names = self._posted
        if now - at >= _REMEMBERED:
            # Any state: a name is not free because its comment was removed; an erased one is empty.
            query = select(Comment.name).where(Comment.is_moderator == true(), Comment.name != "").distinct()
            names = tuple(sorted(session.scalars(query)))
            self._posted = now, names
        return (*names, *(email.partition("@")[0] for email in settings.moderators))

    def listed(self, session: Session, author: Author, now: dt.datetime) -> tuple[Listed, ...]:
        """The entries of the lists that fit the author."""
        who = Who(author.mailbox, author.name, author.network, author.identity_ref, author.visitor_hash)
        return listings.fitting(session, self._keys, who, now)

    def opinion(self, session: Session, draft: Draft, now: dt.datetime) -> Opinion | None:
        """What the filter thinks of the draft; None while it knows too little."""
        if now - self._ignorant_since < _REMEMBERED:
            return None
        opinion = learning.opinion(session, draft)
        if opinion is None:
            self._ignorant_since = now
        return opinion
