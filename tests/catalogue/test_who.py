"""The catalogue of mail, T01 to T21: who hears of a comment, when, and who does not."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

from forum import Identity
from tests.catalogue.acts import ANN, BEN, CEM, block, comments_in, decide, pace, skips, text_of, told
from tests.visitors import Site, comment_id

# An approval can be undone for as long before anybody is told.
GRACE = 60
MakeSite = Callable[..., Site]
DAY = 86400


def held_for_two_minutes(make_site: MakeSite) -> Site:
    """A site with the hold that is shipped, and one article."""
    site = make_site(FORUM_MAIL_HOLD_SECONDS=120)
    site.add_article()
    return site


def follower(site: Site, name: str, **fields: Any) -> int:
    """Somebody who asked and confirmed, at a time when everything they waited for has arrived."""
    posted = site.follower(name, **fields)
    site.deliver(3600)
    return posted


def test_t01_the_answered_person_hears_of_it_once(site: Site) -> None:
    """Ann asked to be told; Ben's answer is exactly one mail, to Ann."""
    first = site.follower("Ann")
    site.comment("I agree.", name="Ben", email=BEN, parent=first)
    site.deliver()
    site.deliver(DAY)
    assert told(site) == [(ANN, "reply")]


def test_t02_not_asked_is_not_mailed_and_says_why(site: Site) -> None:
    """Ann gave her address but ticked nothing: no mail at all, and the reason is stored."""
    first = site.comment(name="Ann", email=ANN)
    site.comment("I agree.", name="Ben", email=BEN, parent=first)
    site.deliver()
    assert (site.mails(), skips(site)) == ([], ["not_subscribed"])


def test_t03_nobody_is_told_of_their_own_answer(site: Site) -> None:
    """Ann answers herself: no mail, and the reason is stored."""
    first = site.follower("Ann")
    site.comment("One more thing.", name="Ann", email=ANN, parent=first)
    site.deliver()
    assert (told(site), skips(site)) == ([], ["self"])


def test_t04_an_account_and_an_address_are_one_person(site: Site) -> None:
    """Signed in under her address in other letters, Ann answers her anonymous comment: no mail."""
    first = site.follower("Ann")
    site.state.hooks.identity = lambda: Identity("7", "Ann", "Ann@Reader.EXAMPLE", email_verified=True)
    ann = site.visitor()
    token = ann.get(f"/forum/comments/{first}/reply").text.split('name="csrf_token" value="')[1].split('"')[0]
    answered = ann.post(body="It was me.", parent=first, csrf_token=token)
    assert answered.status_code == 303
    site.state.hooks.identity = None
    site.deliver()
    assert site.get(comment_id(answered)).identity_ref == "7"
    assert (told(site), skips(site)) == ([], ["self"])


def test_t05_direct_means_direct(site: Site) -> None:
    """Of a chain of three who asked for answers only the last hears of an answer to the last."""
    ann = follower(site, "Ann")
    ben = follower(site, "Ben", parent=ann)
    cem = follower(site, "Cem", parent=ben)
    before = len(told(site))
    site.comment("To Cem.", parent=cem)
    site.deliver()
    assert told(site)[before:] == [(CEM, "reply")]


def test_t06_a_branch_is_everything_below(site: Site) -> None:
    """Whoever follows the branch hears of an answer far below too, once, under the reason `branch`."""
    ann = follower(site, "Ann", notify="branch")
    ben = follower(site, "Ben", parent=ann)
    cem = follower(site, "Cem", parent=ben)
    before = len(told(site))
    site.comment("To Cem.", parent=cem)
    site.deliver()
    assert sorted(told(site)[before:]) == [(ANN, "branch"), (CEM, "reply")]


def test_t07_several_paths_are_one_mail(site: Site) -> None:
    """Ann follows the thread and the branch and wrote the parent: one mail, for the strongest reason."""
    site.follower("Ann", notify="thread")
    parent = site.follower("Ann", "Again me.", notify="branch")
    site.comment("Hello.", parent=parent)
    site.deliver()
    assert told(site) == [(ANN, "reply")]


