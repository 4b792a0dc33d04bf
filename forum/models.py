"""The tables. They stand on their own declarative base and travel on the host's session.

All names begin with ``forum_``, no foreign key leaves them, all times are UTC. What must not happen twice is a
unique constraint here, with the reason beside it.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    DateTime,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Text,
    TypeDecorator,
    UniqueConstraint,
)
from sqlalchemy.dialects.mysql import DATETIME, LONGTEXT, VARCHAR
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

# SQLite counts rows by itself only in a column declared INTEGER.
Id = BigInteger().with_variant(Integer(), "sqlite")
# MariaDB's TEXT ends at 64 KB and, outside strict mode, cuts what is longer: sanitised HTML would lose its quotes.
LongText = Text().with_variant(LONGTEXT(), "mysql", "mariadb")


def _key(length: int) -> String:
    """Text that is compared letter by letter: MariaDB's usual collations take "e" and "é" for one key."""
    exact = VARCHAR(length, collation="utf8mb4_bin")
    return String(length).with_variant(exact, "mysql", "mariadb")


class UtcDateTime(TypeDecorator[dt.datetime]):
    """An aware UTC time in Python, stored without a zone so that every database compares it alike."""

    impl = DateTime
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> Any:
        """Keep microseconds on MariaDB, whose plain DATETIME drops them."""
        return dialect.type_descriptor(DATETIME(fsp=6) if dialect.name in ("mysql", "mariadb") else DateTime())

    def process_bind_param(self, value: dt.datetime | None, dialect: Dialect) -> dt.datetime | None:
        """Refuse naive times: one of them is an error of some hours that nobody sees."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("Forum stores aware datetimes only.")
        return value.astimezone(dt.UTC).replace(tzinfo=None)

    def process_result_value(self, value: dt.datetime | None, dialect: Dialect) -> dt.datetime | None:
        """Give the zone back."""
        return None if value is None else value.replace(tzinfo=dt.UTC)


class Base(DeclarativeBase):
    """Our own base: a second ``SQLAlchemy()`` on one app raises, so the package never makes one."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {dt.datetime: UtcDateTime(), int: Integer(), list[str]: JSON(), dict[str, Any]: JSON()}


class Article(Base):
    """A page of the bundled articles blueprint; hosts with pages of their own leave the table empty."""

    __tablename__ = "forum_article"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    slug: Mapped[str] = mapped_column(_key(120), unique=True)
    thread_key: Mapped[str] = mapped_column(_key(190), unique=True)
    title: Mapped[str] = mapped_column(String(300))
    author: Mapped[str] = mapped_column(String(120), default="")
    source: Mapped[str] = mapped_column(LongText)
    html: Mapped[str] = mapped_column(LongText)
    summary: Mapped[str] = mapped_column(String(300), default="")
    closed: Mapped[bool] = mapped_column(default=False)
    published_at: Mapped[dt.datetime]
    version: Mapped[int] = mapped_column(default=1)


class Thread(Base):
    """The conversation of one page, found by the host's opaque key; made by its first comment, never by a GET."""

    __tablename__ = "forum_thread"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    key: Mapped[str] = mapped_column(_key(190), unique=True)
    title: Mapped[str] = mapped_column(String(300))
    url: Mapped[str] = mapped_column(String(2000))
    # Frozen when the first mail is made: mail programs thread by an unchanging subject.
    subject: Mapped[str | None] = mapped_column(String(300))
    # Raised with everything a reader could see; it is the cache key and the ETag.
    version: Mapped[int] = mapped_column(default=1)
    # Published comments, and the number of the newest published branch.
    comments: Mapped[int] = mapped_column(default=0)
    branches: Mapped[int] = mapped_column(default=0)
    closed: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[dt.datetime]


