"""Where a thread is shown, which part of it a request asks for, and the URLs that ask for others."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace
from typing import cast, get_args
from urllib.parse import urlencode

from flask import request

from .. import comments, threads
from ..state import ForumState
from ..threads import Head, Order

_FAR = 10**11  # the year 5138: later ones are no times


@dataclass(frozen=True)
class Place:
    """The page a thread is shown on: its key, how the host calls it, and how it is to look there.

    ``root`` is the path below which the app is mounted in this request.
    """

    key: str
    title: str
    url: str
    closed: bool = False
    heading: int = 2
    root: str = ""


@dataclass(frozen=True)
class View:
    """Which part of a thread is asked for, in which order, and since when comments are new to who asks.

    ``home`` is the order of the site, which needs no word in a URL.
    """

    page: int = 1
    order: Order = "oldest"
    home: Order = "oldest"
    since: dt.datetime | None = None


def view_of(state: ForumState) -> View:
    """What this request asks for; whatever makes no sense counts as not said."""
    home = state.settings.sort
    order = request.args.get("forum_sort", home)
    known = cast(Order, order) if order in get_args(Order) else home
    return View(_number("forum_page", 10**8) or 1, known, home, since())


def since(name: str = "forum_since") -> dt.datetime | None:
    """The time this request names in seconds since 1970."""
    seconds = _number(name, _FAR)
    return dt.datetime.fromtimestamp(seconds, dt.UTC) if seconds else None


def nearest(state: ForumState, head: Head, view: View) -> View:
    """``view``, or that of the last page there is: made-up numbers must not fill the cache with copies."""
    return replace(view, page=min(view.page, threads.last_page(head.branches, state.settings.per_page)))


def page_url(url: str, view: View | None = None, anchor: str = "forum-thread") -> str:
    """The host's page showing one part of its thread, the first unless ``view`` says which."""
    base, _, _ = url.partition("#")
    query = _query(view or View())
    return f"{base}{'&' if '?' in base else '?'}{query}#{anchor}" if query else f"{base}#{anchor}"


def is_over(state: ForumState, head: Head) -> bool:
    """Whether the conversation takes no more comments because it began too long ago."""
    return head.created_at is not None and comments.is_over(head.created_at, state.settings, state.clock())


def _query(view: View) -> str:
    said: dict[str, str | int] = {}
    if view.page > 1:
        said["forum_page"] = view.page
    if view.order != view.home:
        said["forum_sort"] = view.order
    if view.since:
        said["forum_since"] = int(view.since.timestamp())
    return urlencode(said)


def _number(name: str, limit: int) -> int | None:
    text = request.args.get(name, "")
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 13 else 0
    return number if 0 < number < limit else None
