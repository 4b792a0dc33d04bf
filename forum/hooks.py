"""The host's answers to our questions, and how delivery, which has no request, asks for them."""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field

from flask import Flask
from sqlalchemy.orm import Session

from .identity import Identity
from .mail.dispatched import has_listeners
from .models import Comment, Message
from .screening import Rule
from .signals import comment_published, message_sent

log = logging.getLogger("forum")


@dataclass
class Hooks:
    """The host's answers to our questions; set by the decorators of :class:`forum.extension.Forum`."""

    identity: Callable[[], Identity | None] | None = None
    may_read: Callable[[str, str, str | None], bool] | None = None
    last_seen: Callable[[str, str], dt.datetime | None] | None = None
    email_verified: Callable[[Identity], bool] | None = None
    screens: list[Rule] = field(default_factory=list)


class Host:
    """Whom delivery asks and tells. Each time in a new context: in the long one of a worker its session never ends."""

    def __init__(self, app: Flask, hooks: Hooks, open_session: Callable[[], AbstractContextManager[Session]]) -> None:
        self._app, self._hooks, self._open_session = app, hooks, open_session

    def may_read(self, key: str, email: str, ref: str | None) -> bool:
        """Whether somebody may see the page of ``key``."""
        if self._hooks.may_read is None:
            return True
        with self._app.app_context():
            return self._hooks.may_read(key, email, ref)

    def last_seen(self, key: str, ref: str) -> dt.datetime | None:
        """When somebody was on the page of ``key``, if the host knows."""
        if self._hooks.last_seen is None:
            return None
        with self._app.app_context():
            return self._hooks.last_seen(key, ref)

    def listens(self) -> bool:
        """Whether anybody is told of mails that left."""
        return bool(message_sent.has_receivers_for(self._app)) or has_listeners(self._app)

    def sent(self, message_id: int) -> None:
        """Tell of a mail that left. It has left: a receiver that fails changes nothing any more."""
        if not message_sent.has_receivers_for(self._app):
            return
        try:
            with self._app.app_context(), self._open_session() as session:
                message_sent.send(self._app, message=session.get_one(Message, message_id))
        except Exception:  # a receiver, or what the host does at the end of a context
            log.exception("a receiver of message_sent failed")

    def published(self, comment_id: int) -> None:
        """Tell of a comment that appeared outside a request. It has: a receiver that fails changes nothing any more."""
        if not comment_published.has_receivers_for(self._app):
            return
        try:
            with self._app.app_context(), self._open_session() as session:
                comment_published.send(self._app, comment=session.get_one(Comment, comment_id))
                session.commit()
        except Exception:  # a receiver, or what the host does at the end of a context
            log.exception("a receiver of comment_published failed")
