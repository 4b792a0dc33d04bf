"""One submission, from the request to its answer. Whatever goes wrong, the form comes back as it was typed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, replace

from flask import Response, current_app, make_response, redirect, request, url_for
from markupsafe import Markup
from sqlalchemy import select
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError

from .. import altcha, comments, render, sanitize
from ..akismet import ASKED
from ..clashes import is_clash
from ..comments import Posted, Submission
from ..errors import BadStamp, InvalidDraft, Refused, TooFast
from ..forms import CommentForm, FormView, Typed, read, refill
from ..identity import Identity
from ..models import SHADOW, Article, Comment, Thread
from ..moderation import refusals
from ..network import origin_of
from ..render import Place
from ..screening import Draft
from ..signals import comment_posted, comment_published
from ..sqlite import begin_writing
from ..state import ForumState, get
from ..tokens import ExpiredStamp, Stamp, read_stamp, unverified_key
from .desk.access import sits_at_desk
from .pages import form_page, limit_body, page, place_of, remember, thread_url, visitor

STAMP_SECONDS = 24 * 3600
_OPEN_LONG = "This page was open for a while. Nothing is lost: please press Post once more."
_FOREIGN = "This form did not come from our page. Nothing is lost: if you wrote this, please press Post once more."
_SESSION = "Your session has changed since this page was opened. Nothing is lost: please press Post once more."
_BUSY = "The site is very busy at this moment. Your text is safe here: please press Post again in a few seconds."
_TRIES = 3


def submit() -> Response:
    """Answer a submission of the comment form."""
    state = get()
    limit_body()
    identity = state.identity()
    form = CommentForm(meta={"csrf": identity is not None})
    try:
        stamp = read_stamp(state.keys, form.stamp.data or "", state.clock(), STAMP_SECONDS)
    except ExpiredStamp as error:
        return _again(422, _place(error.stamp), _OPEN_LONG)
    except BadStamp:
        return _unrecognised(state, form)
    stamp = replace(stamp, closed=stamp.closed or state.is_closed(stamp.key, stamp.made_at))
    return _judge_sender(state, form, identity, stamp)


def _judge_sender(state: ForumState, form: CommentForm, identity: Identity | None, stamp: Stamp) -> Response:
    """Nobody's browser may be made to post by another site."""
    sender = origin_of(request, state.settings.base_url)
    if sender == "cross":
        return _again(403, _place(stamp), _FOREIGN)
    if sender == "unknown" and not _confirmed(state, form, stamp):
        return _was_that_you(state, stamp)
    if identity is not None and not form.validate_on_submit() and "csrf_token" in form.errors:
        return _again(422, _place(stamp), _SESSION)
    typed = read(form, state.settings, identity, stamp.key)
    if form.preview.data:
        return _preview(state, stamp, typed)
    if typed.errors:
        return _again(422, _place(stamp), None, typed.errors)
    return _post(state, stamp, typed, identity)


def _post(state: ForumState, stamp: Stamp, typed: Typed, identity: Identity | None) -> Response:
    cookie, hashed = visitor()
    network = state.network()
    try:
        state.limit(network)
        stored = _store(state, _submission(state, stamp, typed, identity, hashed, network))
    except TooFast as error:
        return _again(429, _place(stamp), error.message, retry_after=error.retry_after)
    except InvalidDraft as error:
        state.session.rollback()
        if isinstance(error, Refused):
            _note(state, typed.draft, error.reasons, network)
        return _again(422, _place(stamp), None, {error.field: error.message})
    except OperationalError as error:
        # A database that is locked or away: nothing was stored, so nothing was acknowledged.
        state.session.rollback()
        # Not the whole error: it quotes the row, with somebody's address in it.
        current_app.logger.error("forum: a comment could not be stored: %s", error.orig)
        return _busy(state, _place(stamp))
    if stored.is_news:
        state.kick()
    return remember(make_response(redirect(stored.url, 303)), cookie)


def _note(state: ForumState, draft: Draft, reasons: Sequence[str], network: str | None) -> None:
    """Leave a trace of a refusal for the moderators. Without it the answer is the same."""
    try:
        begin_writing(state.session)
        refusals.note(state.session, draft, reasons, network, state.clock())
        state.session.commit()
    except DBAPIError as error:
        state.session.rollback()
        current_app.logger.warning("forum: a refusal could not be noted: %s", error.orig)


@dataclass(frozen=True)
class _Stored:
    """Where a stored comment is seen by its author, and whether there is somebody to tell of it, or to ask."""

    url: str
    is_news: bool


def _store(state: ForumState, submission: Submission) -> _Stored:
    """Store and commit once; somebody else's simultaneous first comment or double click makes us look again."""
    for left in reversed(range(_TRIES)):
        try:
            posted = _try(state, submission)
            if not posted.repeated:
                _announce(state, posted.comment)
            # Read before the commit, which makes a session forget what it knows and ask for it again.
            is_due = posted.comment.state == "published" or ASKED in posted.comment.reasons
            is_news = not posted.repeated and is_due
            stored = _Stored(_url(state, posted.comment), is_news)
            state.session.commit()
            return stored
        except (IntegrityError, OperationalError) as error:
            state.session.rollback()
            if not left or not is_clash(error):
                raise
    raise AssertionError("unreachable")


