"""What delivery needs of the application, in one frozen bundle: it never reaches for any of it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

from jinja2 import Environment
from sqlalchemy.orm import Session

from ..settings import Settings
from ..tokens import Keys
from .transport import Transport


class Urls(Protocol):
    """Absolute addresses of our pages, made without a request."""

    def __call__(self, endpoint: str, **values: str | int) -> str:
        """The absolute URL of one of our endpoints."""


@dataclass(frozen=True)
class Courier:
    """All that delivery needs of the application: storage, policy, secrets, templates, clock, wire and hooks."""

    open_session: Callable[[], AbstractContextManager[Session]]
    settings: Settings
    keys: Keys
    env: Environment
    urls: Urls
    transport: Transport
    clock: Callable[[], dt.datetime]
    may_read: Callable[[str, str, str | None], bool]
    last_seen: Callable[[str, str], dt.datetime | None]
    sent: Callable[[int], None]
    worker: str
