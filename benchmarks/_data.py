"""A database for one run of a benchmark, with the configuration of the site that reads it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from forum import create_app
from forum.models import Base

from ._seed import seed

_ROOT = Path(__file__).parent.parent


def database(folder: Path) -> dict[str, Any]:
    """Make the database in ``folder``; the result configures a site on it, with no limits and no mail sent."""
    config: dict[str, Any] = {
        "SQLALCHEMY_DATABASE_URI": f"sqlite:///{folder / 'bench.db'}",
        "SECRET_KEY": "a secret for benchmarks",
        "FORUM_DELIVERY": "off",
        "FORUM_MODERATION": "none",
        "FORUM_RATE_LIMITS": [],
        "FORUM_MIN_SECONDS": 0,
    }
    app = create_app(_ROOT, **config)
    with app.app_context():
        database = app.extensions["sqlalchemy"]
        Base.metadata.create_all(database.engine)
        seed(database.session())
        database.session.execute(database.text("ANALYZE"))
        database.session.commit()
        database.session.remove()
        database.engine.dispose()
    return config
