"""Texts as lists of words compare them: without case, accents and invisible letters, whole words and phrases only."""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache

from .lookalikes import latin

# Scripts that put no spaces between words: each letter is one, and a listed word is a phrase of them.
_UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u31f0-\u31ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
)
_WORD = re.compile(f"[{_UNSPACED}]|[^\\W_{_UNSPACED}]+")
_LATIN = re.compile("[a-z]")
_UNSEEN = ("Mn", "Me", "Cf")
# Letters by category, blank by sight.
_FILLERS = "\u115f\u1160\u17b4\u17b5"


class _Seen(dict[int, int | None]):
    """For ``str.translate``: None for letters nobody sees. Each is looked up once, which is all the cost there is."""

    def __missing__(self, code: int) -> int | None:
        char = chr(code)
        seen = None if char in _FILLERS or unicodedata.category(char) in _UNSEEN else code
        # Bounded: somebody may send every character there is.
        if code <= 0xFFFF:
            self[code] = seen
        return seen


_SEEN = _Seen()


def fold(text: str) -> str:
    """``text`` in compatibility form, without case, accents and invisible letters."""
    if text.isascii():
        return text.lower()
    # Twice: what a capital in a circle stands for is a capital.
    text = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    return unicodedata.normalize("NFC", text.translate(_SEEN))


def words_of(text: str) -> list[str]:
    """The folded words of ``text`` in their order. Foreign letters among Latin ones are read as what they look like."""
    text = fold(text)
    words: list[str] = _WORD.findall(text)
    return words if text.isascii() else [latin(word) if _is_mixed(word) else word for word in words]


def _is_mixed(word: str) -> bool:
    """Whether a folded word spells some of its Latin letters with others that look the same."""
    if len(word) == 1 or word.isascii() or not _LATIN.search(word):
        return False
    return latin(word).isascii()


def matches(words: Sequence[str], texts: Iterable[str]) -> tuple[str, ...]:
    """The entries of ``words`` that stand in one of ``texts``, in the order of the list.

    An entry is found as a whole word, or as a phrase of whole words whatever stands between them; one without any
    letter or digit, an emoji for example, wherever it stands.
    """
    entries = _entries(tuple(words))
    found = {entry for text in texts for entry in entries.within(text)}
    return tuple(word for word in words if word in found)


class _Entries:
    """A list of words made ready. A text is read once however long the list is, and however alike its phrases are."""

    def __init__(self, words: Iterable[str]) -> None:
        self.phrases: dict[tuple[str, ...], list[str]] = defaultdict(list)
        self.signs: list[tuple[str, str]] = []
        lengths: dict[str, set[int]] = defaultdict(set)
        for entry in words:
            if phrase := tuple(words_of(entry)):
                self.phrases[phrase].append(entry)
                lengths[phrase[0]].add(len(phrase))
            elif sign := fold(entry):
                self.signs.append((sign, entry))
        # Of phrases with one beginning only the lengths are tried.
        self.lengths = dict(lengths)

    def within(self, text: str) -> Iterator[str]:
        """The entries that stand in ``text``."""
        words = words_of(text)
        for start, word in enumerate(words):
            for length in self.lengths.get(word, ()):
                yield from self.phrases.get(tuple(words[start : start + length]), ())
        if self.signs:
            folded = fold(text)
            yield from (entry for sign, entry in self.signs if sign in folded)


@lru_cache(maxsize=16)
def _entries(words: tuple[str, ...]) -> _Entries:
    return _Entries(words)
