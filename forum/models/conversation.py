"""What people read: articles, threads and comments."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from .base import Base, Id, LongText, key_text
from .people import Address

# In the place of who took a comment away: its author stands on a list and is not to notice.
SHADOW = "shadow"


class Article(Base):
    """A page of the bundled articles blueprint; hosts with pages of their own leave the table empty."""

    __tablename__ = "forum_article"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    slug: Mapped[str] = mapped_column(key_text(120), unique=True)
    thread_key: Mapped[str] = mapped_column(key_text(190), unique=True)
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
    __table_args__ = {"sqlite_autoincrement": True}  # noqa: RUF012  # SQLAlchemy's own form

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    key: Mapped[str] = mapped_column(key_text(190), unique=True)
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
    # Its page was taken away: nobody is called back to it.
    gone: Mapped[bool] = mapped_column(default=False)
    # What a moderator decided for this page alone: every comment waits; nobody is mailed about it.
    held: Mapped[bool] = mapped_column(default=False)
    silent: Mapped[bool] = mapped_column(default=False)
    # Shown before all others. No foreign key: tables that point at each other cannot be made in one go.
    pinned_id: Mapped[int | None] = mapped_column(Id)
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
        Index(None, "thread_id", "digest"),
        Index(None, "state", "created_at"),
        Index(None, "text_hash"),
        Index(None, "visitor_hash"),
        Index(None, "network"),
        # The names that are kept for moderators.
        Index(None, "is_moderator", "name"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    thread_id: Mapped[int] = mapped_column(Id, ForeignKey("forum_thread.id"))
    parent_id: Mapped[int | None] = mapped_column(Id, ForeignKey("forum_comment.id"), index=True)
    # The ordinal of its branch in the thread, given when the top-level comment is first published: a page of
    # branches is then a range, and the page of any comment is known from its own row.
    branch: Mapped[int | None]
    depth: Mapped[int]
    state: Mapped[str] = mapped_column(String(12))  # held, published, spam, rejected, removed
    removed_by: Mapped[str | None] = mapped_column(String(12))  # author, moderator, clock; shadow: a list, at the door

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

    nonce: Mapped[str] = mapped_column(key_text(64))
    digest: Mapped[str] = mapped_column(String(64))
    # Of the bare text, whoever sent it and wherever: spam comes in copies.
    text_hash: Mapped[str | None] = mapped_column(String(64))
    # As what the spam filter has learned it, so that it can be unlearned.
    learned: Mapped[str | None] = mapped_column(String(4))  # ham, spam
    # Why it was held or refused, as `rule` or `rule:detail`; a host's own rules give phrases.
    reasons: Mapped[list[str]] = mapped_column(default=list)
    # Raised by every change of this row: key of its rendered fragment, and what two moderators compare.
    version: Mapped[int] = mapped_column(default=1)
    created_at: Mapped[dt.datetime]
    published_at: Mapped[dt.datetime | None]
    edited_at: Mapped[dt.datetime | None]

    thread: Mapped[Thread] = relationship()
    parent: Mapped[Comment | None] = relationship(remote_side=[id])
    address: Mapped[Address | None] = relationship()