class Comment(Base):
    """One comment in any state. Only ``html`` is ever shown; ``source`` is kept to edit and to render anew."""

    __tablename__ = "forum_comment"
    __table_args__ = (
        # A double click, a reload or a second tab leads to the first comment, not to another one.
        UniqueConstraint("nonce", "digest"),
        # Pages are whole branches, read in the order they were published; hot indexes begin with the thread.
        Index(None, "thread_id", "branch", "id"),
        Index(None, "thread_id", "visitor_hash"),
        Index(None, "state", "created_at"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    thread_id: Mapped[int] = mapped_column(Id, ForeignKey("forum_thread.id"))
    parent_id: Mapped[int | None] = mapped_column(Id, ForeignKey("forum_comment.id"), index=True)
    # The ordinal of its branch in the thread, given when the top-level comment is first published: a page of
    # branches is then a range, and the page of any comment is known from its own row.
    branch: Mapped[int | None]
    depth: Mapped[int]
    state: Mapped[str] = mapped_column(String(12))  # held, published, spam, rejected, removed
    removed_by: Mapped[str | None] = mapped_column(String(12))  # author, moderator

    name: Mapped[str] = mapped_column(String(160))
    website: Mapped[str | None] = mapped_column(String(500))
    source: Mapped[str] = mapped_column(LongText)
    html: Mapped[str] = mapped_column(LongText)
    renderer: Mapped[str] = mapped_column(String(40))

    address_id: Mapped[int | None] = mapped_column(Id, ForeignKey("forum_address.id"), index=True)
    identity_ref: Mapped[str | None] = mapped_column(String(190), index=True)
    is_moderator: Mapped[bool] = mapped_column(default=False)
    visitor_hash: Mapped[str | None] = mapped_column(String(64))
    network: Mapped[str | None] = mapped_column(String(64))

    nonce: Mapped[str] = mapped_column(_key(64))
    digest: Mapped[str] = mapped_column(String(64))
    reasons: Mapped[list[str]] = mapped_column(default=list)
    # Raised by every change of this row: key of its rendered fragment, and what two moderators compare.
    version: Mapped[int] = mapped_column(default=1)
    created_at: Mapped[dt.datetime]
    published_at: Mapped[dt.datetime | None]
    edited_at: Mapped[dt.datetime | None]

    thread: Mapped[Thread] = relationship()
    parent: Mapped[Comment | None] = relationship(remote_side=[id])
    address: Mapped[Address | None] = relationship()


class Address(Base):
    """One mailbox known to the site, found by its normalised ``key``; ``email`` is what is written to."""

    __tablename__ = "forum_address"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    key: Mapped[str] = mapped_column(_key(320), unique=True)
    email: Mapped[str] = mapped_column(String(320))
    state: Mapped[str] = mapped_column(String(12), default="none")  # + pending confirmed refused unsubscribed bounced …
    # Raised by each confirmation, so that an older confirm link shows "done" instead of acting again.
    generation: Mapped[int] = mapped_column(default=0)
    confirmed_at: Mapped[dt.datetime | None]
    changed_at: Mapped[dt.datetime]
    created_at: Mapped[dt.datetime]


class Subscription(Base):
    """An address wants to hear about a target, with the proof of its consent."""

    __tablename__ = "forum_subscription"
    # One wish per target; ``target`` is `comment:7`, `branch:7` or `thread:3`, since NULLs never collide.
    __table_args__ = (UniqueConstraint("address_id", "target"), Index(None, "thread_id", "scope", "state"))

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    address_id: Mapped[int] = mapped_column(Id, ForeignKey("forum_address.id"))
    thread_id: Mapped[int] = mapped_column(Id, ForeignKey("forum_thread.id"))
    comment_id: Mapped[int | None] = mapped_column(Id, ForeignKey("forum_comment.id"), index=True)
    target: Mapped[str] = mapped_column(String(40))
    scope: Mapped[str] = mapped_column(String(8))  # direct, branch, thread
    cadence: Mapped[str] = mapped_column(String(8), default="instant")
    state: Mapped[str] = mapped_column(String(8), default="active")  # active, ended
    consent_at: Mapped[dt.datetime]
    consent_network: Mapped[str | None] = mapped_column(String(64))
    consent_wording: Mapped[str] = mapped_column(String(40))
    identity_ref: Mapped[str | None] = mapped_column(String(190))

    address: Mapped[Address] = relationship()


class Mute(Base):
    """Silence for one address in one thread; it beats every subscription, direct answers included."""

    __tablename__ = "forum_mute"
    __table_args__ = (UniqueConstraint("address_id", "thread_id"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    address_id: Mapped[int] = mapped_column(Id, ForeignKey("forum_address.id"))
    thread_id: Mapped[int] = mapped_column(Id, ForeignKey("forum_thread.id"))
    until: Mapped[dt.datetime | None]
    created_at: Mapped[dt.datetime]


class Suppression(Base):
    """Addresses that are never written to, kept as keyed hashes so that they outlive an erasure."""

    __tablename__ = "forum_suppression"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    key_hash: Mapped[str] = mapped_column(String(64), unique=True)
    why: Mapped[str] = mapped_column(String(40))
    since: Mapped[dt.datetime]
    until: Mapped[dt.datetime | None]


class Event(Base):
    """The outbox row that commits together with its comment; fan-out turns it into items."""

    __tablename__ = "forum_event"
    # For life: approved, hidden and approved again is still one event.
    __table_args__ = (UniqueConstraint("kind", "comment_id"), Index(None, "state", "not_before"))

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    kind: Mapped[str] = mapped_column(String(24), default="published")
    comment_id: Mapped[int] = mapped_column(Id, ForeignKey("forum_comment.id"))
    state: Mapped[str] = mapped_column(String(8), default="new")  # new, done, skipped
    # The last address a chunk of fan-out reached: a killed worker's successor goes on from here.
    cursor: Mapped[int] = mapped_column(Id, default=0)
    not_before: Mapped[dt.datetime]
    lease_token: Mapped[str | None] = mapped_column(String(32))
    lease_until: Mapped[dt.datetime | None]
    attempts: Mapped[int] = mapped_column(default=0)
    last_error: Mapped[str | None] = mapped_column(String(500))
    created_at: Mapped[dt.datetime]

    comment: Mapped[Comment] = relationship()


class Message(Base):
    """One mail to one address. No body is stored: it is rendered at the attempt, so edits and erasure hold."""

    __tablename__ = "forum_message"
    __table_args__ = (
        Index(None, "state", "not_before", "priority"),
        Index(None, "domain", "state"),
        Index(None, "address_id", "thread_id", "state"),
        Index(None, "lease_until"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    kind: Mapped[str] = mapped_column(String(12))  # confirm, reply, digest, notice
    address_id: Mapped[int] = mapped_column(Id, ForeignKey("forum_address.id"))
    thread_id: Mapped[int | None] = mapped_column(Id, ForeignKey("forum_thread.id"))
    to_addr: Mapped[str] = mapped_column(String(320))
    domain: Mapped[str] = mapped_column(String(255))
    # The same on every retry: receivers merge what arrives twice.
    rfc_message_id: Mapped[str] = mapped_column(_key(190), unique=True)
    state: Mapped[str] = mapped_column(String(10), default="ready")
    # ready, claimed, sending, sent, failed, dead, cancelled, expired
    skip_reason: Mapped[str | None] = mapped_column(String(40))
    priority: Mapped[int] = mapped_column(default=5)
    data: Mapped[dict[str, Any]] = mapped_column(default=dict)
    network: Mapped[str | None] = mapped_column(String(64))
    not_before: Mapped[dt.datetime]
    expires_at: Mapped[dt.datetime]
    attempts: Mapped[int] = mapped_column(default=0)
    ambiguous: Mapped[int] = mapped_column(default=0)
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


class Captured(Base):
    """The development mailbox: what the `mailbox` transport took instead of a mail server."""

    __tablename__ = "forum_captured"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    envelope_from: Mapped[str] = mapped_column(String(320))
    envelope_to: Mapped[str] = mapped_column(String(320))
    raw: Mapped[str] = mapped_column(LongText)  # always 7-bit: our builder guarantees it
    created_at: Mapped[dt.datetime]


class Audit(Base):
    """Who changed what: address states, moderation, sign-ins. Rows are only ever added."""

    __tablename__ = "forum_audit"
    __table_args__ = (Index(None, "subject_kind", "subject_id"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    at: Mapped[dt.datetime]
    actor: Mapped[str] = mapped_column(String(190))
    act: Mapped[str] = mapped_column(String(40))
    cause: Mapped[str] = mapped_column(String(40), default="")
    subject_kind: Mapped[str] = mapped_column(String(16))
    subject_id: Mapped[int] = mapped_column(Id)
    before: Mapped[str | None] = mapped_column(String(190))
    after: Mapped[str | None] = mapped_column(String(190))


class SignIn(Base):
    """A one-time link for a moderator of the stand-alone site; its token is made from the id, never stored."""

    __tablename__ = "forum_sign_in"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    email: Mapped[str] = mapped_column(String(320), index=True)
    created_at: Mapped[dt.datetime]
    expires_at: Mapped[dt.datetime]
    used_at: Mapped[dt.datetime | None]


class Worker(Base):
    """The heartbeat of a process that delivers mail."""

    __tablename__ = "forum_worker"

    name: Mapped[str] = mapped_column(String(80), primary_key=True)
    started_at: Mapped[dt.datetime]
    seen_at: Mapped[dt.datetime]
