"""A moderator answers from the desk: where the answer stands, what is approved with it, and that no word is lost."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import select, update

from forum import signals
from forum.models import Audit, Comment, Thread
from tests.desk import act, edit
from tests.desk_pages import ANNA, OLGA, QUEUE, Moderator, moderator, words
from tests.visitors import SAME_ORIGIN, Site

MakeSite = Callable[..., Site]
TEXT = "Thank you, Cleo. **Noted.**"


@pytest.fixture
def desk(make_site: MakeSite) -> Site:
    """A site with two moderators, where every comment waits and one does."""
    site = make_site(FORUM_MODERATION="all", FORUM_RATE_LIMITS=[], FORUM_MODERATORS=[ANNA, OLGA])
    site.add_article()
    site.comment("Cleo was here.", name="Cleo", email="cleo@reader.example")
    return site


def replying(site: Site, id_: int = 1, email: str = ANNA) -> Moderator:
    """A moderator in front of the form to answer a comment."""
    someone = moderator(site, email)
    someone.open(f"{QUEUE}comments/{id_}/reply?back={QUEUE}%3Ftab%3Dheld")
    return someone


def stored(site: Site) -> list[tuple[str, str, int | None]]:
    """Every comment as its author's name, its state, and what it answers."""
    with site.session() as session:
        rows = session.execute(select(Comment.name, Comment.state, Comment.parent_id).order_by(Comment.id))
        return [tuple(row) for row in rows]  # type: ignore[misc]  # a row is a tuple of these three


def test_approved_and_answered_by_one_press(desk: Site) -> None:
    """What waits is published and answered at once, under the moderator's name; the page shows both."""
    anna = replying(desk)
    assert "Cleo was here." in anna.page
    anna.press("Approve and reply", body=TEXT)
    assert anna.bar == "Approved and answered: the comment by Cleo. Undo"
    assert anna.url.startswith(f"{QUEUE}?tab=held&said=reply.")
    assert stored(desk) == [("Cleo", "published", None), ("anna", "published", 1)]
    page = desk.visitor().get(desk.page).text
    assert "<strong>Noted.</strong>" in page
    assert (desk.get(2).is_moderator, desk.get(2).html.count("Noted")) == (True, 1)


def test_what_is_published_is_answered(desk: Site) -> None:
    """A published comment has the same form, whose button says that it only posts."""
    act(desk, "approve", 1)
    anna = replying(desk)
    anna.press("Post reply", body=TEXT)
    assert anna.bar == "Answered: the comment by Cleo. Undo"
    assert stored(desk)[1] == ("anna", "published", 1)


def test_undo_takes_both_back(desk: Site) -> None:
    """Undone, the comment waits again, and so does the answer: its words are not lost."""
    anna = replying(desk)
    anna.press("Approve and reply", body=TEXT)
    anna.press("Undo")
    assert anna.bar == "Undone: 2 changes were taken back."
    assert [row[1] for row in stored(desk)] == ["held", "held"]
    assert "Cleo" not in desk.visitor().get(desk.page).text


def test_followers_hear_of_the_answer(desk: Site) -> None:
    """The answer is news like any other: whoever asked to be told is mailed."""
    follower = desk.follower("Ona")
    act(desk, "approve", follower)
    desk.deliver(600)
    desk.visitor().act(desk.links(desk.mails("ona@reader.example")[0], "c")[0], "confirm")
    replying(desk, follower).press("Post reply", body=TEXT)
    desk.deliver(600)
    desk.deliver(600)
    assert [str(mail["X-Forum-Reason"]) for mail in desk.mails("ona@reader.example")][-1] == "reply"


def test_the_host_hears_of_it_once(desk: Site) -> None:
    """Signals say that a comment was posted, and that two were published."""
    heard: list[tuple[str, int]] = []
    for name in ("comment_posted", "comment_published"):
        getattr(signals, name).connect(
            lambda _, comment, name=name: heard.append((name, comment.id)), desk.app, weak=False
        )
    replying(desk).press("Approve and reply", body=TEXT)
    assert sorted(heard) == [("comment_posted", 2), ("comment_published", 1), ("comment_published", 2)]


