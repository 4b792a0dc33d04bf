"""The mail ledger: every message, what became of it and why, what it says, and what an admin may do about it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from typing import Any, Final

from flask import Blueprint, Response, make_response, request, url_for
from werkzeug.exceptions import BadRequest

from ... import explain
from ...audit import name_of, newest
from ...comments.words import state_word
from ...errors import Conflict, ForumError
from ...explain.delays import Delays
from ...explain.messages import said
from ...explain.sentences import because, known
from ...language import N_, ago
from ...language import gettext as _
from ...mail.outcome import masked
from ...mail.preview import HIDDEN, Preview, preview
from ...models import Message
from ...outbox import postbox, restore, silences, vitals
from ...outbox.postbox import Search
from ...sqlite import begin_writing
from ...state import ForumState, get
from ..mail_pages import SESSION_CHANGED, session_holds
from ..pages import private
from . import numbers
from .access import guard_admin, moderator
from .frame import desk
from .said import lead_to

blueprint = Blueprint("desk_ledger", __name__, url_prefix="/moderation/mail")
blueprint.before_request(guard_admin)

# Mail has its styles inline; it is shown in a frame that may do nothing at all.
_MAIL_POLICY: Final = (
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'; "
    "sandbox"
)
_WIDTHS: Final = (360, 600)
# What the bar says of each act.
_DONE: Final = {"retry": "retried", "cancel": "cancelled", "suppress": "silenced", "lift": "mailed"}
_DID: Final = {
    "requeue": N_("%(name)s had it tried again %(ago)s."),
    "cancel": N_("%(name)s cancelled it %(ago)s."),
    "suppress": N_("%(name)s stopped mail to the address %(ago)s."),
    "lift": N_("%(name)s let mail go to the address again %(ago)s."),
}


@blueprint.get("")
def index() -> Response:
    """The messages that are searched for, the newest first."""
    state, search = get(), Search.parse(request.args)
    found = postbox.page(state.session, search, numbers.before())
    breaker = vitals.breaker(state.session, state.clock())
    return desk(
        "forum/moderation/ledger.html",
        search=search,
        counts=postbox.counts(state.session),
        rows=[(message, _why(message)) for message in found.messages],
        older=_list_url(search, before=found.before) if found.before else None,
        tab_url=lambda tab: _list_url(Search(tab, search.address, search.comment)),
        preparing=vitals.preparing(state.session),
        breaker=breaker,
        words=masked(breaker.error) if breaker and breaker.error else _("no answer"),
        laid_aside=restore.REASON,
    )


@blueprint.get("/why")
def why() -> Response:
    """What became of one comment's mail to one address, as `flask forum mail explain` says it."""
    state = get()
    comment, address = request.args.get("comment", "").strip(), request.args.get("address", "").strip()
    lines: Sequence[explain.Line] = []
    error, comment_id = None, postbox.number(comment)
    if comment or address:
        try:
            lines = _became(state, comment_id, address)
        except ForumError as problem:
            error = problem.message
    return desk("forum/moderation/ledger_why.html", comment=comment, address=address, lines=lines, error=error)


@blueprint.get("/<forum_id:message_id>")
def message(message_id: int) -> Response:
    """One message: what it carries, every try, and what it says."""
    return _show(message_id)


@blueprint.get("/<forum_id:message_id>/html")
def html(message_id: int) -> Response:
    """Its HTML alone, for the frame: without a token, without a link, and without leave to do anything."""
    state = get()
    shown = preview(state.session, state.courier(), postbox.get(state.session, message_id), state.clock())
    response = private(make_response(shown.html))
    response.headers["Content-Security-Policy"] = _MAIL_POLICY
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response


@blueprint.post("/<forum_id:message_id>")
def act(message_id: int) -> Response:
    """Carry out one act, if message and address still are as the admin saw them."""
    action = request.form.get("action", "")
    if action not in _ACTS:
        raise BadRequest(_("Please press one of the buttons of the page."))
    if not session_holds():
        return _show(message_id, 422, error=_(SESSION_CHANGED))
    state = get()
    begin_writing(state.session)
    try:
        _carry_out(state, action, message_id, moderator(state).ref)
    except Conflict:
        state.session.rollback()
        return _show(message_id, 409, error=_faster(state, message_id))
    state.session.commit()
    state.kick()
    return lead_to("forum.desk_ledger.message", _DONE[action], message_id=message_id)


def _carry_out(state: ForumState, action: str, message_id: int, actor: str) -> None:
    found = postbox.locked(state.session, message_id)
    if request.form.get("seen") != _seen(state, found):
        raise Conflict(_("This has changed since you opened the page."))
    _ACTS[action](state, found, actor)


