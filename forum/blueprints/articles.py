"""The bundled articles, for sites without pages of their own: a list, and each article with its thread."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from flask import Blueprint, Response, make_response, render_template, request, url_for
from markupsafe import Markup
from werkzeug.exceptions import NotFound

from .. import articles, language, render
from ..articles import Front
from ..render import Place, View
from ..state import ForumState, get
from .pages import private

blueprint = Blueprint("forum_articles", __name__, url_prefix="/articles")


@blueprint.get("/")
def index() -> Response:
    """All articles, newest first, with the number of their comments."""
    state = get()
    rows = [
        {"title": row.title, "author": row.author, "published_at": row.published_at, "summary": row.summary,
         "comments": row.comments, "url": url_for("forum_articles.show", slug=row.slug)}
        for row in articles.newest(state.session)
    ]  # fmt: skip
    settings = state.settings
    return make_response(
        render_template("forum/articles.html", base_template=settings.base_template, css=settings.css, articles=rows)
    )


@blueprint.get("/<slug>")
def show(slug: str) -> Response:
    """An article and its thread. Where pages are public, all readers without a cookie share one, for one query."""
    state = get()
    front = _front(state, slug)
    if front is None:
        raise NotFound
    view = render.nearest(state, front.head, render.view_of(state))
    if not (state.public_pages and _is_anonymous()) or view.since:
        return private(make_response(_page(state, front, render.thread(state, _place(front), front.head, view))))
    return _public(state, front, view)


def _front(state: ForumState, slug: str) -> Front | None:
    """The article and the head of its thread: from memory while nothing was committed, else in one query."""
    if state.pulse is None:
        return articles.front(state.session, slug)
    # Asked for before the query: a commit in between empties the next memory, not this one.
    memory = state.pulse.memory()
    front: Front | None = memory.get(slug) or articles.front(state.session, slug)
    if front is not None:
        memory[slug] = front
    return front


def _public(state: ForumState, front: Front, view: View) -> Response:
    response = Response(mimetype="text/html")
    over = render.is_over(state, front.head)
    seen = (front.version, front.head.version, view.page, view.order, language.current(), state.fingerprint)
    tag = ".".join([*map(str, seen), *(["over"] if over else [])])
    response.set_etag(tag, weak=True)
    response.headers["Cache-Control"] = "no-cache"
    if request.if_none_match.contains_weak(tag):
        response.status_code = 304
        return response
    key = ("article", front.id, front.version, front.head, view, language.current(), request.script_root, over)
    pieces = state.cache.build(key, lambda: _whole_page(state, front, view))
    response.set_data(render.fresh_stamp(state, _place(front)).encode().join(pieces))
    return response


def _whole_page(state: ForumState, front: Front, view: View) -> list[bytes]:
    place = replace(_place(front), closed=front.closed or render.is_over(state, front.head))
    pieces = render.public_pieces(state, place, front.head, view)
    frame = _page(state, front, Markup(state.body_mark))  # our own mark, hexadecimal
    return render.fit(state, frame, state.stamp_mark.encode().join(pieces))


def _page(state: ForumState, front: Front, thread: Markup) -> str:
    article: dict[str, Any] = {
        "title": front.title,
        "author": front.author,
        "published_at": front.published_at,
        "html": Markup(articles.html(state.session, front.id)),  # sanitised when it was stored
        "url": (state.settings.base_url and state.url("forum_articles.show", slug=front.slug)) or request.path,
    }
    settings = state.settings
    return render_template(
        "forum/article.html", base_template=settings.base_template, css=settings.css, article=article, thread=thread
    )


def _place(front: Front) -> Place:
    url = url_for("forum_articles.show", slug=front.slug)
    return Place(front.thread_key, front.title, url, front.closed, root=request.script_root)


def _is_anonymous() -> bool:
    """Whether nothing in the request could tell its sender from any other reader."""
    return not request.cookies and "Authorization" not in request.headers
