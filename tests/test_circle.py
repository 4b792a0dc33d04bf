"""The circle of a mail: what tests/catalogue/ does not count among its rules, read in the development mailbox."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import select, update

from forum import comments, moderation
from forum.models import Address, Comment, Item, Message, Subscription
from tests.visitors import Site, comment_id

ANN = "ann@reader.example"
NO_MAIL: dict[str, Any] = {"FORUM_MAIL_FROM": None, "FORUM_MAIL_TRANSPORT": None, "FORUM_MAIL_NOTICES": True}


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
        comments.set_aside(session, [session.get_one(Comment, first)], "removed", "moderator")
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


def test_whoever_ticks_again_hears_again(site: Site) -> None:
    """Ann switched a thread off and asks for it with a later comment: she hears of it, and daily stays daily."""
    site.follower("Ann", notify="thread")
    cadences = []
    for before in ("off", "daily"):
        with site.session() as session:
            session.execute(update(Subscription).values(cadence=before))
            session.commit()
        site.comment(f"I am back, it was {before}.", name="Ann", email=ANN, notify="thread")
        with site.session() as session:
            cadences += session.scalars(select(Subscription.cadence)).all()
    assert cadences == ["instant", "daily"]


def test_without_mail_moderators_are_told_the_way_in(make_site: Callable[..., Site]) -> None:
    """A site without mail offers no link by mail, stores none, and names the command that prints one."""
    site = make_site(FORUM_MODERATORS=["mo@desk.example"], FORUM_MODERATION="all", **NO_MAIL)
    site.add_article()
    assert not site.state.settings.mail_enabled
    visitor = site.visitor()
    pages = [visitor.get("/forum/sign-in").text, visitor.act("/forum/sign-in", "send").text]
    assert [("flask forum moderator link" in page, "<form" in page) for page in pages] == [(True, False)] * 2
    held = site.comment(name="Ann", email=ANN)
    with site.session() as session:
        moderation.mail_link(session, site.state.keys, site.state.settings, "mo@desk.example", site.clock())
        session.execute(update(Address).values(state="confirmed"))
        press = moderation.acts.Press(site.state.keys, site.state.settings, "mo", site.clock())
        moderation.acts.decide(session, press, "reject", held, 1)
        assert session.scalars(select(Message.kind)).all() == []