def _retry(state: ForumState, found: Message, actor: str) -> None:
    # Whoever pressed the wrong button has this long to cancel it.
    mail_at = state.clock() + dt.timedelta(seconds=state.settings.moderation_grace_seconds)
    postbox.retry(state.session, found.id, actor=actor, now=state.clock(), mail_at=mail_at)


def _cancel(state: ForumState, found: Message, actor: str) -> None:
    postbox.cancel(state.session, found.id, actor=actor, now=state.clock())


def _suppress(state: ForumState, found: Message, actor: str) -> None:
    silences.suppress(state.session, state.keys, found.address_id, actor=actor, now=state.clock())


def _lift(state: ForumState, found: Message, actor: str) -> None:
    silences.lift(state.session, state.keys, found.address_id, actor=actor, now=state.clock())


_ACTS: Final[dict[str, Callable[[ForumState, Message, str], None]]] = {
    "retry": _retry,
    "cancel": _cancel,
    "suppress": _suppress,
    "lift": _lift,
}


def _show(message_id: int, status: int = 200, error: str | None = None) -> Response:
    state, now = get(), get().clock()
    found = postbox.get(state.session, message_id)
    shown = preview(state.session, state.courier(), found, now)
    silence = silences.silence(state.session, state.keys, found.address, now)
    width = request.args.get("width", type=int)
    response = desk(
        "forum/moderation/ledger_message.html",
        status,
        message=found,
        sentence=said(found, Delays(state.session, state.settings, now))[2],
        attempts=postbox.attempts(state.session, found),
        shown=shown,
        not_shown=_not_shown(shown),
        left_out={comment_id: because(reason) for comment_id, reason in shown.left_out.items()},
        hidden=HIDDEN,
        silence=silence,
        silence_words=_silence_words(silence),
        offered=_offered(found, silence),
        seen=_seen(state, found),
        grace=state.settings.moderation_grace_seconds,
        width=width if width in _WIDTHS else _WIDTHS[1],
        error=error,
        because=because,
        state_word=state_word,
    )
    response.headers["Content-Security-Policy"] += "; frame-src 'self'"
    return response


def _offered(found: Message, silence: str | None) -> list[str]:
    """What may be pressed: nothing about the address once it is forgotten."""
    acts = [("retry", found.state in postbox.AGAIN), ("cancel", found.state == "ready")]
    if found.to_addr:
        acts += [("lift", silence in silences.LIFTED), ("suppress", silence in (None, silences.RESTING))]
    return [name for name, possible in acts if possible]


def _seen(state: ForumState, found: Message) -> str:
    """What an act names, so that it meets what its admin saw."""
    silence = silences.silence(state.session, state.keys, found.address, state.clock())
    return f"{found.state}.{found.attempts}.{silence or ''}"


def _faster(state: ForumState, message_id: int) -> str:
    """Who dealt with it since the page was opened, as far as the audit log knows."""
    found = postbox.get(state.session, message_id)
    row = newest(state.session, "address", found.address_id, _DID)
    if row is None:
        who = _("This has changed since you opened the page.")
    else:
        who = _(_DID[row.act], name=name_of(row.actor), ago=ago(row.at, state.clock()))
    return " ".join((who, _("Nothing was done; here is how it is now.")))


def _became(state: ForumState, comment_id: int | None, address: str) -> Sequence[explain.Line]:
    if comment_id is None or not address:
        raise ForumError(_("Please give both: the number of a comment, and an address."))
    return explain.became(state.session, comment_id, address, state.settings, state.clock())


def _why(found: Message) -> str | None:
    """Why a message is not where it should be, in words, without asking the database."""
    if found.skip_reason is not None:
        return because(found.skip_reason)
    return masked(found.last_error) if found.last_error else None


def _not_shown(shown: Preview) -> str | None:
    if shown.raw is not None:
        return None
    if shown.error:
        return _("It cannot be written: %(error)s", error=shown.error)
    return _("Nothing would be said: %(why)s.", why=because(shown.why_not))


def _silence_words(silence: str | None) -> str | None:
    if silence is None:
        return None
    if silence == silences.RESTING:
        return _("Their mailbox refused a mail, so it is left alone for a day.")
    reason = f"suppressed:{silence}"
    return _("Nothing is mailed to them: %(why)s.", why=because(reason if reason in known() else "recipient_blocked"))


def _list_url(search: Search, **more: Any) -> str:
    return url_for("forum.desk_ledger.index", **more, **search.serialise())  # type: ignore[arg-type]  # flat texts
