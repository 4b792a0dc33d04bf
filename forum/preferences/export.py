"""All that is kept about one address, for its owner to take along. Nothing in it is about anybody else."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from ..models import ActorMute, Address, Audit, Comment, Message, Mute, Revision, Subscription, Thread


def export(session: Session, address: Address) -> dict[str, Any]:
    """Everything about ``address`` as values that JSON can hold; times are ISO 8601 in UTC."""
    subscriptions = _with_thread(session, Subscription, address)
    return {
        "address": _address(address),
        "consents": [_consent(row) for row, _ in subscriptions],
        "subscriptions": [_subscription(row, thread) for row, thread in subscriptions],
        "comments": export_comments(session, Comment.address_id == address.id),
        "mutes": {
            "conversations": [
                {**_place(thread), "until": _iso(row.until), "since": _iso(row.created_at)}
                for row, thread in _with_thread(session, Mute, address)
            ],
            # When, and not whom: names are other people's.
            "people": [{"since": _iso(row.created_at)} for row in _rows(session, ActorMute, address)],
        },
        "messages": [_message(row) for row in _rows(session, Message, address)],
        "history": _history(session, address),
    }


def export_comments(session: Session, *which: ColumnElement[bool]) -> list[dict[str, Any]]:
    """These comments, which are one person's, with their earlier texts."""
    query = select(Comment, Thread).join(Thread, Comment.thread_id == Thread.id).where(*which).order_by(Comment.id)
    rows = session.execute(query).all()
    earlier: defaultdict[int, list[Revision]] = defaultdict(list)
    ids = [row[0].id for row in rows]
    for each in session.scalars(select(Revision).where(Revision.comment_id.in_(ids)).order_by(Revision.id)):
        earlier[each.comment_id].append(each)
    return [_comment(comment, thread, earlier[comment.id]) for comment, thread in rows]


def _address(address: Address) -> dict[str, Any]:
    return {
        "email": address.email,
        "state": address.state,
        "language": address.locale,
        "first_seen": _iso(address.created_at),
        "confirmed": _iso(address.confirmed_at),
        "last_change": _iso(address.changed_at),
        "last_active": _iso(address.active_at),
        "paused_until": _iso(address.paused_until),
    }


def _consent(row: Subscription) -> dict[str, Any]:
    return {
        "subscription": row.id,
        "at": _iso(row.consent_at),
        "wording": row.consent_wording,
        "network_hash": row.consent_network,
        "account": row.identity_ref,
    }


def _subscription(row: Subscription, thread: Thread) -> dict[str, Any]:
    return {
        "id": row.id,
        **_place(thread),
        "comment": row.comment_id,
        "scope": row.scope,
        "cadence": row.cadence,
        "state": row.state,
    }


def _comment(row: Comment, thread: Thread, earlier: Sequence[Revision]) -> dict[str, Any]:
    return {
        "id": row.id,
        **_place(thread),
        "state": row.state,
        "name": row.name,
        "website": row.website,
        "text": row.source,
        "earlier_texts": [{"until": _iso(each.at), "text": each.source} for each in earlier],
        "account": row.identity_ref,
        "network_hash": row.network,
        "written": _iso(row.created_at),
        "published": _iso(row.published_at),
        "edited": _iso(row.edited_at),
    }


def _message(row: Message) -> dict[str, Any]:
    return {
        "kind": row.kind,
        "to": row.to_addr,
        "state": row.state,
        "reason": row.skip_reason,
        "created": _iso(row.created_at),
        "sent": _iso(row.accepted_at),
    }


def _history(session: Session, address: Address) -> list[dict[str, Any]]:
    """Each change of state; who made it is left out, it may be a moderator."""
    mine = select(Audit).where(Audit.subject_kind == "address", Audit.subject_id == address.id, Audit.act == "state")
    return [
        {"at": _iso(row.at), "from": row.before, "to": row.after, "cause": row.cause}
        for row in session.scalars(mine.order_by(Audit.id))
    ]


def _place(thread: Thread) -> dict[str, Any]:
    return {"conversation": thread.title, "url": thread.url}


def _rows(session: Session, model: Any, address: Address) -> list[Any]:
    return list(session.scalars(select(model).where(model.address_id == address.id).order_by(model.id)))


def _with_thread(session: Session, model: Any, address: Address) -> list[Any]:
    query = select(model, Thread).join(Thread, model.thread_id == Thread.id).where(model.address_id == address.id)
    return list(session.execute(query.order_by(model.id)))


def _iso(at: dt.datetime | None) -> str | None:
    return None if at is None else at.isoformat()
