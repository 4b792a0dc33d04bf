"""Posting a comment, against Flask parsing the same form and forgetting it: ``python -m benchmarks.posting``."""

from __future__ import annotations

import random
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from forum.tokens import Keys

from ._data import database
from ._forms import Page, form
from ._seed import PEOPLE
from ._server import serve
from ._table import Goal, Result, arguments, report
from ._wrk import Run, run

PAGE = Page("article:whole-200", "Whole-200", "/articles/whole-200", parents=range(41, 241))
# More than any run can send: a form sent twice would be a repetition, which is cheaper.
_MOST_A_SECOND = 3000
# Goals by name: a comment without an address, and one whose author is known and wants to hear of answers.
FOLLOWING = "with an address, following"
CASES = {"without an address": Goal(0.18, p50=5), FOLLOWING: None}


def main() -> None:
    """Print the table."""
    wanted = arguments(__doc__ or "")
    rounds: dict[str, list[tuple[Run, Run]]] = {name: [] for name in CASES if wanted.only in name}
    with tempfile.TemporaryDirectory() as folder, ExitStack() as servers:
        config = database(Path(folder))
        site = servers.enter_context(serve("benchmarks._site", config))
        limit = servers.enter_context(serve("benchmarks._limit", []))
        for _ in range(wanted.rounds):
            for name, done in rounds.items():
                bodies = _forms(Path(folder), config, name, wanted.seconds * _MOST_A_SECOND)
                target = run(site, "/forum/comments", wanted.seconds, status=303, bodies=bodies)
                done.append((target, run(limit, "/comments", wanted.seconds, status=303, bodies=bodies)))
    results = [Result("8", name, done, CASES[name]) for name, done in rounds.items()]
    note = "Every comment is new, top level or a reply in turn; SQLite syncs each one to the disk."
    report(results, [note], wanted.save)


def _forms(folder: Path, config: dict[str, Any], name: str, count: int) -> Path:
    """A file of ``count`` forms, each with a stamp of its own."""
    path = folder / "forms"
    forms = _filled(Keys([config["SECRET_KEY"]]), name == FOLLOWING, count)
    path.write_text("\n".join(map(urlencode, forms)), encoding="ascii")
    return path


def _filled(keys: Keys, follows: bool, count: int) -> Iterator[dict[str, str]]:
    dice = random.Random()
    for number in range(count):
        reader = number % PEOPLE
        email = f"reader{reader}@reader.example" if follows else ""
        yield form(keys, PAGE, reader, dice, parent=number % 2 == 1, email=email)


if __name__ == "__main__":
    main()
