"""The pages about one comment: another text, another place, and why it goes."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from flask import Blueprint, Response, request
from markupsafe import Markup
from sqlalchemy import select
from sqlalchemy.exc import OperationalError
from werkzeug.exceptions import BadRequest

from ... import audit, comments, moderation, sanitize
from ...audit import name_of
from ...errors import Conflict, InvalidDraft, NotFound
from ...language import gettext as _
from ...models import Comment, Revision
from ...sqlite import begin_writing
from ...state import ForumState, get
from ..mail_pages import SESSION_CHANGED, session_holds
from ..own import BUSY
from . import acts, said
from .access import guard, moderator
from .frame import desk
from .rows import quoted, removable, words_of

blueprint = Blueprint("desk_one", __name__, url_prefix="/moderation/comments/<forum_id:comment_id>")
blueprint.before_request(guard)

# A permalink, an anchor, or the bare number.
_TARGET = re.compile(r"(?:\S*(?:/comments/|#comment-))?([0-9]{1,15})/?")


class Place(NamedTuple):
    """Where a comment may go: below ``parent`` (None is the top), and how many people would be told of it there."""

    parent: Comment | None
    quote: str | None
    told: int


@blueprint.route("/edit", methods=["GET", "POST"])
def edit(comment_id: int) -> Response:
    """Put another text in place of the one that stands there, which is kept beside it."""
    state, comment = get(), _changeable(comment_id)
    if request.method == "GET":
        return _editor(state, comment, comment.source)
    typed = request.form.get("body", "")
    if not session_holds():
        # The form of the answer carries the version of now: nobody must save over a text that was not shown.
        is_outrun = request.form.get("version") != str(comment.version)
        return _editor(state, comment, typed, 422, error=_(SESSION_CHANGED), is_outrun=is_outrun)
    if comment.version != acts.version():
        return _outrun(state, comment, typed)
    try:
        body = sanitize.body(typed, max_length=state.settings.max_length)
        preview = Markup(sanitize.comment_html(body, engine=state.settings.sanitizer))  # just sanitised
    except InvalidDraft as error:
        return _editor(state, comment, typed, 422, error=error.message)
    if "preview" in request.form:
        return _editor(state, comment, typed, preview=preview)
    return _save(state, comment, typed, body)


def _save(state: ForumState, comment: Comment, typed: str, body: str) -> Response:
    id_, seen, session = comment.id, acts.version(), state.session
    if body == comment.source:
        return said.back("same")
    session.rollback()
    try:
        return acts.carry_through("edit", lambda press: moderation.acts.edit(session, press, id_, seen, body))
    except (Conflict, OperationalError) as error:
        session.rollback()
        return _unsaved(state, comments.get(session, id_), typed, isinstance(error, OperationalError))


def _unsaved(state: ForumState, comment: Comment, typed: str, is_busy: bool) -> Response:
    """What was typed outlives another's decision, and a database that is locked for writers."""
    if is_busy and comment.version == acts.version():
        return _editor(state, comment, typed, 503, error=_(BUSY))
    return _outrun(state, comment, typed)


def _outrun(state: ForumState, comment: Comment, typed: str) -> Response:
    """Show who was faster and what stands there now, beside what was typed."""
    faster = said.of_conflict(audit.conflict(state.session, comment), moderator(state))
    return _editor(state, comment, typed, 409, bar=faster, is_outrun=True)


@blueprint.get("/remove")
def remove(comment_id: int) -> Response:
    """Ask why a comment goes; the press itself is an act like others."""
    comment = _changeable(comment_id)
    if not removable(comment):
        raise NotFound(_("There is nothing to remove."))
    return desk("forum/moderation/confirm_remove.html", **about(comment))


@blueprint.route("/move", methods=["GET", "POST"])
def move(comment_id: int) -> Response:
    """Find the comment that this one answers in truth, show it, and then put this one below it."""
    state, comment = get(), _changeable(comment_id)
    if request.method == "GET":
        return _mover(comment)
    if not session_holds():
        return _mover(comment, 422, error=_(SESSION_CHANGED))
    try:
        parent_id = _target()
        if "sure" in request.form:
            return _move(state, comment, parent_id)
        return _mover(comment, place=_look(state, comment, parent_id))
    except InvalidDraft as error:
        state.session.rollback()
        return _mover(_changeable(comment_id), 422, error=error.message)
    except Conflict as conflict:
        state.session.rollback()
        return _mover(_changeable(comment_id), 409, bar=said.of_conflict(conflict, moderator(state)))


def _move(state: ForumState, comment: Comment, parent_id: int | None) -> Response:
    id_, seen, session = comment.id, acts.version(), state.session
    session.rollback()
    return acts.carry_out(id_, "move", lambda press: moderation.moving.move(session, press, id_, seen, parent_id))


def _look(state: ForumState, comment: Comment, parent_id: int | None) -> Place:
    """Try the move and take it back: so it is known who would be told there."""
    id_, session = comment.id, state.session
    session.rollback()
    begin_writing(session)
    press = acts.new_press(state)
    moved = moderation.moving.move(session, press, id_, acts.version(), parent_id).comment
    told = moderation.queue.told(session, state.keys, state.settings, [moved], press.now)[id_]
    session.rollback()
    parent = None if parent_id is None else comments.get(session, parent_id)
    return Place(parent, quoted(parent), told)


def _target() -> int | None:
    """The number in what was typed; None means the top. Raises InvalidDraft."""
    where = request.form.get("where", "")
    if where == "top":
        return None
    if where != "below":
        raise BadRequest(_("Please say where it is to go."))
    found = _TARGET.fullmatch(request.form.get("parent", "").strip())
    if found is None:
        raise InvalidDraft("parent", _("Please give the number of a comment, or the link to one."))
    if get().session.get(Comment, int(found[1])) is None:
        raise InvalidDraft("parent", _("There is no comment with the number %(id)s.", id=int(found[1])))
    return int(found[1])


def _editor(state: ForumState, comment: Comment, body: str, status: int = 200, **more: Any) -> Response:
    query = select(Revision).where(Revision.comment_id == comment.id).order_by(Revision.id.desc())
    revisions = [(row, name_of(row.actor)) for row in state.session.scalars(query)]
    given: dict[str, Any] = {"body": body, "revisions": revisions, "why": request.form.get("why", "")}
    given |= {"error": None, "preview": None, "is_outrun": False}
    return desk("forum/moderation/edit.html", status, **about(comment) | given | more)


def _mover(comment: Comment, status: int = 200, **more: Any) -> Response:
    typed = {"typed": request.form.get("parent", ""), "where": request.form.get("where", "below")}
    given = {"answered": quoted(comment.parent), "place": None, "error": None, "why": request.form.get("why", "")}
    return desk("forum/moderation/move.html", status, **about(comment) | given | typed | more)


def about(comment: Comment) -> dict[str, Any]:
    """What every page about one comment shows of it, and where its forms lead back to."""
    return {
        "comment": comment,
        "words": words_of(comment),
        "back": said.back_url(),
        "came_from": request.values.get("back", ""),
    }


def _changeable(comment_id: int) -> Comment:
    """A comment that has words; its author's own removal has left none. Raises NotFound."""
    comment = comments.get(get().session, comment_id)
    if comment.removed_by == comments.AUTHOR:
        raise NotFound(_("There is no such comment."))
    return comment