def test_t08_a_held_answer_is_told_after_approval(make_site: MakeSite) -> None:
    """An answer that waits for a moderator sends nothing; approved, it sends one mail."""
    site = make_site(FORUM_MODERATION="first")
    site.add_article()
    ann = comment_id(site.visitor().post(name="Ann", email=ANN, notify="direct"))
    decide(site, ann, "approve")
    site.deliver(GRACE)
    site.visitor().act(site.links(site.mails(ANN)[0], "c")[0], "confirm")
    ben = comment_id(site.visitor().post(body="Yes.", name="Ben", parent=ann))
    site.deliver()
    assert told(site) == []
    decide(site, ben, "approve")
    site.deliver(GRACE)
    assert told(site) == [(ANN, "reply")]


def test_t09_approved_twice_is_told_once(site: Site) -> None:
    """Taken away and approved again after its mail left, an answer sends nothing more."""
    first = site.follower("Ann")
    answer = site.comment("I agree.", parent=first)
    site.deliver()
    decide(site, answer, "reject")
    site.deliver(3600)
    decide(site, answer, "approve")
    site.deliver(3600)
    assert told(site) == [(ANN, "reply")]


def test_t10_unmarked_spam_is_told_then(make_site: MakeSite) -> None:
    """Marked as spam before its mail left, an answer is told when that is taken back, and not before."""
    site = held_for_two_minutes(make_site)
    first = site.follower("Ann")
    answer = site.comment("I agree.", parent=first)
    site.deliver()
    decide(site, answer, "spam")
    site.deliver(300)
    assert (told(site), skips(site)) == ([], ["comment_gone"])
    decide(site, answer, "approve")
    site.deliver(300)
    assert told(site) == [(ANN, "reply")]


def test_t11_deleted_within_the_hold_is_not_mailed(make_site: MakeSite) -> None:
    """Ben deletes his answer half a minute after posting: nobody hears of it, and the reason is stored."""
    site = held_for_two_minutes(make_site)
    first = site.follower("Ann")
    ben = site.visitor()
    answer = comment_id(ben.post(body="Oops.", parent=first))
    site.deliver(30)
    assert ben.act(f"/forum/comments/{answer}/remove", "remove").status_code == 303
    site.deliver(300)
    assert (told(site), skips(site)) == ([], ["comment_gone"])


def test_t12_the_latest_text_is_mailed(make_site: MakeSite) -> None:
    """Ben mends his answer within the hold: the mail shows the mended text only."""
    site = held_for_two_minutes(make_site)
    first = site.follower("Ann")
    ben = site.visitor()
    answer = comment_id(ben.post(body="Teh loaf.", parent=first))
    site.deliver(30)
    assert ben.client.post(f"/forum/comments/{answer}/edit", data={"body": "The loaf."}).status_code == 303
    site.deliver(300)
    (mail,) = site.mails(reason="reply")
    assert "The loaf." in text_of(mail)
    assert "Teh" not in mail.as_string()


def test_t13_an_edit_after_the_mail_sends_nothing(site: Site) -> None:
    """What was told is not told again because a word changed."""
    first = site.follower("Ann")
    ben = site.visitor()
    answer = comment_id(ben.post(body="Teh loaf.", parent=first))
    site.deliver()
    assert ben.client.post(f"/forum/comments/{answer}/edit", data={"body": "The loaf."}).status_code == 303
    site.deliver(DAY)
    assert told(site) == [(ANN, "reply")]


def test_t14_a_mute_beats_a_direct_answer(site: Site) -> None:
    """Ann muted the conversation: not even an answer to her own comment is mailed."""
    first = site.follower("Ann")
    site.comment("One.", parent=first)
    site.deliver()
    site.visitor().act(site.links(site.mails(reason="reply")[0], "t")[0], "mute")
    site.comment("Two.", parent=first)
    site.deliver(DAY)
    assert (told(site), skips(site)) == ([(ANN, "reply")], [None, "muted"])


def test_t15_a_banned_reader_hears_nothing(site: Site) -> None:
    """Ann is banned: the answer to her comment is mailed to nobody."""
    first = site.follower("Ann")
    block(site, ANN)
    site.comment("I agree.", parent=first)
    site.deliver()
    assert (told(site), skips(site)) == ([], ["recipient_blocked"])


def test_t16_a_banned_author_tells_nobody(site: Site) -> None:
    """Ben is banned after he posted and before the mail left: his answer is mailed to nobody."""
    first = site.follower("Ann")
    site.comment("Ha.", name="Ben", email=BEN, parent=first)
    block(site, BEN)
    site.deliver()
    assert (told(site), skips(site)) == ([], ["actor_blocked"])


