"""Two acts at one moment on PostgreSQL: the second one waits for the first, and goes by what it left."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from click.testing import Result
from sqlalchemy import event, func, select, text
from werkzeug.test import TestResponse

from forum import sanitize
from forum.cli import forum_cli
from forum.models import ActorMute, Address, Base, Comment, Message, Mute, Subscription, Suppression, Thread
from forum.signals import comment_edited
from forum.tokens import day_number, make_token
from tests.test_preferences import CSRF, settings
from tests.visitors import SAME_ORIGIN, Site, Visitor, comment_id

ANN = "ann@reader.example"
_WAITING = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
Act = Callable[[], TestResponse]


@pytest.fixture
def site(make_site: Callable[..., Site], postgres_url: str) -> Iterator[Site]:
    """A site on PostgreSQL with one article."""
    made = make_site(SQLALCHEMY_DATABASE_URI=postgres_url)
    made.add_article()
    yield made
    with made.app.app_context():
        made.state.db.session.remove()
        Base.metadata.drop_all(made.state.db.engine)


@pytest.fixture
def ann(site: Site) -> Visitor:
    """Ann, with a comment of her own in a thread of two."""
    visitor = site.visitor()
    assert comment_id(visitor.post(name="Ann")) == 1
    site.comment("Another one.")
    return visitor


def race(site: Site, table: str, first: Act, second: Act) -> tuple[int, int]:
    """Let ``second`` begin when ``first`` has read from ``table``, and ``first`` go on when that is done or waits.

    Returns the status of both answers.
    """
    answers: list[TestResponse] = []
    other = threading.Thread(target=lambda: answers.append(second()))
    with _after_reading(site, table, lambda: _begin(site, other)):
        own = first()
    other.join()
    return own.status_code, answers[0].status_code


def _begin(site: Site, other: threading.Thread) -> None:
    other.start()
    with site.state.db.engine.connect() as watch:
        # The statistics are a snapshot of the transaction: each look needs one of its own.
        while other.is_alive() and not watch.scalar(text(_WAITING)):
            watch.rollback()


@contextmanager
def _after_reading(site: Site, table: str, then: Callable[[], None]) -> Iterator[None]:
    """Call ``then`` once, after the first statement of this thread that reads from ``table``."""
    with site.app.app_context():
        engine = site.state.db.engine
    me, left = threading.get_ident(), [then]

    def note(conn: Any, cursor: Any, statement: str, *_: Any) -> None:
        if threading.get_ident() == me and f"FROM {table} " in " ".join(statement.split()) + " " and left:
            with site.app.app_context():
                left.pop()()

    event.listen(engine, "after_cursor_execute", note)
    try:
        yield
    finally:
        event.remove(engine, "after_cursor_execute", note)
    assert not left, f"nothing was read from {table}"


def same(visitor: Visitor, path: str, **data: Any) -> Act:
    """Press a button in another window of the same browser."""
    cookies = visitor.client.get_cookie("forum_visitor")
    window = visitor.site.visitor()
    if cookies is not None:
        window.client.set_cookie("forum_visitor", cookies.value)
    return lambda: window.client.post(path, data=data, headers=SAME_ORIGIN)


def mail_page(site: Site, kind: str, *numbers: int) -> str:
    """The path of a page behind a link in a mail to Ann, whose address is the first."""
    return f"/forum/m/{kind}/{make_token(site.state.keys, kind, 1, *numbers)}"


def count(site: Site, model: Any) -> int:
    with site.session() as session:
        return session.scalar(select(func.count()).select_from(model)) or 0


def test_a_comment_removed_twice_is_counted_once(site: Site, ann: Visitor) -> None:
    """Of two comments one is removed by two presses: the thread has one left."""
    remove = same(ann, "/forum/comments/1/remove")
    assert race(site, "forum_comment", remove, same(ann, "/forum/comments/1/remove")) == (303, 404)
    with site.session() as session:
        assert session.scalars(select(Thread.comments)).all() == [1]


@pytest.mark.parametrize("remove_first", [True, False])
def test_a_removed_comment_has_no_words(site: Site, ann: Visitor, remove_first: bool) -> None:
    """Removed while it is edited, a comment keeps none of the words, whichever came first."""
    remove = same(ann, "/forum/comments/1/remove")
    edit = same(ann, "/forum/comments/1/edit", body="Other words.")
    first, second = (remove, edit) if remove_first else (edit, remove)
    assert race(site, "forum_comment", first, second) == (303, 404 if remove_first else 303)
    comment = site.get(1)
    assert (comment.state, comment.name, comment.source, comment.html) == ("removed", "", "", "")


def test_an_answer_and_a_removal_do_not_wait_for_each_other(site: Site, ann: Visitor) -> None:
    """A comment is answered while it is removed: both are done, and nobody is sacrificed to a deadlock."""
    fields = ann.fill(parent="1", body="An answer.")
    answer = same(site.visitor(), "/forum/comments", **fields)
    assert race(site, "forum_comment", same(ann, "/forum/comments/1/remove"), answer) == (303, 303)
    assert (site.get(1).state, site.get(3).parent_id) == ("removed", 1)


@pytest.mark.parametrize(("kind", "numbers", "leave", "state"), [
    ("u", (1,), "unsubscribe", "unsubscribed"),
    ("x", (20_000,), "refuse", "refused"),
])  # fmt: skip
def test_leaving_beats_a_confirmation_at_the_same_moment(
    site: Site, kind: str, numbers: tuple[int, ...], leave: str, state: str
) -> None:
    """Whoever leaves while a confirmation is being carried out has left."""
    site.comment(name="Ann", email=ANN, notify="direct")
    site.deliver()
    today = day_number(site.clock())
    confirm = same(site.visitor(), mail_page(site, "c", 0, today), action="confirm")
    no = same(site.visitor(), mail_page(site, kind, *(today if kind == "x" else n for n in numbers)), action=leave)
    assert race(site, "forum_address", confirm, no) == (303, 303)
    with site.session() as session:
        assert session.scalars(select(Address.state)).all() == [state]


@pytest.mark.parametrize(("kind", "action", "model"), [("t", "mute", Mute), ("x", "refuse", Suppression)])
def test_a_double_press_is_one(site: Site, kind: str, action: str, model: Any) -> None:
    """The same button pressed twice at one moment acts once, and both presses are told that it is done."""
    site.follower("Ann")
    path = mail_page(site, kind, 1 if kind == "t" else day_number(site.clock()))
    twice = [same(site.visitor(), path, action=action) for _ in range(2)]
    assert race(site, "forum_address", *twice) == (303, 303)
    assert count(site, model) == 1


def test_a_clash_behind_the_lock_is_done_too(site: Site) -> None:
    """Where somebody muted the thread after we looked, without any lock, the press finds it done."""
    site.follower("Ann")

    def meanwhile() -> None:
        with site.session() as session:
            session.add(Mute(address_id=1, thread_id=1, created_at=site.clock()))
            session.commit()

    with _after_reading(site, "forum_mute", meanwhile):
        assert same(site.visitor(), mail_page(site, "t", 1), action="mute")().status_code == 303
    assert count(site, Mute) == 1


def test_a_person_is_muted_once(site: Site) -> None:
    """Two presses on the settings page mute somebody once."""
    first = site.follower("Ann")
    site.comment("One.", parent=first, name="Ben", email="ben@reader.example")
    site.deliver()
    path = settings(site)
    assert race(site, "forum_address", *[_mute_ben(site.visitor(), path) for _ in range(2)]) == (303, 303)
    assert count(site, ActorMute) == 1


def _mute_ben(visitor: Visitor, path: str) -> Act:
    data = {"action": "mute_person", "id": 2, "csrf_token": CSRF.findall(visitor.get(path).text)[0]}
    return lambda: visitor.client.post(path, data=data, headers=SAME_ORIGIN)


def test_a_link_asked_for_twice(site: Site) -> None:
    """Two presses that ask for a link to one comment are both answered."""
    site.follower("Ann")
    twice = [same(site.visitor(), "/forum/comments/1/mine", email=ANN) for _ in range(2)]
    assert race(site, "forum_message", *twice) == (303, 303)
    with site.session() as session:
        assert session.scalar(select(func.count()).where(Message.kind == "link")) == 2


def test_what_is_written_meanwhile_is_not_rendered_over(
    site: Site, ann: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A comment edited while all are rendered again shows its new words afterwards, and the writer did not wait."""
    with site.session() as session:
        for comment in session.scalars(select(Comment)):
            comment.html = "<p>An old sanitiser's.</p>"
        session.commit()
    render, edits = sanitize.comment_html, [same(ann, "/forum/comments/1/edit", body="New words.")]

    def while_writing(source: str, **more: Any) -> str:
        if edits and source == "A fine loaf.":
            assert edits.pop()().status_code == 303
        return render(source, **more)

    monkeypatch.setattr(sanitize, "comment_html", while_writing)
    done: Result = site.app.test_cli_runner().invoke(forum_cli, ["resanitize"])
    assert "1 of 2 comments have changed." in done.output
    assert ["New words." in site.get(1).html, "Another one." in site.get(2).html] == [True, True]


def test_an_article_changed_twice_is_two_versions_on(site: Site, ann: Visitor) -> None:
    """A comment posted while an article is updated: the version of the thread counts both changes."""
    with site.session() as session:
        before = session.scalars(select(Thread.version)).one()

    def meanwhile() -> None:
        site.comment("Meanwhile.")

    with _after_reading(site, "forum_thread", meanwhile):
        site.add_article()
    with site.session() as session:
        assert session.scalars(select(Thread.version)).one() == before + 2


def test_an_edit_without_a_change_is_none(site: Site, ann: Visitor) -> None:
    """Saved as it was, a comment has not changed, and nobody is told that it has."""
    heard: list[str] = []

    def hear(_: Any, comment: Comment) -> None:
        heard.append(comment.source)

    comment_edited.connect(hear, site.app)
    for words in ("A fine loaf.", "Other words."):
        assert same(ann, "/forum/comments/1/edit", body=words)().status_code == 303
    assert heard == ["Other words."]
    assert count(site, Subscription) == 0
