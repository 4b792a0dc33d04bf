"""The application under measurement: the reference site on a database made by the benchmark.

``gunicorn "benchmarks._site:make('{…}')"``: the text is JSON with the site's configuration; ``pages`` false keeps
the fragments of comments and no page, which is what the first reader after a new comment meets.
"""

from __future__ import annotations

import json
from collections.abc import Hashable, Sequence
from pathlib import Path
from typing import Any

from flask import Flask

from forum import create_app
from forum.cache import ByteCache
from forum.state import EXTENSION

ROOT = Path(__file__).parent.parent


class Fragments(ByteCache):
    """A cache that takes comments only, so that every page is put together anew."""

    def put(self, key: Hashable, pieces: Sequence[bytes]) -> None:
        if isinstance(key, tuple) and key[0] == "comment":
            super().put(key, pieces)


def make(config: str) -> Flask:
    """The site that ``config`` describes."""
    values: dict[str, Any] = json.loads(config)
    pages = values.pop("pages", True)
    app = create_app(ROOT, **values)
    if not pages:
        app.extensions[EXTENSION].cache = Fragments(values.get("FORUM_CACHE_BYTES", 1 << 25))
    return app
