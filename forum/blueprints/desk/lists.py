"""People whom moderators trust, hold, shadow or block: the list, a form to add to it, and a search."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from flask import Blueprint, Response, request, url_for
from sqlalchemy.orm import Session
from werkzeug.exceptions import BadRequest

from ...audit import name_of
from ...errors import Conflict, InvalidDraft
from ...language import gettext as _
from ...models import Comment, Listing
from ...moderation import authors, enlisting, listings
from ...screening import Effect
from ...sqlite import begin_writing
from ...state import get
from . import acts, numbers, said
from .access import guard
from .frame import desk

blueprint = Blueprint("desk_lists", __name__, url_prefix="/moderation/people")
blueprint.before_request(guard)

_LENGTH = 320
_SAME = "same"
# Days for which an entry stands; a block is seldom meant for life.
TERMS: Final = ("", "1", "7", "30", "365")


@dataclass(frozen=True)
class Entry:
    """An entry as pages show it; ``edition`` travels with its forms, ``newest`` is the latest comment it fits."""

    row: Listing
    edition: str
    who: str
    ended: bool
    newest: Comment | None


@blueprint.get("")
def index() -> Response:
    """The entries that are searched for, the newest first."""
    return _page()


@blueprint.post("")
@acts.proved
def add() -> Response:
    """List an address, a domain or a name, as typed."""
    state = get()
    press = acts.new_press(state)
    try:
        mark = listings.typed(state.keys, _kind(), request.form.get("value", "").replace("\0", "")[:_LENGTH])
        effect, until = treatment(press.now)
        begin_writing(state.session)
        enlisting.add(state.session, press, mark, effect, until)
    except InvalidDraft as error:
        return _page(422, error=error.message)
    except Conflict as conflict:
        state.session.rollback()
        return _page(409, error=faster(conflict))
    state.session.commit()
    return said.back(f"list.{press.batch}")


@blueprint.post("/<forum_id:listing_id>")
@acts.proved
def change(listing_id: int) -> Response:
    """Treat somebody in another way, or take them off the list, if the entry still is as it was seen."""
    state, seen, word = get(), request.form.get("edition", ""), acts.chosen(("relist", "lift"))
    press = acts.new_press(state)
    begin_writing(state.session)
    try:
        if word == "lift":
            enlisting.lift(state.session, press, listing_id, seen)
        else:
            row = state.session.get(Listing, listing_id)
            enlisting.change(state.session, press, listing_id, seen, *treatment(press.now, row))
    except Conflict as conflict:
        state.session.rollback()
        return said.back(said.missed(conflict))
    state.session.commit()
    return said.back(f"{word}.{press.batch}")


def treatment(now: dt.datetime, row: Listing | None = None) -> tuple[Effect, dt.datetime | None]:
    """What the form wants done, and until when; ``row`` is the entry whose end may stay. Raises BadRequest."""
    effect, days = request.form.get("effect", ""), request.form.get("days", "")
    if effect not in listings.EFFECTS or days not in (*TERMS, _SAME):
        raise BadRequest(_(acts.PRESS))
    if days == _SAME:
        return effect, row.until if row else None
    return effect, now + dt.timedelta(days=int(days)) if days else None


def shown(session: Session, rows: Sequence[Listing], now: dt.datetime) -> list[Entry]:
    """Entries for a page."""
    newest = authors.behind(session, rows)
    return [
        Entry(
            row=row,
            edition=enlisting.edition(row),
            who=name_of(row.created_by),
            ended=row.until is not None and row.until <= now,
            newest=newest.get(row.id),
        )
        for row in rows
    ]


def faster(conflict: Conflict) -> str:
    """Who listed them already."""
    if conflict.by is None:
        return _("Somebody has them on the list already: change the entry below, or take it off.")
    who = name_of(conflict.by)
    return _("%(name)s has them on the list already: change the entry below, or take it off.", name=who)


def _kind() -> str:
    kind = request.form.get("kind", "")
    if kind not in listings.TYPED:
        raise BadRequest(_("Please choose an address, a domain or a name."))
    return kind


def _page(status: int = 200, error: str | None = None) -> Response:
    state, text = get(), request.args.get("q", "").replace("\0", "").strip()[:_LENGTH]
    effect = request.args.get("effect", "")
    asked: dict[str, Any] = {"q": text, "effect": effect if effect in listings.EFFECTS else ""}
    rows = listings.find(state.session, state.keys, text, asked["effect"], numbers.before())
    more = len(rows) == listings.PER_PAGE
    return desk(
        "forum/moderation/lists.html",
        status,
        entries=shown(state.session, rows, state.clock()),
        asked=asked,
        typed=request.form,
        error=error,
        effects=listings.EFFECTS,
        terms=TERMS,
        older=url_for("forum.desk_lists.index", before=rows[-1].id, **asked) if more else None,
    )
