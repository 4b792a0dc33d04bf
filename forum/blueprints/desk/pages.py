"""The pages of the site as a moderator sees them, and what is decided for one of them alone."""

from __future__ import annotations

from typing import Any, Final, Literal

from flask import Blueprint, Response, request, url_for
from werkzeug.exceptions import BadRequest

from ... import sanitize
from ...errors import Conflict
from ...language import N_
from ...language import gettext as _
from ...moderation import pages
from ...moderation.acts import Press
from ...moderation.pages import Switch
from ...sqlite import begin_writing
from ...state import ForumState, get
from . import acts, numbers, said
from .access import guard
from .frame import desk

blueprint = Blueprint("desk_pages", __name__, url_prefix="/moderation/pages")
blueprint.before_request(guard)

_SEARCH_LENGTH = 190
_EXCERPT = 120
# What is decided for a page alone, as a search asks for it.
ONLY: Final[dict[Switch | Literal["pinned"], str]] = {
    "closed": N_("closed"),
    "held": N_("every comment waits"),
    "silent": N_("no mail"),
    "pinned": N_("a comment on top"),
}


@blueprint.get("")
def index() -> Response:
    """The pages with comments, the newest conversation first."""
    state, text = get(), _search()
    only = next((name for name in ONLY if name == request.args.get("only")), None)
    rows = pages.find(state.session, text, numbers.before(), only)
    asked: dict[str, Any] = {"q": text or None, "only": only}
    older = (
        url_for("forum.desk_pages.index", before=rows[-1].thread.id, **asked) if len(rows) == pages.PER_PAGE else None
    )
    return desk(
        "forum/moderation/pages.html",
        rows=rows,
        q=text,
        only=only,
        onlies=ONLY,
        older=older,
        excerpt=lambda comment: sanitize.excerpt(comment.source, _EXCERPT, 1),
    )


@blueprint.post("/<forum_id:thread_id>")
@acts.proved
def decide(thread_id: int) -> Response:
    """Turn one switch of one page, or take its pinned comment down; the list of comments has the same buttons."""
    name, to = _pressed()
    state = get()
    press = acts.new_press(state)
    begin_writing(state.session)
    try:
        act = _decide(state, press, thread_id, name, to)
    except Conflict as conflict:
        state.session.rollback()
        return said.back(said.missed(conflict))
    state.session.commit()
    return said.back(f"{act}.{press.batch}")


def _pressed() -> tuple[Any, str]:
    """The name of a switch and where it is to stand, or `pinned` and a number. Raises BadRequest."""
    name, to = request.form.get("name", ""), request.form.get("to", "")
    is_pin = name == "pinned" and numbers.row_number(to) is not None
    if not is_pin and not (name in pages.ACTS and to in ("on", "off")):
        raise BadRequest(_(acts.PRESS))
    return name, to


def _decide(state: ForumState, press: Press, thread_id: int, name: Any, to: str) -> str:
    """Do what was pressed, and return what the audit log calls it. Raises NotFound and Conflict."""
    if name == "pinned":
        pages.unpin(state.session, press, thread_id, int(to))
        return "unpin"
    pages.switch(state.session, press, thread_id, name, to == "on")
    return pages.ACTS[name][0 if to == "on" else 1]


def _search() -> str:
    # No database takes a zero byte, and PostgreSQL says so with an error.
    return request.args.get("q", "").replace("\0", "").strip()[:_SEARCH_LENGTH]
