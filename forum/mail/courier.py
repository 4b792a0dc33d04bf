"""What delivery needs of the application, in one frozen bundle: it never reaches for any of it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from sqlalchemy import Connection
from sqlalchemy.orm import Session

from ..settings import Settings
from ..tokens import Keys
from .patterns import Patterns
from .transport import Transport


class Urls(Protocol):
    """Absolute addresses of our pages, made without a request."""

    def __call__(self, endpoint: str, **values: str | int) -> str:
        """The absolute URL of one of our endpoints."""


@dataclass(frozen=True)
class Courier:
    """All that delivery needs of the application: storage, policy, secrets, templates, clock, wire and hooks.

    ``mail_pages`` and ``comments`` are what the absolute addresses of mail pages and of comments begin with: a batch of
    mails has hundreds of them. ``transport`` makes a new way out for each connection. ``writing`` is held by whoever
    of this process writes to the database. ``spool`` is the directory for outcomes that the database would not take.
    ``sent`` is told the id of each message that was accepted, ``dispatched`` the bytes and the recipient of each mail
    that left or would have; neither raises, both may take long, and ``listens`` says whether anybody is told at all.
    ``published`` is told the id of each comment that delivery itself has published, and does not raise; ``is_test``
    says that nobody outside is to learn from what they are asked.
    """

    open_session: Callable[[], AbstractContextManager[Session]]
    connect: Callable[[], Connection]
    writing: AbstractContextManager[object]
    settings: Settings
    keys: Keys
    patterns: Patterns
    urls: Urls
    mail_pages: str
    comments: str
    transport: Callable[[], Transport]
    connections: int
    clock: Callable[[], dt.datetime]
    may_read: Callable[[str, str, str | None], bool]
    last_seen: Callable[[str, str], dt.datetime | None]
    sent: Callable[[int], None]
    dispatched: Callable[[bytes, str], None]
    listens: Callable[[], bool]
    published: Callable[[int], None]
    is_test: bool
    spool: Path
    worker: str
