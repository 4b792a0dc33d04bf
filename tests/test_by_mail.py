"""Moderators are told of what waits, and decide from their mailbox."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from email.message import EmailMessage
from functools import partial
from typing import Any

import pytest
from sqlalchemy import select, update

from forum import comments, outbox, signals
from forum.models import Address, Audit, Comment, Event, Message
from forum.moderation import reports
from forum.moderation.notices import Link, read_link
from forum.screening import Rule, Verdict
from forum.tokens import day_number, make_token
from tests.desk import act, edit, run, take_back
from tests.visitors import Site, comment_id

MakeSite = Callable[..., Site]
ANNA, BERT = "anna@forum.example", "bert@forum.example"
_LINK = re.compile(r"^(Approve|Spam): http://localhost(/forum/m/a/\S+)", re.M)
_ACTION = re.compile(r'<form class="forum-press" method="post" action="([^"]+)"')
HOLD = 120


@pytest.fixture
def desk(make_site: MakeSite) -> Site:
    """A site that tells its one moderator of each comment that waits, two minutes after it was written."""
    return strict(make_site)


@pytest.fixture
def each_desk(make_site: MakeSite, database: dict[str, str]) -> Site:
    """The same on each database."""
    return strict(make_site, **database)


def strict(make_site: MakeSite, **config: Any) -> Site:
    known = {"FORUM_MODERATION": "all", "FORUM_MODERATORS": [ANNA], "FORUM_MAIL_MODERATORS": "each"}
    site = make_site(**{**known, "FORUM_MAIL_HOLD_SECONDS": HOLD, **config})
    site.add_article()
    return site


def hold(site: Site, body: str = "Please read me.", **fields: Any) -> int:
    return comment_id(site.visitor().post(body=body, **fields))


def told(site: Site, to: str = ANNA) -> list[EmailMessage]:
    return [mail for mail in site.mails(to) if mail["X-Forum-Reason"] == "queue"]


def text_of(mail: EmailMessage) -> str:
    body = mail.get_body(("plain",))
    assert body is not None
    return str(body.get_content())


def links(site: Site, to: str = ANNA) -> list[tuple[str, str]]:
    """The buttons of the last mail, each with its path."""
    return _LINK.findall(text_of(told(site, to)[-1]))


def mailed(site: Site, body: str = "Please read me.") -> tuple[int, str, str]:
    """A held comment, and the two links by which it is decided."""
    held = hold(site, body)
    site.deliver()
    site.deliver(HOLD)
    (_, approve), (_, spam) = links(site)
    return held, approve, spam


def press(site: Site, path: str, action: str) -> Any:
    return site.visitor().client.post(path, data={"action": action})


def messages(site: Site) -> list[Message]:
    with site.session() as session:
        return list(session.scalars(select(Message).where(Message.kind == "queue").order_by(Message.id)))


# When, and to whom


def test_a_held_comment_is_told_after_the_hold(desk: Site) -> None:
    """With "each" the moderator has a mail about it as soon as the hold is over, and not before."""
    hold(desk)
    desk.deliver(HOLD - 1)
    assert told(desk) == []
    desk.deliver(1)
    assert told(desk)[0]["Subject"] == "[Forum] 1 comment waits for a moderator"
    assert "Please read me." in text_of(told(desk)[0])


def test_what_comes_meanwhile_joins_the_mail_that_waits(desk: Site) -> None:
    """Three comments within the hold are one mail."""
    for n in range(3):
        hold(desk, f"Number {n}.")
        desk.deliver(10)
    desk.deliver(HOLD)
    assert [mail["Subject"] for mail in told(desk)] == ["[Forum] 3 comments wait for a moderator"]


def test_one_mail_in_a_quarter_of_an_hour(desk: Site) -> None:
    """After a mail the next one waits until fifteen minutes have passed, and tells only what is new."""
    mailed(desk, "The first.")
    hold(desk, "The second.")
    desk.deliver(14 * 60)
    assert len(told(desk)) == 1
    desk.deliver(60)
    assert "The second." in text_of(told(desk)[1])
    assert "The first." not in text_of(told(desk)[1])
    assert "2 wait in all." in text_of(told(desk)[1])


def test_once_a_day_at_the_hour_of_digests(make_site: MakeSite) -> None:
    """With "daily" all that waits is told at FORUM_MAIL_DIGEST_HOUR, in one mail."""
    site = strict(make_site, FORUM_MAIL_MODERATORS="daily", FORUM_MAIL_DIGEST_HOUR=8)
    for n in range(2):
        hold(site, f"Number {n}.")
        site.deliver(3600)
    site.deliver((17 * 60 + 59) * 60)
    assert told(site) == []
    site.deliver(60)
    assert ["once a day" in text_of(mail) for mail in told(site)] == [True]
    assert site.clock().hour == 8


def test_each_moderator_is_told(make_site: MakeSite) -> None:
    """Everybody in FORUM_MODERATORS gets a mail with links of their own."""
    site = strict(make_site, FORUM_MODERATORS=[ANNA, BERT])
    mailed(site)
    own = [read_link(site.state.keys, links(site, to)[0][1].rpartition("/")[2]).address_id for to in (ANNA, BERT)]
    with site.session() as session:
        assert [session.get_one(Address, id_).key for id_ in own] == [ANNA, BERT]


def test_nobody_is_told_where_the_site_does_not_want_it(make_site: MakeSite) -> None:
    """With "off" a held comment makes no mail, and its event is done with."""
    site = strict(make_site, FORUM_MAIL_MODERATORS="off")
    hold(site)
    site.deliver(HOLD)
    assert messages(site) == []
    with site.session() as session:
        assert session.scalars(select(Event.state)).all() == ["done"]


def test_a_published_comment_is_no_matter_of_moderators(make_site: MakeSite) -> None:
    """What was never held makes them no mail."""
    site = strict(make_site, FORUM_MODERATION="none")
    site.comment()
    site.deliver(HOLD)
    assert messages(site) == []


def test_many_held_at_once_are_one_mail_with_ten_of_them(desk: Site) -> None:
    """A flood is one mail that shows ten comments and counts the others."""
    for n in range(12):
        hold(desk, f"Number {n:02}.")
    desk.deliver()
    desk.deliver(HOLD)
    (mail,) = told(desk)
    assert mail["Subject"] == "[Forum] 12 comments wait for a moderator"
    assert re.findall(r"Number \d\d", text_of(mail)) == [f"Number {n:02}" for n in range(10)]
    assert "2 more in the queue" in text_of(mail)


def test_two_workers_make_one_mail(each_desk: Site) -> None:
    """A comment that is told while another worker makes the mail joins it, on each database."""
    site, told_of_both = each_desk, threading.Event()
    mailed(site)
    hold(site, "The first.")
    courier = site.state.courier()

    def tell() -> None:
        with courier.open_session() as session:
            outbox.fan_out(session, courier.keys, courier.settings, site.clock())
            session.commit()

    def tell_another() -> None:
        hold(site, "The second.")
        tell()
        told_of_both.set()

    with courier.open_session() as session, ThreadPoolExecutor(1) as pool:
        outbox.fan_out(session, courier.keys, courier.settings, site.clock())
        other = pool.submit(tell_another)
        # Without the lock it would not be kept waiting, and find no mail to join.
        told_of_both.wait(1)
        session.commit()
        other.result(30)
    (_, message) = messages(site)
    assert message.data == {"first": 2, "last": 3}


# Late


def test_the_mail_tells_what_still_waits(desk: Site) -> None:
    """What was decided before the mail left is not in it."""
    first = hold(desk, "The first.")
    hold(desk, "The second.")
    desk.deliver()
    state_of(desk, first, "rejected")
    desk.deliver(HOLD)
    assert "The first." not in text_of(told(desk)[0])
    assert told(desk)[0]["Subject"] == "[Forum] 1 comment waits for a moderator"


def state_of(site: Site, id_: int, state: str) -> None:
    with site.session() as session:
        session.execute(update(Comment).where(Comment.id == id_).values(state=state, version=Comment.version + 1))
        session.commit()


@pytest.mark.parametrize(
    "why", ["queue_clear", "queue_off", "not_moderator", "address_bounced", "suppressed:unsubscribed"]
)
def test_a_mail_that_is_no_longer_wanted_stays_here(desk: Site, why: str) -> None:
    """It is cancelled for a reason when nothing waits, nobody wants it, or its reader may not have it any more."""
    held = hold(desk)
    desk.deliver()
    changes: dict[str, Callable[[], object]] = {
        "queue_clear": lambda: state_of(desk, held, "rejected"),
        "queue_off": lambda: settings(desk, mail_moderators="off"),
        "not_moderator": lambda: settings(desk, moderators=(BERT,)),
        "address_bounced": lambda: address(desk, "bounced"),
        "suppressed:unsubscribed": lambda: address(desk, "unsubscribed"),
    }
    changes[why]()
    desk.deliver(HOLD)
    assert told(desk) == []
    assert [(message.state, message.skip_reason) for message in messages(desk)] == [("cancelled", why)]


def settings(site: Site, **values: Any) -> None:
    site.state.settings = site.state.settings.model_copy(update=values)


def address(site: Site, state: str) -> None:
    with site.session() as session:
        session.execute(update(Address).where(Address.key == ANNA).values(state=state))
        session.commit()


def test_one_click_stops_the_mail(desk: Site) -> None:
    """The unsubscribe link of such a mail works like that of all others: no later comment makes one."""
    mailed(desk)
    path = told(desk)[0]["List-Unsubscribe"].strip("<>").removeprefix("http://localhost")
    answer = desk.visitor().client.post(path, data={"List-Unsubscribe": "One-Click"})
    assert answer.status_code == 200
    hold(desk, "Another one.")
    desk.deliver(3600)
    assert len(told(desk)) == 1


# Words


def test_a_mail_holds_nothing_to_click_but_our_links(desk: Site) -> None:
    """Whatever a visitor writes as name or text, no address of theirs is in the mail."""
    hold(desk, "Look at https://evil.example/win or [here](http://evil.example).", name="www.evil.example")
    desk.deliver()
    desk.deliver(HOLD)
    mail = told(desk)[0]
    bodies = [body.get_content() for kind in ("plain", "html") if (body := mail.get_body((kind,))) is not None]
    assert not re.search(r"https?://evil|www\.evil\.example", "".join(bodies))
    assert "(unregistered)" in bodies[0]


def test_what_smells_of_spam_is_not_quoted(make_site: MakeSite) -> None:
    """Of a comment that a spam rule held the mail says only that it waits."""
    site = strict(make_site, FORUM_HOLD_WORDS=["casino"])
    hold(site, "Our casino is open.")
    site.deliver()
    site.deliver(HOLD)
    assert "is open" not in text_of(told(site)[0])
    assert "Its words are not mailed" in text_of(told(site)[0])


def test_words_that_decided_stay_on_the_desk(desk: Site) -> None:
    """The filter's number is in the mail, the words of the visitor that made it are not."""
    held = hold(desk)
    with desk.session() as session:
        reasons = ["score:0.97 pills, link:evil.example"]
        session.execute(update(Comment).where(Comment.id == held).values(reasons=reasons))
        session.commit()
    desk.deliver()
    desk.deliver(HOLD)
    assert "Waits because of: Score 0.97" in text_of(told(desk)[0]).splitlines()


