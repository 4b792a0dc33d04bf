"""What Unicode lets a text hide or pile up: controls, directions, invisible letters, marks; and where letters end."""

from __future__ import annotations

import re
import unicodedata

# Fillers are letters by category and blank by sight; the others only shape or join what stands beside them.
_FILLERS = "\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0"
_SHAPERS = "\u00ad\u034f\u061c\u180b-\u180f\u200b-\u200f\u2060-\u2069\ufe00-\ufe0f\ufeff\U000e0000-\U000e01ef"
_VISIBLE = re.compile(rf"[^\s{_FILLERS}{_SHAPERS}]")
# Hebrew with accents needs five, Tibetan a few more; beyond that the marks are there to cover other people's lines.
MARK_RUN = 12

# Embeddings and overrides (U+202A-U+202E) are superseded by isolates and serve to make a text read as another one;
# annotations, noncharacters and lone surrogates have no meaning in a stored text at all.
_DROPPED = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f-\x9f\u202a-\u202e\u206a-\u206f\ufeff\ufff0-\ufffb\ufdd0-\ufdef\ufffe\uffff\ud800-\udfff"
    + "".join(f"{chr((plane << 16) + 0xFFFE)}{chr((plane << 16) + 0xFFFF)}" for plane in range(1, 17))
    + "\U000e0001\U000e0080-\U000e00ff]"
)
# Tag letters spell the flags of regions after a black flag; anywhere else they carry hidden text.
_TAGS = re.compile("(\U0001f3f4[\U000e0020-\U000e007e]{1,8}\U000e007f)|[\U000e0020-\U000e007f]")
# One joiner or soft break shapes a word in Persian, Hindi, Thai or an emoji; a run of them only hides something.
_JOINERS = "\u00ad\u034f\u061c\u180e\u200b-\u200f\u2060-\u2064"
_INVISIBLE_RUN = re.compile(f"([{_JOINERS}])[{_JOINERS}]+")
_ISOLATES = re.compile("[\u2066-\u2069]")
_CLOSE = "\u2069"
_EXTENDERS = re.compile("[\u200c\u200d\ufe00-\ufe0f\U0001f3fb-\U0001f3ff\U000e0020-\U000e007f\U000e0100-\U000e01ef]")
_FLAG_LETTER = re.compile("[\U0001f1e6-\U0001f1ff]")


def clean_controls(text: str) -> str:
    """Return ``text`` without controls and hidden letters, each line closing the directions that it opened."""
    text = _DROPPED.sub("", text)
    if text.isascii():
        return text
    text = _INVISIBLE_RUN.sub(r"\1", _TAGS.sub(lambda flag: flag[1] or "", text))
    if not _ISOLATES.search(text):
        return text
    return "\n".join(map(_close_isolates, text.split("\n")))


def is_visible(text: str) -> bool:
    """Tell whether a reader would see anything of ``text``."""
    return _VISIBLE.search(text) is not None


def one_line(text: str) -> str:
    """Return ``text`` in one line, without controls, formats, private letters and fillers, spaces collapsed."""
    return " ".join("".join(map(_printable, text)).split())


def is_flooded(text: str) -> bool:
    """Tell whether more than ``MARK_RUN`` marks stand in a row anywhere in ``text``."""
    if text.isascii():
        return False
    run = 0
    for char in text:
        run = run + 1 if char > "\u02ff" and unicodedata.category(char)[0] == "M" else 0
        if run > MARK_RUN:
            return True
    return False


def graphemes(text: str) -> list[str]:
    """Split ``text`` into what a reader takes for letters: marks, joined emoji and flags stay together."""
    if text.isascii():
        return list(text)
    parts: list[str] = []
    for char in text:
        if parts and _continues(parts[-1], char):
            parts[-1] += char
        else:
            parts.append(char)
    return parts


def _printable(char: str) -> str:
    if char.isspace():
        return " "
    return "" if unicodedata.category(char)[0] == "C" or char in _FILLERS else char


def _continues(part: str, char: str) -> bool:
    if char < "\u0300":
        return False
    if part[-1] == "\u200d" and char > "\u203b":
        return True
    if _EXTENDERS.match(char) or unicodedata.category(char)[0] == "M":
        return True
    return len(part) == 1 and bool(_FLAG_LETTER.match(part) and _FLAG_LETTER.match(char))


def _close_isolates(line: str) -> str:
    open_isolates = 0
    kept: list[str] = []
    for char in line:
        if char == _CLOSE:
            if not open_isolates:
                continue
            open_isolates -= 1
        elif _ISOLATES.match(char):
            open_isolates += 1
        kept.append(char)
    return "".join(kept) + _CLOSE * open_isolates
