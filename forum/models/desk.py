"""What moderators leave behind: who changed what, and how they came in."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import Index, String
from sqlalchemy.orm import Mapped, mapped_column

from .base import Base, Id


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
    __table_args__ = {"sqlite_autoincrement": True}  # noqa: RUF012  # SQLAlchemy's own form

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    email: Mapped[str] = mapped_column(String(320), index=True)
    created_at: Mapped[dt.datetime]
    expires_at: Mapped[dt.datetime]
    used_at: Mapped[dt.datetime | None]
