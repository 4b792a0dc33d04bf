"""A form that could not be taken goes back as it was typed, with what to do about it and a stamp that will do."""

from __future__ import annotations

from flask import Response, current_app, request, url_for
from markupsafe import Markup
from sqlalchemy import select

from .. import render
from ..errors import TooFast
from ..forms import FormView, refill
from ..language import N_
from ..language import gettext as _
from ..models import Article, Comment, Thread
from ..network import origin_of
from ..render import Place
from ..state import ForumState, get
from ..tokens import Stamp, unverified_key
from .pages import form_page, place_of

OPEN_LONG = N_("This page was open for a while. Nothing is lost: please press Post once more.")
_BUSY = N_("The site is very busy at this moment. Your text is safe here: please press Post again in a few seconds.")
_UNKNOWN = N_("This form belongs to no page we know. Please copy your text, open the page again and paste it.")


def place(stamp: Stamp) -> Place:
    """The page a form was made for."""
    return Place(stamp.key, stamp.title, stamp.url, stamp.closed, root=request.script_root)


def again(status: int, place: Place, summary: str | None, errors: dict[str, str] | None = None) -> Response:
    """The filled form with a fresh stamp and what to do."""
    form, parent = _form(get(), place)
    form.summary, form.errors = summary, errors or {}
    return form_page(status, _("Your comment"), form, place, parent=parent)


def slow_down(place: Place, error: TooFast) -> Response:
    """The filled form, and when the next try is welcome."""
    form, parent = _form(get(), place)
    form.summary = error.message
    response = form_page(429, _("Your comment"), _with_its_stamp(form), place, parent=parent)
    response.headers["Retry-After"] = str(error.retry_after)
    return response


def busy(state: ForumState, place: Place) -> Response:
    """The filled form from a database that may be away: it is asked nothing more, not even for the parent."""
    form = refill(render.blank_form(state, render.fresh_stamp(state, place)), request)
    form.summary = _(_BUSY)
    response = form_page(503, _("Your comment"), _with_its_stamp(form), place)
    response.headers["Retry-After"] = "5"
    return response


def preview(state: ForumState, place: Place, html: Markup) -> Response:
    """The filled form below the text as it would stand there."""
    form, parent = _form(state, place)
    form.preview_html = html
    return form_page(200, _("Preview"), _with_its_stamp(form), place, parent=parent)


def unrecognised(state: ForumState, stamp: str) -> Response:
    """A stamp that is not ours, perhaps from before a change of keys: only what we know ourselves is trusted."""
    place = _known_place(state, unverified_key(stamp))
    return again(422, place, _(OPEN_LONG)) if place is not None else nowhere(state, 422, _(_UNKNOWN))


def nowhere(state: ForumState, status: int, summary: str) -> Response:
    """What was typed for a page that we do not know, or do not tell of: to be copied, not to be posted."""
    view = refill(render.blank_form(state, ""), request)
    view.summary = summary
    return form_page(status, _("Your comment"), view, Place("", _("the page you came from"), _back(state)))


def _form(state: ForumState, place: Place) -> tuple[FormView, Comment | None]:
    """The filled form, and what it answers."""
    parent = _parent(state, place.key)
    form = refill(render.blank_form(state, render.fresh_stamp(state, place), parent=parent), request)
    if parent is None:
        form.parent_id, form.cancel_url = "", place.url
    return form, parent


def _with_its_stamp(form: FormView) -> FormView:
    """The same stamp goes back: waiting must not count as haste, and of one form there is one comment, even if it was
    stored without its author being told.
    """
    form.stamp, form.proof = request.form.get("stamp", ""), request.form.get("proof", "")
    return form


def _parent(state: ForumState, key: str) -> Comment | None:
    """The comment this form answers, as long as it can be answered there."""
    text = request.form.get("parent", "")
    if not (text.isascii() and text.isdigit() and len(text) <= 18):
        return None
    comment = state.session.get(Comment, int(text))
    return comment if comment is not None and comment.state == "published" and comment.thread.key == key else None


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