# Links


@pytest.mark.parametrize(("place", "action", "state"), [(0, "approve", "published"), (1, "spam", "spam")])
def test_a_press_decides(desk: Site, place: int, action: str, state: str) -> None:
    """Approve and Spam each do what they say, in the name of the moderator whose link it is."""
    held, *paths = mailed(desk)
    assert press(desk, paths[place], action).status_code == 303
    assert desk.get(held).state == state
    with desk.session() as session:
        row = session.scalars(select(Audit).where(Audit.subject_kind == "comment")).one()
    assert (row.act, row.actor, row.subject_id) == (action, ANNA, held)


def test_the_host_hears_of_a_press_and_of_its_undoing(desk: Site) -> None:
    """Whatever is decided from a mail, and taken back there, is told by the same signals as at the desk."""
    heard: list[tuple[str, int]] = []
    held, approve, _ = mailed(desk)

    def published(app: object, comment: Comment) -> None:
        heard.append(("published", comment.id))

    def removed(app: object, comment: Comment) -> None:
        heard.append(("removed", comment.id))

    with (
        signals.comment_published.connected_to(published, desk.app),
        signals.comment_removed.connected_to(removed, desk.app),
    ):
        undo = press(desk, approve, "approve").headers["Location"]
        assert press(desk, undo, "undo").status_code == 303
    assert heard == [("published", held), ("removed", held)]


