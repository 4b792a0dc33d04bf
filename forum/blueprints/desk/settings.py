"""The settings page: what admins may change, shown before it counts, and counting everywhere from then on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from flask import Blueprint, Response, request

from ... import audit, overrides
from ...audit import name_of
from ...comments.words import state_word
from ...errors import Conflict, ForumError
from ...language import gettext as _
from ...mail import trial
from ...mail.outcome import Outcome
from ...moderation import trying
from ...sqlite import begin_writing
from ...state import ForumState, get
from ..mail_pages import SESSION_CHANGED, session_holds
from . import fields
from .access import guard_admin, moderator
from .frame import desk
from .said import lead_to

blueprint = Blueprint("desk_settings", __name__, url_prefix="/moderation/settings")
blueprint.before_request(guard_admin)

# Room for long lists of words.
_FORM_ROOM = 1024 * 1024
# A person waits for the answer, and so does a process of the web server.
_PATIENCE_SECONDS = 25.0
_WORDS = ("FORUM_HOLD_WORDS", "FORUM_REJECT_WORDS")


class Said(NamedTuple):
    """What stands above the form after a press: whether it is good news, and lines to read."""

    good: bool
    lines: list[str]


@blueprint.before_request
def limit_form() -> None:
    """Bound what a form may send."""
    request.max_content_length = request.max_form_memory_size = _FORM_ROOM


@blueprint.get("")
def index() -> Response:
    """Every policy key with its value, and where that comes from."""
    return _form()


@blueprint.post("/review")
def review() -> Response:
    """Show what saving would change, or what is wrong with what was typed; nothing is saved yet."""
    texts = fields.typed(request.form)
    if not session_holds():
        return _form(422, texts, said=Said(False, [_(SESSION_CHANGED)]))
    errors = fields.problems(texts)
    if errors:
        return _form(422, texts, errors)
    if "back" in request.form:
        return _form(200, texts)
    return _review(texts, seen=request.form.get("version", ""))


@blueprint.post("/save")
def save() -> Response:
    """Save what was shown, if it still would change the same."""
    texts = fields.typed(request.form)
    errors = fields.problems(texts)
    if errors or not session_holds():
        return _form(422, texts, errors, None if errors else Said(False, [_(SESSION_CHANGED)]))
    state = get()
    actor = moderator(state)
    begin_writing(state.session)
    try:
        _as_seen(state)
        changed = overrides.change(state.session, state.base, fields.read(texts), actor.ref, state.clock())
    except Conflict:
        state.session.rollback()
        return _review(texts, seen="", status=409)
    return _commit(state, "saved" if changed else "asitwas")


@blueprint.post("/reset")
def reset() -> Response:
    """Forget what an admin has set for one key."""
    if not session_holds():
        return _back("csrf")
    state = get()
    actor = moderator(state)
    begin_writing(state.session)
    try:
        _as_seen(state)
        overrides.reset(state.session, state.base, [request.form.get("key", "")], actor.ref, state.clock())
    except Conflict:
        state.session.rollback()
        return _back("late")
    return _commit(state, "reset")


@blueprint.post("/words")
def words() -> Response:
    """Try the typed words on the latest comments; nothing is saved."""
    texts = fields.typed(request.form)
    words = {key: texts[key] for key in _WORDS if key in texts}
    # What is wrong elsewhere on the form is said when it is to be saved.
    errors = fields.problems(words)
    if errors or not session_holds():
        return _form(422, texts, errors, None if errors else Said(False, [_(SESSION_CHANGED)]))
    state = get()
    wanted = {key: tuple(list_) for key, list_ in fields.read(words).items()}
    return _form(200, texts, tried={key: trying.on_the_latest(state.session, wanted.get(key, ())) for key in _WORDS})


@blueprint.post("/mail")
def mail() -> Response:
    """Send the admin one mail, and show every word of the mail server."""
    if not session_holds():
        return _back("csrf")
    state = get()
    to = _own_address(state)
    if to is None or not state.settings.mail_enabled:
        return _form(422, said=Said(False, [_("There is no address of yours to write to, or mail is not set up.")]))
    try:
        said = _try_mail(state, to)
    except ForumError as error:
        said = Said(False, [error.message])
    return _form(200 if said.good else 422, said=said)


def _try_mail(state: ForumState, to: str) -> Said:
    courier = state.courier()
    mailbox = trial.mailbox(state.session, courier, to)
    # Nobody else waits for a connection to the database while the mail server thinks.
    state.session.rollback()
    outcome = trial.attempt(state.session, courier, mailbox, seconds=_PATIENCE_SECONDS)
    state.session.commit()
    if outcome.word == "accepted":
        sent = _("Sent to %(address)s.", address=mailbox)
        return Said(True, [f"{sent} {trial.hint(outcome)}", _answer(outcome)])
    return Said(False, [trial.hint(outcome), _answer(outcome)])


def _answer(outcome: Outcome) -> str:
    code = " ".join(str(part) for part in (outcome.code, outcome.enhanced) if part is not None)
    words = " ".join(filter(None, (code, outcome.text))) or _("nothing")
    return _("The mail server said, at the step “%(step)s”: %(words)s", step=outcome.phase, words=words)


def _own_address(state: ForumState) -> str | None:
    """The address of the admin who asks: nobody else is written to from here."""
    identity = state.identity()
    return identity.email if identity is not None and identity.is_moderator else moderator(state).ref


def _form(
    status: int = 200,
    texts: Mapping[str, str] | None = None,
    errors: Mapping[str, str] | None = None,
    said: Said | None = None,
    tried: Mapping[str, trying.Tried] | None = None,
) -> Response:
    state = get()
    found = overrides.load(state.session)
    return desk(
        "forum/moderation/settings.html",
        status,
        groups=fields.groups(state, found, texts or {}, errors or {}),
        stray=[key for key in found if key not in fields.POLICY],
        infrastructure=fields.infrastructure(state),
        version=overrides.version(found),
        errors=errors or {},
        said=said,
        tried=tried or {},
        number=trying.NUMBER,
        state_word=state_word,
        mail_to=_own_address(state) if state.settings.mail_enabled else None,
    )


def _review(texts: Mapping[str, str], seen: str, status: int = 200) -> Response:
    state = get()
    found = overrides.load(state.session)
    changes = fields.changes(overrides.effective(state.base, found), texts)
    if not changes:
        return _back("asitwas")
    version = overrides.version(found)
    return desk(
        "forum/moderation/settings_review.html",
        status,
        changes=changes,
        version=version,
        meanwhile=None if seen == version else _latest(state),
    )


def _latest(state: ForumState) -> dict[str, object] | None:
    """Who changed a setting last: somebody has since the form was opened."""
    row = audit.newest(state.session, "setting", 0)
    return {"name": name_of(row.actor), "key": row.cause, "at": row.at} if row else None


def _as_seen(state: ForumState) -> None:
    """Raise Conflict unless the overrides are those of the page that sent this form."""
    if request.form.get("version") != overrides.version(overrides.load(state.session, lock=True)):
        raise Conflict(_("Somebody else has changed a setting."))


def _commit(state: ForumState, done: str) -> Response:
    state.session.commit()
    state.follow_admins(at_once=True)
    return _back(done)


def _back(done: str) -> Response:
    return lead_to("forum.desk_settings.index", done)
