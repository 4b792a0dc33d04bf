"""The extension: what a host creates once and initialises on each of its apps."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any, TypeVar

from flask import Flask, appcontext_pushed, got_request_exception, request, request_finished, url_for
from markupsafe import Markup
from sqlalchemy.exc import DBAPIError

from . import altcha, counts, language, migrations, negotiation, render, sanitize, threads
from .blueprints import articles_blueprint, forum_blueprint, ids
from .errors import SettingsError
from .hooks import Hooks
from .identity import Identity
from .logs import mask_failures
from .render import Place
from .screening import Rule
from .settings import Settings
from .state import EXTENSION, ForumState, get
from .tokens import Keys
from .worker import InProcess

_STATIC = Path(__file__).parent / "static"
HookT = TypeVar("HookT", bound=Callable[..., Any])


class Forum:
    """The comment section of a Flask site.

    ``db`` is the host's Flask-SQLAlchemy object; without it the one in ``app.extensions`` is used. One object can
    serve several apps; each gets settings, caches and limits of its own, the hooks are shared.
    """

    def __init__(self, db: Any = None) -> None:
        self._db = db
        self._hooks = Hooks()

    def init_app(
        self, app: Flask, *, url_prefix: str = "/forum", articles: bool = False, public_pages: bool = False
    ) -> None:
        """Set Forum up on ``app``: its pages below ``url_prefix``, and the bundled articles if asked for.

        ``public_pages`` says that your base page looks the same to everybody without a cookie, with no token, nonce
        or greeting in it: whole article pages are then kept in memory and answered with 304.

        Reads the FORUM_* keys, SECRET_KEY, SECRET_KEY_FALLBACKS and, to send mail, Flask-Mail's MAIL_* keys of
        ``app.config``. Adds the template functions forum_thread, forum_count, forum_head and forum_asset, and those
        of :mod:`forum.language`. Raises SettingsError with everything that is wrong with the configuration.
        """
        if EXTENSION in app.extensions:
            raise RuntimeError("Forum is set up on this app already.")
        state = ForumState(app, self._db, Settings.from_config(app.config), _keys(app), self._hooks)
        state.public_pages = public_pages
        altcha.check(state.settings)
        app.extensions[EXTENSION] = state
        ids.register(app)
        mask_failures()
        app.register_blueprint(forum_blueprint, url_prefix=url_prefix)
        if articles:
            app.register_blueprint(articles_blueprint)
        app.jinja_env.globals.update(
            forum_thread=forum_thread, forum_count=counts.count, forum_head=forum_head, forum_asset=forum_asset
        )
        app.jinja_env.globals.update(language.FUNCTIONS)
        language.follow(negotiation.asked)
        if state.settings.delivery == "in-process" and state.settings.mail_enabled:
            state.kick = InProcess(state.courier, app.app_context).kick
        request_finished.connect(counts.note_answered, app)
        got_request_exception.connect(_name_the_remedy, app)
        _keep_tables(app)

    def identity(self, hook: Callable[[], Identity | None]) -> Callable[[], Identity | None]:
        """Decorate the function that says who is signed in in this request, or None."""
        self._hooks.identity = hook
        return hook

    def may_read(self, hook: Callable[[str, str, str | None], bool]) -> Callable[[str, str, str | None], bool]:
        """Decorate the function that says who may see a page: it gets the thread's key, an address and, when the
        address belongs to an identity, its ref. It is asked again before each mail, and before a page of ours shows a
        comment (with an empty address for somebody who is not signed in).
        """
        self._hooks.may_read = hook
        return hook

    def last_seen(self, hook: Callable[[str, str], dt.datetime | None]) -> Callable[[str, str], dt.datetime | None]:
        """Decorate the function that says when an identity last saw a page: it gets the thread's key and the ref and
        returns an aware time, or None. Who saw the page after a comment appeared is not mailed about it.
        """
        self._hooks.last_seen = hook
        return hook

    def email_verified(self, hook: Callable[[Identity], bool]) -> Callable[[Identity], bool]:
        """Decorate the function that says whether the host has proved the address of an identity."""
        self._hooks.email_verified = hook
        return hook

    def screen(self, rule: Rule) -> Rule:
        """Decorate a rule of the host's: it gets a draft and its context and returns a verdict, or None."""
        self._hooks.screens.append(rule)
        return rule


def forum_thread(key: str, *, title: str, url: str, closed: bool = False, heading_level: int = 2) -> Markup:
    """The thread of ``key`` with its form, for a template.

    ``title`` and ``url`` are how mails and our own pages call the page it stands on; ``closed`` shows the thread
    without a form. Brings its style sheet and module along unless :func:`forum_head` did.
    """
    if not 0 < len(key) <= 190:
        raise ValueError("The key of a thread has 1 to 190 characters.")
    if len(url) > 2000:
        raise ValueError("The url of a thread has at most 2000 characters.")
    title = sanitize.excerpt(title, 300)
    state = get()
    state.wake()
    state.hear(key, closed)
    place = Place(key, title, url, closed, heading_level, request.script_root)
    head = threads.head(state.session, key)
    return forum_head() + render.thread(state, place, head, render.view_of(state))


def forum_head() -> Markup:
    """The style sheet and module tags, for the head of a page that holds a thread; nothing when it has them already."""
    if "forum.head" in request.environ:
        return Markup()
    request.environ["forum.head"] = True
    state = get()
    return Markup(state.render("forum/_head.html", css=state.settings.css))  # our own template


def forum_asset(name: str) -> str:
    """The URL of one of our static files; it changes with the file, so browsers may keep it for ever."""
    return url_for("forum.static", filename=name, v=_digest(name))


_digests: dict[str, str] = {}


def _digest(name: str) -> str:
    if name not in _digests:
        _digests[name] = hashlib.sha256((_STATIC / name).read_bytes()).hexdigest()[:10]
    return _digests[name]


def _name_the_remedy(sender: Flask, exception: BaseException, **_: object) -> None:
    """Say in one line of the log what to do when a page of anybody fails because our tables are not there."""
    if isinstance(exception, DBAPIError) and migrations.is_missing(exception):
        said = migrations.first_line(exception)
        sender.logger.error("forum: run `flask forum db upgrade`: tables are missing or behind (%s)", said)


def _keys(app: Flask) -> Keys:
    secret = app.config.get("SECRET_KEY")
    if not secret:
        raise SettingsError(["SECRET_KEY is not set: forms and mail links are signed with it. Set a long random text."])
    return Keys([secret, *(app.config.get("SECRET_KEY_FALLBACKS") or ())])


def _keep_tables(app: Flask) -> None:
    """Keep ``flask db migrate`` from proposing to drop our tables, whenever the host sets Flask-Migrate up."""
    if migrations.protect(app) or find_spec("flask_migrate") is None:
        return

    def later(sender: Flask, **_: object) -> None:
        if migrations.protect(sender):
            appcontext_pushed.disconnect(later, sender)

    # Commands run in an app context, so this is in time even if Migrate comes after us; it leaves when it is done.
    appcontext_pushed.connect(later, app, weak=False)
