"""Text at the door: bodies and names are put into one lasting form or refused, and excerpts are cut between letters."""

from __future__ import annotations

import re
import unicodedata

from ..errors import InvalidDraft
from ..language import gettext as _
from ..language import ngettext, number
from .letters import MARK_RUN, clean_controls, graphemes, is_flooded, is_visible, one_line

NAME_LENGTH = 40  # letters as a reader counts them
NAME_CODE_POINTS = 160  # what the column holds

_BREAKS = re.compile(r"\r\n?|[\x0b\x0c\x85\u2028\u2029]")
_BLANK_LINES = re.compile(r"(?:[^\S\n]*\n)+")


def body(text: str, *, max_length: int) -> str:
    """Return ``text`` in the form that is stored: NFC, ``\\n`` newlines, no controls, balanced directions.

    ``max_length`` counts code points of the result. Raises ``InvalidDraft("body", …)`` when nothing visible is left,
    when it is too long, or when letters carry too many marks. Nothing is ever cut off.
    """
    _refuse_longer(text, 2 * max_length, max_length)
    text = clean_controls(_BREAKS.sub("\n", text))
    if is_flooded(text):
        raise InvalidDraft(
            "body", _("A letter of your comment carries more than %(most)s accents; please use fewer.", most=MARK_RUN)
        )
    text = unicodedata.normalize("NFC", text).rstrip()
    if leading := _BLANK_LINES.match(text):
        text = text[leading.end() :]
    if not is_visible(text):
        raise InvalidDraft("body", _("Please write a comment."))
    _refuse_longer(text, max_length, max_length)
    return text


def name(text: str) -> str:
    """Return ``text`` as one line of at most 40 letters without anything invisible.

    Raises ``InvalidDraft("name", …)`` when nothing is left or it is too long.
    """
    if len(text) > 4 * NAME_CODE_POINTS:
        raise InvalidDraft(
            "name", _("Please choose a shorter name: it may have up to %(most)s letters.", most=NAME_LENGTH)
        )
    if is_flooded(text):
        raise InvalidDraft(
            "name", _("A letter of your name carries more than %(most)s accents; please use fewer.", most=MARK_RUN)
        )
    text = one_line(unicodedata.normalize("NFC", text))
    if not is_visible(text):
        raise InvalidDraft("name", _("Please write your name."))
    letters = len(graphemes(text))
    if letters > NAME_LENGTH or len(text) > NAME_CODE_POINTS:
        told = ngettext(
            "Your name is %(n)s letter long; it may have up to %(most)s.",
            "Your name is %(n)s letters long; it may have up to %(most)s.",
            letters,
            most=NAME_LENGTH,
        )
        raise InvalidDraft("name", told)
    return text


def excerpt(text: str, limit: int, lines: int | None = None) -> str:
    """Return at most ``limit`` code points and ``lines`` lines of ``text``; what was cut ends in "…".

    Letters with their marks and joined emoji are kept whole.
    """
    kept = text if lines is None else "\n".join(text.split("\n")[:lines])
    if len(kept) <= limit and kept == text:
        return text
    parts = graphemes(kept[: limit + 1])
    size = 0
    for end, part in enumerate(parts):
        size += len(part)
        if size > limit - 1:
            parts = parts[:end]
            break
    return "".join(parts).rstrip() + "…" if limit > 0 else ""


def _refuse_longer(text: str, refused_above: int, allowed: int) -> None:
    if len(text) > refused_above:
        told = ngettext(
            "Your comment is %(n)s character long; it may have up to %(most)s. Please shorten it.",
            "Your comment is %(n)s characters long; it may have up to %(most)s. Please shorten it.",
            len(text),
            most=number(allowed),
        )
        raise InvalidDraft("body", told)
