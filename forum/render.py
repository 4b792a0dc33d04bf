"""A thread's rows in, its markup out: fragments from memory, one frame, the visitor's part last.

What every reader sees alike is kept as bytes keyed by the thread's version; only the stamp is put in each time.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

from flask import request, url_for
from markupsafe import Markup, escape

from . import comments, subscriptions, threads, tree
from .forms import FormView, session_token
from .identity import Identity
from .models import Comment
from .state import ForumState
from .threads import NOBODY, Head, Line, Reader
from .tokens import Stamp, make_stamp, new_nonce

_EMPTY = Head(0, 0, 0, 0, False)


@dataclass(frozen=True)
class Own:
    """What its author may still do with a comment."""

    edit_url: str | None
    remove_url: str
    minutes_left: int
    asked_for_mail: bool


@dataclass(frozen=True)
class Shown:
    """A comment as ``forum/_comment.html`` sees it; ``html`` is the stored, sanitised body and nothing else is."""

    id: int
    name: str
    website: str | None
    html: Markup
    created_at: dt.datetime
    edited: bool
    badge: str | None
    state: str
    removed_by: str | None
    permalink: str
    reply_url: str | None
    parent_name: str | None
    parent_url: str | None
    depth: int
    heading: int
    own: Own | None = None


@dataclass(frozen=True)
class Pages:
    """Where one stands among the pages of a thread."""

    page: int
    of: int
    older_url: str | None
    newer_url: str | None
    links: list[tuple[int, str, bool]]


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


def thread(state: ForumState, place: Place, head: Head | None, number: int) -> Markup:
    """The whole thread for whoever asks, at page ``number``; its row was read as ``head``, None if there is none."""
    head = head or _EMPTY
    number = nearest_page(state, head, number)
    place = replace(place, closed=place.closed or is_over(state, head))
    reader = state.reader()
    if state.identity() is None and not _has_own(state, head, reader):
        pieces = public_pieces(state, place, head, number)
    else:
        pieces = _frame(state, place, head, number, reader)
    return Markup(fresh_stamp(state, place).join(piece.decode() for piece in pieces))


def public_pieces(state: ForumState, place: Place, head: Head, number: int) -> Sequence[bytes]:
    """The thread as every anonymous reader sees it, split where the stamp goes."""
    build = partial(_frame, state, place, head, number, NOBODY)
    return state.cache.build(("thread", place, head, number), build)


def fit(state: ForumState, frame: str, body: bytes) -> list[bytes]:
    """Put ``body`` into a rendered ``frame`` at the mark for it, and split the whole where the stamp goes."""
    return frame.encode().replace(state.body_mark.encode(), body).split(state.stamp_mark.encode())


def is_over(state: ForumState, head: Head) -> bool:
    """Whether the conversation takes no more comments because it began too long ago."""
    return head.created_at is not None and comments.is_over(head.created_at, state.settings, state.clock())


def nearest_page(state: ForumState, head: Head, number: int) -> int:
    """``number``, or the last page there is: made-up numbers must not fill the cache with copies."""
    return min(number, threads.last_page(head.branches, state.settings.per_page))


def fresh_stamp(state: ForumState, place: Place) -> str:
    """A new stamp for one answer."""
    return make_stamp(state.keys, Stamp(place.key, place.title, place.url, new_nonce(), place.closed), state.clock())


def page_number() -> int:
    """The page of branches this request asks for; 1 for anything that is no number."""
    text = request.args.get("forum_page", "")
    return int(text) if text.isascii() and text.isdigit() and 0 < len(text) < 9 and int(text) else 1


def comment_list(state: ForumState, lines: Sequence[Line], place: Place, reader: Reader = NOBODY) -> Markup:
    """Nested lists of any depth."""
    return Markup(_list(state, lines, place, reader).decode())  # fragments, each made by a template


def _list(state: ForumState, lines: Sequence[Line], place: Place, reader: Reader) -> bytes:
    """The same as it is kept: one flat loop over fragments that are never decoded."""
    if not lines:
        return b""
    names = {line.id: line for line in lines}
    out = [b'<ol class="forum-list" role="list">']
    # A branch alone on its page starts at the margin, however deep it stood in the thread.
    above = min((line.depth for line in lines), default=1) - 1
    for spot in tree.preorder(lines):
        line = spot.row
        out.append(b'<li id="comment-%d" class="forum-comment" data-depth="%d">' % (line.id, line.depth))
        out.append(_fragment(state, line, names.get(line.parent_id or 0), spot.answers, place, reader))
        flat = line.depth - above >= state.settings.max_depth
        out.append(_replies(line, spot.answers, flat).encode() if spot.answers else b"</li>" + _CLOSE * spot.closes)
    return b"".join([*out, b"</ol>"])


def shown(state: ForumState, comment: Comment, heading: int = 2) -> Shown:
    """One stored comment for a page of its own."""
    line = Line(*(getattr(comment, name) for name in Line._fields))
    return _shown(state, line, None, 0, Place("", "", "", True, heading, request.script_root), NOBODY)


def blank_form(state: ForumState, stamp: str | Markup, *, parent: Comment | None = None) -> FormView:
    """An empty form for this request's person."""
    identity = state.identity()
    return FormView(
        action=url_for("forum.comments.post"),
        stamp=stamp,
        legend=f"Reply to {parent.name}" if parent else "Write a comment",
        parent_id=parent.id if parent else "",
        identity=identity,
        csrf_token=session_token() if identity else None,
        offers_mail=state.settings.mail_enabled and (identity is None or bool(identity.email)),
        max_length=state.settings.max_length,
        needs_email=state.settings.require_email and identity is None,
        is_barred=state.settings.require_identity and identity is None,
        proof_url=_proof_url(state, identity),
    )


