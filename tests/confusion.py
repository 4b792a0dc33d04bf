"""How well spam is told from comments: drafts through the rules, the filter, and both.

Nothing is judged by a filter that has seen it: the drafts are dealt into ten parts, and each part is judged by what
the filter learned from the other nine.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from forum.screening import Context, Draft, screen
from forum.screening.bayes import Opinion, Seen, lesson, odds, tokens
from forum.settings import Settings

CORPUS = Path(__file__).parent / "corpus" / "drafts"
PARTS = 10
HEADER = (
    "| judged by | spam rejected | spam held | spam published | comments published | comments held "
    "| comments rejected |\n"
    "| --- | ---: | ---: | ---: | ---: | ---: | ---: |"
)


@dataclass(frozen=True)
class Sample:
    """A draft of the corpus, how it came, and what it is: `spam` or `ham`."""

    draft: Draft
    seconds: float
    honeypot: bool
    truth: str


def samples() -> list[Sample]:
    """The whole corpus."""
    return [
        _sample(**row) for name in ("ham", "spam") for row in json.loads((CORPUS / f"{name}.json").read_text("utf-8"))
    ]


def _sample(seconds: float, honeypot: bool, truth: str, **fields: Any) -> Sample:
    return Sample(Draft("post:1", None, **fields), seconds, honeypot, truth)


def learned(samples: Iterable[Sample]) -> dict[str, Seen]:
    """What the filter knows after these drafts."""
    counts: dict[str, Counter[str]] = {"spam": Counter(), "ham": Counter()}
    for sample in samples:
        counts[sample.truth].update(lesson(sample.draft))
    return {word: Seen(counts["spam"][word], counts["ham"][word]) for word in counts["spam"] | counts["ham"]}


def judged(corpus: Sequence[Sample]) -> Iterator[Judged]:
    """Each draft with what a filter thinks of it that has never seen it; each part has its share of either kind."""
    dealt = sorted(corpus, key=lambda sample: sample.truth)
    for part in range(PARTS):
        rest = (sample for place, sample in enumerate(dealt) if place % PARTS != part)
        yield from judged_after(rest, dealt[part::PARTS])


def judged_after(lessons: Iterable[Sample], corpus: Iterable[Sample]) -> Iterator[Judged]:
    """Each draft of the corpus with what a filter thinks of it that knows the lessons alone."""
    knowledge = learned(lessons)
    for sample in corpus:
        opinion = odds(tokens(sample.draft), knowledge)
        assert opinion is not None
        yield sample, opinion


def context(sample: Sample, opinion: Opinion | None, settings: Settings) -> Context:
    """What is known of the draft; its author is no longer new, for new ones are read whatever they write."""
    known = {"odds": opinion.odds, "telling": opinion.telling} if opinion else {}
    return Context(settings, approved=1, seconds=sample.seconds, honeypot=sample.honeypot, **known)


def by_rules(sample: Sample, opinion: Opinion, settings: Settings) -> str:
    """The verdict of the rules alone."""
    return screen(sample.draft, context(sample, None, settings)).word


def by_filter(sample: Sample, opinion: Opinion, settings: Settings) -> str:
    """The verdict of the filter alone."""
    return "hold" if opinion.odds * 100 >= settings.spam_hold_percent else "publish"


def by_both(sample: Sample, opinion: Opinion, settings: Settings) -> str:
    """The verdict of everything together."""
    return screen(sample.draft, context(sample, opinion, settings)).word


Judged = tuple[Sample, Opinion]
Judge = Callable[[Sample, Opinion, Settings], str]
JUDGES: dict[str, Judge] = {
    "rules": by_rules,
    "filter": by_filter,
    "both": by_both,
}


def confusion(judge: Judge, judgements: Iterable[Judged], settings: Settings) -> Counter[tuple[str, str]]:
    """How many drafts of each kind got each verdict."""
    return Counter((sample.truth, judge(sample, opinion, settings)) for sample, opinion in judgements)


def table(judgements: Iterable[Judged]) -> str:
    """The confusion of all three by the default settings, as the documentation shows it."""
    heard, settings = list(judgements), Settings()
    return "\n".join([HEADER, *(line(name, confusion(judge, heard, settings)) for name, judge in JUDGES.items())])


def line(name: str, counts: Counter[tuple[str, str]]) -> str:
    """One line below the header."""
    spam = [counts["spam", word] for word in ("reject", "hold", "publish")]
    ham = [counts["ham", word] for word in ("publish", "hold", "reject")]
    return f"| {name} | {' | '.join(map(str, [*spam, *ham]))} |"
