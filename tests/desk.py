"""A moderator at work in the tests: presses of their buttons on a site, each in a transaction of its own."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

from sqlalchemy.orm import Session

from forum.moderation import acts, bulk, moving, undo
from forum.moderation.acts import Act, Done, Press
from forum.moderation.undo import Undone
from forum.sqlite import begin_writing
from tests.visitors import Site

ANNA = "Anna <identity:1>"
BEN = "ben@desk.example"
T = TypeVar("T")


def press(site: Site, actor: str = ANNA, **more: Any) -> Press:
    """A press of this moderator's at this moment."""
    return Press(site.state.keys, site.state.settings, actor, site.clock(), **more)


def run(site: Site, work: Callable[[Session], T]) -> T:
    """Do ``work`` and commit it."""
    with site.app.app_context(), Session(site.state.db.engine, expire_on_commit=False) as session:
        begin_writing(session)
        done = work(session)
        session.commit()
        return done


def act(site: Site, what: Act, id_: int, version: int | None = None, actor: str = ANNA, **more: Any) -> Done:
    """Press a button beside a comment, as it is unless a ``version`` says as what it was seen."""
    seen = site.get(id_).version if version is None else version
    return run(site, lambda session: acts.decide(session, press(site, actor, **more), what, id_, seen))


def edit(site: Site, id_: int, body: str, actor: str = ANNA) -> Done:
    """Put other words into a comment."""
    seen = site.get(id_).version
    return run(site, lambda session: acts.edit(session, press(site, actor), id_, seen, body))


def move(site: Site, id_: int, parent: int | None, actor: str = ANNA) -> Done:
    """Put a comment below another one."""
    seen = site.get(id_).version
    return run(site, lambda session: moving.move(session, press(site, actor), id_, seen, parent))


def take_back(site: Site, batch: str, actor: str = ANNA, below: int | None = None) -> Undone:
    """Undo a press, as far as one call reaches."""
    work = partial(undo.undo, keys=site.state.keys, settings=site.state.settings, batch=batch)
    return run(site, partial(work, actor=actor, now=site.clock(), below=below))


def act_on_all(site: Site, pressed: Press, what: Act, selection: bulk.Picked | bulk.Matching) -> int:
    """Press a button above the list, chunk after chunk, and return how many comments it changed."""
    number, more = 0, True
    while more:
        progress = run(site, lambda session: bulk.act(session, pressed, what, selection))
        number, more = number + progress.done, progress.more
    return number
