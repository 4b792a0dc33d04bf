"""The page of somebody who writes here, found by one of their comments; what is done about them, for them, to them."""

from __future__ import annotations

import json
import re
import time
from urllib.parse import quote

from flask import Blueprint, Response, make_response, request, url_for
from sqlalchemy import select
from werkzeug.exceptions import BadRequest, NotFound

from ... import addresses
from ...errors import Conflict
from ...language import N_
from ...language import gettext as _
from ...models import Audit
from ...moderation import authors, bulk, enlisting, listings
from ...moderation.acts import Press
from ...moderation.authors import Author
from ...moderation.bulk import Picked
from ...moderation.listings import Kind
from ...outbox import restore
from ...signals import address_unsubscribed
from ...sqlite import begin_writing
from ...state import ForumState, get
from ..pages import private
from . import acts, lists, many, numbers, said
from .access import Actor, guard, moderator
from .frame import desk
from .rows import acts_of, removable, shown

UNPROVED = N_(
    "Whether the owner of this address wrote this comment is not known: please tick that its owner has asked for "
    "everything that is kept under it."
)

blueprint = Blueprint("desk_author", __name__, url_prefix="/moderation/people/comment")
blueprint.before_request(guard)


@blueprint.get("/<forum_id:comment_id>")
def index(comment_id: int) -> Response:
    """What the author of a comment has written, what they get, and how they are treated."""
    return _page(comment_id)


@blueprint.post("/<forum_id:comment_id>/list")
@acts.proved
def enlist(comment_id: int) -> Response:
    """List the author by one of their marks; a block may take down what they have here."""
    state = get()
    press = acts.new_press(state)
    begin_writing(state.session)
    author = authors.of(state.session, comment_id)
    effect, until = lists.treatment(press.now)
    mark = _mark(state, author)
    try:
        enlisting.add(state.session, press, mark, effect, until)
    except Conflict as conflict:
        state.session.rollback()
        return _page(comment_id, 409, lists.faster(conflict))
    state.session.commit()
    if effect == "block" and "take_down" in request.form:
        return _take_down(state, press, comment_id, mark.kind)
    return said.back(f"list.{press.batch}")


@blueprint.post("/take-down")
@acts.proved
def take_down() -> Response:
    """Go on with taking down what a blocked author has here."""
    state, batch = get(), request.form.get("batch", "")
    press = acts.new_press(state, batch=batch)
    blocked = state.session.scalar(select(Audit).where(Audit.batch == batch, Audit.act == "list").limit(1))
    if not said.is_batch(batch) or blocked is None or blocked.actor != press.actor:
        raise BadRequest(_("This press belongs to somebody else."))
    return _take_down(state, press, acts.number("comment"), (blocked.data or {})["is"]["kind"])


@blueprint.post("/<forum_id:comment_id>/export")
@acts.proved
def export(comment_id: int) -> Response:
    """All that is kept about the author as a file, for whoever asks for it."""
    state = get()
    actor = _admin(state)
    begin_writing(state.session)
    author = _somebody(state, comment_id)
    if not _may_take_all(author):
        return _page(comment_id, 422, _(UNPROVED))
    data = authors.export(state.session, author, actor.ref, state.clock())
    state.session.commit()
    response = make_response(json.dumps(data, ensure_ascii=False, indent=2) + "\n")
    response.mimetype = "application/json"
    response.headers["Content-Disposition"] = _file_of(author)
    response.headers["X-Content-Type-Options"] = "nosniff"
    return private(response)


@blueprint.get("/<forum_id:comment_id>/erase")
def erasing(comment_id: int) -> Response:
    """What an erasure takes and what it leaves."""
    state = get()
    _admin(state)
    return _erasing(_somebody(state, comment_id))