def _proof_url(state: ForumState, identity: Identity | None) -> str | None:
    """Where the arithmetic is given out; whom the host has signed in is not asked for any."""
    asked = state.settings.proof_of_work and identity is None
    return url_for("forum.proof.challenge", seal="-" * 22) if asked else None


def _frame(state: ForumState, place: Place, head: Head, number: int, reader: Reader) -> list[bytes]:
    settings = state.settings
    last = threads.last_page(head.branches, settings.per_page)
    lines = threads.page(state.session, head.id, number, settings.per_page, reader) if head.id else []
    if number < last:
        lines = [line for line in lines if line.branch is not None]
    if reader:
        own = [line.id for line in lines if reader.owns(line)]
        reader = replace(reader, asked=subscriptions.asked_with(state.session, own))
    closed = place.closed or head.closed
    body = _list(state, lines, place if not head.closed else _closed(place), reader)
    stamp, mark = Markup(state.stamp_mark), Markup(state.body_mark)  # our own marks, hexadecimal
    frame = state.render(
        "forum/thread.html",
        key=place.key,
        heading=place.heading,
        count=head.comments,
        pinned=_pinned(state, place, head) if number == 1 else None,
        comments=mark if body else "",
        closed=closed,
        form=None if closed else blank_form(state, stamp),
        pages=_pages(place, number, last),
        feed=None,
    )
    return fit(state, frame, body)


def _pinned(state: ForumState, place: Place, head: Head) -> Shown | None:
    """The comment that moderators put before all others, for everybody alike; its permalink leads to its own place."""
    line = threads.pinned(state.session, head)
    if line is None:
        return None
    page = threads.page_of(line.branch, head.branches, state.settings.per_page)
    # Straight to its place, so that a reader of the same page is not sent round by the server.
    url = page_url(place.url, page, f"comment-{line.id}")
    return replace(_shown(state, line, None, 0, place, NOBODY), permalink=url)


def _closed(place: Place) -> Place:
    return replace(place, closed=True)


