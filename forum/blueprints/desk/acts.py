"""A moderator's press on one comment, and taking a press back. Each names the version it saw and leads back."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec

from flask import Blueprint, Response, request
from werkzeug.exceptions import BadRequest

from ... import comments, moderation
from ...errors import Conflict
from ...language import N_
from ...language import gettext as _
from ...moderation.acts import Press
from ...moderation.undo import Undone
from ...sqlite import begin_writing
from ...state import ForumState, get
from ..mail_pages import session_holds
from . import announcing, said
from .access import guard, moderator
from .act_words import words
from .frame import desk
from .rows import ACTS

blueprint = Blueprint("desk_acts", __name__, url_prefix="/moderation")
blueprint.before_request(guard)

# A person waits for the answer, and so does a process of the web server.
PATIENCE_SECONDS = 5.0
WHY_LENGTH = 500
PRESS = N_("Please press one of the buttons of the page.")
_NUMBER = re.compile("[0-9]{1,15}")
P = ParamSpec("P")


def proved(view: Callable[P, Response]) -> Callable[P, Response]:
    """Only a form that was shown to this session gets to the view; any other leads back, and nothing was done."""

    @wraps(view)
    def answer(*args: P.args, **kwargs: P.kwargs) -> Response:
        return view(*args, **kwargs) if session_holds() else said.back("csrf")

    return answer


@blueprint.post("/comments/<forum_id:comment_id>")
@proved
def decide(comment_id: int) -> Response:
    """Carry out an act, if the comment still is as the moderator saw it."""
    act: Any = chosen(ACTS)
    seen = version()
    return carry_out(comment_id, act, lambda press: moderation.acts.decide(get().session, press, act, comment_id, seen))


@blueprint.post("/comments/<forum_id:comment_id>/pin")
@proved
def pin(comment_id: int) -> Response:
    """Show a comment before all others of its page, or in its own place again."""
    act, seen = chosen(("pin", "unpin")), version()
    return carry_out(comment_id, act, lambda press: _pin(press, act, comment_id, seen))


@blueprint.post("/undo")
@proved
def undo() -> Response:
    """Take back a press, a chunk at a time for as long as a person waits; then a page with a button to go on."""
    batch, below = request.form.get("batch", ""), request.form.get("below", "")
    done, left = number("done"), number("left")
    if not said.is_batch(batch):
        raise BadRequest(_(PRESS))
    until, place = time.monotonic() + PATIENCE_SECONDS, int(below) if _NUMBER.fullmatch(below) else None
    while True:
        chunk = _undo(get(), batch, place)
        done, left, place = done + chunk.done, left + len(chunk.left), chunk.below
        if place is None:
            return said.back(f"undo.{done}.{left}")
        if time.monotonic() >= until:
            hidden = {"batch": batch, "below": place, "done": done, "left": left}
            return going_on("forum.desk_acts.undo", "undo", done, None, batch, hidden)


def _undo(state: ForumState, batch: str, below: int | None) -> Undone:
    actor, now = moderator(state).ref, state.clock()
    begin_writing(state.session)
    mark = announcing.newest(state)
    chunk = moderation.undo.undo(state.session, state.keys, state.settings, batch, actor=actor, now=now, below=below)
    announcing.announce_undone(state, batch, mark)
    state.session.commit()
    state.kick()
    return chunk


def carry_out(comment_id: int, word: str, do: Callable[[Press], object]) -> Response:
    """Let ``do`` act and come back with a bar that says ``word``, or who was faster."""
    try:
        return carry_through(word, do)
    except Conflict as conflict:
        get().session.rollback()
        return said.back(said.missed(conflict))


def carry_through(word: str, do: Callable[[Press], object]) -> Response:
    """Let ``do`` act and come back with a bar that says ``word``. Raises what ``do`` raises; nothing is stored then."""
    state = get()
    press = new_press(state)
    begin_writing(state.session)
    mark = announcing.newest(state)
    do(press)
    announcing.announce(state, press.batch, mark)
    state.session.commit()
    state.kick()
    return said.back(f"{word}.{press.batch}")


def new_press(state: ForumState, **more: str) -> Press:
    """A press of whoever sits there, with the reason they gave."""
    why = " ".join(request.form.get("why", "").replace("\0", "").split())[:WHY_LENGTH]
    return Press(state.keys, state.settings, moderator(state).ref, state.clock(), why, **more)


def going_on(endpoint: str, act: str, done: int, of: int | None, batch: str, hidden: dict[str, Any]) -> Response:
    """The page between two requests of one long press: ``hidden`` travels on to ``endpoint``."""
    return desk(
        "forum/moderation/confirm_progress.html",
        so_far=words(act).so_far(done, of or done),
        done=done,
        of=of,
        endpoint=endpoint,
        hidden=hidden,
        came_from=request.form.get("back", ""),
        stop_url=said.back_url(None if act == "undo" else f"{act}.{batch}"),
    )


def chosen(acts: tuple[str, ...]) -> str:
    """The act whose button was pressed. Raises BadRequest."""
    act = request.form.get("action", "")
    if act not in acts:
        raise BadRequest(_(PRESS))
    return act


def version() -> int:
    """The version that the moderator saw. Raises BadRequest."""
    text = request.form.get("version", "")
    if not re.fullmatch("[0-9]{1,9}", text):
        raise BadRequest(_(PRESS))
    return int(text)


def number(name: str) -> int:
    """A number that travels in a form; 0 for whatever is none."""
    text = request.form.get(name, "")
    return int(text) if _NUMBER.fullmatch(text) else 0


def _pin(press: Press, act: str, comment_id: int, seen: int) -> None:
    session = get().session
    if act == "pin":
        moderation.pages.pin(session, press, comment_id, seen)
        return
    comment = comments.get(session, comment_id)
    moderation.pages.unpin(session, press, comment.thread_id, comment_id)
