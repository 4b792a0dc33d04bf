"""What moderators leave behind: who changed what, and how they came in."""

from __future__ import annotations

import datetime as dt
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from .base import Base, Id, LongText, key_text


class Audit(Base):
    """Who changed what: address states, moderation, sign-ins. Rows are only ever added."""

    __tablename__ = "forum_audit"
    __table_args__ = (Index(None, "subject_kind", "subject_id"), Index(None, "batch"), Index(None, "at"))

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    at: Mapped[dt.datetime]
    actor: Mapped[str] = mapped_column(String(190))
    act: Mapped[str] = mapped_column(String(40))
    cause: Mapped[str] = mapped_column(String(40), default="")
    subject_kind: Mapped[str] = mapped_column(String(16))
    subject_id: Mapped[int] = mapped_column(Id)
    before: Mapped[str | None] = mapped_column(String(190))
    after: Mapped[str | None] = mapped_column(String(190))
    # Rows of one press share it, whether it touched one comment or ten thousand; it is what is undone.
    batch: Mapped[str | None] = mapped_column(String(32))
    # What taking it back needs, and values too long for `before` and `after`.
    data: Mapped[dict[str, Any] | None] = mapped_column(JSON)
    undone_at: Mapped[dt.datetime | None]


class SignIn(Base):
    """A one-time link for a moderator of the stand-alone site; its token is made from the id, never stored."""

    __tablename__ = "forum_sign_in"
    __table_args__ = {"sqlite_autoincrement": True}  # noqa: RUF012  # SQLAlchemy's own form

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    email: Mapped[str] = mapped_column(String(320), index=True)
    created_at: Mapped[dt.datetime]
    expires_at: Mapped[dt.datetime]
    used_at: Mapped[dt.datetime | None]


class Setting(Base):
    """A policy key that an admin changed on the settings page; it beats file and environment until it is reset."""

    __tablename__ = "forum_setting"

    key: Mapped[str] = mapped_column(key_text(64), primary_key=True)
    value: Mapped[Any] = mapped_column(JSON)
    changed_by: Mapped[str] = mapped_column(String(190))
    changed_at: Mapped[dt.datetime]


class Listing(Base):
    """Somebody a moderator trusts, holds, shadows or blocks. ``value`` is compared, ``shown`` is for people: of an
    address only a keyed hash is kept, which outlives its erasure.
    """

    __tablename__ = "forum_listing"
    # The audit log names ids: none may come to mean somebody else.
    __table_args__ = (UniqueConstraint("kind", "value"), {"sqlite_autoincrement": True})

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    kind: Mapped[str] = mapped_column(String(12))  # address, domain, name, network, identity, visitor
    value: Mapped[str] = mapped_column(key_text(190))
    shown: Mapped[str] = mapped_column(String(190))
    effect: Mapped[str] = mapped_column(String(8))  # trust, hold, shadow, block
    why: Mapped[str] = mapped_column(String(190), default="")
    until: Mapped[dt.datetime | None]
    created_by: Mapped[str] = mapped_column(String(190))
    created_at: Mapped[dt.datetime]


class Report(Base):
    """A reader says that something is wrong with a comment; settled when a moderator has decided."""

    __tablename__ = "forum_report"
    # Whoever reports twice has said it once.
    __table_args__ = (UniqueConstraint("comment_id", "reporter"), Index(None, "settled_at", "created_at"))

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    comment_id: Mapped[int] = mapped_column(Id, ForeignKey("forum_comment.id"))
    reason: Mapped[str] = mapped_column(String(12))  # spam, insulting, private, harmful, other
    note: Mapped[str] = mapped_column(String(500), default="")
    # Two hashes: of the identity, else the network; and of the place that counts as one voice.
    reporter: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[dt.datetime]
    settled_at: Mapped[dt.datetime | None]
    settled_by: Mapped[str | None] = mapped_column(String(190))


class Revision(Base):
    """A comment's text as it stood before an edit; it goes away with the comment's own words."""

    __tablename__ = "forum_revision"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    comment_id: Mapped[int] = mapped_column(Id, ForeignKey("forum_comment.id"), index=True)
    at: Mapped[dt.datetime]
    actor: Mapped[str] = mapped_column(String(190))
    source: Mapped[str] = mapped_column(LongText)


class Refusal(Base):
    """A draft that was refused at the door, so that a moderator sees whom the rules turn away; kept for days only."""

    __tablename__ = "forum_refusal"
    __table_args__ = (Index(None, "at"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    at: Mapped[dt.datetime]
    thread_key: Mapped[str] = mapped_column(key_text(190))
    name: Mapped[str] = mapped_column(String(160))
    excerpt: Mapped[str] = mapped_column(String(300))
    reasons: Mapped[list[str]] = mapped_column(default=list)
    network: Mapped[str | None] = mapped_column(String(64))


class Word(Base):
    """In how many comments the spam filter has met a word. The empty word counts the comments themselves."""

    __tablename__ = "forum_word"

    word: Mapped[str] = mapped_column(key_text(40), primary_key=True)
    spam: Mapped[int] = mapped_column(default=0)
    ham: Mapped[int] = mapped_column(default=0)
