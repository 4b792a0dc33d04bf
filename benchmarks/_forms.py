"""Comment forms as browsers send them, each with a stamp of its own: a form sent twice would be a repetition."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Sequence
from dataclasses import dataclass

from forum.tokens import Keys, Stamp, make_stamp, new_nonce

from ._seed import text


@dataclass(frozen=True)
class Page:
    """A page to comment on, and the ids of its comments that can be answered."""

    key: str
    title: str
    url: str
    parents: Sequence[int]


def form(keys: Keys, page: Page, number: int, dice: random.Random, *, parent: bool, email: str = "") -> dict[str, str]:
    """The ``number``-th new comment on ``page``; with an ``email`` its author wants to hear of answers."""
    stamp = Stamp(page.key, page.title, page.url, new_nonce())
    return {
        "stamp": make_stamp(keys, stamp, dt.datetime.now(dt.UTC)),
        "parent": str(dice.choice(page.parents)) if parent else "",
        "name": f"Reader {number}",
        "email": email,
        "website": "",
        "body": text(dice),
    } | ({"notify": "direct"} if email else {})
