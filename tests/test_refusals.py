"""Drafts that are turned away leave a trace at the desk."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import Engine, create_engine, event, insert, select
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from forum.models import Base, Comment, Refusal
from forum.moderation import refusals
from forum.screening import Draft
from tests.test_moderation import moderator
from tests.visitors import Clock, Site

MakeSite = Callable[..., Site]
DRAFT = Draft("page:1", None, "Ben", None, None, "Cheap watches.")
PAGE = "/forum/moderation/refused"


@pytest.fixture
def wary(make_site: MakeSite) -> Site:
    """A site that refuses a word."""
    site = make_site(FORUM_MODERATION="none", FORUM_REJECT_WORDS=["casino"])
    site.add_article()
    return site


@pytest.fixture
def engine(database: dict[str, str]) -> Engine:
    """An empty database of each kind."""
    engine = create_engine(database.get("SQLALCHEMY_DATABASE_URI", "sqlite://"))
    Base.metadata.create_all(engine)
    return engine


def kept(site: Site) -> list[Refusal]:
    with site.session() as session:
        return list(session.scalars(select(Refusal).order_by(Refusal.id)))


def test_a_refused_draft_is_seen_at_the_desk(wary: Site) -> None:
    """A moderator reads what was turned away and why; its author reads only that it was, with the text kept."""
    answer = wary.visitor().post(name="Cleo", body="Come to our Casino!")
    assert answer.status_code == 422
    assert "Come to our Casino!" in answer.text
    assert "Refused word" not in answer.text
    page = moderator(wary).get(PAGE).text
    assert "Come to our Casino!" in page
    assert "Cleo" in page
    assert "Refused word: casino" in page
    with wary.session() as session:
        assert session.scalars(select(Comment)).all() == []


@pytest.mark.parametrize(
    ("fields", "rule"), [({"fax_extension": "1"}, "honeypot"), ({"name": "Admin"}, "reserved_name")]
)
def test_each_rule_is_named(wary: Site, fields: dict[str, Any], rule: str) -> None:
    """Whatever rule turned a draft away, its reason is kept."""
    wary.visitor().post(**fields)
    assert kept(wary)[0].reasons[0].partition(":")[0] == rule


def test_a_mistake_is_no_refusal(wary: Site) -> None:
    """What is only to be put right, such as a missing name, leaves no trace."""
    assert wary.visitor().post(name="").status_code == 422
    assert kept(wary) == []


def test_much_of_the_same_is_one_line(wary: Site) -> None:
    """The same rules in the same network count once a minute; other rules and a minute later count anew."""
    for body in ("casino one", "casino two"):
        wary.visitor().post(body=body)
    assert len(kept(wary)) == 1
    wary.visitor().post(name="Admin")
    wary.clock.advance(61)
    wary.visitor().post(body="casino three")
    assert [each.excerpt for each in kept(wary)] == ["casino one", "A fine loaf.", "casino three"]


def test_a_flood_is_bounded(wary: Site) -> None:
    """However many networks send spam at once, thirty lines a minute are kept."""
    with wary.session() as session:
        answers = [refusals.note(session, DRAFT, ("honeypot",), f"{n}", wary.clock()) for n in range(40)]
    assert answers == [True] * 30 + [False] * 10


def test_the_answer_does_not_depend_on_the_trace(wary: Site) -> None:
    """Where the trace cannot be written the author gets the same answer."""
    visitor = wary.visitor()
    typed = visitor.fill(body="casino")
    with wary.app.app_context():
        engine = wary.state.db.engine

    def fail(conn: Any, cursor: Any, statement: str, *_: Any) -> None:
        if statement.startswith("INSERT INTO forum_refusal"):
            raise OperationalError(statement, {}, Exception("disk full"))

    event.listen(engine, "before_cursor_execute", fail)
    try:
        answer = visitor.post(**typed)
    finally:
        event.remove(engine, "before_cursor_execute", fail)
    assert answer.status_code == 422
    assert kept(wary) == []
    assert wary.visitor().post(body="Honest words.").status_code == 303


def test_hostile_words_are_shown_as_words(wary: Site) -> None:
    """Nothing in a refused draft is markup or a link at the desk."""
    wary.visitor().post(name="<b>Ann", body="<script>casino</script> https://evil.example/")
    page = moderator(wary).get(PAGE).text
    assert "<b>Ann" not in page
    assert "<script>casino" not in page
    assert 'href="https://evil.example' not in page


@pytest.mark.parametrize("asked", ["", "?reason=word", "?reason=reject_word:x", "?before=1", "?before=x&reason=%00"])
def test_what_is_asked_for(wary: Site, asked: str) -> None:
    """A filter shows what it asks for and nothing else, and nonsense in the address is no error."""
    wary.visitor().post(body="casino")
    page = moderator(wary).get(PAGE + asked)
    assert page.status_code == 200
    assert ("Refused word: casino" in page.text) is (asked in ("", "?before=x&reason=%00"))


def test_pages_lead_to_older_ones(wary: Site) -> None:
    """Beyond fifty there is a link to the older ones, and each is on one page."""
    rows = {"at": wary.clock(), "thread_key": "page:1", "name": "Ben", "reasons": ["honeypot"]}
    with wary.session() as session:
        session.execute(insert(Refusal), [{**rows, "excerpt": f"number {n}."} for n in range(51)])
        session.commit()
    desk = moderator(wary)
    first, second = desk.get(PAGE).text, desk.get(f"{PAGE}?before=2").text
    assert "before=2" in first
    assert [("number 0." in page, "number 50." in page) for page in (first, second)] == [(False, True), (True, False)]
    assert "Older" not in second


def test_rules_are_found_on_every_database(engine: Engine) -> None:
    """A rule, or one whole reason, is found in the stored list."""
    now = Clock()()
    with Session(engine) as session:
        for number, reason in enumerate(("too_fast:1.2", "reject_word:100%", "reject_word:1000", "honeypot")):
            refusals.note(session, DRAFT, [reason, "listed:block"], f"{number}", now)
        session.flush()
        found = {rule: len(refusals.page(session, rule)) for rule in ("too_fast", "fast", "reject_word", "listed")}
        assert found == {"too_fast": 1, "fast": 0, "reject_word": 2, "listed": 4}
        assert len(refusals.page(session, "reject_word:100%")) == 1
        session.rollback()
    engine.dispose()
