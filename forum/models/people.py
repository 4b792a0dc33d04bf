"""Whom mail may reach: addresses, what they asked for, and what they asked to be spared."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from .base import Base, Id, key_text


class Address(Base):
    """One mailbox known to the site, found by its normalised ``key``; ``email`` is what is written to."""

    __tablename__ = "forum_address"
    # Links in old mails name ids: after an erasure none may come to mean somebody else.
    __table_args__ = {"sqlite_autoincrement": True}  # noqa: RUF012  # SQLAlchemy's own form

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    key: Mapped[str] = mapped_column(key_text(320), unique=True)
    email: Mapped[str] = mapped_column(String(320))
    state: Mapped[str] = mapped_column(String(12), default="none")  # + pending confirmed refused unsubscribed bounced …
    # Raised by each confirmation, so that an older confirm link shows "done" instead of acting again.
    generation: Mapped[int] = mapped_column(default=0)
    confirmed_at: Mapped[dt.datetime | None]
    locale: Mapped[str | None] = mapped_column(String(16))
    paused_until: Mapped[dt.datetime | None]
    # What came back: the score of refusals, the last certain one, and until when the address is left alone after it.
    bounce_score: Mapped[float] = mapped_column(default=0)
    bounced_at: Mapped[dt.datetime | None]
    resting_until: Mapped[dt.datetime | None]
    # The last sign of life (a comment, a confirmation, a press on a mail page) and how often we asked since.
    active_at: Mapped[dt.datetime]
    nudges: Mapped[int] = mapped_column(default=0)
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


class ActorMute(Base):
    """Silence for one address about whatever another one writes."""

    __tablename__ = "forum_actor_mute"
    __table_args__ = (UniqueConstraint("address_id", "actor_id"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    address_id: Mapped[int] = mapped_column(Id, ForeignKey("forum_address.id"))
    actor_id: Mapped[int] = mapped_column(Id, ForeignKey("forum_address.id"))
    created_at: Mapped[dt.datetime]

    actor: Mapped[Address] = relationship(foreign_keys=[actor_id])


class Pace(Base):
    """A thread that became too lively for instant mail: this address hears of it once an hour for a while."""

    __tablename__ = "forum_pace"
    __table_args__ = (UniqueConstraint("address_id", "thread_id"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    address_id: Mapped[int] = mapped_column(Id, ForeignKey("forum_address.id"))
    thread_id: Mapped[int] = mapped_column(Id, ForeignKey("forum_thread.id"))
    until: Mapped[dt.datetime]


class Suppression(Base):
    """Addresses that are never written to, kept as keyed hashes so that they outlive an erasure."""

    __tablename__ = "forum_suppression"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    key_hash: Mapped[str] = mapped_column(String(64), unique=True)
    why: Mapped[str] = mapped_column(String(40))
    since: Mapped[dt.datetime]
    until: Mapped[dt.datetime | None]
