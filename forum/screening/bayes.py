"""A filter that learns from what moderators decide, and can say by which words it judged. Pure: it counts nothing.

Each word has a probability of spam by the comments it was seen in; what few comments show is drawn towards one half.
The most telling words are heard as witnesses, and the logarithms of their odds added up.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from math import exp, log, sqrt
from typing import NamedTuple

from .facts import Draft
from .links import host, links, without_links
from .words import fold, words_of

# Under the empty word stand the comments themselves.
COMMENTS = ""
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
    """What the filter sees of a draft: its words, and where its name, address and links point, each once.

    At most 150, none longer than 40 characters. Words of other fields carry the field's name before a colon.
    """
    return tuple(islice(dict.fromkeys(_all_tokens(draft)), _MOST))


_MOST = 150


def _all_tokens(draft: Draft) -> Iterator[str]:
    yield from (_cut(f"name:{word}") for word in words_of(draft.name))
    if draft.email:
        yield _cut(f"email-domain:{fold(draft.email.rpartition('@')[2])}")
    if draft.website:
        yield _cut(f"website:{host(draft.website)}")
    found = links(draft.body)
    yield from (_cut(f"link:{host(link)}") for link in found)
    yield f"links:{min(len(found), 4)}"
    yield from _words(words_of(without_links(draft.body)))


def _words(words: list[str]) -> Iterator[str]:
    """Words of usual length; of scripts that put no spaces between words, where each letter is one, pairs."""
    for word, after in zip(words, [*words, ""][1:], strict=True):
        if 3 <= len(word) <= WORD_LENGTH:
            yield word
        elif len(word) == len(after) == 1 and not word.isascii() and not after.isascii():
            yield word + after


def _cut(token: str) -> str:
    return token[:WORD_LENGTH]


# Below this many comments of each kind every word is a coincidence.
_LEAST = 20
# How many comments the assumption of one half weighs, against those a word was seen in.
_DOUBT = 0.7
# Words nearer to one half tell nothing; more than these would only repeat each other.
_TELLING = 0.2
_WITNESSES = 15


def odds(draft: Sequence[str], counts: Mapping[str, Seen]) -> Opinion | None:
    """The probability that a draft of these tokens is spam; None before 20 comments of each kind were learned.

    ``counts`` says of tokens how often they were seen; the empty word stands for all comments together.
    """
    spam, ham = counts.get(COMMENTS, Seen())
    if min(spam, ham) < _LEAST:
        return None
    known = ((token, _probability(counts[token], spam, ham)) for token in draft if token in counts)
    telling = sorted((-abs(p - 0.5), token, p) for token, p in known if abs(p - 0.5) >= _TELLING)[:_WITNESSES]
    # Words of one text are no independent witnesses: together they count as the root of their number. One that knows
    # nothing is always among them, so that a single word convinces only when many comments have shown it.
    crowd = sqrt(len(telling) + 1)
    weighed = tuple((token, log(p / (1 - p)) / crowd) for _, token, p in telling)
    return Opinion(1 / (1 + exp(-sum(weight for _, weight in weighed))), weighed)


def _probability(seen: Seen, spam: int, ham: int) -> float:
    """The probability of spam where a word stands, were there as much spam as ham."""
    in_spam, in_ham = seen.spam / spam, seen.ham / ham
    times = seen.spam + seen.ham
    if not times:
        return 0.5
    return (_DOUBT * 0.5 + times * in_spam / (in_spam + in_ham)) / (_DOUBT + times)
