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

_OLDEST_READY = dt.timedelta(minutes=15)


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
    oldest = flow.ready_since if state.settings.mail_enabled else None
    beat = flow.seen_at
    late = oldest is not None and now - oldest > _OLDEST_READY
    return {
        "ok": at_head and not late,
        "database": "ok",
        "migrations": "at head" if at_head else "behind: run `flask forum db upgrade`",
        "oldest_ready_seconds": None if oldest is None else int((now - oldest).total_seconds()),
        "worker_seen_seconds": None if beat is None else int((now - beat).total_seconds()),
    }
