"""What our views answer with: pages on the host's base, forms filled in again, and the cookie of an author."""

from __future__ import annotations

import datetime as dt
import secrets
from typing import Any

from flask import Response, make_response, render_template, request, url_for

from .. import comments, render, threads
from ..forms import FormView
from ..models import Comment, Thread
from ..render import Place, View
from ..state import VISITOR_COOKIE, ForumState, get, visitor_hash

# A comment of the longest kind, percent-encoded, with room for the other fields.
_FORM_ROOM = 64 * 1024
_BYTES_PER_CHARACTER = 12
_YEAR = 365 * 24 * 3600
_BARE_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


def limit_body() -> None:
    """Bound what this request may send; the host's own limits are left alone."""
    room = _FORM_ROOM + get().settings.max_length * _BYTES_PER_CHARACTER
    request.max_content_length = room
    request.max_form_memory_size = room
    request.max_form_parts = 40


def page(template: str, status: int = 200, **context: Any) -> Response:
    """One of our pages on the host's base; it holds something of its visitor, so nobody may keep it."""
    settings = get().settings
    body = render_template(template, base_template=settings.base_template, css=settings.css, **context)
    return private(make_response(body, status))


def bare(template: str, status: int = 200, **context: Any) -> Response:
    """A page on our own layout, with nothing of the host's, for links that came by mail and for moderators."""
    response = private(make_response(render_template(template, **context), status))
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["X-Robots-Tag"] = "noindex"
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Content-Security-Policy"] = _BARE_POLICY
    return response


def private(response: Response) -> Response:
    """Keep the answer out of every cache."""
    response.headers["Cache-Control"] = "private, no-store"
    return response


def place_of(thread: Thread) -> Place:
    """The page a stored thread belongs to, for pages of our own."""
    state = get()
    over = comments.is_over(thread.created_at, state.settings, state.clock())
    closed = thread.closed or over or state.is_closed(thread.key)
    return Place(thread.key, thread.title, thread.url, closed, root=request.script_root)


def form_page(
    status: int, title: str, form: FormView, place: Place, *, parent: Comment | None = None, notice: str | None = None
) -> Response:
    """The comment form on a page of its own, with what is wrong and nothing lost."""
    shown = render.shown(get(), parent) if parent is not None else None
    return page(
        "forum/form_page.html",
        status,
        title=title,
        notice=notice,
        parent=shown,
        form=form,
        key=place.key,
        thread_title=place.title,
        thread_url=place.url,
    )


def thread_url(state: ForumState, comment: Comment, since: dt.datetime | None = None) -> str:
    """Where a comment is read: the host's page, at the page of its branch, at the comment; what that page has no room
    for is read on a page of ours. Comments after ``since`` are marked there.
    """
    settings, thread, anchor = state.settings, comment.thread, f"comment-{comment.id}"
    top = threads.cut_off(state.session, comment, settings.per_page, settings.sort)
    if top is not None:
        return render.page_url(url_for("forum.comments.branch", comment_id=top), View(since=since), anchor)
    number = threads.page_of(comment.branch, thread.branches, settings.per_page, settings.sort)
    return render.page_url(thread.url, View(number, settings.sort, settings.sort, since), anchor)


def visitor() -> tuple[str, str]:
    """This visitor's cookie, a new one if there is none, and the hash of it that is stored."""
    cookie = request.cookies.get(VISITOR_COOKIE) or secrets.token_urlsafe(16)
    return cookie, visitor_hash(cookie)


def remember(response: Response, cookie: str) -> Response:
    """Let the author of a comment be recognised; nobody who only reads ever gets a cookie."""
    secure = (get().settings.base_url or "").startswith("https:")
    response.set_cookie(VISITOR_COOKIE, cookie, max_age=_YEAR, path="/", httponly=True, samesite="Lax", secure=secure)
    return response
