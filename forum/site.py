"""The reference site: the first embedder of the package, and what ``flask --app forum run`` starts.

Whatever it needs it takes from the front door; it may do what only the owner of a site may: open the database,
set headers for every page, keep a secret in the instance folder.
"""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from typing import Any

from flask import Flask, Response, render_template
from flask_sqlalchemy import SQLAlchemy

from . import migrations
from .blueprints.articles import index
from .celery import site_celery
from .errors import SettingsError
from .extension import Forum
from .forks import reconnect_in_children
from .logs import redact_tokens
from .siteconfig import SiteConfig, load_config, missing
from .sqlite import Pulse, open_well
from .state import EXTENSION

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'self'"
)


def create_app(root: Path | None = None, **overrides: Any) -> Flask:
    """The reference site; ``root`` is its checkout with config/, templates/ and static/.

    Without ``root`` it runs on development defaults, with its database and secret in ./instance, and migrates that
    database by itself. ``overrides`` win over every file and variable: they are for tests. Raises SettingsError with
    all that is wrong, and then with all that is missing.
    """
    config = load_config(os.environ, root)
    config.lay("override", overrides)
    base = root or Path.cwd()
    app = Flask(
        "forum_site",
        root_path=str(base),
        instance_path=str(base / "instance"),
        template_folder=str(base / "templates"),
        static_folder=str(base / "static"),
    )
    https = str(config.get("FORUM_BASE_URL") or "").startswith("https:")
    app.config.update({"SESSION_COOKIE_SAMESITE": "Lax", "SESSION_COOKIE_SECURE": https, **config})
    _keep_secret(app, config)
    lacking = missing(app.config)
    if lacking:
        raise SettingsError(lacking)
    _set_up(app, config)
    if root is None:
        with app.app_context():
            migrations.upgrade(app.extensions["sqlalchemy"].engine)
    return app


def _set_up(app: Flask, config: SiteConfig) -> None:
    db = SQLAlchemy()
    db.init_app(app)
    Forum(db).init_app(app, articles=True, public_pages=True)
    with app.app_context():
        open_well(db.engine)
        reconnect_in_children(db.engine)
        app.extensions[EXTENSION].pulse = Pulse(db.engine)
    app.extensions[EXTENSION].sources = config.sources
    if app.extensions[EXTENSION].settings.delivery == "celery":
        site_celery(app)
    app.add_url_rule("/", "home", index)
    app.after_request(_harden)
    redact_tokens()
    # Flask writes the path of what failed into the application's own log.
    redact_tokens([app.name])
    if (Path(app.root_path) / "templates" / "site").is_dir():
        app.register_error_handler(404, lambda error: (render_template("site/404.html"), 404))
        app.register_error_handler(500, lambda error: (render_template("site/500.html"), 500))


def _keep_secret(app: Flask, config: SiteConfig) -> None:
    """In development make a SECRET_KEY once and keep it, so that links and sessions survive a restart."""
    if app.config.get("SECRET_KEY") or app.config.get("FORUM_ENV") != "development":
        return
    path = Path(app.instance_path) / "secret-key"
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    except FileExistsError:
        pass
    else:
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_urlsafe(32))
    app.config["SECRET_KEY"] = path.read_text()
    config.sources["SECRET_KEY"] = "instance/secret-key"


def _harden(response: Response) -> Response:
    """Headers of a whole site; pages that set a stricter one keep it."""
    defaults = {
        "Content-Security-Policy": POLICY,
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "same-origin",
        "Cross-Origin-Opener-Policy": "same-origin",
    }
    # Not by `setdefault`: asking for what is missing raises inside, four times for every page.
    present = {name.lower() for name, _ in response.headers}
    for name, value in defaults.items():
        if name.lower() not in present:
            response.headers.add(name, value)
    return response
