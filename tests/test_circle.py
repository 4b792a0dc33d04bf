"""The circle of a mail: what tests/catalogue/ does not count among its rules, read in the development mailbox."""

from __future__ import annotations

from sqlalchemy import select

from forum import comments
from forum.models import Address, Comment, Item
from tests.visitors import Site, comment_id

ANN = "ann@reader.example"


def reasons(site: Site) -> list[tuple[str, str | None]]:
    """State and reason of every item, oldest first."""
    with site.session() as session:
        return [(item.state, item.skip_reason) for item in session.scalars(select(Item).order_by(Item.id))]


def test_following_the_thread(site: Site) -> None:
    """Whoever follows the thread hears of a new branch."""
    site.follower("Ann", notify="thread")
    site.comment("Something else.")
    site.deliver()
    assert [mail["X-Forum-Reason"] for mail in site.mails(ANN)][1:] == ["thread"]


def test_little_is_told_after_confirmation(site: Site) -> None:
    """Seven answers come before Ann confirms: none is mailed, then the newest five are, in one mail."""
    first = site.comment(name="Ann", email=ANN, notify="direct")
    for n in range(7):
        site.comment(f"Answer {n}.", parent=first)
    site.deliver()
    assert len(site.mails(ANN)) == 1
    site.visitor().act(site.links(site.mails(ANN)[0], "c")[0], "confirm")
    site.deliver()
    (mail,) = site.mails(ANN, "reply")
    assert [f"Answer {n}." in mail.as_string() for n in range(7)] == [False, False] + [True] * 5


def test_a_mute_can_end(site: Site) -> None:
    """Muted for a week, a conversation is heard of again afterwards, and by a button before that."""
    first = site.follower("Ann")
    site.comment("One.", parent=first)
    site.deliver()
    mute = site.links(site.mails(reason="reply")[0], "t")[0]
    site.visitor().act(mute, "mute_week")
    site.comment("Two.", parent=first)
    site.deliver()
    site.clock.advance(8 * 86400)
    site.comment("Three.", parent=first)
    site.deliver()
    site.visitor().act(mute, "mute")
    site.visitor().act(mute, "unmute")
    site.comment("Four.", parent=first)
    site.deliver()
    assert len(site.mails(reason="reply")) == 3


def test_an_expired_confirmation_can_be_asked_for_again(site: Site) -> None:
    """After seven days the link offers a new one, which works."""
    site.comment(name="Ann", email=ANN, notify="direct")
    site.deliver()
    old = site.links(site.mails()[0], "c")[0]
    site.clock.advance(8 * 86400)
    assert "too old" in site.visitor().get(old).text
    assert site.visitor().act(old, "renew").status_code == 303
    site.deliver()
    site.visitor().act(site.links(site.mails()[1], "c")[0], "confirm")
    with site.session() as session:
        assert session.scalars(select(Address.state)).all() == ["confirmed"]


def test_a_removed_comment_is_quoted_nowhere(site: Site) -> None:
    """Ann deletes her comment before the mail about an answer to it leaves: no mail, `parent_gone`."""
    ann = site.visitor()
    first = comment_id(ann.post(name="Ann", email=ANN, notify="direct"))
    site.deliver()
    ann.act(site.links(site.mails()[0], "c")[0], "confirm")
    site.comment("I agree.", parent=first)
    with site.session() as session:
        comments.remove(session, session.get_one(Comment, first), "moderator")
        session.commit()
    site.deliver()
    assert (site.mails(reason="reply"), reasons(site)) == ([], [("skipped", "parent_gone")])


def test_whoever_left_can_come_back(site: Site) -> None:
    """Unsubscribed, Ann ticks a box again: she is asked to confirm, and hears of that comment only."""
    old = site.follower("Ann")
    site.comment("One.", parent=old)
    site.deliver()
    site.visitor().act(site.links(site.mails(reason="reply")[0], "u")[0], "unsubscribe")
    site.clock.advance(60)
    new = site.comment("I am back.", name="Ann", email=ANN, notify="direct")
    site.deliver()
    site.visitor().act(site.links(site.mails(ANN)[-1], "c")[0], "confirm")
    site.comment("To the old one.", parent=old)
    site.comment("To the new one.", parent=new)
    site.deliver()
    assert [mail["X-Forum-Comment"] for mail in site.mails(ANN, "reply")] == ["2", "5"]


def test_whoever_ticks_is_told_to_look_into_the_inbox(site: Site) -> None:
    """The author of a comment with a tick is told what comes next, the same whether the address is known or not."""
    notes = []
    for _ in range(2):
        ann = site.visitor()
        posted = ann.post(name="Ann", email=ANN, notify="direct", body=f"Comment {len(notes)}.")
        notes.append(ann.get(posted.headers["Location"]).text.count("look into your inbox first"))
        site.deliver()
        site.visitor().act(site.links(site.mails(ANN)[0], "c")[0], "confirm")
    assert notes == [1, 1]
    assert "look into your inbox" not in site.visitor().get(site.page).text
