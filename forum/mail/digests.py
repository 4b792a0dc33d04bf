"""What a digest tells of many threads: fairly shared places, short quotations, and how much there is besides."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from .. import sanitize
from ..settings import Settings
from .answers import Answer, Shown, shown
from .names import one_line

_MOST_THREADS: Final = 20
_MOST_ANSWERS: Final = 40
_WORDS: Final = 300  # characters of one answer
_ALL_WORDS: Final = 6000  # characters of all answers together
_TITLE: Final = 120


@dataclass(frozen=True)
class DigestThread:
    """A thread and its new answers in the order they were written; ``mute`` is the link that silences it."""

    thread_id: int
    title: str
    url: str
    answers: tuple[Answer, ...]
    mute: str


@dataclass(frozen=True)
class ShownThread:
    """What the templates get of a thread; ``more`` is how many of its answers are not among them."""

    title: str
    url: str
    mute: str
    answers: list[Shown]
    more: int


def show_threads(threads: Sequence[DigestThread], settings: Settings, share: float = 1) -> list[ShownThread]:
    """Return what one mail may show: up to 20 threads with 40 answers in all, or that divided by ``share``."""
    told = threads[: max(1, int(_MOST_THREADS / share))]
    places = _places([len(thread.answers) for thread in told], max(1, int(_MOST_ANSWERS / share)))
    words = min(_WORDS, int(_ALL_WORDS / share / max(1, sum(places))))
    return [_shown_thread(thread, settings, count, words) for thread, count in zip(told, places, strict=True)]


def preheader(threads: Sequence[ShownThread]) -> str:
    """Return the line that a mailbox lists beside the subject: titles and who wrote, at most 110 characters."""
    told = (f"{thread.title} ({', '.join(_authors(thread))})" for thread in threads)
    return sanitize.excerpt(" · ".join(told), 110)


def _places(sizes: Sequence[int], most: int) -> list[int]:
    """Share places: everybody gets one, then everybody another one, so that no lively thread hides the others."""
    places = [0] * len(sizes)
    while most and places != list(sizes):
        for number, size in enumerate(sizes):
            if most and places[number] < size:
                places[number] += 1
                most -= 1
    return places


def _shown_thread(thread: DigestThread, settings: Settings, count: int, words: int) -> ShownThread:
    return ShownThread(
        title=sanitize.excerpt(one_line(thread.title), _TITLE) or one_line(settings.site_name),
        url=thread.url,
        mute=thread.mute,
        answers=[shown(answer, settings, words=words) for answer in thread.answers[:count]],
        more=len(thread.answers) - count,
    )


def _authors(thread: ShownThread) -> list[str]:
    return list(dict.fromkeys(answer.author for answer in thread.answers))
