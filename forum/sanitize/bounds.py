"""Limits on what one text may ask of the parser and the sanitiser, each checked in one pass over the text.

The figures come from ``python -m benchmarks.sanitize``; they lie far above what people write.
"""

from __future__ import annotations

import re
from itertools import pairwise

from ..errors import InvalidDraft
from ..language import gettext as _

# mistune pairs emphasis in quadratic time within one paragraph: 600 marks cost it 5 ms, 3,000 cost it 200.
_MARKS = 600
# A list that interrupts a quote that interrupts a list … is parsed by calls within calls, until prose ends them all.
_SWITCHES = 80
# Line ends and tags are dear to Bleach (15 µs each); one for every few characters leaves room for any real text.
_LINES_ROOM, _LINES_EVERY = 200, 5
_TAGS_ROOM, _TAGS_EVERY = 400, 4
# Escaped characters cost it 7 µs each; JSON and C++ are a quarter of them, nothing people write is half.
_ESCAPES_ROOM, _ESCAPES_EVERY = 400, 2
# A link of three letters becomes sixty of HTML, so short texts have some room to grow.
_GROWTH_ROOM, _GROWTH = 2000, 5

_PARAGRAPHS = re.compile(r"\n[ \t]*\n")
_MARK = re.compile(r"[*_]+")
_PROSE = re.compile(r"\n[ \t]*\n(?=[^\s>+*\d-])")
_CONTAINERS = re.compile(r"^[ \t]*((?:>[ \t]*|[-+*](?:[ \t]+|$)|\d{1,9}[.)](?:[ \t]+|$))+)", re.MULTILINE)
_LIST_MARKS = re.compile(r"[-+*]|\d+[.)]")


def refuse_intricate(source: str) -> None:
    """Raise ``InvalidDraft("body", …)`` when ``source`` holds more markup than a person writes."""
    if source.count("\n") > _LINES_ROOM + len(source) // _LINES_EVERY:
        raise intricate()
    if any(len(_MARK.findall(paragraph)) > _MARKS for paragraph in _PARAGRAPHS.split(source)):
        raise intricate()
    if any(_switches(section) > _SWITCHES for section in _PROSE.split(source)):
        raise intricate()


def is_swollen(source: str, html: str) -> bool:
    """Tell whether ``html`` is out of proportion to the ``source`` it was made from."""
    if len(html) > _GROWTH_ROOM + _GROWTH * len(source):
        return True
    if html.count("&") > _ESCAPES_ROOM + len(source) // _ESCAPES_EVERY:
        return True
    return html.count("<") > _TAGS_ROOM + len(source) // _TAGS_EVERY


def intricate() -> InvalidDraft:
    """Return the error that tells the author to write more simply."""
    return InvalidDraft("body", _("This text has too much formatting for its length. Please use simpler formatting."))


def _switches(section: str) -> int:
    kinds = [_LIST_MARKS.sub("-", "".join(marks.split())) for marks in _CONTAINERS.findall(section)]
    return sum(kind != following for kind, following in pairwise(kinds))
