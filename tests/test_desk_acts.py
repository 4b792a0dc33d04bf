"""Pressing the buttons of the desk: where one gets back to, what is said there, and how it is taken back."""

from __future__ import annotations

import html
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import event, select
from sqlalchemy.orm import Session

from forum import signals
from forum.blueprints.desk import acts
from forum.models import Audit, Comment, Revision, Thread
from forum.moderation import pages
from forum.moderation.filters import Filter
from forum.moderation.forecast import forecast
from tests.desk import act, edit, press, run
from tests.desk_pages import ANNA, OLGA, QUEUE, moderator, words
from tests.outages import outage_of
from tests.visitors import Site

MakeSite = Callable[..., Site]


@pytest.fixture
def desk(make_site: MakeSite) -> Site:
    """A site with two moderators, where every comment waits and three do."""
    site = make_site(FORUM_MODERATION="all", FORUM_RATE_LIMITS=[], FORUM_MODERATORS=[ANNA, OLGA])
    site.add_article()
    for name in ("Cleo", "Dan", "Eve"):
        site.comment(f"{name} was here.", name=name, email=f"{name.lower()}@reader.example")
    return site


def states(site: Site) -> list[str]:
    """The state of each comment."""
    with site.session() as session:
        return list(session.scalars(select(Comment.state).order_by(Comment.id)))


@pytest.mark.parametrize(
    ("button", "state", "said"),
    [
        ("Approve the comment by Cleo", "published", "Approved: the comment by Cleo."),
        ("Reject the comment by Cleo", "rejected", "Rejected: the comment by Cleo."),
        ("Spam: the comment by Cleo", "spam", "Marked as spam: the comment by Cleo."),
    ],
)
def test_a_press_and_its_undoing(desk: Site, button: str, state: str, said: str) -> None:
    """The bar says what was done and has a button that takes it back; the page is the same as before."""
    anna = moderator(desk)
    anna.open(f"{QUEUE}?tab=held&text=here")
    anna.press(button)
    assert (anna.bar, anna.rows, states(desk)[0]) == (f"{said} Undo", [2, 3], state)
    assert anna.url.startswith(f"{QUEUE}?tab=held&text=here&said=")
    anna.press("Undo")
    assert (anna.bar, anna.rows, states(desk)[0]) == ("Undone.", [1, 2, 3], "held")


@pytest.mark.parametrize(
    ("first", "button", "state"),
    [
        ("approve", "Unapprove the comment by Cleo", "held"),
        ("spam", "Not spam, let it wait: the comment by Cleo", "held"),
        ("spam", "Approve: the comment by Cleo", "published"),
        ("reject", "Restore to waiting: the comment by Cleo", "held"),
        ("remove", "Restore to waiting: the comment by Cleo", "held"),
    ],
)
def test_every_state_has_its_way_out(desk: Site, first: str, button: str, state: str) -> None:
    """Whatever was decided, a button of the row leads on."""
    act(desk, first, 1)  # type: ignore[arg-type]  # the words come from the list above
    anna = moderator(desk)
    anna.open(f"{QUEUE}?tab=all")
    anna.press(button)
    assert states(desk)[0] == state


def test_who_comes_second_is_told_who_was_first(desk: Site) -> None:
    """A comment is decided once: the other one reads by whom and how long ago."""
    anna, olga = moderator(desk), moderator(desk, OLGA)
    anna.open()
    olga.open()
    anna.press("Approve the comment by Cleo")
    desk.clock.advance(5)
    olga.press("Spam: the comment by Cleo")
    assert olga.bar == "anna approved this 5 seconds ago. Nothing was done now."
    assert states(desk)[0] == "published"
    olga.press("Spam: the comment by Dan")
    olga.open()
    assert olga.rows == [3]


def test_pressing_twice_is_pressing_once(desk: Site) -> None:
    """A double click leads to the words that you did it yourself."""
    anna = moderator(desk)
    page = anna.open()
    anna.press("Approve the comment by Cleo")
    anna.page = page
    anna.press("Approve the comment by Cleo")
    assert anna.bar.startswith("You approved this just now.")


def test_an_edit_under_the_press_is_seen_first(desk: Site) -> None:
    """Nobody approves words they have not read: after an author's edit the press does nothing."""
    anna = moderator(desk)
    anna.open()
    edit(desk, 1, "Something else.", actor=OLGA)
    anna.press("Approve the comment by Cleo")
    assert anna.bar.startswith("olga edited this")
    assert states(desk)[0] == "held"


