"""What fifty followers cost whoever posts a comment, which should be nothing: ``python -m benchmarks.followers``.

The mail server's port is a door that counts who comes in: nobody may, since a mail is sent by whoever delivers.
"""

from __future__ import annotations

import random
import socket
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from statistics import median
from typing import Any
from urllib.parse import urlencode

from flask import Flask
from sqlalchemy import func, select

import forum
from forum import outbox
from forum.models import Comment, Event
from forum.sqlite import begin_writing
from forum.state import EXTENSION
from forum.tokens import Keys

from ._forms import Page, form
from ._outbox import CONFIG, Talk, key, parent, site
from ._server import Server, serve
from ._sink import sink
from ._table import arguments
from ._wrk import Run, run

_FOLLOWERS = 50
_MOST_A_SECOND = 3000
_MOST = 1.5
# The first thread has one reader, who wrote its comment and wants no mail; the second one has fifty who do.
TALKS = [Talk(1, 1, [], "thread"), Talk(2, 2, range(2, 2 + _FOLLOWERS), "thread")]
HEADER = (
    "| row | followers | POST/s | p50 ms | p99 ms | CPU ms | errors |\n"
    "| --- | ---: | ---: | ---: | ---: | ---: | ---: |"
)


def main() -> None:
    """Print the table, the ratio, and who came to the mail server's door."""
    wanted = arguments(__doc__ or "")
    with tempfile.TemporaryDirectory() as folder, socket.create_server(("127.0.0.1", 0)) as door:
        config = CONFIG | {"SQLALCHEMY_DATABASE_URI": f"sqlite:///{folder}/mail.db", "MAIL_PORT": door.getsockname()[1]}
        app = site(config, TALKS, answered=False)
        rounds: list[list[Run]] = [[], []]
        with serve("benchmarks._site", config) as server:
            for _ in range(wanted.rounds):
                for at, done in enumerate(rounds):
                    done.append(_post(server, Path(folder) / "forms", at, wanted.seconds))
        came = _came_in(door)
        page = "\n".join([*_table(rounds), "", *_notes(rounds, came, app, config)])
    print(page)
    if wanted.save is not None:
        wanted.save.write_text(page + "\n", encoding="utf-8")


def _post(server: Server, path: Path, at: int, seconds: int) -> Run:
    """Answer the comment of one talk for ``seconds``."""
    page = Page(key(TALKS[at].thread), "Bread", "/loaves/1", parents=[parent(at)])
    path.write_text("\n".join(_forms(page, seconds * _MOST_A_SECOND)), encoding="ascii")
    return run(server, "/forum/comments", seconds, status=303, bodies=path)


def _forms(page: Page, count: int) -> Iterator[str]:
    keys, dice = Keys([CONFIG["SECRET_KEY"]]), random.Random()
    return (urlencode(form(keys, page, number, dice, parent=True)) for number in range(count))


def _came_in(door: socket.socket) -> int:
    """How many connections have been made to ``door``, which is closed now."""
    door.setblocking(False)
    came = 0
    with door, suppress(BlockingIOError):
        while True:
            door.accept()[0].close()
            came += 1
    return came


def _table(rounds: list[list[Run]]) -> Iterator[str]:
    yield HEADER
    for talk, done in zip(TALKS, rounds, strict=True):
        figures = [median(getattr(one, name) for one in done) for name in ("rps", "p50", "p99", "cpu")]
        cells = ["9", str(len(talk.followers)), *(f"{figure:,.2f}" for figure in figures)]
        yield f"| {' | '.join([*cells, str(sum(one.errors for one in done))])} |"


def _notes(rounds: list[list[Run]], came: int, app: Flask, config: dict[str, Any]) -> Iterator[str]:
    ratios = sorted(one.p50 / none.p50 for none, one in zip(*rounds, strict=True))
    verdict = "reached" if median(ratios) <= _MOST else "**missed**"
    spread = f"{ratios[0]:.2f}–{ratios[-1]:.2f}"
    yield f"p50 with {_FOLLOWERS} followers / with none: {median(ratios):.2f} ({spread}), goal ≤ {_MOST}: {verdict}."
    yield f"Connections to the mail server while {_news(app):,} comments became news: {came} (goal 0)."
    with sink(port=config["MAIL_PORT"]) as server:
        _forget_all_but_one(app)
        forum.drain(app, seconds=60)
        server.took(_FOLLOWERS, 0)
    yield f"Then one of these comments was delivered, to the same port: {_FOLLOWERS} mails."


def _news(app: Flask) -> int:
    with app.app_context(), app.extensions[EXTENSION].open_session() as session:
        news: int = session.scalar(select(func.count()).select_from(Event))
    return news


def _forget_all_but_one(app: Flask) -> None:
    followed = select(Event.comment_id).join(Comment).where(Comment.thread_id == TALKS[1].thread)
    with app.app_context(), app.extensions[EXTENSION].open_session() as session:
        begin_writing(session)
        one = session.scalars(followed.limit(1)).one()
        outbox.forget_news(session, set(session.scalars(select(Event.comment_id))) - {one})
        session.commit()


if __name__ == "__main__":
    main()
