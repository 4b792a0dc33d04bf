"""Names and titles from strangers become one harmless line: nothing invisible, nothing that poses as the site."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection
from functools import lru_cache
from typing import Final

from .. import sanitize
from ..language import gettext as _

# Who may be believed to speak for a site; a visitor may be called so, but the mail says that nobody vouches for it.
_SPEAKERS: Final = """
    admin administrator moderator mod staff support security billing system root webmaster postmaster owner official
    helpdesk noreply sysadmin
"""
RESERVED: Final = frozenset(_SPEAKERS.split())
_URL: Final = re.compile(r"://|\bwww\.|[^\W\d_]\.[^\W\d_]{2,}", re.IGNORECASE)
# Letters of other scripts, digits and signs that pass for Latin letters; "l" and "i" pass for each other.
_LATIN: Final = {
    "a": "\u0430\u03b14@",
    "b": "\u044c\u04328",
    "c": "\u0441",
    "d": "\u0501\u0111",
    "e": "\u0435\u03b5\u04513",
    "g": "\u0581",
    "h": "\u04bb\u043d\u0570",
    "i": "\u0456\u0457\u03b9\u01311!|",
    "j": "\u0458",
    "k": "\u043a\u03ba",
    "l": "\u0142",
    "m": "\u043c",
    "n": "\u03b7\u043f\u0578",
    "o": "\u043e\u03bf\u03c3\u05850\u00f8",
    "p": "\u0440\u03c1",
    "q": "\u051b",
    "r": "\u0433",
    "s": "\u04555$",
    "t": "\u0442\u03c47",
    "u": "\u03c5\u057d\u0446",
    "v": "\u0475\u03bd",
    "w": "\u051d\u03c9\u0448",
    "x": "\u0445\u03c7",
    "y": "\u0443\u03b3",
}
_LOOKALIKES: Final = str.maketrans(
    {"l": "i"} | {char: "i" if letter == "l" else letter for letter, those in _LATIN.items() for char in those}
)
_NAME: Final = 40  # characters
_VANISHING: Final = frozenset({"Cc", "Cf", "Co", "Cs", "Cn"})


def one_line(text: str) -> str:
    """Return ``text`` in NFC on one line: breaks and controls become single spaces, invisible characters go."""
    if text.isascii() and text.isprintable():
        return " ".join(text.split())
    return " ".join("".join(map(_shown, unicodedata.normalize("NFC", text))).split())


def display_name(name: str, *, site_name: str, verified: bool, reserved: Collection[str] = RESERVED) -> str:
    """Return a visitor's name as a mail may show it: one line, 1 to 40 letters, "Someone" when nothing is left.

    Unless somebody vouches for it (``verified``), a name that holds an address or a link, or that looks like the site
    or one of the ``reserved`` words, comes in quotes followed by "(unregistered)". Doing it twice changes nothing.
    """
    shown = one_line(name)
    mark = _("(unregistered)")
    if re.fullmatch(rf'"[^"]{{1,40}}" {re.escape(mark)}', shown):
        return shown
    shown = sanitize.excerpt(shown, _NAME) or _("Someone")
    if verified or not _poses(shown, frozenset({site_name, *reserved})):
        return shown
    return '"{}" {}'.format(shown.replace('"', "'"), mark)


def skeleton(text: str) -> str:
    """Return what ``text`` looks like: two names with one skeleton are easily taken for each other."""
    letters = unicodedata.normalize("NFKD", text.casefold()).translate(_LOOKALIKES).replace("rn", "m")
    return "".join(letter for letter in letters if letter.isalnum())


def _poses(name: str, claimed: frozenset[str]) -> bool:
    if "@" in name or _URL.search(name):
        return True
    looks = _skeletons(claimed)
    return skeleton(name) in looks or any(skeleton(word) in looks for word in re.split(r"[\W_]+", name))


@lru_cache(maxsize=8)
def _skeletons(claimed: frozenset[str]) -> frozenset[str]:
    return frozenset(map(skeleton, claimed)) - {""}


def _shown(char: str) -> str:
    if char.isspace() or unicodedata.category(char) == "Cc":
        return " "
    return "" if unicodedata.category(char) in _VANISHING else char
