"""Drafts that were turned away at the door leave a trace, so that moderators see whom their rules meet."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Sequence

from sqlalchemy import ColumnElement, Text, cast, or_, select
from sqlalchemy.orm import Session

from .. import sanitize
from ..models import Refusal
from ..screening import Draft

PER_PAGE = 50
_EXCERPT_LENGTH = 300
# A flood is told by its first drafts as well as by all of them.
_WITHIN = dt.timedelta(minutes=1)
_MOST_WITHIN = 30


def note(session: Session, draft: Draft, reasons: Sequence[str], network: str | None, now: dt.datetime) -> bool:
    """Keep that a draft was refused for these reasons; the caller commits.

    False, and nothing is kept, when the same network met the same rules within the last minute, or thirty drafts were
    refused in it.
    """
    recent = select(Refusal.network, Refusal.reasons).where(Refusal.at > now - _WITHIN).limit(_MOST_WITHIN)
    known = [(row.network, _rules(row.reasons)) for row in session.execute(recent)]
    if len(known) == _MOST_WITHIN or (network, _rules(reasons)) in known:
        return False
    excerpt = sanitize.excerpt(draft.body, _EXCERPT_LENGTH)
    about = {"thread_key": draft.thread_key, "name": draft.name, "excerpt": excerpt}
    session.add(Refusal(at=now, reasons=list(reasons), network=network, **about))
    session.flush()
    return True


def page(session: Session, rule: str = "", before: int | None = None) -> Sequence[Refusal]:
    """Up to 51 refusals, the newest first, below the id ``before``: the last one says that there are more.

    ``rule`` asks for those by one rule, or for one whole reason.
    """
    query = select(Refusal).order_by(Refusal.id.desc()).limit(PER_PAGE + 1)
    if rule:
        query = query.where(_by(rule))
    return session.scalars(query if before is None else query.where(Refusal.id < before)).all()


def _rules(reasons: Sequence[str]) -> frozenset[str]:
    """Without the details: how fast it was to a tenth of a second makes no other refusal."""
    return frozenset(reason.partition(":")[0] for reason in reasons)


def _by(rule: str) -> ColumnElement[bool]:
    """The stored list is searched as the text it is: its entries are JSON strings, `"rule"` or `"rule:detail"`."""
    stored, begin = cast(Refusal.reasons, Text), json.dumps(rule)[:-1]
    return or_(stored.contains(f'{begin}"', autoescape=True), stored.contains(f"{begin}:", autoescape=True))
