"""A press on many comments whose process dies: sent once more it does the rest, on every database."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import func, insert, inspect, select

from forum.models import Audit, Comment, Event, Thread, Word
from tests.conftest import QUIET
from tests.desk_pages import ANNA, QUEUE, Forms, Moderator, moderator
from tests.killing import Doomed, press
from tests.visitors import Site

MANY, CHUNK = 300, 100


def copies(site: Site, number: int) -> None:
    """As many comments like the first one as are wanted."""
    with site.session() as session:
        first = session.get_one(Comment, 1)
        row = {each.key: getattr(first, each.key) for each in inspect(Comment).column_attrs if each.key != "id"}
        session.execute(insert(Comment), [row | {"nonce": f"copy-{n}"} for n in range(1, number)])
        session.commit()


def question(anna: Moderator) -> tuple[str, dict[str, Any]]:
    """Where the form is sent that approves all that waits, and its fields."""
    anna.open(f"{QUEUE}?tab=held")
    anna.press("Approve what is ticked", all="1")
    form = next(form for form in Forms(anna.page).found if form.action.endswith("/many/all"))
    return form.action, dict(form.fields)


def counted(site: Site) -> dict[str, Any]:
    """What a press on all of them leaves behind once, if it was one press."""
    with site.session() as session:
        audited = session.execute(select(Audit.subject_id, Audit.batch).where(Audit.act == "approve")).all()
        return {
            "states": Counter(session.scalars(select(Comment.state))),
            "places": len(set(session.scalars(select(Comment.branch)))),
            "thread": tuple(session.execute(select(Thread.comments, Thread.branches)).one()),
            "audited": (len(audited), len({row[0] for row in audited}), len({row[1] for row in audited})),
            "events": session.scalar(select(func.count()).where(Event.kind == "published")),
            "ham": session.scalar(select(Word.ham).where(Word.word == "")),
        }


@pytest.mark.parametrize(("point", "before"), [("K19", CHUNK), ("K19b", 2 * CHUNK)])
def test_k19_a_press_that_was_killed_and_sent_again(
    make_site: Callable[..., Site], database: dict[str, str], point: str, before: int
) -> None:
    """K19: killed before or after the commit of its second chunk, a press has done whole chunks; sent again it does the
    rest, each comment once, and one undoing takes back all of it.
    """
    config = {"FORUM_MODERATION": "all", "FORUM_MODERATORS": [ANNA], **database}
    site = make_site(**config)
    site.add_article()
    site.comment()
    copies(site, MANY)
    anna = moderator(site)
    path, fields = question(anna)
    cookie = anna.visitor.client.get_cookie("session")
    assert cookie is not None
    config = {**QUIET, **config, "SQLALCHEMY_DATABASE_URI": site.app.config["SQLALCHEMY_DATABASE_URI"]}
    small = {"forum.moderation.bulk:CHUNK": CHUNK}
    doomed = Doomed(site, config, press, point, argument=(path, fields, cookie.value), also=small)
    assert doomed.result() is None
    assert counted(site)["states"] == {"published": before, "held": MANY - before}
    answer = anna.visitor.client.post(path, data=fields)
    assert answer.status_code == 303
    assert counted(site) == {
        "states": {"published": MANY},
        "places": MANY,
        "thread": (MANY, MANY),
        "audited": (MANY, MANY, 1),
        "events": MANY,
        "ham": MANY,
    }
    anna.open(answer.headers["Location"].partition("#")[0])
    anna.press("Undo")
    assert counted(site)["states"] == {"held": MANY}
