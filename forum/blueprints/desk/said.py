"""What the bar on top of a page of the desk says: what was just done, by whom, and how to take it back.

The address of the page carries it as ``said``, so that it survives a redirect and belongs to one window. Whoever makes
such an address up sees a bar, and has done nothing.
"""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import SplitResult, parse_qsl, urlencode, urlsplit

from flask import Response, make_response, redirect, request, url_for
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from ...audit import name_of
from ...errors import Conflict
from ...language import N_
from ...models import Audit, Comment
from ...moderation import bulk, pages, queue
from ...state import ForumState
from .access import Actor
from .act_words import Words, words

ANCHOR = "forum-bar"
_SAID = "said"
# Presses on something else than comments, which are not counted.
_OF_ONE = ("pin", "unpin", *(act for pair in pages.ACTS.values() for act in pair), "list", "relist", "lift")
# What somebody else may have been faster with.
_MISSED = ("comment", "thread", "listing")
_BATCH = re.compile("[0-9a-f]{16}")
# What the bar says where no act of the log stands behind it.
_SENTENCES = {
    "csrf": N_("Your session has changed since the page was opened. Nothing was done; please try again."),
    "none": N_("No comment was ticked, so nothing was done."),
    "same": N_("The text was the same, so nothing was changed."),
    "erase": N_("Erased. What was said stays, nobody knows whose it was."),
    "saved": N_("Saved. It counts from now on, everywhere."),
    "asitwas": N_("Nothing was different from what counts already."),
    "reset": N_("Reset. The configuration counts again."),
    "late": N_("Somebody else has just changed a setting. Nothing was done; here is what counts now."),
    "retried": N_("It waits again. Until it leaves you can cancel it."),
    "cancelled": N_("Cancelled. It will not leave, and what it carried is mailed to nobody by it."),
    "silenced": N_("Nothing more is mailed to this address, whatever it follows."),
    "mailed": N_("Mail goes to this address again."),
}


@dataclass(frozen=True)
class Bar:
    """``word`` is an act, `undo`, or what went wrong (`csrf`, `missed`); ``number`` of comments were changed and
    ``left`` were not; ``batch`` can be undone. ``by``, ``act`` and ``at`` say who was faster, `you` for oneself.
    Where one comment was acted on, ``name`` is its author's and ``told`` how many people will be mailed of it.
    """

    word: str
    number: int = 0
    left: int = 0
    batch: str | None = None
    by: str | None = None
    act: str | None = None
    at: dt.datetime | None = None
    name: str | None = None
    told: int = 0

    @property
    def sentence(self) -> str:
        """All that there is to say, empty where that depends on an act."""
        return _SENTENCES.get(self.word, "")

    @property
    def words(self) -> Words:
        """The words for the act: what was done, or what somebody else has done before."""
        return words(self.act if self.word == "missed" else self.word)


def back(said: str) -> Response:
    """Lead back to the page of the desk that the form came from, with a bar that says what was done."""
    return make_response(redirect(f"{back_url(said)}#{ANCHOR}", 303))


def lead_to(endpoint: str, said: str, **values: Any) -> Response:
    """Lead to a page of the desk with a bar that says what was done."""
    return make_response(redirect(url_for(endpoint, said=said, _anchor=ANCHOR, **values), 303))


def back_url(said: str | None = None) -> str:
    """The page of the desk that the form came from; the queue, where it names no page of the desk."""
    start = url_for("forum.moderation.queue")
    parts = _parts(request.values.get("back", ""))
    inside = not parts.netloc and not parts.scheme and parts.path.startswith(start)
    asked = parse_qsl(parts.query) if inside else []
    query = urlencode([pair for pair in asked if pair[0] != _SAID] + ([(_SAID, said)] if said else []))
    return (parts.path if inside else start) + (f"?{query}" if query else "")


def _parts(url: str) -> SplitResult:
    try:
        return urlsplit(url)
    except ValueError:
        return urlsplit("")


def without_bar(path: str) -> str:
    """A page's own path and query without what its bar says."""
    path, _, query = path.partition("?")
    kept = urlencode([pair for pair in parse_qsl(query) if pair[0] != _SAID])
    return f"{path}?{kept}" if kept else path


def is_batch(text: str) -> bool:
    """Whether ``text`` looks like a batch of the audit log."""
    return bool(_BATCH.fullmatch(text))


def missed(conflict: Conflict) -> str:
    """What to say to whoever was not fast enough."""
    return f"missed.{conflict.entry or 0}"


def of_conflict(conflict: Conflict, actor: Actor) -> Bar:
    """The bar for whoever was not fast enough."""
    by = "you" if conflict.by == actor.ref else name_of(conflict.by) if conflict.by else None
    return Bar("missed", by=by, act=conflict.act, at=conflict.at)


def bar(state: ForumState, actor: Actor) -> Bar | None:
    """What the address of this page says was done."""
    word, *more = request.args.get(_SAID, "").split(".")
    if not re.fullmatch("[a-z]{1,12}", word):
        return None
    if word == "missed":
        return _missed(state, actor, more)
    if not more:
        return Bar(word)
    if not is_batch(more[0]):
        return Bar(word, _number(more, 0), _number(more, 1))
    number = bulk.done(state.session, more[0])
    about = _about(state, word, more[0]) if number == 1 or word == "reply" else {}
    return Bar(word, number, _number(more, 1), more[0] if number or word in _OF_ONE else None, **about)


def _about(state: ForumState, word: str, batch: str) -> dict[str, Any]:
    """Whose comment the press was about, and who will be told of it."""
    around = (joinedload(Comment.thread), joinedload(Comment.address), joinedload(Comment.parent))
    query = select(Comment).join(Audit, Audit.subject_id == Comment.id).options(*around)
    query = query.where(Audit.batch == batch, Audit.subject_kind == "comment", Audit.act == word)
    comment = state.session.scalars(query.limit(1)).first()
    if comment is None:
        return {}
    if word == "reply":
        return {"name": comment.parent.name if comment.parent else None}
    tells = word in ("approve", "restore") and comment.state == "published"
    told = queue.told(state.session, state.keys, state.settings, [comment], state.clock()) if tells else {}
    return {"name": comment.name, "told": told.get(comment.id, 0)}


def _missed(state: ForumState, actor: Actor, more: list[str]) -> Bar:
    row = state.session.get(Audit, _number(more, 0))
    if row is None or row.subject_kind not in _MISSED:
        return Bar("missed")
    return Bar("missed", by="you" if row.actor == actor.ref else name_of(row.actor), act=row.act, at=row.at)


def _number(more: list[str], at: int) -> int:
    text = more[at] if at < len(more) else ""
    return int(text) if re.fullmatch("[0-9]{1,15}", text) else 0
