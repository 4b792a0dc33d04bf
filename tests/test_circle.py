"""The circle of a mail: somebody asks, confirms, is answered, hears of it, and leaves. Each test a rule of it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import select, update

from forum import comments, moderation
from forum.models import Address, Audit, Comment, Item, Message, Suppression
from tests.visitors import Site, comment_id

ANN = "ann@reader.example"


def reasons(site: Site) -> list[tuple[str, str | None]]:
    """State and reason of every item, oldest first."""
    with site.session() as session:
        return [(item.state, item.skip_reason) for item in session.scalars(select(Item).order_by(Item.id))]


def decide(site: Site, id_: int, decision: moderation.Decision) -> None:
    """Have a moderator decide on a comment as it is now."""
    with site.session() as session:
        version = session.get_one(Comment, id_).version
        moderation.decide(session, id_, decision, version=version, actor="test", now=site.clock())
        session.commit()


def test_the_answered_person_hears_of_it_once(site: Site) -> None:
    """Ann asked to be told; Ben's answer sends exactly one mail, to Ann."""
    first = site.follower("Ann")
    site.comment("I agree.", parent=first)
    site.deliver()
    site.deliver()
    assert [mail["To"] for mail in site.mails(reason="reply")] == [ANN]


def test_not_asked_is_not_mailed_and_says_why(site: Site) -> None:
    """Ann gave her address but ticked nothing: no mail, and the reason is stored."""
    first = site.comment(name="Ann", email=ANN)
    site.comment("I agree.", parent=first)
    site.deliver()
    assert (site.mails(), reasons(site)) == ([], [("skipped", "not_subscribed")])


@pytest.mark.parametrize("spelling", [ANN, "ANN@Reader.Example", " ann@READER.example "])
def test_nobody_is_told_of_their_own_answer(site: Site, spelling: str) -> None:
    """Ann answers herself, in whatever spelling of her address: no mail."""
    first = site.follower("Ann")
    site.comment("One more thing.", name="Ann", email=spelling, parent=first)
    site.deliver()
    assert (site.mails(reason="reply"), reasons(site)) == ([], [("skipped", "self")])


def test_direct_means_direct(site: Site) -> None:
    """Of a chain of three who asked for answers only the last hears of an answer to the last."""
    ann = site.follower("Ann")
    ben = site.follower("Ben", parent=ann)
    cem = site.follower("Cem", parent=ben)
    before = len(site.mails(reason="reply"))
    site.comment("To Cem.", parent=cem)
    site.deliver()
    assert [mail["To"] for mail in site.mails(reason="reply")[before:]] == ["cem@reader.example"]


def test_a_branch_is_everything_below(site: Site) -> None:
    """Whoever follows a branch hears of an answer two levels down, under the reason `branch`."""
    ann = site.follower("Ann", notify="branch")
    ben = site.follower("Ben", parent=ann)
    site.deliver()
    seen = len(site.mails())
    site.comment("To Ben.", parent=ben)
    site.deliver()
    told = {mail["To"]: mail["X-Forum-Reason"] for mail in site.mails()[seen:]}
    assert told == {ANN: "branch", "ben@reader.example": "reply"}


def test_several_paths_are_one_mail(site: Site) -> None:
    """Ann follows the thread and the branch and wrote the parent: one mail, for the strongest reason."""
    site.follower("Ann", notify="thread")
    parent = site.follower("Ann", "Again me.", notify="branch")
    site.comment("Hello.", parent=parent)
    site.deliver()
    assert [(mail["To"], mail["X-Forum-Reason"]) for mail in site.mails(ANN)[1:]] == [(ANN, "reply")]


def test_following_the_thread(site: Site) -> None:
    """Whoever follows the thread hears of a new branch."""
    site.follower("Ann", notify="thread")
    site.comment("Something else.")
    site.deliver()
    assert [mail["X-Forum-Reason"] for mail in site.mails(ANN)][1:] == ["thread"]


