"""What Forum keeps for one app: one object in ``app.extensions["forum"]``; two apps never feel each other."""

from __future__ import annotations

import datetime as dt
import hashlib
import logging
import os
import secrets
import socket
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import Any

from flask import Flask, current_app, request
from limits.errors import StorageError
from limits.storage import storage_from_string
from limits.strategies import MovingWindowRateLimiter
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from .cache import ByteCache
from .errors import TooFast
from .identity import Identity, current
from .mail.courier import Courier
from .mail.patterns import Patterns
from .mail.transport import MailboxTransport, Transport, smtp_transport
from .models import Captured, Message
from .network import network_of
from .screening import Rule
from .settings import Settings
from .signals import message_sent
from .sqlite import WRITES, Pulse
from .threads import Reader
from .tokens import Keys

log = logging.getLogger("forum")
EXTENSION = "forum"
VISITOR_COOKIE = "forum_visitor"
_REMEMBERED = 10_000


@dataclass
class Hooks:
    """The host's answers to our questions; set by the decorators of :class:`forum.extension.Forum`."""

    identity: Callable[[], Identity | None] | None = None
    may_read: Callable[[str, str, str | None], bool] | None = None
    last_seen: Callable[[str, str], dt.datetime | None] | None = None
    email_verified: Callable[[Identity], bool] | None = None
    screens: list[Rule] = field(default_factory=list)


