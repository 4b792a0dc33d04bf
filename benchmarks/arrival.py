"""How long an answer takes from its commit to the mail server's yes: ``python -m benchmarks.arrival``.

Replies come at uneven intervals, so that no rhythm of a waiting worker is met by chance.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from statistics import median, quantiles
from typing import Any
from urllib.parse import urlencode

from flask import Flask
from sqlalchemy import func, select

from forum.models import Comment, Item, Message
from forum.state import EXTENSION
from forum.tokens import Keys

from ._forms import Page, form
from ._outbox import CONFIG, dialogues, empty_postgres, key, parent, postgres_answers, site
from ._server import Server, serve
from ._sink import sink

_ROOT = Path(__file__).parent.parent
_LONGEST_SECONDS = 60
_APART = (0.2, 1.8)  # seconds between two replies
WAYS = ("deliver --watch", "in-process")
HEADER = "| database | delivery | replies | p50 ms | p95 ms | slowest ms |\n| --- | --- | ---: | ---: | ---: | ---: |"


def main() -> None:
    """Print the table."""
    wanted = _arguments()
    print(HEADER)
    for database in ["SQLite", *(["PostgreSQL"] if postgres_answers() else [])]:
        for way in WAYS:
            if wanted.only in f"{database} {way}":
                waits = sorted(_waits(database, way, wanted.replies))
                figures = [median(waits), quantiles(waits, n=20, method="inclusive")[-1], waits[-1]]
                cells = [database, way, str(len(waits)), *(f"{seconds * 1000:,.0f}" for seconds in figures)]
                print(f"| {' | '.join(cells)} |", flush=True)


def _waits(database: str, way: str, replies: int) -> list[float]:
    """Seconds from the commit of each reply until it was accepted, by the clock of this machine."""
    with sink() as server, tempfile.TemporaryDirectory() as folder, _empty(database, Path(folder)) as url:
        delivery = "in-process" if way == "in-process" else "off"
        config = CONFIG | {"SQLALCHEMY_DATABASE_URI": url, "MAIL_PORT": server.port, "FORUM_DELIVERY": delivery}
        app = site(config | {"FORUM_DELIVERY": "off"}, dialogues(replies), answered=False)
        worker = nullcontext() if way == "in-process" else _watching(config)
        with serve("benchmarks._site", config) as web, worker:
            committed = _post(web, replies)
            accepted = _accepted(app, replies)
        server.took(replies, 0)
        with app.app_context():
            app.extensions["sqlalchemy"].engine.dispose()
    return [accepted[id_] - moment for id_, moment in committed.items()]


def _post(web: Server, replies: int) -> dict[int, float]:
    """Answer each comment once; the time at which its answer was committed, as the poster sees it."""
    keys, dice = Keys([CONFIG["SECRET_KEY"]]), random.Random()
    committed = {}
    for at, talk in enumerate(dialogues(replies)):
        time.sleep(dice.uniform(*_APART))
        page = Page(key(talk.thread), "Bread", "/loaves/1", parents=[parent(at)])
        body = urlencode(form(keys, page, at, dice, parent=True)).encode()
        request = urllib.request.Request(f"{web.url}/forum/comments", body, {"Sec-Fetch-Site": "same-origin"})
        urllib.request.build_opener(_Stay).open(request).close()
        committed[parent(at)] = time.time()
    return committed


class _Stay(urllib.request.HTTPRedirectHandler):
    """Takes the 303 for an answer: the page behind it is not what is measured."""

    def http_error_303(self, req: Any, fp: Any, code: int, msg: str, headers: Any) -> Any:
        return fp


def _accepted(app: Flask, replies: int) -> dict[int, float]:
    """When the mail about the answer to each comment was accepted; waits until all are."""
    query = (
        select(Comment.parent_id, Message.accepted_at)
        .join(Item, Item.comment_id == Comment.id)
        .join(Message, Item.message_id == Message.id)
        .where(Message.state == "sent")
    )
    until = time.monotonic() + _LONGEST_SECONDS
    with app.app_context(), app.extensions[EXTENSION].open_session() as session:
        while session.scalar(select(func.count()).where(Message.state == "sent")) < replies:
            session.rollback()
            if time.monotonic() > until:
                raise SystemExit("Not every reply was mailed.")
            time.sleep(0.2)
        return {above: at.timestamp() for above, at in session.execute(query)}


@contextmanager
def _watching(config: dict[str, Any]) -> Iterator[None]:
    """`flask forum deliver --watch` beside the site, once it says that it is there."""
    application = f"benchmarks._site:make({json.dumps(config)!r})"
    command = [sys.executable, "-m", "flask", "--app", application, "forum", "deliver", "--watch"]
    environment = os.environ | {"FORUM_ENV": "development", "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(command, cwd=_ROOT, env=environment, stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            process.stdout.readline()
            yield
        finally:
            process.terminate()


@contextmanager
def _empty(database: str, folder: Path) -> Iterator[str]:
    if database == "SQLite":
        yield f"sqlite:///{folder}/mail.db"
        return
    with empty_postgres() as url:
        yield url


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--replies", type=int, default=30, help="replies for each line (30)")
    parser.add_argument("--only", default="", help="lines whose database and delivery hold this text")
    return parser.parse_args()


if __name__ == "__main__":
    main()