def test_undoing_leaves_what_was_changed_since(desk: Site) -> None:
    """Undo takes back what still stands, and says what it left alone."""
    anna = moderator(desk)
    anna.open()
    anna.press("Spam what is ticked", picked=["1.1", "2.1"])
    assert anna.bar == "2 comments marked as spam. Undo"
    act(desk, "approve", 1, actor=OLGA)
    anna.press("Undo")
    assert anna.bar == "Undone. 1 comment had been changed since and is left alone."
    assert states(desk) == ["published", "held", "held"]


def test_what_was_ticked_goes_together(desk: Site) -> None:
    """One press on ticked comments is one act: what has changed meanwhile stays, and is named."""
    anna = moderator(desk)
    anna.open()
    act(desk, "approve", 2, actor=OLGA)
    anna.press("Reject what is ticked", picked=["1.1", "2.1", "3.1"])
    assert anna.bar == "2 comments rejected. 1 comment had been changed since and is left alone. Undo"
    assert states(desk) == ["rejected", "published", "rejected"]
    anna.press("Undo")
    assert states(desk) == ["held", "published", "held"]


@pytest.mark.parametrize("picked", [[], ["x"], ["1"], ["1.x"], [f"{'9' * 40}.1"]])
def test_without_a_tick_nothing_is_done(desk: Site, picked: list[str]) -> None:
    """Nothing ticked, or nonsense: the bar says that nothing was done."""
    anna = moderator(desk)
    anna.open()
    anna.press("Reject what is ticked", picked=picked)
    assert anna.bar == "No comment was ticked, so nothing was done."
    assert states(desk) == ["held"] * 3


def many(site: Site, number: int) -> None:
    """Let more comments wait than a page holds."""
    for n in range(number - 3):
        site.comment(f"Number {n}.", name="Fay", email="fay@reader.example")


def test_all_that_match_are_asked_about_first(desk: Site) -> None:
    """Before everything is touched a page says how many by how many become what, and who is mailed."""
    many(desk, 52)
    anna = moderator(desk)
    anna.open()
    anna.press("Spam what is ticked", all="1")
    assert "52 comments by 4 authors become spam; nobody is mailed." in words(anna.page)
    assert set(states(desk)) == {"held"}
    desk.comment("After the question.", name="Late")
    anna.press("Spam: 52 comments")
    assert anna.bar == "52 comments marked as spam. Undo"
    assert (states(desk).count("spam"), states(desk)[-1]) == (52, "held")
    anna.press("Undo")
    assert anna.bar == "Undone: 52 changes were taken back."
    assert set(states(desk)) == {"held"}


@pytest.mark.parametrize(
    "back", ["", "//[", QUEUE, f"{QUEUE}?tab=heldx", f"{QUEUE}?tab=held&since=2026-02-30", f"{QUEUE}?text=Cleo"]
)
def test_without_a_filter_that_can_be_read_nothing_is_done(desk: Site, back: str) -> None:
    """Where it is not clear what matched, a press on all that match touches nothing and says so."""
    anna = moderator(desk)
    anna.open()
    anna.press("Spam what is ticked", all="1")
    answer = anna.send("Spam: 3 comments", back=back)
    assert (answer.status_code, states(desk)) == (400, ["held"] * 3)
    assert "It is not clear which comments are meant." in answer.text


