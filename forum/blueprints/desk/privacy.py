"""The privacy clock as admins read it: what is held, how old it is, what ends it, and words for a privacy policy."""

from __future__ import annotations

import datetime as dt
from typing import Final

from flask import Blueprint, Response

from ...moderation import holdings, retention
from ...state import get
from .access import guard_admin
from .frame import desk

blueprint = Blueprint("desk_privacy", __name__, url_prefix="/moderation/privacy")
blueprint.before_request(guard_admin)

# It goes round once a day; a worker may be away for a while.
_LATE: Final = dt.timedelta(days=2)


@blueprint.get("")
def index() -> Response:
    """What is held about people, by kind and age, beside the setting that limits it."""
    state = get()
    last, now = retention.last_run(state.session), state.clock()
    return desk(
        "forum/moderation/privacy.html",
        holdings=holdings.held(state.session),
        settings=state.settings,
        last=last,
        late=last is None or now - last > _LATE,
    )
