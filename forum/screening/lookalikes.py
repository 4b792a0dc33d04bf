"""Letters that look like others: one name spelled in many ways has one skeleton."""

from __future__ import annotations

import re
import unicodedata

_ALIKE = {
    "a": "аαɑᴀАΑᎪ",
    "b": "вьβʙᏴВΒ",
    "c": "сϲᴄᏟСϹ",
    "d": "ԁđɗᴅᎠ",
    "e": "еєεɛᴇᎬЕΕ",
    "f": "ғꜰƒ",
    "g": "ɡɢցԌᏀ",
    "h": "нһʜħհᎻНΗ",
    "i": "іıιɪӏІΙӀ",
    "j": "јʝᴊϳᎫЈ",
    "k": "кκᴋᏦКΚ",
    "l": "łʟⅼᏞ",
    "m": "мᴍᎷМΜ",
    "n": "пηոɴŋΝ",
    "o": "оοσөøօᴏОΟՕ",
    "p": "рρᴘᏢРΡ",
    "q": "ԛգ",
    "r": "гʀɾᏒ",
    "s": "ѕꜱʂՏᏚЅ",
    "t": "тτᴛᎢТΤ",
    "u": "υսᴜцμ",
    "v": "νѵᴠᏙ",
    "w": "ѡωᴡшԝᎳ",
    "x": "хχⅹХΧ",
    "y": "уγүʏУΥҮ",
    "z": "ᴢζᏃΖ",
}
# White letters on black have no compatibility form, nor have the letters that flags are made of.
_DRESSED = {start + i: chr(97 + i) for start in (0x1F150, 0x1F170, 0x1F1E6) for i in range(26)}
_LATIN = {ord(char): letter for letter, chars in _ALIKE.items() for char in chars} | _DRESSED
# Written for letters in names and in words that are to pass a filter; I, l and 1 are one stroke in many fonts.
_STROKES = str.maketrans("013457i!|@$€", "oleastlllase")
_EDGES = re.compile(r"^[\W_]+|[\W_]+$")
_NO_LETTERS = re.compile(r"[\W_]")


def latin(text: str) -> str:
    """``text`` with each letter that looks like a Latin one replaced by it."""
    return text.translate(_LATIN)


def skeleton(name: str) -> str:
    """What is left of ``name`` when case, accents, spaces, signs and the choice among lookalikes are taken away.

    Two names with one skeleton can be taken for each other. The skeleton of a name without letters is empty.
    """
    bare = "".join(char for char in unicodedata.normalize("NFKD", name) if unicodedata.category(char)[0] not in "MC")
    # Signs at the edges are ornament, among letters they stand for some.
    bare = _EDGES.sub("", latin(bare)).casefold().translate(_STROKES)
    return _NO_LETTERS.sub("", bare).replace("rn", "m").replace("vv", "w")
