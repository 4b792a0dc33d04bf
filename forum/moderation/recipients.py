"""Who is to be told of a comment, after it has been moved to another place.

Who is not concerned any more is spared what has not left yet; who is concerned now is told, nobody twice.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Sequence

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session, joinedload

from .. import outbox
from ..models import Comment, Item, Message
from ..outbox import Standing
from ..settings import Settings
from ..tokens import Keys

REASON = "moved"
_WAITS = ("waiting", "waiting_confirm")


def correct(
    session: Session,
    keys: Keys,
    settings: Settings,
    comment_ids: Collection[int],
    now: dt.datetime,
    mail_at: dt.datetime,
) -> None:
    """Decide once more about everybody who waits to be told of these comments, and tell others from ``mail_at`` on.

    What was published too long ago to be news is told to nobody new.
    """
    session.flush()
    items = _unsent(session, comment_ids)
    pairs = [(item.comment, item.address_id) for item in items]
    known = outbox.standings(session, keys, pairs, now) if pairs else {}
    for item in items:
        _decide(item, known[item.comment_id, item.address_id], settings, mail_at)
    young = now - dt.timedelta(days=settings.mail_max_age_days)
    news = select(Comment.id).where(Comment.id.in_(comment_ids), Comment.published_at > young)
    outbox.tell_others(session, session.scalars(news).all(), mail_at)
    session.flush()


def _unsent(session: Session, comment_ids: Collection[int]) -> Sequence[Item]:
    """Their items that have not left, and those that another move has skipped; whose mail is on its way is told."""
    ready = select(Message.id).where(Message.state == "ready", Message.items.any(Item.comment_id.in_(comment_ids)))
    held = session.scalars(ready.order_by(Message.id).with_for_update()).all()
    query = select(Item).where(
        Item.comment_id.in_(comment_ids),
        or_(
            Item.state.in_(_WAITS),
            and_(Item.state == "grouped", Item.message_id.in_(held)),
            and_(Item.state == "skipped", Item.skip_reason.in_((REASON, "not_subscribed", "parent_gone"))),
        ),
    )
    around = joinedload(Item.comment)
    loaded = (around.joinedload(Comment.thread), around.joinedload(Comment.parent), around.joinedload(Comment.address))
    locked = query.options(*loaded).order_by(Item.id).with_for_update(of=Item)
    return session.scalars(locked.execution_options(populate_existing=True)).all()


def _decide(item: Item, standing: Standing, settings: Settings, mail_at: dt.datetime) -> None:
    decision = outbox.decide(standing.facts, dt.timedelta(days=settings.mail_max_age_days))
    item.reason, item.subscription_id = decision.reason, standing.subscription_id
    if decision.why_not is None:
        _let_wait(item, decision.word, mail_at)
    elif item.state != "skipped":
        item.state = "skipped"
        item.skip_reason = REASON if decision.why_not == "not_subscribed" else decision.why_not


def _let_wait(item: Item, word: str, mail_at: dt.datetime) -> None:
    """Who is concerned waits as before; whom an earlier place had spared waits from now on."""
    if item.state == "skipped":
        item.state, item.skip_reason = ("waiting" if word == "send" else "waiting_confirm"), None
        item.message_id, item.due_at = None, max(item.due_at, mail_at)
