"""The list of comments, nested to any depth: one flat loop over fragments that are never decoded."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from markupsafe import Markup, escape

from .. import language, tree
from ..language import ngettext
from ..state import ForumState
from ..threads import Line
from .shown import Scene, fragment

_CLOSE = b"</ol></details></li>"
_END = b"</li>"


def comment_list(state: ForumState, lines: Sequence[Line], scene: Scene) -> Markup:
    """Nested lists of any depth."""
    return Markup(list_of(state, lines, scene).decode())  # fragments, each made by a template


def list_of(state: ForumState, lines: Sequence[Line], scene: Scene, left_out: Mapping[int, int] = {}) -> bytes:
    """The same as it is kept; ``left_out`` are the numbers of comments that branches have beyond these lines."""
    if not lines:
        return b""
    # Found out once: each comment asks for the language.
    with language.using(language.current()):
        return b"".join([b'<ol class="forum-list" role="list">', *_items(state, lines, scene, left_out), b"</ol>"])


def _items(state: ForumState, lines: Sequence[Line], scene: Scene, left_out: Mapping[int, int]) -> Iterator[bytes]:
    known = {line.id: line for line in lines}
    # A branch alone on its page starts at the margin, however deep it stood in the thread.
    above = min(line.depth for line in lines) - 1
    last = {line.parent_id: line.id for line in lines}
    top = lines[0]
    for spot in tree.preorder(lines):
        line = spot.row
        yield b'<li id="comment-%d" class="forum-comment" data-depth="%d">' % (line.id, line.depth)
        top = line if line.parent_id not in known else top
        yield fragment(state, line, known.get(line.parent_id or 0), spot.answers, scene)
        if spot.answers:
            # Two people in turn are no staircase: what answers the last of a list alone goes on in that list.
            in_turn = spot.answers == 1 and line.parent_id in known and last[line.parent_id] == line.id
            yield _replies(line, spot.answers, in_turn or line.depth - above >= state.settings.max_depth)
        else:
            # The last of a branch closes all its lists.
            ends = _END + _CLOSE * spot.closes
            more = _more(state, top, left_out.get(top.branch or 0, 0), scene) if _is_last(spot, top) else b""
            yield ends.removesuffix(_END) + more + _END


def _is_last(spot: tree.Place[Line], top: Line) -> bool:
    return spot.row.depth - spot.closes == top.depth


def _replies(line: Line, answers: int, flat: bool) -> bytes:
    """What opens the list of replies; they stay nested where ``flat`` ends the indentation."""
    words = escape(ngettext("%(n)s reply", "%(n)s replies", answers))
    said = ngettext("%(n)s reply to %(name)s", "%(n)s replies to %(name)s", answers, name=line.name)
    name = f' aria-label="{escape(said)}"' if line.state == "published" else ""
    opening = (
        f'<details class="forum-branch{" forum-flat" if flat else ""}" open>'
        f'<summary class="forum-fold"{name}>{words}</summary><ol class="forum-replies" role="list">'
    )
    return opening.encode()


def _more(state: ForumState, top: Line, number: int, scene: Scene) -> bytes:
    """The way to what a page has no room for; nothing where it has."""
    if not number:
        return b""
    url = f"{scene.place.root}{state.comments_path}/{top.id}/branch"
    return state.render("forum/_rest.html", number=number, url=url, top=top).encode()
