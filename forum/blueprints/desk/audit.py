"""The activity of the desk: who did what, when, to what, and a button for what can be taken back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from flask import Blueprint, Response, current_app, request, url_for

from ...audit import name_of
from ...models import Audit
from ...moderation import activity
from ...moderation.activity import Search, Subjects
from ...outbox import postbox
from ...state import get
from .access import guard, moderator
from .frame import desk

blueprint = Blueprint("desk_audit", __name__, url_prefix="/moderation/activity")
blueprint.before_request(guard)

_UNDO: Final = "forum.desk_acts.undo"
# What each act is called; what is not named here is shown as it is stored.
ACTS: Final = {
    "approve": "approved",
    "unapprove": "had it wait again",
    "reject": "rejected",
    "spam": "marked as spam",
    "remove": "removed",
    "restore": "restored",
    "edit": "edited",
    "move": "moved",
    "undo": "undid",
    "report": "hid it after reports",
    "close": "closed",
    "open": "opened",
    "hold": "had every comment wait",
    "release": "no longer had every comment wait",
    "silence": "switched mail off",
    "unsilence": "switched mail on",
    "pin": "put a comment on top",
    "unpin": "took the comment on top down",
    "state": "changed the address",
    "requeue": "had a mail tried again",
    "cancel": "cancelled a mail",
    "suppress": "stopped mail to the address",
    "lift": "lifted",
    "restored": "decided about mail after a backup",
    "signed_in": "signed in",
    "sign_in_asked": "asked for a sign-in link",
    "forgotten": "forgot the address",
    "erase": "erased the author of",
    "export": "took the data of the author of",
    "prune": "let old data go",
    "move_asked": "asked for another address",
    "list": "listed somebody",
    "relist": "changed an entry of the list",
    "setting_changed": "changed a setting",
    "setting_reset": "reset a setting",
}

_KINDS: Final = {
    "comment": "a comment",
    "thread": "a page",
    "address": "an address",
    "listing": "the lists of people",
    "report": "a report",
    "setting": "a setting",
    "sign_in": "a sign-in",
    "outbox": "the mail",
}


@dataclass(frozen=True)
class Row:
    """One row as the page shows it: ``about`` is its subject in words, ``url`` where that is seen, if anywhere.

    ``undo`` is how many changes of its press can be taken back, 0 for none.
    """

    row: Audit
    who: str
    did: str
    about: str
    url: str | None
    why: str
    undo: int


@blueprint.get("")
def index() -> Response:
    """The rows that are searched for, the newest first."""
    state, search = get(), Search.parse(request.args)
    found = activity.page(state.session, search, postbox.number(request.args.get("before", "")))
    subjects = activity.subjects(state.session, found.rows)
    undoable = activity.undoable(state.session, found.rows) if _UNDO in current_app.view_functions else {}
    return desk(
        "forum/moderation/audit.html",
        search=search,
        rows=[_row(row, subjects, undoable) for row in found.rows],
        acts=ACTS,
        kinds=_KINDS,
        older=_url(search, before=found.before) if found.before else None,
        undo_endpoint=_UNDO,
    )


def _url(search: Search, **more: Any) -> str:
    return url_for("forum.desk_audit.index", **more, **search.serialise())  # type: ignore[arg-type]  # flat texts


def _row(row: Audit, subjects: Subjects, undoable: dict[str, int]) -> Row:
    about, url = _about(row, subjects)
    why = (row.data or {}).get("why", "")
    return Row(
        row=row,
        who=name_of(row.actor),
        did=ACTS.get(row.act, row.act),
        about=about,
        url=url,
        why=" – ".join(filter(None, (ACTS.get(row.cause, row.cause), why))),
        undo=undoable.get(row.batch or "", 0) if row.undone_at is None else 0,
    )


def _about(row: Audit, subjects: Subjects) -> tuple[str, str | None]:
    words: dict[str, Any] = {"comment": _comment, "thread": _thread, "address": _address}
    if row.subject_kind in words:
        return words[row.subject_kind](row.subject_id, subjects)  # type: ignore[no-any-return]  # each returns a pair
    return (f"{row.subject_kind} {row.subject_id}" if row.subject_id else row.subject_kind), None


def _comment(id_: int, subjects: Subjects) -> tuple[str, str | None]:
    comment = subjects.comments.get(id_)
    if comment is None:
        return f"comment {id_}, which is gone", None
    url = url_for("forum.comments.permalink", comment_id=id_) if comment.state == "published" else None
    return (f"comment {id_} by {comment.name}" if comment.name else f"comment {id_}"), url


def _thread(id_: int, subjects: Subjects) -> tuple[str, str | None]:
    thread = subjects.threads.get(id_)
    return (f"page {id_}, which is gone", None) if thread is None else (f"page “{thread.title}”", thread.url)


def _address(id_: int, subjects: Subjects) -> tuple[str, str | None]:
    """Whose mailbox it is only admins see: they find its mail."""
    address = subjects.addresses.get(id_)
    if address is None or not address.email or not moderator(get()).is_admin:
        return f"address {id_}", None
    return f"address {address.email}", url_for("forum.desk_ledger.index", address=address.key)
