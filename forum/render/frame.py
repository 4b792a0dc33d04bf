"""The frame around a list of comments, and the whole of it for whoever asks."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

from flask import url_for
from markupsafe import Markup

from .. import language, subscriptions, threads
from ..state import ForumState
from ..threads import NOBODY, Head, Line, Order, Reader
from .blank import blank_form, fresh_stamp
from .branches import list_of
from .places import Place, View, is_over, nearest, page_url
from .shown import Scene, Shown, of_line

_EMPTY = Head(0, 0, 0, 0, False)
POLL = "poll"


@dataclass(frozen=True)
class Pages:
    """Where one stands among the pages of a thread."""

    page: int
    of: int
    older_url: str | None
    newer_url: str | None
    links: list[tuple[int, str, bool]]


@dataclass(frozen=True)
class News:
    """How many comments of this page came after the reader was here last, and the way to the first of them."""

    number: int
    since: dt.datetime
    url: str


def thread(state: ForumState, place: Place, head: Head | None, view: View) -> Markup:
    """The thread for whoever asks; its row was read as ``head``, None if there is none."""
    head = head or _EMPTY
    view = nearest(state, head, view)
    place = replace(place, closed=place.closed or is_over(state, head))
    reader = state.reader()
    if state.identity() is None and view.since is None and not _has_own(state, head, reader):
        pieces = public_pieces(state, place, head, view)
    else:
        pieces = _frame(state, place, head, view, reader)
    return Markup(fresh_stamp(state, place).join(piece.decode() for piece in pieces))


def public_pieces(state: ForumState, place: Place, head: Head, view: View) -> Sequence[bytes]:
    """The thread as every anonymous reader sees it, split where the stamp goes."""
    build = partial(_frame, state, place, head, view, NOBODY)
    return state.cache.build(("thread", place, head, view, language.current()), build)


def fit(state: ForumState, frame: str, body: bytes) -> list[bytes]:
    """Put ``body`` into a rendered ``frame`` at the mark for it, and split the whole where the stamp goes."""
    return frame.encode().replace(state.body_mark.encode(), body).split(state.stamp_mark.encode())


def _frame(state: ForumState, place: Place, head: Head, view: View, reader: Reader) -> list[bytes]:
    settings = state.settings
    place = replace(place, closed=place.closed or head.closed)
    found = threads.Page([], {})
    if head.id:
        found = threads.page(state.session, head, view.page, settings.per_page, view.order, reader)
    scene = Scene(place, _asked(state, found.lines, reader), view.since)
    body = list_of(state, found.lines, scene, found.left_out)
    stamp, mark = Markup(state.stamp_mark), Markup(state.body_mark)  # our own marks, hexadecimal
    frame = state.render(
        "forum/thread.html",
        key=place.key,
        heading=place.heading,
        count=head.comments,
        version=head.version,
        poll_url=_poll_url(state, place),
        news=_news(place, found.lines, scene),
        sorts=_sorts(place, view) if head.branches > 1 else None,
        pinned=_pinned(state, place, head, view) if view.page == 1 else None,
        comments=mark if body else "",
        closed=place.closed,
        form=None if place.closed else blank_form(state, stamp),
        pages=_pages(place, view, threads.last_page(head.branches, settings.per_page)),
    )
    return fit(state, frame, body)


def _asked(state: ForumState, lines: Sequence[Line], reader: Reader) -> Reader:
    if not reader:
        return reader
    own = [line.id for line in lines if reader.owns(line)]
    return replace(reader, asked=subscriptions.asked_with(state.session, own))


def _poll_url(state: ForumState, place: Place) -> str | None:
    """Where a page that stays open asks for news; a closed one has none."""
    if place.closed or not state.settings.poll:
        return None
    return url_for("forum.poll.now", seal=state.keys.sign(POLL, place.key), key=place.key)


def _news(place: Place, lines: Sequence[Line], scene: Scene) -> News | None:
    new = [line.id for line in lines if scene.is_new(line)]
    if not new or scene.since is None:
        return None
    return News(len(new), scene.since, f"#comment-{new[0]}")


def _sorts(place: Place, view: View) -> list[tuple[Order, str, bool]]:
    """Each order with its URL, and whether it is the one that is shown."""
    orders: tuple[Order, Order] = ("oldest", "newest")
    return [(order, page_url(place.url, replace(view, page=1, order=order)), order == view.order) for order in orders]


def _pinned(state: ForumState, place: Place, head: Head, view: View) -> Shown | None:
    """The comment that moderators put before all others, for everybody alike; its permalink leads to its own place."""
    line = threads.pinned(state.session, head)
    if line is None:
        return None
    shown = of_line(state, line, None, 0, Scene(place))
    if head.comments > threads.CAP:
        # Its page may have no room for it; its permalink knows.
        return shown
    page = threads.page_of(line.branch, head.branches, state.settings.per_page, view.order)
    # Straight to its place, so that a reader of the same page is not sent round by the server.
    return replace(shown, permalink=page_url(place.url, replace(view, page=page), f"comment-{line.id}"))


def _has_own(state: ForumState, head: Head, reader: Reader) -> bool:
    """Whether the page must differ for this reader: something of theirs is held or can still be edited."""
    if not reader or not head.id:
        return False
    since = state.clock() - dt.timedelta(seconds=state.settings.edit_seconds)
    return threads.has_own(state.session, head.id, reader, since)


def _pages(place: Place, view: View, last: int) -> Pages | None:
    if last == 1:
        return None

    def url(number: int) -> str:
        return page_url(place.url, replace(view, page=number))

    near = sorted({1, last, *range(max(1, view.page - 2), min(last, view.page + 2) + 1)})
    return Pages(
        page=view.page,
        of=last,
        older_url=url(view.page - 1) if view.page > 1 else None,
        newer_url=url(view.page + 1) if view.page < last else None,
        links=[(number, url(number), number == view.page) for number in near],
    )
