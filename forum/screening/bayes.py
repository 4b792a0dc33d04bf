"""A filter that learns from what moderators decide, and can say by which words it judged. Pure: it counts nothing.

Each word has a probability of spam by the comments it was seen in; what few comments show is drawn towards one half.
The most telling words are heard as witnesses, and the logarithms of their odds added up.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice, pairwise
from math import exp, log, sqrt
from typing import NamedTuple

from .facts import Draft
from .links import addresses, host, without_addresses
from .words import fold, words_of

# Under the empty word stand the comments themselves, and here all words of their texts together.
COMMENTS = ""
WORDS = "words:"
WORD_LENGTH = 40


class Seen(NamedTuple):
    """In how many comments of each kind a word was seen."""

    spam: int = 0
    ham: int = 0


@dataclass(frozen=True)
class Opinion:
    """The probability that a draft is spam, and the words that decided it, strongest first.

    A word's weight is how far it moved the decision: above 0 towards spam, below 0 away from it.
    """

    odds: float
    words: tuple[tuple[str, float], ...]

    @property
    def telling(self) -> tuple[str, ...]:
        """The few words that spoke most for spam."""
        return tuple(word for word, weight in self.words if weight > 0)[:5]


def tokens(draft: Draft) -> tuple[str, ...]:
    """What the filter sees of a draft, each once: words, neighbours, and where its name, address and links point.

    At most 100 of each kind, none longer than 40 characters. Whatever is no word of the text has its kind before a
    colon; of long words the beginning stands too, with an ellipsis.
    """
    words = words_of(without_addresses(draft.body))
    kinds = (_around(draft), _alone(words), _neighbours(words), _beginnings(words))
    return tuple(dict.fromkeys(token for kind in kinds for token in islice(dict.fromkeys(kind), _MOST)))


def lesson(draft: Draft) -> Counter[str]:
    """What is counted when a draft is learned: itself, each of its tokens, and how many of them are of its text."""
    found = tokens(draft)
    return Counter((COMMENTS, *found)) + Counter({WORDS: sum(_is_of_text(token) for token in found)})


def _is_of_text(token: str) -> bool:
    return ":" not in token


_MOST = 100
_MONEY = re.compile(r"[$£€¥₹₽]\s?\d|\d\s?[$£€¥₹₽]")
_PHONE = re.compile(r"\d[\d ()-]{8,18}\d")


def _around(draft: Draft) -> Iterator[str]:
    yield from (_cut(f"name:{word}") for word in words_of(draft.name))
    if draft.email:
        yield _cut(f"email-domain:{fold(draft.email.rpartition('@')[2])}")
    if draft.website:
        yield _cut(f"website:{host(draft.website)}")
    found = addresses(draft.body)
    yield f"links:{min(len(found), 4)}"
    if found:
        yield "links:some"
    yield from (f"number:{kind}" for kind, form in (("money", _MONEY), ("phone", _PHONE)) if form.search(draft.body))
    yield from (_cut(f"link:{host(link)}") for link in found)


def _cut(token: str) -> str:
    return token[:WORD_LENGTH]


def _alone(words: Sequence[str]) -> Iterator[str]:
    """Words of usual length. A single letter tells something only beside another."""
    return (word for word in words if 2 <= len(word) <= WORD_LENGTH)


def _neighbours(words: Sequence[str]) -> Iterator[str]:
    """Two words in a row, for "check out" is not "check"; where each letter is a word, two letters."""
    for word, after in pairwise(words):
        letters = len(word) == len(after) == 1 and not word.isascii() and not after.isascii()
        pair = word + after if letters else f"{word} {after}"
        if len(pair) <= WORD_LENGTH:
            yield pair


# A word and its longer sisters share so much: "subscribe", "subscribers", "subscribing".
_BEGINNING = 6


def _beginnings(words: Sequence[str]) -> Iterator[str]:
    return (f"{word[:_BEGINNING]}…" for word in words if len(word) > _BEGINNING + 1)


# Below this many comments of each kind every word is a coincidence.
_LEAST = 20
# How many comments the assumption of one half weighs, against those a word was seen in.
_DOUBT = 1.5
# Words nearer to one half tell nothing; more than these would only repeat each other.
_TELLING = 0.05
_WITNESSES = 50


def odds(draft: Sequence[str], counts: Mapping[str, Seen]) -> Opinion | None:
    """The probability that a draft of these tokens is spam; None before 20 comments of each kind were learned.

    ``counts`` says of tokens how often they were seen, as :func:`lesson` counts them; without a count of words all
    comments are taken for equally long.
    """
    comments = counts.get(COMMENTS, Seen())
    if min(comments) < _LEAST:
        return None
    # Spam is longer than comments, or shorter: by comments, every word of the longer kind would speak for it.
    words = counts.get(WORDS, comments)
    known = (
        (token, _probability(counts[token], words if _is_of_text(token) else comments))
        for token in draft
        if token in counts
    )
    telling = sorted((-abs(p - 0.5), token, p) for token, p in known if abs(p - 0.5) >= _TELLING)[:_WITNESSES]
    # Words of one text are no independent witnesses: together they count as the root of their number. One that knows
    # nothing is always among them, so that a single word convinces only when many comments have shown it.
    crowd = sqrt(len(telling) + 1)
    weighed = tuple((token, log(p / (1 - p)) / crowd) for _, token, p in telling)
    return Opinion(1 / (1 + exp(-sum(weight for _, weight in weighed))), weighed)


def _probability(seen: Seen, among: Seen) -> float:
    """The probability of spam where a token stands, were there as much ``among`` spam as among ham."""
    in_spam, in_ham = seen.spam / max(among.spam, 1), seen.ham / max(among.ham, 1)
    times = seen.spam + seen.ham
    if not times:
        return 0.5
    return (_DOUBT * 0.5 + times * in_spam / (in_spam + in_ham)) / (_DOUBT + times)