def _try(state: ForumState, submission: Submission) -> Posted:
    rules = tuple(state.hooks.screens)
    return comments.post(state.session, submission, state.settings, state.clock(), rules, state.desk)


def _announce(state: ForumState, comment: Comment) -> None:
    comment_posted.send(state.app, comment=comment)
    if comment.state == "published":
        comment_published.send(state.app, comment=comment)


def _url(state: ForumState, comment: Comment) -> str:
    if comment.state == "held" or comment.removed_by == SHADOW:
        return url_for("forum.comments.held", comment_id=comment.id)
    return thread_url(state, comment)


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
        return _again(429, _place(stamp), error.message, retry_after=error.retry_after)
    except InvalidDraft as error:
        return _again(422, _place(stamp), None, {error.field: error.message})
    form = _form(state, _place(stamp))
    # The same stamp goes back: previewing takes time that must not count as haste, and one form is one comment.
    form.stamp, form.proof = request.form.get("stamp", ""), request.form.get("proof", "")
    form.preview_html = Markup(html)  # just sanitised
    return form_page(200, "Preview", form, _place(stamp), parent=_parent(state, stamp.key))


def _again(
    status: int, place: Place, summary: str | None, errors: dict[str, str] | None = None, retry_after: int | None = None
) -> Response:
    """The filled form with a fresh stamp and what to do."""
    state = get()
    form = _form(state, place)
    form.summary, form.errors = summary, errors or {}
    parent = _parent(state, place.key)
    if parent is None:
        form.parent_id = ""
    response = form_page(status, "Your comment", form, place, parent=parent)
    if retry_after is not None:
        response.headers["Retry-After"] = str(retry_after)
    return response


def _busy(state: ForumState, place: Place) -> Response:
    """The filled form from a database that may be away: it is asked nothing more, not even for the parent."""
    form = refill(render.blank_form(state, render.fresh_stamp(state, place)), request)
    form.summary = _BUSY
    response = form_page(503, "Your comment", form, place)
    response.headers["Retry-After"] = "5"
    return response


def _form(state: ForumState, place: Place) -> FormView:
    parent = _parent(state, place.key)
    form = refill(render.blank_form(state, render.fresh_stamp(state, place), parent=parent), request)
    if parent is None:
        form.cancel_url = place.url
    return form


def _parent(state: ForumState, key: str) -> Comment | None:
    """The comment this form answers, as long as it can be answered there."""
    text = request.form.get("parent", "")
    if not (text.isascii() and text.isdigit() and len(text) <= 18):
        return None
    comment = state.session.get(Comment, int(text))
    return comment if comment is not None and comment.state == "published" and comment.thread.key == key else None


def _place(stamp: Stamp) -> Place:
    return Place(stamp.key, stamp.title, stamp.url, stamp.closed, root=request.script_root)


def _unrecognised(state: ForumState, form: CommentForm) -> Response:
    """A stamp that is not ours, perhaps from before a change of keys: only what we know ourselves is trusted."""
    place = _known_place(state, unverified_key(form.stamp.data or ""))
    if place is not None:
        return _again(422, place, _OPEN_LONG)
    view = refill(render.blank_form(state, ""), request)
    view.summary = "This form belongs to no page we know. Please copy your text, open the page again and paste it."
    return form_page(422, "Your comment", view, Place("", "the page you came from", _back(state)))


def _known_place(state: ForumState, key: str | None) -> Place | None:
    # Anybody can write a key into a stamp that is not ours: of hidden pages it must not tell.
    if key is None or not state.may_see(key):
        return None
    thread = state.session.scalar(select(Thread).where(Thread.key == key))
    if thread is not None:
        return place_of(thread)
    article = state.session.scalar(select(Article).where(Article.thread_key == key))
    if article is None or "forum_articles" not in current_app.blueprints:
        return None
    url = url_for("forum_articles.show", slug=article.slug)
    return Place(key, article.title, url, article.closed, root=request.script_root)


def _back(state: ForumState) -> str:
    """The page that sent the form, if it is one of ours: a foreign one is no place to send anybody."""
    return request.referrer or "/" if origin_of(request, state.settings.base_url) == "same" else "/"


def _was_that_you(state: ForumState, stamp: Stamp) -> Response:
    """No header says which page sent this: ask once, on a page only the sender sees, with the text kept."""
    hidden = {name: value for name, value in request.form.items(multi=True) if name != "confirmed"}
    return page(
        "forum/plain_page.html",
        title="Was that you?",
        paragraphs=[
            "Your browser does not say which page your comment was written on, so we ask before we post it.",
            "Your text is kept. Press the button and it is on its way.",
        ],
        link=("Do not post it", stamp.url),
        actions=[("Yes, post my comment", "post", url_for("forum.comments.post"), "primary")],
        hidden=hidden | {"confirmed": _seal(state, stamp)},
    )


def _confirmed(state: ForumState, form: CommentForm, stamp: Stamp) -> bool:
    return state.keys.verify("confirmed", _sealed(state, stamp), form.confirmed.data or "")


def _seal(state: ForumState, stamp: Stamp) -> str:
    return state.keys.sign("confirmed", _sealed(state, stamp))


def _sealed(state: ForumState, stamp: Stamp) -> str:
    # Bound to the network that asked: another site cannot fetch an answer for its victim.
    return f"{stamp.nonce}|{state.network()}"
