"""What one press on many comments is going to do, said before it is done."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import Text, cast, func, literal, select
from sqlalchemy.orm import Session

from ..models import Comment
from . import acts
from .acts import Act
from .filters import Filter


class Forecast(NamedTuple):
    """How many comments the act is possible for, by how many authors (each one without address counts), and the
    highest id among them; `bulk.Matching` needs it.
    """

    number: int
    authors: int
    upto: int


def forecast(session: Session, act: Act, filter: Filter) -> Forecast:
    """Count what ``act`` would change of all that matches; one statement."""
    # The operator, for the function of that name is not everywhere, nor NULL wherever a part of it is.
    account, address = (literal("i").concat(Comment.identity_ref), literal("a").concat(cast(Comment.address_id, Text)))
    author = func.coalesce(account, address, cast(Comment.id, Text))
    query = select(func.count(), func.count(author.distinct()), func.max(Comment.id))
    number, authors, upto = session.execute(query.where(*filter.conditions(), acts.possible(act))).one()
    return Forecast(number, authors, upto or 0)