def test_what_takes_long_goes_on_with_a_button(desk: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a while the page says how far it is, and goes on when asked; all of it is one press, undone like one."""
    many(desk, 52)
    monkeypatch.setattr("forum.moderation.bulk.CHUNK", 20)
    monkeypatch.setattr("forum.moderation.undo.CHUNK", 20)
    monkeypatch.setattr("forum.blueprints.desk.acts.PATIENCE_SECONDS", 0.0)
    anna = moderator(desk)
    anna.open()
    anna.press("Approve what is ticked", all="1")
    anna.press("Approve: 52 comments", why="All fine.")
    assert "20 of 52 comments approved so far" in words(anna.page)
    anna.press("Continue")
    anna.press("Continue")
    assert anna.bar == "52 comments approved. Undo"
    with desk.session() as session:
        rows = session.scalars(select(Audit).where(Audit.act == "approve")).all()
    assert {(row.batch, (row.data or {})["why"]) for row in rows} == {(rows[0].batch, "All fine.")}
    for _ in range(3):
        assert set(states(desk)) != {"held"}
        anna.press("Undo" if anna.url.startswith(QUEUE) and 'id="forum-undo"' in anna.page else "Continue")
    assert set(states(desk)) == {"held"}


def test_nobody_goes_on_with_anothers_press(desk: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """The button that goes on works for whoever began."""
    many(desk, 52)
    monkeypatch.setattr("forum.moderation.bulk.CHUNK", 20)
    monkeypatch.setattr("forum.blueprints.desk.acts.PATIENCE_SECONDS", 0.0)
    anna, olga = moderator(desk), moderator(desk, OLGA)
    anna.open()
    anna.press("Spam what is ticked", all="1")
    anna.press("Spam: 52 comments")
    olga.open()
    olga.press("Spam what is ticked", all="1")
    token = olga.page.partition('name="csrf_token" value="')[2].partition('"')[0]
    olga.page = anna.page
    assert olga.send("Continue", csrf_token=token).status_code == 400
    assert states(desk).count("spam") == 20


def test_removing_many_asks_why(desk: Site) -> None:
    """What was ticked goes after a page that says what happens; the reason stands in the log of each."""
    anna = moderator(desk)
    anna.open()
    anna.press("Remove… what is ticked", picked=["1.1", "3.1"])
    assert "Remove 2 comments?" in words(anna.page)
    assert states(desk) == ["held"] * 3
    anna.press("Remove", why="Both rude.")
    assert (anna.bar, states(desk)) == ("2 comments removed. Undo", ["removed", "held", "removed"])
    with desk.session() as session:
        rows = session.scalars(select(Audit).where(Audit.act == "remove")).all()
    assert [(row.data or {})["why"] for row in rows] == ["Both rude."] * 2


def test_the_bar_says_how_many_are_told(desk: Site) -> None:
    """After an approval the bar names whose comment it was, and how many people will be mailed of it."""
    ona = desk.follower("Ona")
    act(desk, "approve", ona)
    desk.deliver(120)
    desk.visitor().act(desk.links(desk.mails("ona@reader.example")[-1], "c")[0], "confirm")
    desk.comment("Answer.", name="Fay", parent=ona)
    anna = moderator(desk)
    anna.open()
    anna.press("Approve the comment by Fay")
    assert anna.bar == "Approved: the comment by Fay. 1 person will be told. Undo"


def test_what_was_on_its_page_is_restored_to_it(desk: Site) -> None:
    """The button says where a comment goes, and there is one for each place only."""
    for id_ in (1, 2):
        act(desk, "approve", id_)
    act(desk, "remove", 1)
    act(desk, "spam", 2)
    anna = moderator(desk)
    anna.open(f"{QUEUE}?tab=all")
    assert "Approve" not in words(anna.row(1)) + words(anna.row(2)).replace("approved", "")
    anna.press("Restore to its page: the comment by Cleo")
    anna.press("Not spam, back to its page: the comment by Dan")
    assert states(desk) == ["published", "published", "held"]


def test_removing_asks_why(desk: Site) -> None:
    """Before a comment goes a page shows it and asks why; the answer stands in the log."""
    anna = moderator(desk)
    assert "Cleo was here." in anna.open(f"{QUEUE}comments/1/remove?back={QUEUE}%3Ftab%3Dheld")
    anna.press("Remove", why="  Not  nice. ")
    assert (anna.bar, states(desk)[0]) == ("Removed: the comment by Cleo. Undo", "removed")
    with desk.session() as session:
        row = session.scalars(select(Audit).where(Audit.act == "remove")).one()
    assert (row.data or {})["why"] == "Not nice."


@pytest.mark.parametrize(
    "back",
    [
        "https://evil.example/",
        "//evil.example/",
        "/articles/bread",
        "",
        "javascript:alert(1)",
        "/\\evil.example",
        "//[",
        "http://[",
    ],
)
def test_the_way_back_leads_to_the_desk_only(desk: Site, back: str) -> None:
    """Whatever the form names as the page to come back to, it is one of the desk's."""
    anna = moderator(desk)
    anna.open()
    answer = anna.send("Approve the comment by Cleo", back=back)
    assert answer.headers["Location"].startswith(f"{QUEUE}?said=approve.")


@pytest.mark.parametrize("said", ["approve.0123456789abcdef", "<b>x</b>", "missed.99", "missed", "undo", "a" * 5000])
def test_a_made_up_bar_is_only_words(desk: Site, said: str) -> None:
    """Whoever makes up the address of a bar reads some words of ours, and nothing is done or offered."""
    anna = moderator(desk)
    anna.open(f"{QUEUE}?said={said}")
    assert ("<b>x" in anna.page, 'id="forum-undo"' in anna.page, states(desk)) == (False, False, ["held"] * 3)


def test_a_form_of_another_session_does_nothing(desk: Site) -> None:
    """With the token of somebody else's session every button leads back with the words that nothing was done."""
    anna, olga = moderator(desk), moderator(desk, OLGA)
    olga.open()
    anna.page = olga.page
    anna.press("Approve the comment by Cleo")
    assert anna.bar == "Your session has changed since the page was opened. Nothing was done; please try again."
    anna.page = olga.page
    anna.press("Spam what is ticked", picked=["1.1"])
    assert states(desk) == ["held"] * 3


def test_mail_waits_for_second_thoughts(desk: Site) -> None:
    """What an approval causes leaves after the pause; an approval that is undone before causes nothing."""
    ona = desk.follower("Ona", notify="thread")
    act(desk, "approve", ona)
    desk.deliver(120)
    desk.visitor().act(desk.links(desk.mails("ona@reader.example")[-1], "c")[0], "confirm")
    anna = moderator(desk)
    anna.open()
    anna.press("Approve the comment by Cleo")
    desk.deliver(30)
    anna.press("Undo")
    desk.deliver(3600)
    before = len(desk.mails("ona@reader.example"))
    anna.press("Approve the comment by Dan")
    desk.deliver(30)
    assert len(desk.mails("ona@reader.example")) == before
    desk.deliver(3600)
    assert "was here." not in "".join(map(str, desk.mails("ona@reader.example")[:before]))
    assert ["Dan was here." in str(mail) for mail in desk.mails("ona@reader.example")[before:]] == [True]


def test_the_host_hears_of_every_press(desk: Site) -> None:
    """Publishing, taking down and undoing are told to the host by signal, many at once like one alone."""
    heard: list[tuple[str, int]] = []
    names = ("comment_published", "comment_rejected", "comment_removed")
    ears = {name: lambda app, comment, name=name: heard.append((name, comment.id)) for name in names}
    for name, ear in ears.items():
        getattr(signals, name).connect(ear, desk.app)
    anna = moderator(desk)
    anna.open()
    anna.press("Approve what is ticked", picked=["1.1", "2.1"])
    anna.press("Undo")
    anna.press("Spam: the comment by Eve")
    assert heard[:2] == [("comment_published", 1), ("comment_published", 2)]
    assert heard[2:4] == [("comment_removed", 1), ("comment_removed", 2)]
    assert heard[4:] == [("comment_rejected", 3)]


def test_what_comes_back_is_not_taken_away_again(desk: Site) -> None:
    """A removed comment that goes back to those that wait, by undoing or by restoring, is not told as taken away."""
    heard: list[str] = []

    def hear(app: object, comment: Comment) -> None:
        heard.append(comment.state)

    anna = moderator(desk)
    with signals.comment_removed.connected_to(hear, desk.app):
        for back in ("Undo", "Restore to waiting: the comment by Cleo"):
            anna.open("/forum/moderation/comments/1/remove")
            anna.press("Remove")
            anna.open(f"{QUEUE}?tab=bin" if back != "Undo" else anna.url)
            anna.press(back)
            assert states(desk)[0] == "held"
    assert heard == ["removed", "removed"]


def test_one_comment_is_put_on_top_and_taken_down(desk: Site) -> None:
    """A published comment is put on top of its page by a button, and taken from there by the same one."""
    act(desk, "approve", 1)
    act(desk, "approve", 2)
    anna = moderator(desk)
    anna.open(f"{QUEUE}?tab=published")
    anna.press("Put on top: the comment by Dan")
    assert (anna.bar, pinned(desk)) == ("Put on top. Undo", 2)
    anna.press("Take from the top: the comment by Dan")
    assert (anna.bar, pinned(desk)) == ("Taken from the top. Undo", None)
    anna.press("Undo")
    assert pinned(desk) == 2


def test_who_pinned_first_is_named(desk: Site) -> None:
    """Who pins what is pinned already reads who did that, whatever else was done to the comment or the page since."""
    act(desk, "approve", 1)
    anna = moderator(desk)
    anna.open(f"{QUEUE}?tab=published")
    run(desk, lambda session: pages.pin(session, press(desk, OLGA), 1, desk.get(1).version))
    run(desk, lambda session: pages.switch(session, press(desk, ANNA), 1, "closed", True))
    anna.press("Put on top: the comment by Cleo")
    assert anna.bar.startswith("olga put this on top")


def pinned(site: Site) -> int | None:
    """Which comment stands on top."""
    with site.session() as session:
        return session.scalars(select(Thread.pinned_id)).one()


# --- the pages about one comment


def test_an_edit_is_looked_at_and_kept(desk: Site) -> None:
    """The text can be seen before it is saved; the text before stays readable beside it, with who changed it."""
    anna = moderator(desk)
    anna.open(f"{QUEUE}comments/1/edit?back={QUEUE}%3Ftab%3Dheld")
    anna.press("Preview", body="Cleo was *there*.")
    assert "Cleo was <em>there</em>." in anna.page
    assert desk.get(1).source == "Cleo was here."
    anna.press("Save", why="A slip.")
    assert (anna.bar, desk.get(1).source) == ("Edited: the comment by Cleo. Undo", "Cleo was *there*.")
    page = words(anna.open(f"{QUEUE}comments/1/edit"))
    assert "changed by anna Cleo was here." in page
    anna.open(QUEUE)
    anna.press("Approve the comment by Cleo")
    assert "Cleo was <em>there</em>." in desk.visitor().get(desk.page).text


@pytest.mark.parametrize("body", ["", "x" * 20_000])
def test_a_wrong_edit_loses_nothing(desk: Site, body: str) -> None:
    """What cannot be saved comes back in the form, with what is wrong."""
    anna = moderator(desk)
    anna.open(f"{QUEUE}comments/1/edit")
    answer = anna.send("Save", body=body)
    assert answer.status_code == 422
    assert 'id="forum-body-error"' in answer.text
    assert f"\n{body}</textarea>" in answer.text
    assert desk.get(1).source == "Cleo was here."


def test_an_edit_that_came_second_is_not_lost(desk: Site) -> None:
    """Where somebody was faster, what was typed stays in the form, and saving it then means it."""
    anna = moderator(desk)
    anna.open(f"{QUEUE}comments/1/edit")
    act(desk, "approve", 1, actor=OLGA)
    answer = anna.send("Save", body="Mine.")
    assert answer.status_code == 409
    assert "\nMine.</textarea>" in answer.text
    assert "olga approved this" in words(answer.text)
    anna.page = answer.text
    anna.press("Save")
    assert desk.get(1).source == "Mine."


def test_a_preview_shows_what_another_has_written_meanwhile(desk: Site) -> None:
    """Who looks at a preview after a colleague's edit sees that first; saving before that was seen changes nothing."""
    anna = moderator(desk)
    anna.open(f"{QUEUE}comments/1/edit")
    edit(desk, 1, "Olga's words.", actor=OLGA)
    answer = anna.send("Preview", body="Mine.")
    assert answer.status_code == 409
    assert "olga edited this" in words(answer.text)
    assert "The text that stands there now Olga's words." in words(html.unescape(answer.text))
    assert anna.send("Save", body="Mine.").status_code == 409
    assert desk.get(1).source == "Olga's words."
    anna.page = answer.text
    anna.press("Preview")
    anna.press("Save")
    assert desk.get(1).source == "Mine."


def test_an_edit_on_a_busy_site_is_not_lost(desk: Site) -> None:
    """While the database is locked for writers what was typed stays in the form, and is saved afterwards."""
    anna = moderator(desk)
    anna.open(f"{QUEUE}comments/1/edit")
    with locked(desk):
        answer = anna.send("Save", body="Mine.")
    assert (answer.status_code, desk.get(1).source) == (503, "Cleo was here.")
    assert "\nMine.</textarea>" in answer.text
    assert "press Save again" in words(answer.text)
    anna.page = answer.text
    anna.press("Save")
    assert desk.get(1).source == "Mine."


@contextmanager
def locked(site: Site) -> Iterator[None]:
    """Somebody else writes, and those who wait are not patient."""
    with site.app.app_context():
        engine = site.state.db.engine
        site.state.db.session.remove()
        engine.dispose()
    event.listen(engine, "connect", lambda connection, _: connection.execute("PRAGMA busy_timeout = 10"))
    outage = outage_of(str(engine.url))
    outage.begin()
    yield
    outage.close()


def test_an_edit_between_look_and_lock_is_not_lost(desk: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who is faster by the last moment is named beside what was typed as well."""
    anna = moderator(desk)
    anna.open(f"{QUEUE}comments/1/edit")
    write = acts.begin_writing

    def be_late(session: Session) -> None:
        monkeypatch.setattr(acts, "begin_writing", write)
        act(desk, "approve", 1, actor=OLGA)
        write(session)

    monkeypatch.setattr(acts, "begin_writing", be_late)
    answer = anna.send("Save", body="Mine.")
    assert answer.status_code == 409
    assert "\nMine.</textarea>" in answer.text
    assert "olga approved this" in words(answer.text)


def test_the_same_text_is_no_edit(desk: Site) -> None:
    """Saving what was there already changes nothing, and leaves no revision."""
    anna = moderator(desk)
    anna.open(f"{QUEUE}comments/1/edit")
    anna.press("Save")
    assert anna.bar == "The text was the same, so nothing was changed."
    with desk.session() as session:
        assert session.scalars(select(Revision)).all() == []


@pytest.mark.parametrize("typed", ["1", " 1 ", "/forum/comments/1", "http://localhost/articles/bread#comment-1"])
def test_a_comment_is_moved_after_a_look(desk: Site, typed: str) -> None:
    """The new place is found by number or link, shown, and taken only then; undoing brings it back."""
    act(desk, "approve", 1)
    anna = moderator(desk)
    anna.open(f"{QUEUE}comments/3/move?back={QUEUE}%3Ftab%3Dheld")
    anna.press("Look at it there", parent=typed, where="below")
    assert "It will answer number 1, by CleoCleo was here." in words(anna.page)
    assert "Nobody new will be told." in words(anna.page)
    assert desk.get(3).parent_id is None
    anna.press("Move it")
    assert (anna.bar, desk.get(3).parent_id) == ("Moved: the comment by Eve. Undo", 1)
    anna.press("Undo")
    assert desk.get(3).parent_id is None


def test_whom_a_move_would_tell_is_said_before(desk: Site) -> None:
    """The look says how many hear of it in the new place, and nobody is told by looking."""
    ona = desk.follower("Ona")
    act(desk, "approve", ona)
    desk.deliver(120)
    desk.visitor().act(desk.links(desk.mails("ona@reader.example")[-1], "c")[0], "confirm")
    news = desk.comment("News.", name="Fay")
    act(desk, "approve", news)
    anna = moderator(desk)
    anna.open(f"{QUEUE}comments/{news}/move")
    anna.press("Look at it there", parent=str(ona), where="below")
    assert "1 person will be told of it there" in words(anna.page)
    desk.deliver(3600)
    assert desk.mails(reason="reply") == []
    anna.press("Move it")
    desk.deliver(3600)
    assert [mail["To"] for mail in desk.mails(reason="reply")] == ["ona@reader.example"]


@pytest.mark.parametrize("typed", ["", "x", "99", "2", "3", "1 2", "https://evil.example/"])
def test_a_place_that_is_none_is_said(desk: Site, typed: str) -> None:
    """Itself, what came later, or what does not exist: the form comes back with what is wrong, and nothing moved."""
    anna = moderator(desk)
    anna.open(f"{QUEUE}comments/2/move")
    answer = anna.send("Look at it there", parent=typed, where="below")
    assert answer.status_code in (404, 422)
    assert answer.status_code == 404 or 'id="forum-parent-error"' in answer.text
    assert desk.get(2).parent_id is None


def test_what_its_author_removed_is_gone_for_moderators_too(desk: Site) -> None:
    """There is no page about a comment that its author took back."""
    anna = moderator(desk)
    with desk.session() as session:
        comment = session.get_one(Comment, 1)
        comment.state, comment.removed_by = "removed", "author"
        session.commit()
    for page in ("edit", "move", "remove"):
        assert anna.visitor.get(f"{QUEUE}comments/1/{page}").status_code == 404


def test_authors_are_counted_once(make_site: MakeSite, database: dict[str, str]) -> None:
    """The question before a press on everything counts each address once, and each comment without one by itself."""
    site = make_site(FORUM_MODERATION="all", FORUM_RATE_LIMITS=[], FORUM_MODERATORS=[ANNA], **database)
    site.add_article()
    for n, email in enumerate(("a@reader.example", "a@reader.example", "b@reader.example", "", "")):
        site.comment(f"Number {n}.", name="Cleo", email=email)
    expected = run(site, lambda session: forecast(session, "spam", Filter("held")))
    assert (expected.number, expected.authors) == (5, 4)