def test_looking_decides_nothing(desk: Site) -> None:
    """A scanner that follows both links, and posts without a button, changes nothing and gets no cookie."""
    held, *paths = mailed(desk)
    for path in paths:
        for method in ("GET", "HEAD", "OPTIONS"):
            answer = desk.visitor().client.open(f"{path}?action=approve", method=method)
            assert (answer.status_code, "Set-Cookie" in answer.headers) == (200, False)
        for data in ({}, {"action": ""}, {"action": "delete"}, {"List-Unsubscribe": "One-Click"}):
            assert desk.visitor().client.post(path, data=data).status_code == 400
    assert desk.get(held).state == "held"


def test_the_page_shows_the_comment_without_a_live_link(desk: Site) -> None:
    """The words are there, what they link to is spelled out, and nothing is loaded from elsewhere."""
    _, approve, _ = mailed(desk, "See [my page](https://elsewhere.example/x).")
    answer = desk.visitor().get(approve)
    assert "my page" in answer.text
    assert not re.findall(r'(?:src|href)="(?:https?:)?//', answer.text)
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert answer.headers["X-Robots-Tag"] == "noindex"
    assert "no-store" in answer.headers["Cache-Control"]


def test_a_link_works_once(desk: Site) -> None:
    """The second press of the same link does nothing and says how the comment stands."""
    held, approve, spam = mailed(desk)
    press(desk, approve, "approve")
    late = press(desk, spam, "spam")
    assert (late.status_code, desk.get(held).state) == (409, "published")
    assert "It is published" in late.text
    assert "anna" in late.text
    assert ANNA not in late.text