def _has_own(state: ForumState, head: Head, reader: Reader) -> bool:
    """Whether the page must differ for this reader: something of theirs is held or can still be edited."""
    if not reader or not head.id:
        return False
    since = state.clock() - dt.timedelta(seconds=state.settings.edit_seconds)
    return threads.has_own(state.session, head.id, reader, since)


def _fragment(state: ForumState, line: Line, parent: Line | None, answers: int, place: Place, reader: Reader) -> bytes:
    """The markup of one comment, from memory unless it carries something for this reader only."""
    if reader.owns(line) and line.state != "removed":
        return _render_comment(state, line, parent, answers, place, reader).encode()
    key = ("comment", line.id, line.version, parent.version if parent else 0, place.closed, place.heading, place.root)
    build: Callable[[], list[bytes]] = lambda: [  # noqa: E731  # a closure is what the cache wants
        _render_comment(state, line, parent, answers, place, NOBODY).encode()
    ]
    return state.cache.build(key, build)[0]


def _render_comment(
    state: ForumState, line: Line, parent: Line | None, answers: int, place: Place, reader: Reader
) -> str:
    return state.render("forum/_comment.html", comment=_shown(state, line, parent, answers, place, reader))


def _shown(state: ForumState, line: Line, parent: Line | None, answers: int, place: Place, reader: Reader) -> Shown:
    path = f"{place.root}{state.comments_path}/{line.id}"
    published = line.state == "published"
    named = parent is not None and parent.state == "published"
    return Shown(
        id=line.id,
        name=line.name,
        website=line.website,
        html=Markup(line.html),  # the one place where stored, sanitised HTML is trusted
        created_at=line.created_at,
        edited=line.edited_at is not None,
        badge="moderator" if line.is_moderator else None,
        state=line.state if published or (line.state == "held" and reader.owns(line)) else "removed",
        removed_by=line.removed_by or "moderator",
        permalink=path,
        reply_url=f"{path}/reply" if published and not place.closed else None,
        parent_name=parent.name if named and parent else None,
        parent_url=f"#comment-{line.parent_id}" if named else None,
        depth=line.depth,
        heading=min(6, place.heading + (1 if parent is None else 2)),
        own=_own(state, line, path, answers, reader) if reader.owns(line) else None,
    )


def _own(state: ForumState, line: Line, path: str, answers: int, reader: Reader) -> Own | None:
    age = (state.clock() - line.created_at).total_seconds()
    left = state.settings.edit_seconds - age
    if left <= 0:
        return None
    # Whoever answered meant the words as they stand.
    edit = None if answers else f"{path}/edit"
    return Own(edit, f"{path}/remove", math.ceil(left / 60), line.id in reader.asked)


_CLOSE = b"</ol></details></li>"


def _replies(line: Line, answers: int, flat: bool) -> str:
    """What opens the list of replies; they stay nested where ``flat`` ends the indentation."""
    noun = "reply" if answers == 1 else "replies"
    to = f' to <bdi class="forum-name">{escape(line.name)}</bdi>' if line.state == "published" else ""
    named = f'<span class="forum-sr">{to}</span>' if to else ""
    return (
        f'<details class="forum-branch{" forum-flat" if flat else ""}" open>'
        f'<summary class="forum-fold">{answers} {noun}{named}</summary><ol class="forum-replies" role="list">'
    )


def _pages(place: Place, number: int, last: int) -> Pages | None:
    if last == 1:
        return None
    near = sorted({1, last, *range(max(1, number - 2), min(last, number + 2) + 1)})
    return Pages(
        page=number,
        of=last,
        older_url=page_url(place.url, number - 1) if number > 1 else None,
        newer_url=page_url(place.url, number + 1) if number < last else None,
        links=[(n, page_url(place.url, n), n == number) for n in near],
    )


def page_url(url: str, number: int, anchor: str = "forum-thread") -> str:
    """The host's page at one page of its branches."""
    base, _, _ = url.partition("#")
    if number > 1:
        base += ("&" if "?" in base else "?") + f"forum_page={number}"
    return f"{base}#{anchor}"
