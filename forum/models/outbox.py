"""What is to be mailed and what became of it: events, items, messages and attempts."""

from __future__ import annotations

import datetime as dt
from typing import Any

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from .base import Base, Id, LongText, key_text
from .conversation import Comment, Thread
from .people import Address, Subscription


class Event(Base):
    """The outbox row that commits together with its comment; fan-out turns it into items."""

    __tablename__ = "forum_event"
    # For life: approved, hidden and approved again is still one event.
    __table_args__ = (UniqueConstraint("kind", "comment_id"), Index(None, "state", "not_before"))

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    kind: Mapped[str] = mapped_column(String(24), default="published")  # held, told (an earlier hold), check:*, teach
    comment_id: Mapped[int] = mapped_column(Id, ForeignKey("forum_comment.id"))
    state: Mapped[str] = mapped_column(String(8), default="new")  # new, done, skipped, dead
    # The last address a chunk of fan-out reached: a killed worker's successor goes on from here.
    cursor: Mapped[int] = mapped_column(Id, default=0)
    not_before: Mapped[dt.datetime]
    attempts: Mapped[int] = mapped_column(default=0)
    last_error: Mapped[str | None] = mapped_column(String(500))
    created_at: Mapped[dt.datetime]

    comment: Mapped[Comment] = relationship()