def test_a_link_pressed_by_many_at_once_works_once(each_desk: Site) -> None:
    """Of eight presses at one moment one decides, on each database; the others are told how it stands."""
    held, approve, spam = mailed(each_desk)
    presses = [(approve, "approve"), (spam, "spam")] * 4
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda each: press(each_desk, *each).status_code, presses))
    assert sorted(answers) == [303] + [409] * 7
    with each_desk.session() as session:
        assert len(session.scalars(select(Audit).where(Audit.subject_id == held, Audit.batch.is_not(None))).all()) == 1


def test_an_edited_comment_is_looked_at_again(desk: Site) -> None:
    """A link from before an edit does not approve what its reader has not seen; the page shows that and goes on."""
    held, approve, _ = mailed(desk)
    with desk.session() as session:
        session.execute(update(Comment).where(Comment.id == held).values(source="Changed.", version=2))
        session.commit()
    late = press(desk, approve, "approve")
    assert (late.status_code, desk.get(held).state) == (409, "held")
    assert "Changed." in late.text
    assert "look at it again" in late.text
    form = _ACTION.search(late.text)
    assert form is not None
    assert press(desk, form[1], "approve").status_code == 303
    assert desk.get(held).state == "published"


def test_who_moderates_no_more_decides_nothing(desk: Site) -> None:
    """The links of somebody who was taken from FORUM_MODERATORS do not exist."""
    held, approve, _ = mailed(desk)
    settings(desk, moderators=(BERT,))
    assert desk.visitor().get(approve).status_code == 404
    assert press(desk, approve, "approve").status_code == 404
    assert desk.get(held).state == "held"


def test_a_link_is_good_for_seven_days(desk: Site) -> None:
    """On the eighth day it shows neither comment nor button, and a press does nothing."""
    held, approve, _ = mailed(desk)
    desk.clock.advance(7 * 86400)
    assert "Please read me." in desk.visitor().get(approve).text
    desk.clock.advance(86400)
    old = desk.visitor().get(approve).text
    assert "too old" in old
    assert "Please read me." not in old
    press(desk, approve, "approve")
    assert desk.get(held).state == "held"


def test_an_act_can_be_undone(desk: Site) -> None:
    """After the press the page offers to undo it, which lets the comment wait again."""
    held, approve, _ = mailed(desk)
    done = press(desk, approve, "approve").headers["Location"]
    assert "Approved" in desk.visitor().get(done).text
    assert press(desk, done, "undo").status_code == 303
    assert desk.get(held).state == "held"
    assert press(desk, done, "undo").status_code == 409


