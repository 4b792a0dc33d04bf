"""How spam is told from comments, and what that costs: ``python -m benchmarks.screening``.

The table of docs/moderation.md, and the CPU time of drafts of 10,000 characters against lists of 500 words; the best
of twenty runs counts.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from forum.screening import Context, Draft, screen
from forum.screening.bayes import tokens
from forum.settings import Settings
from tests.confusion import judged, samples, table

SIZE = 10_000
TEXTS = {
    "usual words": "It was a dark and stormy night, and the comments came in. ",
    "no listed word but their beginnings": "free money and free bread and free ",
    "letters with accents": "Ça été où l'œuvre naïve s'arrêta, dès février. ",
    "Latin letters among Cyrillic": "саsinо роkеr ",
    "Chinese": "今天我们在这里讨论面包的做法",
    "links": "https://a.example/x?y=z ",
    "one word": "a",
    "at signs and colons": "http://@@@:::",
}


def main() -> None:
    """Print the table, then for each text the milliseconds of all rules, and of what the filter looks at."""
    print(table(judged(samples())))
    words = tuple(f"word{number}" for number in range(400)) + tuple(f"free money {number}" for number in range(100))
    known = Context(Settings(hold_words=words, reject_words=words), approved=1, staff=("Ann", "Ben"))
    print(f"\n{'text':<38} {'rules ms':>9} {'filter ms':>10}")
    for name, part in TEXTS.items():
        draft = Draft("post:1", None, "Ann B.", "ann@mail.example", None, (part * SIZE)[:SIZE])
        rules, looks = (_best(lambda: screen(draft, known)), _best(lambda: tokens(draft)))  # noqa: B023  # run at once
        print(f"{name:<38} {rules:>9.2f} {looks:>10.2f}")


def _best(act: Callable[[], object]) -> float:
    took = []
    for _ in range(20):
        start = time.process_time()
        act()
        took.append(time.process_time() - start)
    return min(took) * 1000


if __name__ == "__main__":
    main()