class ForumState:
    """Settings, secrets, storage, caches and hooks of one app; ``clock`` returns the aware time and is replaceable."""

    def __init__(self, app: Flask, db: Any, settings: Settings, keys: Keys, hooks: Hooks) -> None:
        self.app, self._db, self.settings, self.keys, self.hooks = app, db, settings, keys, hooks
        self.clock: Callable[[], dt.datetime] = lambda: dt.datetime.now(dt.UTC)
        self.cache = ByteCache(settings.cache_bytes)
        # Set by a site that owns its SQLite file: with it an unchanged page costs no query.
        self.pulse: Pulse | None = None
        # Whether an article page may be kept with the base page around it.
        self.public_pages = False
        # Where each value of the configuration came from; the reference site fills it in.
        self.sources: dict[str, str] = {}
        # When the host last said of a page that its comments are closed; forms made before that are refused.
        self._closed: OrderedDict[str, dt.datetime] = OrderedDict()
        # Called after a commit that left something to mail; in-process delivery sets it.
        self.kick: Callable[[], None] = lambda: None
        # Stands in cached pages where a fresh stamp goes; unguessable, so nobody can write it into a comment.
        self.stamp_mark = f"forum-stamp-{secrets.token_hex(16)}"
        # Stands in a frame where the bytes of a whole conversation go, which a template would copy many times.
        self.body_mark = f"forum-body-{secrets.token_hex(16)}"

        # Writers of one process queue here: SQLite lets those who find it locked sleep, ever longer.
        self._writing = threading.RLock()
        # The process that has kicked delivery: a fork inherits this object and has not.
        self._awake = 0

    def wake(self) -> None:
        """Kick delivery once: an earlier process may have left something."""
        if self._awake != os.getpid():
            self._awake = os.getpid()
            self.kick()

    @property
    def db(self) -> Any:
        """The host's Flask-SQLAlchemy object, given to us or found on the app."""
        db = self._db or self.app.extensions.get("sqlalchemy")
        if db is None:
            raise RuntimeError("Forum found no database: call db.init_app(app), or give it to Forum(db).")
        return db

    @property
    def session(self) -> Session:
        """The host's session of this request or command."""
        session: Session = self.db.session()
        return session

    @cached_property
    def limiter(self) -> MovingWindowRateLimiter:
        """Counts submissions. Made at the first one: the storage in memory starts a thread, a host's start-up none."""
        return MovingWindowRateLimiter(storage_from_string(self.settings.rate_storage, wrap_exceptions=True))

    @cached_property
    def fingerprint(self) -> str:
        """Changes with everything but the data that a page is made of, so that no browser keeps an old look."""
        parts = [
            version("flask-forum"),
            self.settings.model_dump_json(exclude={"moderators", "metrics_token", "celery_broker"}),
        ]
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:10]

    def identity(self) -> Identity | None:
        """The signed-in person of this request, asked of the host once."""
        # Kept in the request and not in `g`: a test suite may hold one app context open over many requests.
        if "forum.identity" not in request.environ:
            request.environ["forum.identity"] = current(self.app, self.hooks.identity)
        identity: Identity | None = request.environ["forum.identity"]
        return identity

    def vouched(self, identity: Identity) -> bool:
        """Whether the host has proved the address of ``identity``: by its hook, or as the identity says."""
        return self.hooks.email_verified(identity) if self.hooks.email_verified else identity.email_verified

    def hear(self, key: str, closed: bool) -> None:
        """Note what the host says of a page each time it shows it: nothing is written while reading."""
        if not closed:
            self._closed.pop(key, None)
            return
        self._closed[key] = self.clock()
        if len(self._closed) > _REMEMBERED:
            self._closed.popitem(last=False)

    def is_closed(self, key: str, since: dt.datetime | None = None) -> bool:
        """Whether the host has closed the page of ``key``, and, if given, has said so ``since`` then."""
        at = self._closed.get(key)
        return at is not None and (since is None or at >= since)

    def may_see(self, key: str) -> bool:
        """Whether the host lets the person of this request see the page of ``key``; ours must not tell on it."""
        if self.hooks.may_read is None:
            return True
        identity = self.identity()
        return self.hooks.may_read(key, (identity and identity.email) or "", identity.key if identity else None)

    def reader(self) -> Reader:
        """Who asks, as far as own comments go."""
        identity = self.identity()
        cookie = request.cookies.get(VISITOR_COOKIE)
        return Reader(visitor_hash(cookie) if cookie else None, identity.key if identity else None)

    def network(self) -> str | None:
        """The keyed hash of the client's network."""
        return network_of(request, self.keys)

    def limit(self, network: str | None) -> None:
        """Count one submission from ``network``. Raises TooFast when one of the limits is reached.

        Where they are counted elsewhere and that place is away, nothing is counted: people come before limits.
        """
        try:
            self._limit(network)
        except StorageError as error:
            log.warning("the store of the rate limits is away: %s", error)

    def _limit(self, network: str | None) -> None:
        for item in self.settings.rate_items:
            if not self.limiter.hit(item, "comments", network or "unknown"):
                reset = self.limiter.get_window_stats(item, "comments", network or "unknown").reset_time
                wait = max(1, round(reset - dt.datetime.now(dt.UTC).timestamp()))
                raise TooFast(f"That was quick. You can post again in {_words(wait)} – your text is safe here.", wait)

    def url(self, endpoint: str, **values: str | int) -> str:
        """The absolute URL of one of our pages, from FORUM_BASE_URL and never from a request."""
        path = self.app.url_map.bind("localhost").build(endpoint, values)
        return f"{self.settings.base_url or ''}{path}"

    @cached_property
    def comments_path(self) -> str:
        """The path below which comments have their permalinks: a page makes hundreds, too many for a URL map."""
        return self.app.url_map.bind("localhost").build("forum.comments.permalink", {"comment_id": 0})[: -len("/0")]

    def render(self, template: str, **context: object) -> str:
        """A template without the host's context processors: what is kept for all readers must not know one."""
        return self.app.jinja_env.get_template(template).render(context)

    @contextmanager
    def open_session(self) -> Iterator[Session]:
        """A session of its own for work outside requests; the host's own is left alone."""
        with Session(self.db.engine) as session:
            yield session

    def courier(self) -> Courier:
        """Everything delivery needs; its threads have no app context, so the engine is found here."""
        with self.app.app_context():
            engine = _for_workers(self.db.engine)
        mailbox = self.settings.mail_transport == "mailbox"
        return Courier(
            open_session=lambda: Session(engine),
            connect=lambda: engine.connect().execution_options(**WRITES),
            writing=self._writing if engine.dialect.name == "sqlite" else nullcontext(),
            settings=self.settings,
            keys=self.keys,
            patterns=Patterns(self.app.jinja_env, self.settings),
            urls=self.url,
            mail_pages=self.url("forum.mail.done", what="muted").removesuffix("done/muted"),
            comments=self.url("forum.comments.permalink", comment_id=0).removesuffix("0"),
            transport=self._transport,
            connections=1 if mailbox else self.settings.mail_connections,
            clock=lambda: self.clock(),
            may_read=self._may_read,
            last_seen=self._last_seen,
            sent=self._sent,
            listens=lambda: bool(message_sent.has_receivers_for(self.app)),
            spool=Path(self.app.instance_path) / "forum-outcomes",
            worker=f"{socket.gethostname()}:{os.getpid()}"[:80],
        )

    def _may_read(self, key: str, email: str, ref: str | None) -> bool:
        """Ask the host, in a context of its own: in the long one of a worker its session would never end."""
        if self.hooks.may_read is None:
            return True
        with self.app.app_context():
            return self.hooks.may_read(key, email, ref)

    def _last_seen(self, key: str, ref: str) -> dt.datetime | None:
        """Ask the host when somebody was on a page; likewise."""
        if self.hooks.last_seen is None:
            return None
        with self.app.app_context():
            return self.hooks.last_seen(key, ref)

    def _transport(self) -> Transport:
        if self.settings.mail_transport == "mailbox":
            return MailboxTransport(self._capture)
        return smtp_transport(self.app.config, self.settings, testing=lambda: self.app.testing, app=self.app)

    def _capture(self, raw: bytes, sender: str, to: str) -> None:
        with self.app.app_context(), self.open_session() as session:
            session.add(
                Captured(envelope_from=sender, envelope_to=to, raw=raw.decode("ascii"), created_at=self.clock())
            )
            session.commit()

    def _sent(self, message_id: int) -> None:
        """Tell the host of a mail that left. It has left: a receiver that fails changes nothing any more."""
        if not message_sent.has_receivers_for(self.app):
            return
        try:
            with self.app.app_context(), self.open_session() as session:
                message_sent.send(self.app, message=session.get_one(Message, message_id))
        except Exception:  # a receiver, or what the host does at the end of a context
            log.exception("a receiver of message_sent failed")


def _for_workers(engine: Engine) -> Engine:
    """The host's engine as delivery uses it: on MariaDB, without the locks on gaps that workers would meet in."""
    if engine.dialect.name in ("mysql", "mariadb"):
        return engine.execution_options(isolation_level="READ COMMITTED")
    return engine


def visitor_hash(cookie: str) -> str:
    """What is stored of a visitor cookie. It is random enough to need no key, and so survives a new SECRET_KEY."""
    return hashlib.sha256(cookie.encode()).hexdigest()


def get() -> ForumState:
    """The state of the current app. Raises RuntimeError with what to do when Forum was not set up on it."""
    state: ForumState | None = current_app.extensions.get(EXTENSION)
    if state is None:
        raise RuntimeError("Forum is not set up on this app: call Forum(db).init_app(app).")
    return state


def _words(seconds: int) -> str:
    if seconds < 60:
        return f"{seconds} second{'' if seconds == 1 else 's'}"
    minutes = -(-seconds // 60)
    return f"{minutes} minute{'' if minutes == 1 else 's'}"