def test_a_held_answer_is_told_after_approval(make_site: Callable[..., Site]) -> None:
    """An answer that waits for a moderator sends nothing; approved, it sends one mail."""
    site = make_site(FORUM_MODERATION="first")
    site.add_article()
    ann = comment_id(site.visitor().post(name="Ann", email=ANN, notify="direct"))
    decide(site, ann, "approve")
    site.deliver()
    site.visitor().act(site.links(site.mails(ANN)[0], "c")[0], "confirm")
    ben = comment_id(site.visitor().post(body="Yes.", name="Ben", parent=ann))
    site.deliver()
    assert site.mails(reason="reply") == []
    decide(site, ben, "approve")
    site.deliver()
    assert [mail["To"] for mail in site.mails(reason="reply")] == [ANN]


def test_approved_twice_is_told_once(site: Site) -> None:
    """Taken away and approved again after the mail went out, an answer sends nothing more."""
    first = site.follower("Ann")
    answer = site.comment("I agree.", parent=first)
    site.deliver()
    decide(site, answer, "spam")
    decide(site, answer, "approve")
    site.deliver(3600)
    assert len(site.mails(reason="reply")) == 1


def test_unmarked_spam_is_told_then(make_site: Callable[..., Site]) -> None:
    """Marked as spam before its mail left, an answer is told when that is taken back."""
    site = make_site(FORUM_MAIL_HOLD_SECONDS=120)
    site.add_article()
    first = site.follower("Ann")
    answer = site.comment("I agree.", parent=first)
    site.deliver()
    decide(site, answer, "spam")
    site.deliver(300)
    assert (site.mails(reason="reply"), reasons(site)) == ([], [("skipped", "comment_gone")])
    decide(site, answer, "approve")
    site.deliver(300)
    assert len(site.mails(reason="reply")) == 1


def test_deleted_within_the_hold_is_not_mailed(make_site: Callable[..., Site]) -> None:
    """Ben deletes his answer half a minute after posting: nobody hears of it, and the reason is stored."""
    site = make_site(FORUM_MAIL_HOLD_SECONDS=120)
    site.add_article()
    first = site.follower("Ann")
    ben = site.visitor()
    answer = comment_id(ben.post(body="Oops.", parent=first))
    site.deliver(30)
    assert ben.act(f"/forum/comments/{answer}/remove", "remove").status_code == 303
    site.deliver(300)
    assert (site.mails(reason="reply"), reasons(site)) == ([], [("skipped", "comment_gone")])


def test_the_latest_text_is_mailed(make_site: Callable[..., Site]) -> None:
    """Ben mends his answer within the hold: the mail shows the mended text only."""
    site = make_site(FORUM_MAIL_HOLD_SECONDS=120)
    site.add_article()
    first = site.follower("Ann")
    ben = site.visitor()
    answer = comment_id(ben.post(body="Teh loaf.", parent=first))
    site.deliver(30)
    edited = {"body": "The loaf."}
    assert ben.client.post(f"/forum/comments/{answer}/edit", data=edited).status_code == 303
    site.deliver(300)
    (mail,) = site.mails(reason="reply")
    assert "The loaf." in mail.as_string()
    assert "Teh" not in mail.as_string()


def test_an_edit_after_the_mail_sends_nothing(site: Site) -> None:
    """What was told is not told again because a word changed."""
    first = site.follower("Ann")
    ben = site.visitor()
    answer = comment_id(ben.post(body="Teh loaf.", parent=first))
    site.deliver()
    ben.client.post(f"/forum/comments/{answer}/edit", data={"body": "The loaf."})
    site.deliver(3600)
    assert len(site.mails(reason="reply")) == 1


def test_answers_within_the_hold_travel_together(make_site: Callable[..., Site]) -> None:
    """Three answers in two minutes are one mail that holds them in order."""
    site = make_site(FORUM_MAIL_HOLD_SECONDS=120)
    site.add_article()
    first = site.follower("Ann")
    for word in ("Erste", "Zweite", "Dritte"):
        site.comment(f"{word} Antwort.", parent=first)
        site.clock.advance(20)
    site.deliver(120)
    (mail,) = site.mails(reason="reply")
    body = mail.get_body(("plain",)).get_content()  # type: ignore[union-attr]
    assert body.index("Erste") < body.index("Zweite") < body.index("Dritte")


