"""The pages of the site as a moderator sees them, and what is decided for one of them alone."""

from __future__ import annotations

from typing import Any, Final, Literal

from flask import Blueprint, Response, make_response, redirect, request, url_for
from werkzeug.exceptions import BadRequest

from ... import sanitize
from ...audit import name_of
from ...errors import Conflict
from ...moderation import pages
from ...moderation.acts import Press
from ...moderation.pages import Switch
from ...sqlite import begin_writing
from ...state import ForumState, get
from ..mail_pages import SESSION_CHANGED, session_holds
from . import numbers, said
from .access import guard, moderator
from .frame import desk

blueprint = Blueprint("desk_pages", __name__, url_prefix="/moderation/pages")
blueprint.before_request(guard)

_SEARCH_LENGTH = 190
_EXCERPT = 120
# What is decided for a page alone, as a search asks for it.
ONLY: Final[dict[Switch | Literal["pinned"], str]] = {
    "closed": "closed",
    "held": "every comment waits",
    "silent": "no mail",
    "pinned": "a comment on top",
}
_FLASH: Final = {
    "closed-on": "Closed: nobody can write there, everybody can read.",
    "closed-off": "Open again.",
    "held-on": "Every comment there waits for a moderator from now on.",
    "held-off": "Comments there are treated like all others again.",
    "silent-on": "Nobody is mailed about that page any more.",
    "silent-off": "People are mailed about that page again.",
    "unpinned": "The comment stands in its own place again.",
}


@blueprint.get("")
def index() -> Response:
    """The pages with comments, the newest conversation first."""
    return _list(notice=_FLASH.get(request.args.get("done", "")))


@blueprint.post("/<forum_id:thread_id>")
def decide(thread_id: int) -> Response:
    """Turn one switch of one page, or take its pinned comment down; the list of comments has the same buttons."""
    name, to = _pressed()
    from_queue = "back" in request.form
    if not session_holds():
        return said.back("csrf") if from_queue else _list(422, error=SESSION_CHANGED)
    state = get()
    press = Press(state.keys, state.settings, moderator(state).ref, state.clock())
    begin_writing(state.session)
    try:
        act = _decide(state, press, thread_id, name, to)
    except Conflict as conflict:
        state.session.rollback()
        return said.back(said.missed(conflict)) if from_queue else _list(409, error=_faster(conflict))
    state.session.commit()
    return said.back(f"{act}.{press.batch}") if from_queue else _back_to_list(name, to)


def _pressed() -> tuple[Any, str]:
    """The name of a switch and where it is to stand, or `pinned` and a number. Raises BadRequest."""
    name, to = request.form.get("name", ""), request.form.get("to", "")
    is_pin = name == "pinned" and numbers.page_number(to) is not None
    if not is_pin and not (name in pages.ACTS and to in ("on", "off")):
        raise BadRequest("Please press one of the buttons of the page.")
    return name, to


def _decide(state: ForumState, press: Press, thread_id: int, name: Any, to: str) -> str:
    """Do what was pressed, and return what the audit log calls it. Raises NotFound and Conflict."""
    if name == "pinned":
        pages.unpin(state.session, press, thread_id, int(to))
        return "unpin"
    pages.switch(state.session, press, thread_id, name, to == "on")
    return pages.ACTS[name][0 if to == "on" else 1]


def _back_to_list(name: str, to: str) -> Response:
    done = "unpinned" if name == "pinned" else f"{name}-{to}"
    return make_response(redirect(url_for("forum.desk_pages.index", done=done, q=_search() or None), 303))


def _list(status: int = 200, notice: str | None = None, error: str | None = None) -> Response:
    state, text = get(), _search()
    only = next((name for name in ONLY if name == request.values.get("only")), None)
    rows = pages.find(state.session, text, numbers.before(), only)
    older = (
        url_for("forum.desk_pages.index", q=text or None, only=only, before=rows[-1].thread.id)
        if len(rows) == pages.PER_PAGE
        else None
    )
    return desk(
        "forum/moderation/pages.html",
        status,
        rows=rows,
        q=text,
        only=only,
        onlies=ONLY,
        older=older,
        notice=notice,
        error=error,
        excerpt=lambda comment: sanitize.excerpt(comment.source, _EXCERPT, 1),
    )


def _search() -> str:
    # No database takes a zero byte, and PostgreSQL says so with an error.
    return request.values.get("q", "").replace("\0", "").strip()[:_SEARCH_LENGTH]


def _faster(conflict: Conflict) -> str:
    who = name_of(conflict.by) if conflict.by else "Somebody"
    return f"{who} was faster: here is how it stands now."
