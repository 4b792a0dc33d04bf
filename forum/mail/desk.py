"""The mail that tells a moderator what waits: found out when it leaves, with two links for each comment."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from sqlalchemy.orm import Session

from ..models import Comment, Message
from ..moderation import notices
from ..moderation.notices import Link
from ..outbox import desk
from ..screening import chips
from ..tokens import day_number, make_token
from . import compose
from .cases import MOST, Case
from .courier import Courier
from .patterns import mark
from .words import Words, language_of


def write(session: Session, courier: Courier, message: Message, now: dt.datetime) -> Words | str:
    """The words of ``message``, or the reason in a word why there are none."""
    why_not = desk.why_not(session, courier.keys, courier.settings, message.address, now)
    if why_not is not None:
        return why_not
    waiting = notices.waiting(session, message.data["first"], message.data["last"], MOST)
    if not waiting.comments:
        return "queue_clear"
    arguments = {
        "cases": tuple(_case(courier, comment) for comment in waiting.comments),
        "told": waiting.told,
        "in_all": waiting.in_all,
        "queue_url": courier.urls("forum.moderation.queue"),
        "unsubscribe": f"{courier.mail_pages}u/{mark('u')}",
        "daily": courier.settings.mail_moderators == "daily",
        "language": language_of(courier.settings, message),
    }
    return Words(compose.queue, arguments, _own(courier, message, waiting.comments))


def _case(courier: Courier, comment: Comment) -> Case:
    return Case(
        author=comment.name,
        title=comment.thread.title,
        reasons=tuple(map(_chip, comment.reasons)),
        source=None if notices.smells_of_spam(comment) or not courier.settings.mail_quote else comment.source,
        created_at=comment.created_at,
        approve=f"{courier.mail_pages}a/{mark(_name(comment, 'approve'))}",
        spam=f"{courier.mail_pages}a/{mark(_name(comment, 'spam'))}",
    )


def _chip(reason: str) -> str:
    # Behind the filter's number stand words of the visitor's own, and a mail program makes links of some.
    return chips.chip(reason.split()[0] if reason.startswith("score:") else reason).text


def _own(courier: Courier, message: Message, comments: Sequence[Comment]) -> dict[str, str]:
    """The recipient's own links; the one to stop is about no conversation."""
    day = day_number(message.place)
    acts: tuple[notices.Act, ...] = ("approve", "spam")
    values = {
        _name(comment, act): Link(comment.id, comment.version, message.address_id, day, act).token(courier.keys)
        for comment in comments
        for act in acts
    }
    return values | {"u": make_token(courier.keys, "u", message.address_id, 0)}


def _name(comment: Comment, act: notices.Act) -> str:
    """The name of the mark for one link."""
    return f"a{comment.id}_{act}"
