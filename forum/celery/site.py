"""The Celery of a site that has no other, as its settings say."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from flask import Flask

from ..errors import SettingsError
from ..settings import Settings
from ..state import EXTENSION
from .rounds import deliver_with

if TYPE_CHECKING:
    from celery import Celery

_REMEDY = "Install it: pip install 'flask-forum[celery]'."


def site_celery(app: Flask) -> Celery:
    """A Celery for a site that has no other: over FORUM_CELERY_BROKER, without results, on a queue of its own.

    It delivers the mail of ``app`` and is found in ``app.extensions["celery"]``. Raises SettingsError where
    FORUM_DELIVERY is not "celery", or where the broker or a package for it is missing.
    """
    if "celery" in app.extensions:
        return app.extensions["celery"]
    settings: Settings = app.extensions[EXTENSION].settings
    lacking = _lacking(settings)
    if lacking:
        raise SettingsError([lacking])
    from celery import Celery

    celery = Celery("forum", set_as_current=False)
    celery.config_from_object(_configuration(settings))
    deliver_with(celery, app)
    app.extensions["celery"] = celery
    return celery


def _lacking(settings: Settings) -> str | None:
    """The sentence that says why the reference site can have no Celery, or None."""
    if settings.delivery != "celery":
        return f'FORUM_DELIVERY = "{settings.delivery}" uses no Celery: set it to "celery" where its workers run.'
    if settings.celery_broker is None:
        return (
            'FORUM_CELERY_BROKER is not set, and FORUM_DELIVERY = "celery" needs it: give the URL of a Redis or a '
            "RabbitMQ, such as redis://localhost:6379/1 or amqp://forum:password@localhost/forum."
        )
    if find_spec("celery") is None:
        return f'FORUM_DELIVERY = "celery" needs the package celery. {_REMEDY}'
    if settings.celery_broker.startswith("redis") and find_spec("redis") is None:
        return f"FORUM_CELERY_BROKER names a Redis, which needs the package redis. {_REMEDY}"
    return None


def _configuration(settings: Settings) -> dict[str, Any]:
    return {
        "broker_url": settings.celery_broker,
        "broker_connection_retry_on_startup": True,
        # Not the usual one, "celery": on a broker that is shared, the workers of others would take our tasks.
        "task_default_queue": "forum",
        "task_ignore_result": True,
        "task_serializer": "json",
        "accept_content": ["json"],
        "timezone": "UTC",
        "worker_prefetch_multiplier": 1,
        "worker_hijack_root_logger": False,
        # A broker that went away is no reason to kill a mail on the wire.
        "worker_cancel_long_running_tasks_on_connection_loss": False,
        # One entry that repeats needs no memory, and so no file to keep it in.
        "beat_scheduler": "celery.beat:Scheduler",
    }
