"""A blog with people, private posts, a look and a database of its own: the host that Forum is a guest of.

Nothing here is there for tests alone, but the order in which the extensions are set up.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from flask import Flask, Response
from flask_login import LoginManager
from flask_migrate import Migrate
from flask_wtf import CSRFProtect

from forum import Forum
from forum.signals import comment_published

from .models import Activity, Post, User, db
from .views import views

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; "
    "base-uri 'none'"
)
ORDER = ("db", "csrf", "login", "forum", "migrate")

forum = Forum(db)
login = LoginManager()


def create_app(order: Sequence[str] = ORDER, migrate_options: dict[str, Any] | None = None, **config: Any) -> Flask:
    """The blog; ``order`` is the one its extensions are set up in."""
    app = Flask(__name__)
    app.config.update(
        SECRET_KEY="the blog's own secret",
        SQLALCHEMY_DATABASE_URI="sqlite://",
        FORUM_BASE_TEMPLATE="blog/base.html",
    )
    app.config.update(config)
    set_up: dict[str, Callable[[Flask], None]] = {
        "db": db.init_app,
        "csrf": CSRFProtect().init_app,
        "login": login.init_app,
        "migrate": Migrate(db=db, **(migrate_options or {})).init_app,
        "forum": forum.init_app,
    }
    for name in order:
        set_up[name](app)
    app.register_blueprint(views)
    app.after_request(_protect)
    comment_published.connect(note_activity, app)
    return app


@login.user_loader
def load_user(ref: str) -> User | None:
    return db.session.get(User, int(ref))


@forum.may_read
def may_read(key: str, email: str, ref: str | None) -> bool:
    """A private post is read by its friends only."""
    post = db.session.get(Post, int(key.removeprefix("post:")))
    return post is not None and post.is_open_to(db.session.get(User, int(ref)) if ref else None)


def note_activity(app: Flask, comment: Any) -> None:
    """The blog's own row about each comment; it stands or falls with the comment."""
    db.session.add(Activity(line=f"{comment.name} wrote about {comment.thread.title}"))


def _protect(response: Response) -> Response:
    response.headers.setdefault("Content-Security-Policy", POLICY)
    return response
