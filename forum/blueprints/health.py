"""One address a monitor can ask: is the database there and migrated, is mail flowing?"""

from __future__ import annotations

import datetime as dt
from typing import Any

from flask import Blueprint, Response, jsonify
from sqlalchemy.exc import SQLAlchemyError

from .. import migrations
from ..mail import doctor
from ..state import ForumState, get

blueprint = Blueprint("health", __name__, url_prefix="/health")


@blueprint.get("")
def check() -> Response:
    """What is known, as JSON; 503 when something is wrong. Names no person and no host."""
    state = get()
    try:
        report = _report(state)
    except SQLAlchemyError as error:
        state.session.rollback()
        report = {"ok": False, "database": type(error).__name__}
    response = jsonify(report)
    response.status_code = 200 if report["ok"] else 503
    response.headers["Cache-Control"] = "no-store"
    return response


def _report(state: ForumState) -> dict[str, Any]:
    now = state.clock()
    at_head = migrations.is_at_head(state.session.connection())
    flow = doctor.flow(state.session, now)
    # Without mail nobody will ever deal with what is written down for it.
    mail = state.settings.mail_enabled
    return {
        "ok": at_head and not (mail and (flow.is_late(now) or flow.is_away(now))),
        "database": "ok",
        "migrations": "at head" if at_head else "behind: run `flask forum db upgrade`",
        "oldest_ready_seconds": _seconds(flow.ready_since if mail else None, now),
        "worker_seen_seconds": _seconds(flow.seen_at, now),
        "breaker_open_seconds": _seconds(flow.breaker.since if flow.breaker else None, now),
        "dead": flow.dead + flow.dead_events,
        "laid_aside": sum(flow.laid_aside),
    }


def _seconds(since: dt.datetime | None, now: dt.datetime) -> int | None:
    return None if since is None else int((now - since).total_seconds())
