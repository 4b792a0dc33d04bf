"""Whom the approval of a comment would be told: the outbox's own decision, tried out."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from .. import outbox, threads
from ..models import Comment, Item, Subscription
from ..settings import Settings
from ..tokens import Keys

MOST = 200


def told(
    session: Session, keys: Keys, settings: Settings, comments: Sequence[Comment], now: dt.datetime
) -> dict[int, int]:
    """How many people would be mailed of each comment if it was approved ``now``, by the id of the comment.

    Whom the decision would skip is not counted, nor who has not confirmed. At most 200 people are looked at for each
    comment. The number of statements does not depend on the number of comments, which come with their thread, parent
    and address.
    """
    numbers = dict.fromkeys((comment.id for comment in comments), 0)
    if not (settings.mail_enabled and comments):
        return numbers
    pairs = _pairs(session, comments)
    max_age = dt.timedelta(days=settings.mail_max_age_days)
    known = outbox.standings(session, keys, pairs, now) if pairs else {}
    for comment, address_id in pairs:
        facts = known[comment.id, address_id].facts
        if_approved = replace(facts, comment_state="published", delay=now - comment.created_at)
        numbers[comment.id] += outbox.decide(if_approved, max_age).word == "send"
    return numbers


def _pairs(session: Session, comments: Sequence[Comment]) -> list[tuple[Comment, int]]:
    """Who follows something that each comment belongs to and has not been told of it."""
    above = threads.above_each(session, comments)
    followers = _followers(session, comments, above)
    heard = _heard(session, comments)
    pairs = []
    for comment in comments:
        near = set().union(*(followers[place] for place in _places(comment, above[comment.id])))
        pairs += [(comment, address_id) for address_id in sorted(near - heard[comment.id])[:MOST]]
    return pairs


def _places(comment: Comment, above: Sequence[int]) -> list[tuple[str, int]]:
    """What one can follow to be told of a comment; its parent is the first of those above it."""
    return [("thread", comment.thread_id), *(("branch", id_) for id_ in above), *(("direct", id_) for id_ in above[:1])]


def _followers(
    session: Session, comments: Sequence[Comment], above: Mapping[int, Sequence[int]]
) -> defaultdict[tuple[str, int], set[int]]:
    query = select(Subscription.scope, Subscription.thread_id, Subscription.comment_id, Subscription.address_id).where(
        Subscription.thread_id.in_({comment.thread_id for comment in comments}),
        Subscription.state == "active",
        or_(Subscription.scope == "thread", Subscription.comment_id.in_(set().union(*above.values()))),
    )
    followers: defaultdict[tuple[str, int], set[int]] = defaultdict(set)
    for scope, thread_id, comment_id, address_id in session.execute(query):
        followers[scope, thread_id if scope == "thread" else comment_id or 0].add(address_id)
    return followers


def _heard(session: Session, comments: Sequence[Comment]) -> defaultdict[int, set[int]]:
    query = select(Item.comment_id, Item.address_id).where(
        Item.comment_id.in_([comment.id for comment in comments]), Item.state.in_(("sent", "grouped"))
    )
    heard: defaultdict[int, set[int]] = defaultdict(set)
    for comment_id, address_id in session.execute(query):
        heard[comment_id].add(address_id)
    return heard
