"""Posting a comment, against Flask parsing the same form and forgetting it: ``python -m benchmarks.posting``.

With every rule on, all that rules look at is asked for: lists of words and people, copies, the age of the page, the
names of moderators, what the filter has learned. The arithmetic of browsers is not asked for: who lacks it waits.
"""

from __future__ import annotations

import random
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from sqlalchemy import event, insert

from forum import create_app
from forum.models import Word
from forum.screening import Draft
from forum.screening.bayes import lesson
from forum.state import EXTENSION
from forum.tokens import Keys

from ._data import database
from ._forms import Page, form
from ._seed import PEOPLE, text
from ._server import serve
from ._site import ROOT
from ._table import Goal, Result, arguments, report
from ._wrk import Run, run

PAGE = Page("article:whole-200", "Whole-200", "/articles/whole-200", parents=range(41, 241))
# More than any run can send: a form sent twice would be a repetition, which is cheaper.
_MOST_A_SECOND = 3000
# Goals by name: a comment without an address, and one whose author is known and wants to hear of answers.
FOLLOWING = "with an address, following"
RULES = "every rule"
CASES = {
    "without an address": Goal(0.18, p50=5),
    FOLLOWING: None,
    f"{RULES}, without an address": None,
    f"{RULES}, {FOLLOWING}": None,
}
_RULED = {
    "FORUM_MODERATION": "first",
    "FORUM_TRUST_UNCONFIRMED": True,
    "FORUM_MODERATORS": ["moderator@site.example"],
    "FORUM_RESERVED_NAMES": ["admin", "editor"],
    "FORUM_HOLD_WORDS": [f"word{number}" for number in range(400)] + [f"free money {number}" for number in range(100)],
    "FORUM_REJECT_WORDS": [f"other{number}" for number in range(500)],
    "FORUM_MAX_LINKS": 3,
    "FORUM_DUPLICATE_HOURS": 24,
    "FORUM_OLD_THREAD_DAYS": 36_500,
    "FORUM_SPAM_HOLD_PERCENT": 80,
}
_LEARNED = 200


def main() -> None:
    """Print the table."""
    wanted = arguments(__doc__ or "")
    rounds: dict[str, list[tuple[Run, Run]]] = {name: [] for name in CASES if wanted.only in name}
    with tempfile.TemporaryDirectory() as folder, ExitStack() as servers:
        config = database(Path(folder))
        _teach(config)
        plain, ruled = (servers.enter_context(serve("benchmarks._site", config | more)) for more in ({}, _RULED))
        limit = servers.enter_context(serve("benchmarks._limit", []))
        for _ in range(wanted.rounds):
            for name, done in rounds.items():
                bodies = _forms(Path(folder), config, name, wanted.seconds * _MOST_A_SECOND)
                site = ruled if RULES in name else plain
                target = run(site, "/forum/comments", wanted.seconds, status=303, bodies=bodies)
                done.append((target, run(limit, "/comments", wanted.seconds, status=303, bodies=bodies)))
        counts = [f"{name}: {_statements(config, name)}" for name in rounds]
    results = [Result("8", name, done, CASES[name]) for name, done in rounds.items()]
    note = "Every comment is new, top level or a reply in turn; SQLite syncs each one to the disk."
    report(results, [note, f"Statements of one: {'; '.join(counts)}."], wanted.save)


def _teach(config: dict[str, Any]) -> None:
    """Have the filter know every word of the texts, a little more of one kind than of the other."""
    dice = random.Random(7)
    kinds: dict[str, Counter[str]] = {"spam": Counter(), "ham": Counter()}
    for number in range(2 * _LEARNED):
        kinds["spam" if number % 2 else "ham"].update(lesson(Draft("", None, "Ann", None, None, text(dice))))
    rows = [{"word": word} | {kind: kinds[kind][word] for kind in kinds} for word in kinds["spam"] | kinds["ham"]]
    app = create_app(ROOT, **config)
    with app.app_context(), app.extensions[EXTENSION].open_session() as session:
        session.execute(insert(Word), rows)
        session.commit()


def _statements(config: dict[str, Any], name: str) -> int:
    """What one form asks of the database once the process is warm, from its first statement to the commit."""
    app = create_app(ROOT, **config | (_RULED if RULES in name else {}))
    first, second = _filled(Keys([config["SECRET_KEY"]]), FOLLOWING in name, 2)
    said: list[str] = []
    with app.app_context():
        engine = app.extensions["sqlalchemy"].engine
    event.listen(engine, "before_cursor_execute", lambda *args: said.append(args[2]))
    client = app.test_client()
    for form_sent in (first, second):
        said.clear()
        answer = client.post("/forum/comments", data=form_sent, headers={"Sec-Fetch-Site": "same-origin"})
        assert answer.status_code == 303, answer.status
    return len(said)


def _forms(folder: Path, config: dict[str, Any], name: str, count: int) -> Path:
    """A file of ``count`` forms, each with a stamp of its own."""
    path = folder / "forms"
    forms = _filled(Keys([config["SECRET_KEY"]]), FOLLOWING in name, count)
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