def test_the_cooldown_keeps_mails_apart(make_site: Callable[..., Site]) -> None:
    """Five minutes after a mail the next answer waits; at minute fifteen it is mailed."""
    site = make_site(FORUM_MAIL_COOLDOWN_SECONDS=900)
    site.add_article()
    first = site.follower("Ann")
    site.comment("One.", parent=first)
    site.deliver()
    site.clock.advance(300)
    site.comment("Two.", parent=first)
    site.deliver()
    assert len(site.mails(reason="reply")) == 1
    site.deliver(600)
    assert len(site.mails(reason="reply")) == 2


def test_approved_too_late_is_no_news(make_site: Callable[..., Site]) -> None:
    """An answer approved eight days after it was written sends nothing: `stale`."""
    site = make_site()
    site.add_article()
    first = site.follower("Ann")
    answer = site.comment("Old.", parent=first)
    with site.session() as session:
        session.execute(update(Comment).where(Comment.id == answer).values(created_at=site.clock.now.replace(day=14)))
        session.commit()
    site.deliver()
    assert (site.mails(reason="reply"), reasons(site)) == ([], [("skipped", "stale")])


def test_an_unknown_address_is_asked_first(site: Site) -> None:
    """A first tick sends one confirmation, without the comment or any name in it, and no more at the next tick."""
    site.comment("My secret thought.", name="Zebulon", email=ANN, notify="direct")
    site.deliver()
    (mail,) = site.mails()
    assert mail["X-Forum-Reason"] == "confirm"
    assert not any(word in mail.as_string() for word in ("secret", "Zebulon", "List-Unsubscribe"))


def test_nothing_is_told_before_confirmation_and_little_after(site: Site) -> None:
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


def test_looking_at_a_link_changes_nothing(site: Site) -> None:
    """Mail scanners open every link of a mail, with GET and HEAD, and nothing happens."""
    first = site.follower("Ann")
    site.comment("I agree.", parent=first)
    site.deliver()
    reply = site.mails(reason="reply")[0]
    for path in site.links(reply, "u") + site.links(reply, "t"):
        assert (site.visitor().get(path).status_code, site.visitor().client.head(path).status_code) == (200, 200)
    site.comment("Still there?", parent=first)
    site.deliver()
    assert len(site.mails(reason="reply")) == 2


def test_confirming_twice_says_the_same(site: Site) -> None:
    """The second press of a confirm button leads to the same page and changes nothing."""
    site.comment(name="Ann", email=ANN, notify="direct")
    site.deliver()
    link = site.links(site.mails()[0], "c")[0]
    answers = [site.visitor().act(link, "confirm") for _ in range(2)]
    assert [answer.headers["Location"] for answer in answers] == ["/forum/m/done/confirmed"] * 2
    with site.session() as session:
        assert session.scalars(select(Audit.after)).all() == ["pending", "confirmed"]


def test_never_means_never(site: Site) -> None:
    """Refused once, an address gets nothing whoever types it, and the page after posting looks as always."""
    before = site.visitor().post(name="Ann", email=ANN, notify="direct")
    site.deliver()
    site.visitor().act(site.links(site.mails()[0], "x")[0], "refuse")
    after = site.visitor().post(name="Ann", email=ANN, notify="direct", body="Again.")
    site.deliver(100_000)
    assert len(site.mails()) == 1
    assert (before.status_code, before.data) == (after.status_code, after.data.replace(b"comment-2", b"comment-1"))
    with site.session() as session:
        assert session.scalars(select(Suppression.why)).all() == ["refused"]


@pytest.mark.parametrize("kind", ["application/x-www-form-urlencoded", "multipart/form-data"])
def test_one_click_without_a_cookie(site: Site, kind: str) -> None:
    """A mail provider's one-click post, in either encoding, is answered 200 without redirect, and it holds."""
    first = site.follower("Ann")
    site.comment("I agree.", parent=first)
    site.deliver()
    link = site.links(site.mails(reason="reply")[0], "u")[0]
    answer = site.visitor().client.post(link, data={"List-Unsubscribe": "One-Click"}, content_type=kind)
    assert (answer.status_code, "Location" in answer.headers, "Set-Cookie" in answer.headers) == (200, False, False)
    site.comment("Hello?", parent=first)
    site.deliver()
    assert len(site.mails(reason="reply")) == 1
    assert reasons(site)[-1] == ("skipped", "suppressed:unsubscribed")


