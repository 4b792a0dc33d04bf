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
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from functools import cached_property, partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

from flask import Flask, current_app, request
from limits.errors import StorageError
from limits.storage import storage_from_string
from limits.strategies import MovingWindowRateLimiter
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from . import language, limiting, overrides
from .cache import ByteCache
from .forks import renew_in_children
from .hooks import Hooks, Host
from .identity import Identity, current
from .mail.courier import Courier
from .mail.dispatched import announce
from .mail.patterns import Patterns
from .mail.transport import MailboxTransport, Transport, smtp_transport
from .models import Captured
from .moderation.desk import Desk
from .network import network_of
from .settings import Settings
from .sqlite import WRITES, Pulse, is_in_memory
from .threads import Reader
from .tokens import Keys

log = logging.getLogger("forum")
EXTENSION = "forum"
VISITOR_COOKIE = "forum_visitor"
_REMEMBERED = 10_000


class ForumState:
    """Settings, secrets, storage, caches and hooks of one app; ``clock`` returns the aware time and is replaceable."""

    def __init__(self, app: Flask, db: Any, settings: Settings, keys: Keys, hooks: Hooks) -> None:
        self.app, self._db, self.keys, self.hooks = app, db, keys, hooks
        # What the configuration says, and what counts: the same with what admins have changed laid over it.
        self.base = self.settings = settings
        self._overrides = overrides.Polled(self._take)
        self.clock: Callable[[], dt.datetime] = lambda: dt.datetime.now(dt.UTC)
        self._host = Host(app, hooks, self.open_session)
        # What moderators have laid down, for those who post.
        self.desk = Desk(keys)
        self.cache = ByteCache(settings.cache_bytes)
        # Changes with everything but the data that a page is made of, so that no browser keeps an old look.
        self.fingerprint = _fingerprint(settings)
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

        self.renew()
        renew_in_children(self)
        # The process that has kicked delivery: a fork inherits this object and has not.
        self._awake = 0

    def renew(self) -> None:
        """Begin anew in a forked process."""
        # Writers of one process queue here: SQLite lets those who find it locked sleep, ever longer.
        self._writing = threading.RLock()

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

    def follow_admins(self, *, at_once: bool = False) -> None:
        """Have what admins have changed count; the database is asked every two seconds at most.

        ``at_once`` is for whoever has just committed a change. While the database is away or has no tables, what was
        known before goes on to count.
        """
        if at_once:
            self._overrides.forget()
        ticket = self._overrides.is_due(self.clock())
        # Nobody else can change what is in the memory of this process.
        if ticket is None or (is_in_memory(self.db.engine) and not at_once):
            return
        try:
            found = self._stored_overrides()
        except SQLAlchemyError:
            return
        self._overrides.hear(ticket, found)

    def _stored_overrides(self) -> dict[str, overrides.Override]:
        if self.session.in_transaction():
            # Its connection may be the only one this thread can have.
            with self.session.no_autoflush:
                return overrides.load(self.session)
        # No transaction is left behind: whoever writes next begins one that says so.
        with self.open_session() as session:
            return overrides.load(session)

    def _take(self, found: Mapping[str, overrides.Override]) -> None:
        for line in overrides.wrong(found).values():
            log.warning("what an admin has set does not count: %s", line)
        # In this order: who sees a new fingerprint or cache also sees the settings they belong to.
        self.settings = overrides.effective(self.base, found)
        self.cache = ByteCache(self.settings.cache_bytes)
        self.fingerprint = _fingerprint(self.settings)

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

    def limit(self, network: str | None, *, of: str = "comments") -> None:
        """Count one submission from ``network`` and from the visitor of this request. Raises TooFast.

        ``of`` says what: comments and reports are counted apart, by the same limits. Where they are counted elsewhere
        and that place is away, nothing is counted: people come before limits.
        """
        try:
            limiting.count(self.limiter, self.settings, network, self.reader().visitor_hash, of)
        except StorageError as error:
            log.warning("the store of the rate limits is away: %s", error)

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
        # Found out once: a page asks for the language hundreds of times.
        with language.using(language.current()):
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
            self.follow_admins()
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
            connections=1 if mailbox or is_in_memory(engine) else self.settings.mail_connections,
            clock=lambda: self.clock(),
            may_read=self._host.may_read,
            last_seen=self._host.last_seen,
            sent=self._host.sent,
            dispatched=(lambda raw, to: None) if mailbox else partial(announce, self.app),
            listens=self._host.listens,
            published=self._host.published,
            is_test=self.app.testing,
            spool=Path(self.app.instance_path) / "forum-outcomes",
            worker=f"{socket.gethostname()}:{os.getpid()}"[:80],
        )

    def _transport(self) -> Transport:
        if self.settings.mail_transport == "mailbox":
            return MailboxTransport(self._capture)
        return smtp_transport(self.app.config, self.settings, testing=lambda: self.app.testing)

    def _capture(self, raw: bytes, sender: str, to: str) -> None:
        with self.app.app_context(), self.open_session() as session:
            session.add(
                Captured(envelope_from=sender, envelope_to=to, raw=raw.decode("ascii"), created_at=self.clock())
            )
            session.commit()


# Who moderates, secrets, and where things are counted: no page looks different for them.
_NO_PAGE_KNOWS = {"moderators", "admins", "metrics_token", "celery_broker", "akismet_key", "rate_storage"}


def _fingerprint(settings: Settings) -> str:
    said = settings.model_dump_json(exclude=_NO_PAGE_KNOWS)
    return hashlib.sha256(f"{version('flask-forum')}\0{said}".encode()).hexdigest()[:10]


def _for_workers(engine: Engine) -> Engine:
    """The host's engine as delivery uses it: on MariaDB, without the locks on gaps that workers would meet in."""
    if engine.dialect.name in ("mysql", "mariadb"):
        return engine.execution_options(isolation_level="READ COMMITTED")
    return engine


def visitor_hash(cookie: str) -> str:
    """What is stored of a visitor cookie. It is random enough to need no key, and so survives a new SECRET_KEY."""
    return hashlib.sha256(cookie.encode()).hexdigest()


def get() -> ForumState:
    """The state of the current app, with the settings that count now.

    Raises RuntimeError with what to do when Forum was not set up on it.
    """
    state: ForumState | None = current_app.extensions.get(EXTENSION)
    if state is None:
        raise RuntimeError("Forum is not set up on this app: call Forum(db).init_app(app).")
    state.follow_admins()
    return state