class Message(Base):
    """One mail to one address. No body is stored: it is rendered at the attempt, so edits and erasure hold."""

    __tablename__ = "forum_message"
    __table_args__ = (
        Index(None, "state", "place"),
        Index(None, "domain", "state"),
        Index(None, "address_id", "thread_id", "state"),
        Index(None, "lease_until"),
        Index(None, "accepted_at"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    kind: Mapped[str] = mapped_column(String(12))  # reply, digest, confirm, sign_in, queue, link, notice, moved
    address_id: Mapped[int] = mapped_column(Id, ForeignKey("forum_address.id"))
    thread_id: Mapped[int | None] = mapped_column(Id, ForeignKey("forum_thread.id"))
    to_addr: Mapped[str] = mapped_column(String(320))
    domain: Mapped[str] = mapped_column(String(255))
    # The same on every retry: receivers merge what arrives twice.
    rfc_message_id: Mapped[str] = mapped_column(key_text(190), unique=True)
    state: Mapped[str] = mapped_column(String(10), default="ready")
    # ready, claimed, sending, sent, failed, dead, cancelled, expired
    skip_reason: Mapped[str | None] = mapped_column(String(40))
    # Its turn among those that are due: when it was written; a day earlier for what is not news of comments, as
    # somebody may sit waiting for the link in it, and later for the tail of a crowd, so that a thread with thousands
    # of followers does not keep all others waiting.
    place: Mapped[dt.datetime]
    data: Mapped[dict[str, Any]] = mapped_column(default=dict)
    network: Mapped[str | None] = mapped_column(String(64))
    not_before: Mapped[dt.datetime]
    expires_at: Mapped[dt.datetime]
    attempts: Mapped[int] = mapped_column(default=0)
    ambiguous: Mapped[int] = mapped_column(default=0)
    # The lease runs by the clock of the database, everything else by the application's.
    lease_token: Mapped[str | None] = mapped_column(String(32))
    lease_until: Mapped[dt.datetime | None]
    date_header: Mapped[dt.datetime | None]
    first_attempt_at: Mapped[dt.datetime | None]
    accepted_at: Mapped[dt.datetime | None]
    smtp_code: Mapped[int | None]
    enhanced_code: Mapped[str | None] = mapped_column(String(16))
    last_error: Mapped[str | None] = mapped_column(String(500))
    queue_id: Mapped[str | None] = mapped_column(String(120))
    created_at: Mapped[dt.datetime]

    address: Mapped[Address] = relationship()
    thread: Mapped[Thread | None] = relationship()
    items: Mapped[list[Item]] = relationship(back_populates="message", order_by="Item.comment_id")


class Item(Base):
    """One (comment, address) that may be mailed, with the reason for its yes or its no."""

    __tablename__ = "forum_item"
    # Nobody hears of one comment twice, whatever path led to them.
    __table_args__ = (
        UniqueConstraint("comment_id", "address_id"),
        Index(None, "address_id", "thread_id", "state"),
        Index(None, "state", "due_at"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    event_id: Mapped[int] = mapped_column(Id, ForeignKey("forum_event.id"), index=True)
    comment_id: Mapped[int] = mapped_column(Id, ForeignKey("forum_comment.id"))
    thread_id: Mapped[int] = mapped_column(Id, ForeignKey("forum_thread.id"))
    address_id: Mapped[int] = mapped_column(Id, ForeignKey("forum_address.id"))
    subscription_id: Mapped[int | None] = mapped_column(Id, ForeignKey("forum_subscription.id"))
    reason: Mapped[str] = mapped_column(String(12))  # reply, branch, thread
    state: Mapped[str] = mapped_column(String(16))  # waiting, waiting_confirm, grouped, sent, skipped
    skip_reason: Mapped[str | None] = mapped_column(String(40))
    # How the person wants to hear of it: instant in a mail of its thread, otherwise in a digest of all threads.
    cadence: Mapped[str] = mapped_column(String(8), default="instant")
    due_at: Mapped[dt.datetime]
    message_id: Mapped[int | None] = mapped_column(Id, ForeignKey("forum_message.id"), index=True)
    created_at: Mapped[dt.datetime]

    comment: Mapped[Comment] = relationship()
    address: Mapped[Address] = relationship()
    subscription: Mapped[Subscription | None] = relationship()
    message: Mapped[Message | None] = relationship(back_populates="items")


class Attempt(Base):
    """One try to hand a message to a mail server; rows are only ever added."""

    __tablename__ = "forum_attempt"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    message_id: Mapped[int] = mapped_column(Id, ForeignKey("forum_message.id"), index=True)
    n: Mapped[int]
    worker: Mapped[str] = mapped_column(String(80))
    started_at: Mapped[dt.datetime]
    ended_at: Mapped[dt.datetime]
    phase: Mapped[str] = mapped_column(String(16))
    outcome: Mapped[str] = mapped_column(String(16))
    code: Mapped[int | None]
    text: Mapped[str] = mapped_column(String(500), default="")
    # Seconds: to an open connection (0 on a kept one), for the envelope, for the content until it was answered, and
    # since the news the message brings was published.
    opening: Mapped[float | None]
    envelope: Mapped[float | None]
    content: Mapped[float | None]
    waited: Mapped[float | None]


class Throttle(Base):
    """Mail is held back: for the mail server while it cannot be used, or for a domain that asked us to slow down."""

    __tablename__ = "forum_throttle"
    __table_args__ = (UniqueConstraint("scope", "key"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    scope: Mapped[str] = mapped_column(String(12))  # transport, domain
    key: Mapped[str] = mapped_column(key_text(255))
    failures: Mapped[int] = mapped_column(default=0)
    open_until: Mapped[dt.datetime | None]
    # Messages a minute, for a domain.
    rate: Mapped[float | None]
    last_error: Mapped[str | None] = mapped_column(String(500))
    since: Mapped[dt.datetime]
    changed_at: Mapped[dt.datetime]


class Tally(Base):
    """What was counted in rows that are pruned by now: with the rows that are left, a counter never falls."""

    __tablename__ = "forum_tally"
    __table_args__ = (UniqueConstraint("name", "labels"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    name: Mapped[str] = mapped_column(String(40))
    labels: Mapped[str] = mapped_column(key_text(190))
    value: Mapped[float] = mapped_column(default=0)


class Captured(Base):
    """The development mailbox: what the `mailbox` transport took instead of a mail server."""

    __tablename__ = "forum_captured"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    envelope_from: Mapped[str] = mapped_column(String(320))
    envelope_to: Mapped[str] = mapped_column(String(320))
    raw: Mapped[str] = mapped_column(LongText)  # always 7-bit: our builder guarantees it
    created_at: Mapped[dt.datetime]


class Worker(Base):
    """The heartbeat of a process that delivers mail."""

    __tablename__ = "forum_worker"

    name: Mapped[str] = mapped_column(String(80), primary_key=True)
    started_at: Mapped[dt.datetime]
    seen_at: Mapped[dt.datetime]
