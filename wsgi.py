"""The reference site as a WSGI application: ``flask --app wsgi run``, ``waitress-serve wsgi:app``.

With FORUM_DELIVERY = "celery" also as one of Celery: ``celery -A wsgi.celery worker``.
"""

from pathlib import Path
from typing import Any

from forum import create_app
from forum.celery import site_celery

app = create_app(Path(__file__).parent)


def __getattr__(name: str) -> Any:
    # Asked for by the command line of Celery alone: a site without it must start, and a worker of it say what is wrong.
    if name == "celery":
        return site_celery(app)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
