"""One submission, from the request to its answer. Whatever goes wrong, the form comes back as it was typed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import replace

from flask import Response, current_app, request
from markupsafe import Markup
from sqlalchemy.exc import DBAPIError, OperationalError

from .. import altcha, sanitize
from ..comments import Submission
from ..errors import BadStamp, InvalidDraft, Refused, TooFast
from ..forms import CommentForm, Typed, read
from ..identity import Identity
from ..language import N_
from ..language import gettext as _
from ..moderation import refusals
from ..network import origin_of
from ..screening import Draft
from ..sqlite import begin_writing
from ..state import ForumState, get
from ..tokens import ExpiredStamp, Stamp, read_stamp
from . import giving_back, was_that_you
from .arriving import arrive
from .desk.access import sits_at_desk
from .giving_back import again, place
from .pages import limit_body, remember, visitor
from .storing import store

STAMP_SECONDS = 24 * 3600
_FOREIGN = N_("This form did not come from our page. Nothing is lost: if you wrote this, please press Post once more.")
_SESSION = N_("Your session has changed since this page was opened. Nothing is lost: please press Post once more.")


def submit() -> Response:
    """Answer a submission of the comment form."""
    state = get()
    limit_body()
    identity = state.identity()
    form = CommentForm(meta={"csrf": identity is not None})
    try:
        stamp = read_stamp(state.keys, form.stamp.data or "", state.clock(), STAMP_SECONDS)
    except ExpiredStamp as error:
        return again(422, place(error.stamp), _(giving_back.OPEN_LONG))
    except BadStamp:
        return giving_back.unrecognised(state, form.stamp.data or "")
    stamp = replace(stamp, closed=stamp.closed or state.is_closed(stamp.key, stamp.made_at))
    return _judge_sender(state, form, identity, stamp)


def _judge_sender(state: ForumState, form: CommentForm, identity: Identity | None, stamp: Stamp) -> Response:
    """Nobody's browser may be made to post by another site."""
    sender = origin_of(request, state.settings.base_url)
    if sender == "cross":
        return again(403, place(stamp), _(_FOREIGN))
    if sender == "unknown" and not was_that_you.is_answered(state, stamp, form.confirmed.data or ""):
        return was_that_you.ask(state, stamp)
    if identity is not None and not form.validate_on_submit() and "csrf_token" in form.errors:
        return again(422, place(stamp), _(_SESSION))
    typed = read(form, state.settings, identity, stamp.key)
    if form.preview.data:
        return _preview(state, stamp, typed)
    if typed.errors:
        return again(422, place(stamp), None, typed.errors)
    return _post(state, stamp, typed, identity)


def _post(state: ForumState, stamp: Stamp, typed: Typed, identity: Identity | None) -> Response:
    cookie, hashed = visitor()
    network = state.network()
    try:
        state.limit(network)
        stored = store(state, _submission(state, stamp, typed, identity, hashed, network))
    except TooFast as error:
        return giving_back.slow_down(place(stamp), error)
    except InvalidDraft as error:
        state.session.rollback()
        if isinstance(error, Refused):
            _note(state, typed.draft, error.reasons, network)
        return again(422, place(stamp), None, {error.field: error.message})
    except OperationalError as error:
        # A database that is locked or away: nothing was stored, so nothing was acknowledged.
        state.session.rollback()
        # Not the whole error: it quotes the row, with somebody's address in it.
        current_app.logger.error("forum: a comment could not be stored: %s", error.orig)
        return giving_back.busy(state, place(stamp))
    if stored.is_news:
        state.kick()
    return remember(arrive(stored.url, is_new=not stored.is_copy, waiting=stored.waiting), cookie)


def _note(state: ForumState, draft: Draft, reasons: Sequence[str], network: str | None) -> None:
    """Leave a trace of a refusal for the moderators. Without it the answer is the same."""
    try:
        begin_writing(state.session)
        refusals.note(state.session, draft, reasons, network, state.clock())
        state.session.commit()
    except DBAPIError as error:
        state.session.rollback()
        current_app.logger.warning("forum: a refusal could not be noted: %s", error.orig)


def _submission(
    state: ForumState, stamp: Stamp, typed: Typed, identity: Identity | None, hashed: str, network: str | None
) -> Submission:
    made_at = stamp.made_at or state.clock()
    # Signed in at the desk or by the host: whoever could approve the comment need not wait for it.
    at_desk = identity is None and sits_at_desk(state)
    return Submission(
        stamp=stamp,
        draft=typed.draft,
        mailbox=typed.mailbox,
        notify=typed.notify,
        seconds=max(0.0, (state.clock() - made_at) / dt.timedelta(seconds=1)),
        honeypot=typed.honeypot,
        visitor_hash=hashed,
        network=network,
        identity_ref=identity.key if identity else None,
        vouched=identity is not None and state.vouched(identity),
        is_moderator=at_desk or (identity is not None and identity.is_moderator),
        proof=_is_proved(state),
    )


def _is_proved(state: ForumState) -> bool:
    """Whether the browser did the arithmetic that belongs to this very form."""
    if not state.settings.proof_of_work:
        return False
    seal = altcha.seal_of(request.form.get("stamp", ""))
    return altcha.is_solved(state.keys, request.form.get("proof", ""), seal, state.clock())


def _preview(state: ForumState, stamp: Stamp, typed: Typed) -> Response:
    """Show the text as it would stand there; only what concerns the text is judged yet."""
    try:
        state.limit(state.network())
        if "body" in typed.errors:
            raise InvalidDraft("body", typed.errors["body"])
        html = sanitize.comment_html(typed.draft.body, engine=state.settings.sanitizer)
    except TooFast as error:
        return giving_back.slow_down(place(stamp), error)
    except InvalidDraft as error:
        return again(422, place(stamp), None, {error.field: error.message})
    return giving_back.preview(state, place(stamp), Markup(html))  # just sanitised
