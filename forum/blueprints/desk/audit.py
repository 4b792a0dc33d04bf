"""The activity of the desk: who did what, when, to what, and a button for what can be taken back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Final, NamedTuple

from flask import Blueprint, Response, request, url_for

from ...audit import name_of
from ...language import gettext as _
from ...models import Audit
from ...moderation import activity
from ...moderation.activity import Search, Subjects, Together
from ...state import get
from . import fields, log_words, numbers
from .access import guard, moderator
from .frame import desk

blueprint = Blueprint("desk_audit", __name__, url_prefix="/moderation/activity")
blueprint.before_request(guard)


class Thing(NamedTuple):
    """What something is called, and where it is seen, if anywhere."""

    words: str
    url: str | None = None


@dataclass(frozen=True)
class Row:
    """One row as the page shows it: ``about`` is its subject, ``by`` who wrote that, if it is a comment.

    ``undo`` is how many changes of its press can be taken back, 0 for none. Where its press did the same to many,
    ``each_url`` leads to every one of them.
    """

    row: Audit
    who: str
    did: str
    about: Thing
    by: Thing | None
    before: str | None
    after: str | None
    why: str
    undo: int
    each_url: str | None = None


@blueprint.get("")
def index() -> Response:
    """The rows that are searched for, the newest first."""
    state, search = get(), Search.parse(request.args)
    found = activity.page(state.session, search, numbers.before())
    subjects = activity.subjects(state.session, found.rows)
    undoable = activity.undoable(state.session, found.rows)
    return desk(
        "forum/moderation/audit.html",
        search=search,
        rows=[
            _of_many(each, found.together[each.row.id]) if each.row.id in found.together else each
            for each in (_row(row, subjects, undoable) for row in found.rows)
        ],
        acts={act: _(words) for act, words in log_words.ACTS.items()},
        kinds={kind: _(words) for kind, words in log_words.KINDS.items()},
        older=_url(search, before=found.before) if found.before else None,
    )


def _url(search: Search, **more: Any) -> str:
    return url_for("forum.desk_audit.index", **more, **search.serialise())  # type: ignore[arg-type]  # flat texts


def _row(row: Audit, subjects: Subjects, undoable: dict[str, int]) -> Row:
    comment = subjects.comments.get(row.subject_id) if row.subject_kind == "comment" else None
    return Row(
        row=row,
        who=name_of(row.actor),
        did=log_words.act_word(row.act),
        about=_about(row, subjects),
        by=Thing(comment.name, url_for("forum.desk_author.index", comment_id=comment.id))
        if comment is not None and comment.name
        else None,
        before=log_words.fact_word(row.before),
        after=log_words.fact_word(row.after),
        why=_why(row),
        undo=undoable.get(row.batch or "", 0) if row.undone_at is None else 0,
    )


def _of_many(one: Row, together: Together) -> Row:
    """The row of a press that did the same to many."""
    words = log_words.many(together.many, one.row.subject_kind)
    before, after = log_words.fact_word(together.before), log_words.fact_word(together.after)
    url = url_for("forum.desk_audit.index", press=one.row.id)
    return replace(one, about=Thing(words), by=None, before=before, after=after, each_url=url)


def _why(row: Audit) -> str:
    cause = "" if row.subject_kind == "setting" else log_words.cause_word(row.cause)
    return " – ".join(filter(None, (cause, (row.data or {}).get("why"))))


def _about(row: Audit, subjects: Subjects) -> Thing:
    if row.subject_kind in _ABOUT:
        return _ABOUT[row.subject_kind](row.subject_id, subjects)
    if row.subject_kind == "setting":
        return Thing(_("“%(name)s”", name=fields.label_of(row.cause)), _setting_url(row.cause))
    # The act says it all.
    if row.subject_kind in ("sign_in", "outbox", "retention"):
        return Thing("")
    return Thing(f"{row.subject_kind} {row.subject_id}")


def _setting_url(key: str) -> str | None:
    """Where it stands on the page that only admins have."""
    return url_for("forum.desk_settings.index", _anchor=key) if moderator(get()).is_admin else None


def _comment(id_: int, subjects: Subjects) -> Thing:
    comment = subjects.comments.get(id_)
    if comment is None:
        return Thing(_("comment %(number)s, which is gone", number=id_))
    url = url_for("forum.comments.permalink", comment_id=id_) if comment.state == "published" else None
    return Thing(_("comment %(number)s", number=id_), url)


def _thread(id_: int, subjects: Subjects) -> Thing:
    thread = subjects.threads.get(id_)
    if thread is None:
        return Thing(_("page %(number)s, which is gone", number=id_))
    return Thing(_("page “%(title)s”", title=thread.title), thread.url)


def _address(id_: int, subjects: Subjects) -> Thing:
    """Whose mailbox it is only admins see: they find its mail."""
    address = subjects.addresses.get(id_)
    if address is None or not address.email or not moderator(get()).is_admin:
        return Thing(_("address %(address)s", address=id_))
    return Thing(
        _("address %(address)s", address=address.email), url_for("forum.desk_ledger.index", address=address.key)
    )


def _listing(id_: int, subjects: Subjects) -> Thing:
    """What it says stands before and after; it may be gone."""
    return Thing(_("entry %(number)s", number=id_), url_for("forum.desk_lists.index"))


_ABOUT: Final[dict[str, Callable[[int, Subjects], Thing]]] = {
    "comment": _comment,
    "thread": _thread,
    "address": _address,
    "listing": _listing,
}
