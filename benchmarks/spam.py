"""How well spam of a collection is told: ``python -m benchmarks.spam FILE.csv …``, one file for each page or source.

Each file has a header; ``--text``, ``--label`` and ``--name`` say which columns hold the text, what it is, and who
wrote it, ``--spam`` how spam is labelled. A text that comes again, in whatever case, is left out: the copy would be
judged by a filter that knows it. Markup and entities are taken out, since comments are plain text here.
"""

from __future__ import annotations

import argparse
import csv
import html
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from forum.screening import Draft
from forum.screening.words import fold
from forum.settings import Settings
from tests.confusion import HEADER, JUDGES, Judged, Sample, by_both, confusion, judged, judged_after, line, samples

PERCENTS = (70, 80, 90, 95)
_MARKUP = re.compile(r"<[^<>]*>")


def main() -> None:
    """Print a table for each way to learn, and a few of what was judged wrongly."""
    wanted = _arguments()
    pages = _distinct([list(_read(path, wanted)) for path in wanted.files])
    everything = [sample for page in pages for sample in page]
    kinds = Counter(sample.truth for sample in everything)
    print(f"{kinds['ham']} comments and {kinds['spam']} spam drafts, each text once\n")
    dealt = list(judged(everything))
    _report("learned from nine tenths", dealt)
    if len(pages) > 1:
        _report("learned from the other files", [one for at in range(len(pages)) for one in _strange(pages, at)])
    _report("learned from the project's own drafts", list(judged_after(samples(), everything)))
    _show_slips(dealt, wanted.slips)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", type=Path, nargs="+", metavar="FILE.csv")
    for column, usual in (("text", "CONTENT"), ("label", "CLASS"), ("name", "AUTHOR"), ("spam", "1")):
        parser.add_argument(f"--{column}", default=usual, help=f"({usual})")
    parser.add_argument("--encoding", default="utf-8-sig", help="(utf-8-sig)")
    parser.add_argument("--slips", type=int, default=0, help="show so many of each kind that was judged wrongly (0)")
    return parser.parse_args()


def _read(path: Path, wanted: argparse.Namespace) -> Iterator[Sample]:
    with path.open(encoding=wanted.encoding, newline="") as file:
        for row in csv.DictReader(file):
            draft = Draft("post:1", None, row.get(wanted.name, ""), None, None, _plain(row[wanted.text]))
            yield Sample(draft, 60.0, False, "spam" if row[wanted.label] == wanted.spam else "ham")


def _plain(text: str) -> str:
    return html.unescape(_MARKUP.sub(" ", text)).strip("\ufeff \n")


def _distinct(pages: Sequence[Sequence[Sample]]) -> list[list[Sample]]:
    seen: set[str] = set()

    def is_new(sample: Sample) -> bool:
        text = fold(sample.draft.body)
        return not (text in seen or seen.add(text))

    return [list(filter(is_new, page)) for page in pages]


def _strange(pages: Sequence[Sequence[Sample]], at: int) -> Iterator[Judged]:
    """The drafts of one page, judged by what the others taught."""
    others = (sample for place, page in enumerate(pages) if place != at for sample in page)
    return judged_after(others, pages[at])


def _report(how: str, judgements: Sequence[Judged]) -> None:
    print(f"{how}:\n\n{HEADER}")
    for name, judge in JUDGES.items():
        print(line(name, confusion(judge, judgements, Settings())))
    for percent in PERCENTS:
        counts = confusion(by_both, judgements, Settings(spam_hold_percent=percent))
        print(line(f"both, from {percent} % on ({_share(counts)})", counts))
    print()


def _share(counts: Counter[tuple[str, str]]) -> str:
    """What share of spam was stopped, and of comments."""
    shares = [1 - counts[truth, "publish"] / sum(counts[truth, word] for word in _WORDS) for truth in ("spam", "ham")]
    return f"stopped: spam {shares[0]:.1%}, comments {shares[1]:.1%}"


_WORDS = ("publish", "hold", "reject")


def _show_slips(judgements: Sequence[Judged], most: int) -> None:
    least = Settings().spam_hold_percent / 100
    wrong = [one for one in judgements if (one[1].odds >= least) != (one[0].truth == "spam")]
    for truth in ("ham", "spam"):
        for sample, opinion in [one for one in wrong if one[0].truth == truth][:most]:
            words = ", ".join(f"{word} {weight:+.1f}" for word, weight in opinion.words[:5])
            print(f"{truth} {opinion.odds:.2f} {sample.draft.body[:160]!r} ({words})")


if __name__ == "__main__":
    main()