def test_leaving_holds_for_what_is_queued(make_site: Callable[..., Site]) -> None:
    """A mail that waits in the queue when Ann leaves is not sent."""
    site = make_site(FORUM_MAIL_HOLD_SECONDS=120)
    site.add_article()
    first = site.follower("Ann")
    site.comment("One.", parent=first)
    site.deliver(300)
    site.comment("Two.", parent=first)
    site.deliver()
    site.visitor().act(site.links(site.mails(reason="reply")[0], "u")[0], "unsubscribe")
    site.deliver(300)
    assert len(site.mails(reason="reply")) == 1


def test_a_mute_silences_one_thread(site: Site) -> None:
    """A muted conversation is silent, direct answers included; another one is not."""
    first = site.follower("Ann")
    site.comment("One.", parent=first)
    site.deliver()
    mute = site.links(site.mails(reason="reply")[0], "t")[0]
    site.visitor().act(mute, "mute")
    site.comment("Two.", parent=first)
    site.page = site.add_article("Butter")
    elsewhere = site.follower("Ann", "Elsewhere.")
    site.comment("Three.", parent=elsewhere)
    site.deliver()
    assert [mail["Subject"] for mail in site.mails(ANN, "reply")] == ["Re: [Forum] Bread", "Re: [Forum] Butter"]


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


def test_mails_of_one_thread_make_one_conversation(site: Site) -> None:
    """Two mails of one thread have one subject and one root, even if the article is renamed between them."""
    first = site.follower("Ann")
    site.comment("One.", parent=first)
    site.deliver()
    with site.session() as session:
        session.execute(update(Comment).values(version=2))
        session.commit()
    site.comment("Two.", parent=first)
    site.deliver()
    one, two = site.mails(reason="reply")
    assert one["Subject"] == two["Subject"]
    assert one["References"].split()[0] == two["References"].split()[0]


def test_a_mail_follows_the_mail_about_its_parent(site: Site) -> None:
    """Ann follows the thread: the mail about an answer names the mail about the answered comment as its parent."""
    site.follower("Ann", notify="thread")
    one = site.comment("One.")
    site.deliver()
    site.comment("Answer to one.", parent=one)
    site.deliver()
    first, second = site.mails(ANN)[1:]
    assert second["In-Reply-To"] == first["Message-ID"]


def test_the_same_comment_has_an_id_for_each_reader(site: Site) -> None:
    """Two people hear of one comment under two Message-IDs."""
    ann = site.follower("Ann", notify="branch")
    ben = site.follower("Ben", parent=ann)
    site.deliver()
    seen = len(site.mails())
    site.comment("To Ben.", parent=ben)
    site.deliver()
    ids = {mail["Message-ID"] for mail in site.mails()[seen:]}
    assert len(ids) == 2


def test_bombing_a_stranger_sends_one_mail(make_site: Callable[..., Site]) -> None:
    """Fifty comments tick a stranger's box within the limits of the shipped settings: one confirmation is sent."""
    site = make_site(FORUM_MAIL_CONFIRM_LIMITS=["address: 1 per day", "address: 3 per 30 days"])
    site.add_article()
    for n in range(50):
        site.comment(f"Comment {n}.", name=f"Bot {n}", email=ANN, notify="direct")
    site.deliver()
    assert len(site.mails()) == 1
    with site.session() as session:
        assert set(session.scalars(select(Message.skip_reason))) == {None, "limit:address"}


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


def test_a_blocked_author_tells_nobody(site: Site) -> None:
    """Ben's address is blocked after he posted: his answer is mailed to nobody."""
    first = site.follower("Ann")
    site.comment("Ha.", name="Ben", email="ben@reader.example", parent=first)
    with site.session() as session:
        session.execute(update(Address).where(Address.key == "ben@reader.example").values(state="blocked"))
        session.commit()
    site.deliver()
    assert (site.mails(reason="reply"), reasons(site)) == ([], [("skipped", "actor_blocked")])


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
