"""The physical limit: what Flask can do at best under the same server, with nothing behind it.

``gunicorn "benchmarks._limit:make('[…]')"``: the text is JSON, the sizes in bytes to answer with.
"""

from __future__ import annotations

import json
from functools import partial

from flask import Flask, Response, request


def make(sizes: str) -> Flask:
    """``/constant/SIZE`` for each size, ``/empty`` answering 304, ``/comments`` that parses a form and forgets it."""
    app = Flask(__name__)
    for size in json.loads(sizes):
        app.add_url_rule(f"/constant/{size}", f"constant-{size}", partial(str, "x" * size))
    app.add_url_rule("/empty", "empty", lambda: Response(status=304))
    app.add_url_rule("/comments", "comments", _forget, methods=["POST"])
    return app


def _forget() -> Response:
    request.form.get("body")
    return Response(status=303, headers={"Location": "/articles/whole-200#comment-1"})