@blueprint.post("/<forum_id:comment_id>/erase")
@acts.proved
def erase(comment_id: int) -> Response:
    """Erase the author for good."""
    state = get()
    actor = _admin(state)
    begin_writing(state.session)
    author = _somebody(state, comment_id)
    if not _may_take_all(author):
        return _erasing(author, 422, _(UNPROVED))
    address = author.comment.address
    if address is not None and address.state not in addresses.SILENT:
        # Before it is empty: a host may keep the address somewhere too.
        address_unsubscribed.send(state.app, address=address)
    authors.erase(state.session, state.keys, author, actor.ref, state.clock())
    state.session.commit()
    return said.back("erase")


def _take_down(state: ForumState, press: Press, comment_id: int, kind: Kind) -> Response:
    """Mark what they have here by this mark as spam, for as long as a person waits, then a page with a button to go
    on; one undo takes it back with the block.
    """
    seen = authors.on_the_page(state.session, authors.of(state.session, comment_id), kind)
    state.session.rollback()
    number, until = acts.number("of") or len(seen), time.monotonic() + acts.PATIENCE_SECONDS
    for start in range(0, len(seen), bulk.CHUNK):
        many.step(state, press, "spam", Picked(seen[start : start + bulk.CHUNK]))
        if start + bulk.CHUNK < len(seen) and time.monotonic() >= until:
            done = bulk.done(state.session, press.batch)
            hidden = {"comment": comment_id, "batch": press.batch, "of": number, "why": press.why}
            return acts.going_on("forum.desk_author.take_down", "spam", done, number, press.batch, hidden)
    return said.back(f"list.{press.batch}")


def _mark(state: ForumState, author: Author) -> listings.Mark:
    kind = request.form.get("kind", "")
    mark = next((mark for mark in authors.marks(state.keys, author) if mark.kind == kind), None)
    if mark is None:
        raise BadRequest(_("Please choose by what to recognise them."))
    return mark


def _file_of(author: Author) -> str:
    """What makes the answer a file that says whose data it is, by a name that every system takes."""
    name = " ".join(re.sub(r"[^\w -]", " ", author.comment.name).split()) or "author"
    plain = name.encode("ascii", "ignore").decode().strip() or "author"
    return f"attachment; filename=\"{plain}.json\"; filename*=UTF-8''{quote(name)}.json"


def _may_take_all(author: Author) -> bool:
    return author.is_proved or "owner" in request.form


def _somebody(state: ForumState, comment_id: int) -> Author:
    """The author, as long as something is kept about them. Raises NotFound."""
    author = authors.of(state.session, comment_id)
    if author.is_erased:
        raise NotFound
    return author


def _erasing(author: Author, status: int = 200, error: str | None = None) -> Response:
    written = authors.numbers(get().session, author)
    return desk("forum/moderation/author_erase.html", status, author=author, numbers=written, error=error)


def _admin(state: ForumState) -> Actor:
    actor = moderator(state)
    if not actor.is_admin:
        raise NotFound
    return actor


def _page(comment_id: int, status: int = 200, error: str | None = None) -> Response:
    state = get()
    now, admin = state.clock(), moderator(state).is_admin
    author = authors.of(state.session, comment_id)
    rows = authors.written(state.session, author, numbers.before())
    more = len(rows) == authors.PER_PAGE
    entries = lists.shown(state.session, authors.entries(state.session, state.keys, author, now), now)
    here = url_for("forum.desk_author.index", comment_id=comment_id)
    return desk(
        "forum/moderation/author.html",
        status,
        author=author,
        here=here,
        rows=[(comment, shown(comment), acts_of(comment)) for comment in rows],
        removable=removable,
        numbers=authors.numbers(state.session, author),
        marks=authors.marks(state.keys, author),
        entries=entries,
        follows=authors.follows(state.session, author) if admin else [],
        mails=authors.mails(state.session, author) if admin else [],
        terms=lists.TERMS,
        effects=listings.EFFECTS,
        laid_aside=restore.REASON,
        error=error,
        older=url_for("forum.desk_author.index", comment_id=comment_id, before=rows[-1].id) if more else None,
    )
