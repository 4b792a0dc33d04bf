"""`flask forum filter`: what was learned is taken along, or forgotten."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from forum import learning
from forum.cli import forum_cli
from tests.desk import act, run
from tests.visitors import Site


@pytest.fixture
def strict(make_site: Callable[..., Site]) -> Site:
    """A site where every comment waits."""
    site = make_site(FORUM_MODERATION="all")
    site.add_article()
    return site


def lines(site: Site) -> dict[str, tuple[int, int]]:
    """What `filter export` prints."""
    done = site.app.test_cli_runner().invoke(forum_cli, ["filter", "export"])
    rows = [json.loads(line) for line in done.output.splitlines()]
    return {row["word"]: (row["spam"], row["ham"]) for row in rows}


def test_what_was_learned_is_printed(strict: Site) -> None:
    """Each word comes with the number of spam and of other comments it stood in; the empty one counts the comments."""
    act(strict, "spam", strict.comment("Cheap watches here."))
    act(strict, "approve", strict.comment("Watches of my grandfather."))
    found = lines(strict)
    assert (found[""], found["watches"], found["cheap"]) == ((1, 1), (1, 1), (1, 0))


def test_the_filter_begins_anew(strict: Site) -> None:
    """After `filter reset` no word is known; without a yes nothing happens."""
    act(strict, "spam", strict.comment("Cheap watches here."))
    runner = strict.app.test_cli_runner()
    assert runner.invoke(forum_cli, ["filter", "reset"], input="n\n").exit_code == 1
    assert lines(strict)
    assert runner.invoke(forum_cli, ["filter", "reset", "--yes"]).exit_code == 0
    assert run(strict, lambda session: list(learning.export(session))) == []