def test_undo_is_for_who_did_it(desk: Site) -> None:
    """A link to undo that was made for another moderator takes nothing back."""
    settings(desk, moderators=(ANNA, BERT))
    held, approve, _ = mailed(desk)
    press(desk, approve, "approve")
    with desk.session() as session:
        bert = session.scalars(select(Address.id).where(Address.key == BERT)).one()
    link = Link(held, desk.get(held).version, bert, day_number(desk.clock()), "undo")
    assert press(desk, f"/forum/m/a/{link.token(desk.state.keys)}", "undo").status_code == 409
    assert desk.get(held).state == "published"


def test_no_other_token_opens_it(desk: Site) -> None:
    """A sign-in, a token of a reader and a changed one are answered like an address that does not exist."""
    held, approve, _ = mailed(desk)
    keys, day = desk.state.keys, day_number(desk.clock())
    others = [make_token(keys, "s", 1), make_token(keys, "o", 1, held, day), make_token(keys, "p", 1, day)]
    own = approve.rpartition("/")[2]
    changed = [own[:at] + ("1" if own[at] != "1" else "2") + own[at + 1 :] for at in range(len(own))]
    for token in (*others, *("a" + other[1:] for other in others), *changed):
        assert press(desk, f"/forum/m/a/{token}", "approve").status_code == 404, token
    assert desk.get(held).state == "held"


def test_a_link_for_an_unknown_act_does_not_exist(desk: Site) -> None:
    """A token whose act this release does not know is answered like a forged one."""
    token = make_token(desk.state.keys, "a", 1, 1, 1, day_number(desk.clock()), 9)
    assert desk.visitor().get(f"/forum/m/a/{token}").status_code == 404


# --- held once more


@pytest.mark.parametrize("how", ["unapproved", "edited", "reported"])
def test_a_comment_that_waits_again_is_told_again(each_desk: Site, how: str) -> None:
    """However a published comment came to wait once more, the next mail names it, and the one after that does not."""
    site = each_desk
    other, held = hold(site, "Still waits."), hold(site)
    deliver_news(site)
    act(site, "approve", held)
    wait_again(site, how, held)
    deliver_news(site)
    assert [subject(mail) for mail in told(site)] == [2, 1]
    assert "Please read me" in text_of(told(site)[1])
    assert "Still waits." not in text_of(told(site)[1])
    hold(site, "Somebody else.")
    deliver_news(site)
    assert [subject(mail) for mail in told(site)] == [2, 1, 1]
    assert site.get(other).state == site.get(held).state == "held"


def test_one_hold_is_told_once(desk: Site) -> None:
    """Approved and held again before the mail has left, a comment stands in it once, and in no other."""
    held = hold(desk)
    desk.deliver()
    act(desk, "approve", held)
    act(desk, "unapprove", held)
    deliver_news(desk)
    deliver_news(desk)
    assert [subject(mail) for mail in told(desk)] == [1]
    assert text_of(told(desk)[0]).count("Please read me.") == 1


def test_what_was_taken_back_is_no_new_hold(desk: Site) -> None:
    """Who undoes an approval knows that the comment waits: no mail says so."""
    held = hold(desk)
    deliver_news(desk)
    take_back(desk, act(desk, "approve", held).batch)
    deliver_news(desk)
    assert len(told(desk)) == 1


def wait_again(site: Site, how: str, held: int) -> None:
    settings, now = site.state.settings, site.clock()
    if how == "unapproved":
        act(site, "unapprove", held)
        return
    if how == "reported":
        # What a moderator has approved is hidden by reports only when its words are others since.
        edit(site, held, "Please read me again.")
    for reader in "abc" if how == "reported" else "":
        run(
            site,
            partial(
                reports.report,
                settings=settings,
                comment_id=held,
                reason="spam",
                note="",
                reporter=reader * 64,
                now=now,
            ),
        )
    if how == "edited":
        strictly: tuple[Rule, ...] = (lambda draft, context: Verdict("hold", ("demonstration",)),)
        run(
            site,
            lambda session: comments.edit(
                session, session.get_one(Comment, held), "Please read me now.", settings, now, strictly
            ),
        )


def deliver_news(site: Site) -> None:
    """Let pass whatever mails to moderators wait for."""
    for seconds in (0, 600, 1200):
        site.deliver(seconds)


def subject(mail: EmailMessage) -> int:
    """How many comments a mail says wait."""
    return int(re.findall(r"\[Forum\] (\d+)", mail["Subject"])[0])