def test_t17_answers_within_the_hold_travel_together(make_site: MakeSite) -> None:
    """Three answers within two minutes are one mail that holds them in order."""
    site = held_for_two_minutes(make_site)
    first = site.follower("Ann")
    answers = []
    for name in ("Ben", "Cem", "Dan"):
        answers.append(site.comment(f"{name} says so.", name=name, parent=first))
        site.deliver(20)
    site.deliver(120)
    (mail,) = site.mails(reason="reply")
    assert comments_in(mail) == answers
    body = text_of(mail)
    assert body.index("Ben says") < body.index("Cem says") < body.index("Dan says")


def test_t18_the_cooldown_keeps_mails_apart(make_site: MakeSite) -> None:
    """Five minutes after a mail about the thread the next answer waits; at minute fifteen it is mailed."""
    site = make_site(FORUM_MAIL_COOLDOWN_SECONDS=900)
    site.add_article()
    first = site.follower("Ann")
    site.comment("One.", parent=first)
    site.deliver()
    site.clock.advance(300)
    site.comment("Two.", parent=first)
    site.deliver()
    site.deliver(599)
    assert len(told(site)) == 1
    site.deliver(1)
    assert told(site) == [(ANN, "reply")] * 2


def test_t19_beyond_the_cap_of_a_day_the_rest_is_one_digest(make_site: MakeSite) -> None:
    """Forty answers under forty articles in a day are thirty mails, and one digest that holds the other ten."""
    site = make_site(FORUM_MAIL_MAX_PER_DAY=30)
    places = []
    for n in range(40):
        site.page = site.add_article(f"Bread {n}")
        places.append((site.page, site.comment(name="Ann", email=ANN, notify="direct")))
    site.deliver()
    site.visitor().act(site.links(site.mails(ANN)[0], "c")[0], "confirm")
    site.deliver(2 * DAY)
    answers = []
    for site.page, parent in places:
        answers.append(site.comment("I agree.", parent=parent))
        site.deliver(600)
    assert told(site) == [(ANN, "reply")] * 30
    for _ in range(6):
        site.deliver(DAY / 4)
    assert told(site) == [(ANN, "reply")] * 30 + [(ANN, "digest")]
    assert sorted(comments_in(site.mails(reason="digest")[0])) == answers[30:]


def test_t20_a_daily_cadence_is_one_digest_at_its_hour(make_site: MakeSite) -> None:
    """Three answers reach Ann, who chose daily mail, as one digest at the due hour and not a minute earlier."""
    site = make_site(FORUM_MAIL_DIGEST_HOUR=8)
    site.add_article()
    first = site.follower("Ann")
    pace(site, ANN, "daily")
    answers = [site.comment(f"Answer {n}.", parent=first) for n in range(3)]
    site.deliver()
    site.clock.now = dt.datetime(2026, 11, 23, 7, 59, tzinfo=dt.UTC)
    site.deliver()
    assert told(site) == []
    site.deliver(60)
    site.deliver(DAY)
    assert told(site) == [(ANN, "digest")]
    assert sorted(comments_in(site.mails(reason="digest")[0])) == answers


def test_t20_a_digest_of_nothing_is_never_sent(make_site: MakeSite) -> None:
    """All three answers are taken away before the due hour: no digest, and each says why."""
    site = make_site(FORUM_MAIL_DIGEST_HOUR=8)
    site.add_article()
    first = site.follower("Ann")
    pace(site, ANN, "daily")
    answers = [site.comment(f"Answer {n}.", parent=first) for n in range(3)]
    site.deliver()
    for answer in answers:
        decide(site, answer, "reject")
    site.deliver(2 * DAY)
    assert (told(site), skips(site)) == ([], ["comment_gone"] * 3)


def test_t21_approved_too_late_is_no_news(make_site: MakeSite) -> None:
    """An answer approved eight days after it was written sends nothing: `stale`."""
    site = make_site(FORUM_MODERATION="all")
    site.add_article()
    ann = comment_id(site.visitor().post(name="Ann", email=ANN, notify="direct"))
    decide(site, ann, "approve")
    site.deliver(GRACE)
    site.visitor().act(site.links(site.mails(ANN)[0], "c")[0], "confirm")
    answer = comment_id(site.visitor().post(body="Old by then.", name="Ben", parent=ann))
    site.deliver(8 * DAY)
    decide(site, answer, "approve")
    site.deliver(GRACE)
    assert (told(site), skips(site)) == ([], ["stale"])
