"""One press on many comments: on those that were ticked at once, on all that match after a page that says what happens.

What takes longer than a person waits goes on with the next request, and all of it is undone by one button.
"""

from __future__ import annotations

import datetime as dt
import re
import time
from dataclasses import fields
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from flask import Blueprint, Response, request
from sqlalchemy import select
from werkzeug.exceptions import BadRequest

from ... import moderation
from ...language import N_
from ...language import gettext as _
from ...models import Audit
from ...moderation.acts import Press
from ...moderation.bulk import Matching, Picked, Progress
from ...moderation.forecast import forecast
from ...moderation.queue import Filter
from ...sqlite import begin_writing
from ...state import ForumState, get
from . import acts, announcing, said
from .access import guard
from .frame import desk
from .rows import ACTS

blueprint = Blueprint("desk_many", __name__, url_prefix="/moderation/many")
blueprint.before_request(guard)

_PICKED = re.compile(r"([0-9]{1,15})\.([0-9]{1,9})")
_UNCLEAR = N_("It is not clear which comments are meant. Please begin again from the queue.")
# Of the acts on many, the settings that decide whether anybody is mailed of them.
_TOLD = {"approve": ("mail_enabled",), "restore": ("mail_enabled",), "reject": ("mail_enabled", "mail_notices")}


@blueprint.post("")
@acts.proved
def act() -> Response:
    """Act on the ticked comments; on all that match, first say what that means."""
    word: Any = acts.chosen(ACTS)
    if "all" in request.form:
        return _confirm(get(), word)
    picked = _picked()
    if not picked.seen:
        return said.back("none")
    # As beside a single comment: what goes is asked about, with room to say why.
    if word == "remove" and "sure" not in request.form:
        return _confirm_picked(picked)
    press = acts.new_press(get())
    progress = step(get(), press, word, picked)
    return said.back(f"{word}.{press.batch}.{len(progress.left)}")


@blueprint.post("/all")
@acts.proved
def act_on_all() -> Response:
    """Act on all that matched when the question was asked, for as long as a person waits."""
    state, word = get(), acts.chosen(ACTS)
    press, matching = _same_press(state, word), Matching(_filter(), acts.number("upto"), _moment())
    until = time.monotonic() + acts.PATIENCE_SECONDS
    while step(state, press, word, matching).more:
        if time.monotonic() >= until:
            return _go_on(state, press, word, matching)
    return said.back(f"{word}.{press.batch}")


def _picked() -> Picked:
    """What was ticked, each as it was seen; what makes no sense is not ticked."""
    seen = [match.groups() for match in map(_PICKED.fullmatch, request.form.getlist("picked")) if match]
    return Picked([(int(id_), int(version)) for id_, version in seen])


def _confirm_picked(picked: Picked) -> Response:
    return desk(
        "forum/moderation/confirm_picked.html",
        picked=[f"{id_}.{version}" for id_, version in picked.seen],
        back=said.back_url(),
        came_from=request.form.get("back", ""),
    )


def step(state: ForumState, press: Press, word: Any, selection: Picked | Matching) -> Progress:
    """Do one chunk of a press and commit it; the host hears of what changed."""
    begin_writing(state.session)
    mark = announcing.newest(state)
    progress = moderation.bulk.act(state.session, press, word, selection)
    announcing.announce(state, press.batch, mark)
    state.session.commit()
    state.kick()
    return progress


def _confirm(state: ForumState, word: Any) -> Response:
    """Say how many comments by how many people would change, and who would be mailed."""
    asked = _filter()
    expected = forecast(state.session, word, asked)
    # Its batch is given now: a form that is sent twice, since the first one got no answer, is one press.
    once = {"batch": acts.new_press(state).batch, "at": state.clock().isoformat()}
    return desk(
        "forum/moderation/confirm_all.html",
        act=word,
        expected=expected,
        told=word in _TOLD and all(getattr(state.settings, name) for name in _TOLD[word]),
        back=said.back_url(),
        came_from=request.form.get("back", ""),
        hidden=once | {"action": word, "upto": expected.upto, "of": expected.number},
    )


def _go_on(state: ForumState, press: Press, word: str, matching: Matching) -> Response:
    done = moderation.bulk.done(state.session, press.batch)
    hidden = {"action": word, "upto": matching.upto, "at": matching.at.isoformat()}
    hidden |= {"batch": press.batch, "of": acts.number("of"), "why": press.why}
    return acts.going_on("forum.desk_many.act_on_all", word, done, acts.number("of"), press.batch, hidden)


def _same_press(state: ForumState, word: str) -> Press:
    """The press that this request goes on with: one of the same moderator's, or a new one."""
    batch = request.form.get("batch", "")
    if not batch:
        return acts.new_press(state)
    press = acts.new_press(state, batch=batch)
    rows = select(Audit.actor, Audit.act).where(Audit.batch == batch, Audit.act != "undo").limit(1)
    if not said.is_batch(batch) or state.session.execute(rows).one_or_none() not in (None, (press.actor, word)):
        raise BadRequest(_("This press belongs to somebody else."))
    state.session.rollback()
    return press


def _filter() -> Filter:
    """The filter of the page that the form came from. Raises BadRequest unless each of its fields can be read.

    A field that is left out would make the press reach further than the page did.
    """
    try:
        given = dict(parse_qsl(urlsplit(request.form.get("back", "")).query))
    except ValueError:
        raise BadRequest(_(_UNCLEAR)) from None
    asked = Filter.parse(given)
    known = {each.name for each in fields(Filter)}
    if asked.serialise() != {name: value.strip() for name, value in given.items() if name in known}:
        raise BadRequest(_(_UNCLEAR))
    return asked


def _moment() -> dt.datetime:
    """When the question was asked. Raises BadRequest."""
    try:
        return dt.datetime.fromisoformat(request.form.get("at", "")).astimezone(dt.UTC)
    except (ValueError, OverflowError):
        raise BadRequest(_("Please begin again from the queue.")) from None