def test_the_log_says_who_answered(desk: Site) -> None:
    """Both halves of the press are in the log, with one batch."""
    replying(desk).press("Approve and reply", body=TEXT)
    with desk.session() as session:
        rows = session.execute(select(Audit.actor, Audit.act, Audit.subject_id, Audit.batch).order_by(Audit.id)).all()
    pressed = [row for row in rows if row.batch]
    assert [(row.actor, row.act, row.subject_id) for row in pressed] == [(ANNA, "approve", 1), (ANNA, "reply", 2)]
    assert len({row.batch for row in pressed}) == 1


def test_pressed_twice_is_one_answer(desk: Site) -> None:
    """A double click posts once, and both lead to the same words."""
    anna = replying(desk)
    page = anna.page
    anna.press("Approve and reply", body=TEXT)
    said = anna.bar
    anna.page = page
    anna.press("Approve and reply", body=TEXT)
    assert (anna.bar, len(stored(desk))) == (said, 2)


def test_the_last_name_is_offered_again(desk: Site) -> None:
    """Who signs as something else than their address says does so once."""
    replying(desk).press("Approve and reply", body=TEXT, name="Anna of the desk")
    assert 'value="Anna of the desk"' in replying(desk).page
    assert 'value="olga"' in replying(desk, email=OLGA).page


def test_a_preview_posts_nothing(desk: Site) -> None:
    """Preview shows the text as it would stand there, and keeps it in the form."""
    anna = replying(desk)
    anna.press("Preview", body=TEXT)
    assert "<strong>Noted.</strong>" in anna.page
    anna.press("Approve and reply")
    assert desk.get(2).source == TEXT


def kept(anna: Moderator, status: int, said: str, button: str = "Approve and reply", **typed: str) -> None:
    """Expect the press to fail with these words, and the text to be in the form still."""
    answer = anna.send(button, **{"body": TEXT, **typed})
    assert (answer.status_code, said in words(answer.text)) == (status, True), words(answer.text)
    assert typed.get("body", TEXT) in answer.text
    anna.page = answer.text


def test_no_mistake_loses_the_text(desk: Site) -> None:
    """Without a name, too long, or from another session: the sentence says so and the text stays."""
    anna = replying(desk)
    kept(anna, 422, "Please", name="")
    kept(anna, 422, "characters long", body="x" * 20_000)
    kept(anna, 422, "Your session has changed", csrf_token="other")
    assert len(stored(desk)) == 1


def test_an_edit_under_the_answer_is_seen_first(desk: Site) -> None:
    """Nobody approves by answering what they have not read; the next press does."""
    anna = replying(desk)
    edit(desk, 1, "Something else.", actor=OLGA)
    kept(anna, 409, "olga edited this")
    assert "Something else." in anna.page
    anna.press("Approve and reply")
    assert [row[1] for row in stored(desk)] == ["published", "published"]


def test_what_somebody_else_approved_is_answered(desk: Site) -> None:
    """Where the approval is done already the answer is posted all the same."""
    anna = replying(desk)
    act(desk, "approve", 1, actor=OLGA)
    anna.press("Approve and reply", body=TEXT)
    assert anna.bar == "Answered: the comment by Cleo. Undo"


def test_what_was_set_aside_meanwhile_is_not_answered(desk: Site) -> None:
    """Spam has no answers; the text stays."""
    anna = replying(desk)
    act(desk, "spam", 1, actor=OLGA)
    kept(anna, 422, "it cannot be answered")
    assert len(stored(desk)) == 1


def test_a_closed_page_says_so(desk: Site) -> None:
    """On a closed page the form says so before one writes, and keeps the text of whoever was too late."""
    anna = replying(desk)
    with desk.session() as session:
        session.execute(update(Thread).values(closed=True))
        session.commit()
    kept(anna, 422, "Comments on this page are closed.")
    assert [row[1] for row in stored(desk)] == ["held"]
    assert "Comments on this page are closed, for moderators too." in words(replying(desk).page)


def test_strangers_find_no_form(desk: Site) -> None:
    """Whoever does not sit at the desk is sent to sign in, and posts nothing."""
    path = f"{QUEUE}comments/1/reply"
    assert desk.visitor().get(path).status_code == 302
    assert desk.visitor().client.post(path, data={"body": TEXT}, headers=SAME_ORIGIN).status_code == 404
