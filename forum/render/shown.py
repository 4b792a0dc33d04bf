"""One comment: what its template sees of it, and its markup, from memory where all readers get the same."""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import dataclass

from flask import request
from markupsafe import Markup

from .. import language, preferences
from ..models import Comment
from ..state import ForumState
from ..threads import NOBODY, Line, Reader
from .avatars import identicon
from .places import Place


@dataclass(frozen=True)
class Own:
    """What its author may still do with a comment."""

    edit_url: str | None
    remove_url: str
    minutes_left: int
    seconds_left: int
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
    parent_id: int | None
    parent_name: str | None
    depth: int
    heading: int
    own: Own | None = None


@dataclass(frozen=True)
class Scene:
    """What a comment stands in: its page, who reads it, and since when comments are new to them."""

    place: Place
    reader: Reader = NOBODY
    since: dt.datetime | None = None

    def is_new(self, line: Line) -> bool:
        """Whether the comment came after the reader was here last; one's own is never new."""
        recent = self.since is not None and line.created_at > self.since
        return recent and line.state == "published" and not self.reader.owns(line)


def shown(state: ForumState, comment: Comment, heading: int = 2) -> Shown:
    """One stored comment for a page of its own."""
    line = Line._make(getattr(comment, name) for name in Line._fields)
    return of_line(state, line, None, 0, Scene(Place("", "", "", True, heading, request.script_root)))


def fragment(state: ForumState, line: Line, parent: Line | None, answers: int, scene: Scene) -> bytes:
    """The markup of one comment, from memory unless it carries something for this reader only."""
    place, is_new = scene.place, scene.is_new(line)
    if scene.reader.owns(line) and line.state != "removed":
        return _render(state, line, parent, answers, scene, is_new)
    seen = (line.id, line.version, parent.version if parent else 0, is_new)
    key = ("comment", *seen, place.closed, place.heading, place.root, language.current())
    return state.cache.build(key, lambda: [_render(state, line, parent, answers, Scene(place), is_new)])[0]


def of_line(state: ForumState, line: Line, parent: Line | None, answers: int, scene: Scene) -> Shown:
    """One comment as it is read in its place."""
    place, owned = scene.place, scene.reader.owns(line)
    path = f"{place.root}{state.comments_path}/{line.id}"
    published = line.state == "published"
    named = parent if parent is not None and parent.state == "published" else None
    return Shown(
        id=line.id,
        name=_called(line.name),
        website=line.website,
        html=Markup(line.html),  # the one place where stored, sanitised HTML is trusted
        created_at=line.created_at,
        edited=line.edited_at is not None,
        badge="moderator" if line.is_moderator else None,
        state=line.state if published or (line.state == "held" and owned) else "removed",
        removed_by=line.removed_by or "moderator",
        permalink=path,
        reply_url=f"{path}/reply" if published and not place.closed else None,
        parent_id=named.id if named else None,
        parent_name=_called(named.name) if named else None,
        depth=line.depth,
        heading=min(6, place.heading + (1 if parent is None else 2)),
        own=_own(state, line, path, answers, scene.reader) if owned else None,
    )


def _called(name: str) -> str:
    """A name as it is shown: what stands for a name that was taken off is a word of ours."""
    return language.gettext("Someone") if name == preferences.NOBODY else name


def _render(state: ForumState, line: Line, parent: Line | None, answers: int, scene: Scene, is_new: bool) -> bytes:
    comment = of_line(state, line, parent, answers, scene)
    kind = state.settings.avatars
    avatar = identicon(state.keys, line.identity_ref or line.visitor_hash, line.name) if kind == "identicon" else None
    initial = line.name[:1].upper() if kind == "initials" else None
    markup = state.render("forum/_comment.html", comment=comment, avatar=avatar, initial=initial, is_new=is_new)
    return markup.encode()


def _own(state: ForumState, line: Line, path: str, answers: int, reader: Reader) -> Own | None:
    age = (state.clock() - line.created_at).total_seconds()
    left = state.settings.edit_seconds - age
    if left <= 0:
        return None
    # Whoever answered meant the words as they stand.
    edit = None if answers else f"{path}/edit"
    return Own(edit, f"{path}/remove", math.ceil(left / 60), math.ceil(left), line.id in reader.asked)
