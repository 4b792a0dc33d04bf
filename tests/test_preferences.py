"""The settings page of an address: what it hears of, how often, and every way of leaving."""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import func, select, update
from werkzeug.test import TestResponse

from forum import preferences
from forum.cli import forum_cli
from forum.models import (
    ActorMute,
    Address,
    Audit,
    Base,
    Comment,
    Item,
    Message,
    Mute,
    Subscription,
    Suppression,
)
from forum.tokens import day_number, make_token
from tests.hosts.one_page import also
from tests.visitors import SAME_ORIGIN, Site, Visitor

ANN, NEW = "ann@reader.example", "ann@elsewhere.example"
CSRF = re.compile(r'name="csrf_token" value="([^"]+)"')


def token(site: Site, kind: str, *numbers: int) -> str:
    """The path of a mail page, as a mail of today has it."""
    return f"/forum/m/{kind}/{make_token(site.state.keys, kind, *numbers, day_number(site.clock()))}"


def id_of(site: Site, email: str = ANN) -> int:
    with site.session() as session:
        return session.scalars(select(Address.id).where(Address.key == email)).one()


def settings(site: Site, email: str = ANN) -> str:
    """The path of the settings page of an address."""
    return token(site, "p", id_of(site, email))


def press(visitor: Visitor, path: str, action: str, **fields: Any) -> TestResponse:
    """Press a button on a page with the session's token in its form."""
    page_token = CSRF.findall(visitor.get(path).text)[0]
    data = {"action": action, "csrf_token": page_token, **fields}
    return visitor.client.post(path, data=data, headers=SAME_ORIGIN)


def row(site: Site, model: Any, id_: int) -> Any:
    with site.session() as session:
        return session.get(model, id_)


def count(site: Site, model: Any) -> int:
    with site.session() as session:
        return session.scalar(select(func.count()).select_from(model)) or 0


def state_of(site: Site, email: str = ANN) -> str:
    with site.session() as session:
        return session.scalars(select(Address.state).where(Address.key == email)).one()


def items(site: Site) -> list[tuple[str, str | None]]:
    with site.session() as session:
        return [(item.state, item.skip_reason) for item in session.scalars(select(Item).order_by(Item.id))]


def sent_after(site: Site, *seconds: float) -> list[int]:
    """How many mails leave after each of these times."""
    return [site.deliver(time).states["sent"] for time in seconds]


def link_in(site: Site, email: str, kind: str) -> str:
    """The path of the newest link of one kind in the mail of somebody."""
    text = "".join(str(mail.get_body(("plain",)).get_content()) for mail in site.mails(email))  # type: ignore[union-attr]
    return "/forum/m/" + re.findall(rf"/forum/m/({kind}/\S+)", text)[-1]


@pytest.fixture
def ann(site: Site) -> int:
    """The comment of Ann, who is told of answers to it."""
    return site.follower("Ann")


def test_looking_changes_nothing_and_acting_needs_the_session(site: Site, ann: int) -> None:
    """GET and HEAD do nothing; a press without the session's token changes nothing, one without a button is refused."""
    path, visitor = settings(site), site.visitor()
    assert (visitor.get(path).status_code, visitor.client.head(path).status_code) == (200, 200)
    for action in ("unsubscribe", "forget", "export", "come_back"):
        assert visitor.client.post(path, data={"action": action, "sure": "yes"}).status_code == 422
    assert visitor.client.post(path).status_code == 400
    assert state_of(site) == "confirmed"


@pytest.mark.usefixtures("ann")
def test_the_page_tells_nobody_the_address(site: Site) -> None:
    """The address is masked, nothing is kept by caches, sent as a referrer or loaded from elsewhere."""
    shown = site.visitor().get(settings(site))
    assert ANN not in shown.text
    assert "a•••@reader.example" in shown.text
    headers = shown.headers
    assert "no-store" in headers["Cache-Control"]
    assert (headers["Referrer-Policy"], headers["X-Robots-Tag"]) == ("no-referrer", "noindex")
    assert "default-src 'none'" in headers["Content-Security-Policy"]


def test_scope_and_cadence(site: Site, ann: int) -> None:
    """A wish can be widened to the whole conversation and narrowed again, and told of at another pace."""
    path, visitor = settings(site), site.visitor()
    assert press(visitor, path, "save", id=1, scope="thread", cadence="daily").status_code == 303
    wish = row(site, Subscription, 1)
    assert (wish.target, wish.scope, wish.comment_id, wish.cadence) == ("thread:1", "thread", None, "daily")
    assert wish.consent_wording != "2026-11"
    press(visitor, path, "save", id=1, scope="branch", cadence="off")
    wish = row(site, Subscription, 1)
    assert (wish.target, wish.comment_id, wish.cadence) == (f"branch:{ann}", ann, "off")


def test_two_wishes_for_one_target_become_one(site: Site, ann: int) -> None:
    """Widening a second wish to the conversation that is followed already leaves one."""
    site.comment("Again.", name="Ann", email=ANN, notify="thread")
    assert press(site.visitor(), settings(site), "save", id=1, scope="thread", cadence="weekly").status_code == 303
    assert [row(site, Subscription, id_).state for id_ in (1, 2)] == ["ended", "active"]
    assert row(site, Subscription, 2).cadence == "weekly"


@pytest.mark.parametrize(
    "fields",
    [
        {"id": 1, "scope": "everything", "cadence": "instant"},
        {"id": 1, "scope": "direct", "cadence": "yearly"},
        {"id": 2, "scope": "direct", "cadence": "off"},
        {"id": "²", "scope": "direct", "cadence": "off"},
        {"id": "9" * 40, "scope": "direct", "cadence": "off"},
    ],
)
def test_what_cannot_be_chosen_is_refused(site: Site, ann: int, fields: dict[str, Any]) -> None:
    """A made-up scope or pace, somebody else's wish and what is no number change nothing."""
    site.follower("Ben")
    before = [row(site, Subscription, id_).cadence for id_ in (1, 2)]
    assert press(site.visitor(), settings(site), "save", **fields).status_code == 422
    assert [row(site, Subscription, id_).cadence for id_ in (1, 2)] == before


def test_one_wish_ends_and_the_other_stays(site: Site, ann: int) -> None:
    """Ending one subscription twice ends one; somebody else's cannot be ended."""
    site.comment("Again.", name="Ann", email=ANN, notify="direct")
    site.follower("Ben")
    path, visitor = settings(site), site.visitor()
    assert [press(visitor, path, "end", id=1).status_code for _ in range(2)] == [303, 303]
    assert press(visitor, path, "end", id=3).status_code == 422
    assert [row(site, Subscription, id_).state for id_ in (1, 2, 3)] == ["ended", "active", "active"]
    press(visitor, path, "save_all", cadence="daily")
    assert [row(site, Subscription, id_).cadence for id_ in (1, 2, 3)] == ["instant", "daily", "instant"]


def test_a_pause_keeps_mail_back_and_loses_none(site: Site, ann: int) -> None:
    """Paused for a week, Ann hears nothing; when she ends the pause she hears of everything."""
    path, visitor = settings(site), site.visitor()
    press(visitor, path, "pause", days=7)
    site.comment("While you were away.", parent=ann)
    site.deliver()
    assert site.mails(ANN, "reply") == []
    assert press(visitor, path, "pause", days=10_000).status_code == 422
    press(visitor, path, "resume")
    assert row(site, Address, id_of(site)).paused_until is None
    site.deliver(8 * 86400)
    assert len(site.mails(ANN, "reply")) == 1


def test_what_a_pause_kept_back_comes_with_its_end(site: Site, ann: int) -> None:
    """Ann ends a pause of a month: what it kept back, before and after it was queued, leaves at once."""
    path, visitor = settings(site), site.visitor()
    press(visitor, path, "pause", days=30)
    for words in ("One.", "Two."):
        site.comment(words, parent=ann)
        site.deliver()
    press(visitor, path, "resume")
    site.deliver()
    (mail,) = site.mails(ANN, "reply")
    assert [words in mail.as_string() for words in ("One.", "Two.")] == [True, True]


def test_the_end_of_a_pause_is_no_end_of_a_digest(make_site: Callable[..., Site]) -> None:
    """What was chosen to come daily comes at the next hour of the digest after the pause, not at once."""
    site = make_site(FORUM_MAIL_DIGEST_HOUR=18)
    site.add_article()
    ann = site.follower("Ann")
    path, visitor = settings(site), site.visitor()
    press(visitor, path, "save_all", cadence="daily")
    press(visitor, path, "pause", days=30)
    site.comment("One.", parent=ann)
    site.deliver()
    press(visitor, path, "resume")
    assert sent_after(site, 0, 6 * 3600) == [0, 1]


def test_a_pause_that_is_over_moves_nothing(make_site: Callable[..., Site]) -> None:
    """Resumed after the pause has ended by itself, nothing leaves before its hold is over."""
    site = make_site(FORUM_MAIL_HOLD_SECONDS=120)
    site.add_article()
    ann = site.follower("Ann")
    path, visitor = settings(site), site.visitor()
    press(visitor, path, "pause", days=1)
    site.clock.advance(2 * 86400)
    site.comment("One.", parent=ann)
    site.deliver()
    press(visitor, path, "resume")
    assert sent_after(site, 60, 60) == [0, 1]


@pytest.mark.parametrize("everything", [True, False])
def test_a_new_cadence_holds_for_what_waits(make_site: Callable[..., Site], everything: bool) -> None:
    """From weekly to instant and on to daily, what waits already is told at the time that was chosen last."""
    site = make_site(FORUM_MAIL_DIGEST_HOUR=18, FORUM_MAIL_HOLD_SECONDS=120)
    site.add_article()
    ann = site.follower("Ann")
    path, visitor = settings(site), site.visitor()

    def choose(cadence: str) -> None:
        fields = {} if everything else {"id": 1, "scope": "direct"}
        press(visitor, path, "save_all" if everything else "save", cadence=cadence, **fields)

    choose("weekly")
    site.comment("One.", parent=ann)
    site.deliver()
    choose("instant")
    assert sent_after(site, 60, 60) == [0, 1]
    site.comment("Two.", parent=ann)
    site.deliver()
    choose("daily")
    assert sent_after(site, 3600, 5 * 3600) == [0, 1]


def test_a_chosen_cadence_does_not_end_a_pause(site: Site, ann: int) -> None:
    """In a pause a new cadence brings nothing forward."""
    path, visitor = settings(site), site.visitor()
    press(visitor, path, "save_all", cadence="daily")
    press(visitor, path, "pause", days=7)
    site.comment("One.", parent=ann)
    site.deliver()
    press(visitor, path, "save_all", cadence="instant")
    assert sent_after(site, 6 * 86400, 86400) == [0, 1]


def test_a_person_can_be_muted(site: Site, ann: int) -> None:
    """Ben was in Ann's mail: muted there, he is heard no more, and again once she unmutes him."""
    site.comment("One.", parent=ann, name="Ben", email="ben@reader.example")
    site.deliver()
    path, visitor = settings(site), site.visitor()
    assert press(visitor, path, "mute_person", id=2).status_code == 303
    assert "Ben</bdi> is muted" in visitor.get(path).text
    site.comment("Two.", parent=ann, name="Ben", email="ben@reader.example")
    site.deliver()
    assert len(site.mails(ANN, "reply")) == 1
    press(visitor, path, "unmute_person", id=1)
    assert count(site, ActorMute) == 0


def test_only_people_from_the_own_mail_can_be_muted(site: Site, ann: int) -> None:
    """A comment Ann was never told of, her own one and one that does not exist mute nobody."""
    other = site.comment("Elsewhere.", name="Ben", email="ben@reader.example")
    for id_ in (other, ann, 99):
        assert press(site.visitor(), settings(site), "mute_person", id=id_).status_code == 422
    assert count(site, ActorMute) == 0


def test_a_muted_name_gives_no_other_name_away(site: Site, ann: int) -> None:
    """Somebody who wrote to Ann under two names is muted under none: one would give the other away."""
    for name in ("Zed", "Real Name"):
        site.comment(f"I am {name}.", parent=ann, name=name, email="ben@reader.example")
    site.deliver()
    visitor, path = site.visitor(), settings(site)
    press(visitor, path, "mute_person", id=2)
    assert "Somebody</bdi> is muted" in visitor.get(path).text


def test_a_muted_conversation_can_be_unmuted_here(site: Site, ann: int) -> None:
    """What was muted by a link in a mail stands on the page with a button."""
    visitor = site.visitor()
    visitor.act(f"/forum/m/t/{make_token(site.state.keys, 't', id_of(site), 1)}", "mute")
    path = settings(site)
    assert "Bread</bdi> is muted" in visitor.get(path).text
    press(visitor, path, "unmute", id=1)
    assert count(site, Mute) == 0


def test_leaving_and_coming_back(site: Site, ann: int) -> None:
    """Stopped here, everything is silent at once; coming back here brings the same wishes back."""
    path, visitor = settings(site), site.visitor()
    assert press(visitor, path, "unsubscribe").headers["Location"] == "/forum/m/done/unsubscribed"
    assert state_of(site) == "unsubscribed"
    press(visitor, path, "come_back")
    site.comment("Welcome.", parent=ann)
    site.deliver()
    assert (state_of(site), len(site.mails(ANN, "reply"))) == ("confirmed", 1)


def test_never_stays_never(site: Site, ann: int) -> None:
    """A refused address has no button to come back, and pressing it anyway does nothing."""
    visitor, path = site.visitor(), settings(site)
    page_token = CSRF.findall(visitor.get(path).text)[0]
    visitor.act(token(site, "x", id_of(site)), "refuse")
    visitor.client.post(path, data={"action": "come_back", "csrf_token": page_token})
    assert 'value="come_back"' not in visitor.get(path).text
    assert state_of(site) == "refused"


def test_an_old_link_brings_a_new_one(site: Site, ann: int) -> None:
    """After 30 days the page offers a new link, to the same mailbox, three times a day and not more."""
    path = settings(site)
    site.clock.advance(31 * 86400)
    visitor = site.visitor()
    assert "too old" in visitor.get(path).text
    assert visitor.client.post(path, data={"action": "renew"}).status_code == 422
    answers = [press(visitor, path, "renew").headers["Location"] for _ in range(5)]
    assert set(answers) == {"/forum/m/done/linked"}
    site.deliver()
    assert len(site.mails(ANN)) == 1 + 3
    assert "What you follow" in visitor.get(link_in(site, ANN, "p")).text
    assert press(visitor, path, "unsubscribe").status_code == 400


def test_links_are_not_asked_for_by_the_dozen(site: Site, ann: int) -> None:
    """Ten requests for links from one network in an hour are enough."""
    path = settings(site)
    site.clock.advance(31 * 86400)
    visitor = site.visitor()
    answers = [press(visitor, path, "renew").status_code for _ in range(11)]
    assert answers == [303] * 10 + [429]


# --- another address


def asked(site: Site, email: str = NEW) -> str:
    """Ask for a change of Ann's address, and take the link from the mail to the new one."""
    assert press(site.visitor(), settings(site), "move", email=email).status_code == 303
    site.deliver()
    return link_in(site, email, "n")


def test_everything_moves_once_the_new_address_has_proved_itself(site: Site, ann: int) -> None:
    """Wishes, mutes and comments go to the new address by a press there, and by nothing before; twice is once."""
    link = asked(site)
    assert (state_of(site), state_of(site, NEW)) == ("confirmed", "none")
    assert site.visitor().get(link).status_code == 200
    assert site.visitor().client.post(link, data={"action": "move"}).status_code == 422
    assert state_of(site, NEW) == "none"
    visitor = site.visitor()
    assert [press(visitor, link, "move").headers["Location"] for _ in range(1)] == ["/forum/m/done/moved"]
    assert "new address" in visitor.get(link).text
    assert (state_of(site), state_of(site, NEW)) == ("none", "confirmed")
    assert site.get(ann).address_id == id_of(site, NEW)
    site.comment("To the new one.", parent=ann)
    site.deliver()
    assert (len(site.mails(NEW, "reply")), site.mails(ANN, "reply")) == (1, [])


def test_pressing_twice_moves_once(site: Site, ann: int) -> None:
    """A second press with the form of the first says the same, and takes nothing that came to the old one since."""
    link, visitor = asked(site), site.visitor()
    data = {"action": "move", "csrf_token": CSRF.findall(visitor.get(link).text)[0]}
    first = visitor.client.post(link, data=data)
    site.comment("The old address again.", name="Ann", email=ANN)
    second = visitor.client.post(link, data=data)
    assert first.headers["Location"] == second.headers["Location"] == "/forum/m/done/moved"
    assert site.get(2).address_id == id_of(site)


def test_queued_mail_follows_only_a_proved_address(make_site: Callable[..., Site]) -> None:
    """What waited when the change was asked for is `address_changed`, and goes to the new address once proved."""
    site = make_site(FORUM_MAIL_HOLD_SECONDS=120)
    site.add_article()
    ann = site.follower("Ann")
    site.comment("One.", parent=ann)
    site.deliver()
    link = asked(site)
    assert items(site) == [("skipped", "address_changed")]
    site.deliver(300)
    assert site.mails(reason="reply") == []
    press(site.visitor(), link, "move")
    site.deliver()
    assert [mail["To"] for mail in site.mails(reason="reply")] == [NEW]


def test_two_addresses_of_one_person_are_united(site: Site, ann: int) -> None:
    """The new address followed, muted and was told of the same already: nothing collides, the stronger wish stays."""
    site.follower("Ann", "Mine too.", notify="thread")
    site.comment("One.", name="Ann", email=NEW, notify="thread")
    site.deliver()
    with site.session() as session:
        old, new = (session.scalars(select(Address).where(Address.key == key)).one() for key in (ANN, NEW))
        session.execute(update(Address).where(Address.id == new.id).values(state="confirmed"))
        now = site.clock()
        week = now + dt.timedelta(days=7)
        session.add_all(Mute(address_id=row.id, thread_id=1, until=week, created_at=now) for row in (old, new))
        session.execute(update(Mute).where(Mute.address_id == old.id).values(until=None))
        session.add(ActorMute(address_id=new.id, actor_id=old.id, created_at=now))
        session.commit()
    site.comment("Two.", parent=ann)
    site.deliver()
    press(site.visitor(), asked(site), "move")
    with site.session() as session:
        wishes = session.scalars(select(Subscription).where(Subscription.state == "active")).all()
        assert sorted((wish.target, wish.address_id) for wish in wishes) == [
            ("comment:1", id_of(site, NEW)),
            ("thread:1", id_of(site, NEW)),
        ]
        assert [(mute.address_id, mute.until) for mute in session.scalars(select(Mute))] == [(id_of(site, NEW), None)]
        assert session.scalars(select(ActorMute)).all() == []


def test_a_new_address_is_no_way_around_a_mute(site: Site, ann: int) -> None:
    """Whoever muted Ann hears nothing of her under her new address."""
    ben = site.follower("Ben")
    with site.session() as session:
        session.add(
            ActorMute(address_id=id_of(site, "ben@reader.example"), actor_id=id_of(site), created_at=site.clock())
        )
        session.commit()
    press(site.visitor(), asked(site), "move")
    site.comment("Hello Ben.", parent=ben, name="Ann", email=NEW)
    site.deliver()
    assert site.mails("ben@reader.example", "reply") == []


def test_the_answer_is_the_same_for_every_new_address(site: Site, ann: int) -> None:
    """Unknown, known and refusing addresses look alike to whoever asks; the one that refused gets nothing."""
    site.follower("Ben")
    site.follower("Cy")
    site.visitor().act(token(site, "x", id_of(site, "cy@reader.example")), "refuse")
    path = settings(site)
    before = len(site.mails("cy@reader.example"))
    answers = [
        press(site.visitor(), path, "move", email=email).headers["Location"].partition("?")[2]
        for email in (NEW, "ben@reader.example", "cy@reader.example")
    ]
    site.deliver()
    assert answers == ["done=sent"] * 3
    assert len(site.mails("cy@reader.example")) == before


@pytest.mark.parametrize("email", ["", "no address", ANN, "ANN@Reader.Example", "postmaster@reader.example"])
def test_some_addresses_are_none(site: Site, ann: int, email: str) -> None:
    """What is no address, or the present one in another spelling, is refused with a sentence."""
    assert press(site.visitor(), settings(site), "move", email=email).status_code == 422
    assert count(site, Address) == 1


def test_a_link_to_a_new_address_grows_old(site: Site, ann: int) -> None:
    """After seven days the link moves nothing."""
    link, visitor = asked(site), site.visitor()
    data = {"action": "move", "csrf_token": CSRF.findall(visitor.get(link).text)[0]}
    site.clock.advance(8 * 86400)
    visitor.client.post(link, data=data)
    assert state_of(site, NEW) == "none"


# --- data and forgetting


def test_the_data_is_all_of_ann_and_nothing_of_others(site: Site, ann: int) -> None:
    """The file has her address, consents, comments and messages, and not a word of those who answered her."""
    site.comment("A secret of Ben.", parent=ann, name="Benjamin", email="ben@reader.example")
    site.deliver()
    visitor = site.visitor()
    press(visitor, settings(site), "mute_person", id=2)
    answer = press(visitor, settings(site), "export")
    data = json.loads(answer.text)
    assert answer.headers["Content-Disposition"].startswith("attachment")
    assert "no-store" in answer.headers["Cache-Control"]
    assert data["address"]["email"] == ANN
    assert [comment["text"] for comment in data["comments"]] == ["Tell me."]
    assert [(wish["scope"], wish["state"]) for wish in data["subscriptions"]] == [("direct", "active")]
    assert data["consents"][0]["wording"] == "2026-11"
    assert [(message["kind"], message["state"]) for message in data["messages"]] == [
        ("confirm", "sent"),
        ("reply", "sent"),
    ]
    assert [change["to"] for change in data["history"]] == ["pending", "confirmed"]
    assert not [word for word in ("secret", "Benjamin", "ben@") if word in answer.text]


def test_forgetting_leaves_the_words_only(site: Site, ann: int) -> None:
    """Wishes, items, mutes and every trace of the address are gone; the comment stays, by "Someone"."""
    site.comment("I agree.", parent=ann, name="Ben", email="ben@reader.example")
    site.deliver()
    visitor, path = site.visitor(), settings(site)
    press(visitor, path, "mute_person", id=2)
    site.comment("Waiting.", parent=ann)
    assert press(visitor, path, "forget").status_code == 422
    assert press(visitor, path, "forget", sure="yes").headers["Location"] == "/forum/m/done/forgotten"
    site.deliver()
    comment = site.get(ann)
    assert (comment.name, comment.website, comment.address_id, comment.source) == ("Someone", None, None, "Tell me.")
    assert (comment.visitor_hash, comment.network) == (None, None)
    assert [count(site, model) for model in (Subscription, Mute, ActorMute)] == [0, 0, 0]
    assert "reader.example" not in "".join(dump(site, but="ben@reader.example"))
    assert site.visitor().get(path).status_code == 200
    page = site.visitor().get(site.page).text
    assert "Someone" in page
    assert "Ann" not in page.partition('id="forum-thread"')[2]


def dump(site: Site, but: str) -> list[str]:
    """Every value in the database as text, without what is about somebody else."""
    with site.session() as session:
        tables = Address.metadata.sorted_tables
        rows = [found for table in tables for found in session.execute(select(table))]
    return [str(value).replace(but, "") for found in rows for value in found]


@pytest.mark.parametrize(("leave", "kept"), [(False, []), (True, ["unsubscribed"])])
def test_only_a_no_is_remembered(site: Site, ann: int, leave: bool, kept: list[str]) -> None:
    """Who had left stays spared by a keyed hash; of anybody else not even that remains, and they may come again."""
    visitor, path = site.visitor(), settings(site)
    if leave:
        press(visitor, path, "unsubscribe")
    press(visitor, path, "forget", sure="yes")
    with site.session() as session:
        assert session.scalars(select(Suppression.why)).all() == kept
    site.comment("Me again.", name="Ann", email=ANN, notify="direct")
    site.deliver()
    assert len(site.mails(ANN)) == (0 if leave else 1)


def test_links_of_a_forgotten_address_do_nothing(site: Site, ann: int) -> None:
    """Every link of an old mail still answers that no more mail comes, and a second press changes nothing."""
    number, keys = id_of(site), site.state.keys
    visitor, path = site.visitor(), settings(site)
    new = asked(site)
    press(visitor, path, "forget", sure="yes")
    for link in (path, new, token(site, "o", number, ann), f"/forum/m/u/{make_token(keys, 'u', number, 1)}"):
        shown = visitor.get(link)
        assert (shown.status_code, "You get no more mail" in shown.text) == (200, True), link
    one_click = visitor.client.post(
        f"/forum/m/u/{make_token(keys, 'u', number, 1)}", data={"List-Unsubscribe": "One-Click"}
    )
    assert one_click.status_code == 200
    missing = f"/forum/m/u/{make_token(keys, 'u', 999, 1)}"
    assert "You get no more mail" in visitor.get(missing).text


def test_an_exchanged_address_is_forgotten_with_the_new_one(site: Site, ann: int) -> None:
    """Forgetting the new address takes the old one along."""
    press(site.visitor(), asked(site), "move")
    press(site.visitor(), settings(site, NEW), "forget", sure="yes")
    assert not [text for text in dump(site, but="") if "ann@" in text]


@pytest.fixture(params=["sqlite", "postgresql"])
def each_database(request: pytest.FixtureRequest, make_site: Callable[..., Site]) -> Iterator[Site]:
    """A site on SQLite and one on PostgreSQL."""
    uri = {"SQLALCHEMY_DATABASE_URI": request.getfixturevalue("postgres_url")} if request.param != "sqlite" else {}
    site = make_site(**uri)
    site.add_article()
    yield site
    with site.app.app_context():
        site.state.db.session.remove()
        Base.metadata.drop_all(site.state.db.engine)


def test_moving_and_forgetting_on_each_database(each_database: Site) -> None:
    """SQLite and PostgreSQL move and erase alike."""
    site = each_database
    first = site.follower("Ann")
    site.comment("One.", parent=first, name="Ben", email="ben@reader.example")
    site.deliver()
    press(site.visitor(), settings(site), "mute_person", id=2)
    press(site.visitor(), asked(site), "move")
    assert "Ben</bdi> is muted" in site.visitor().get(settings(site, NEW)).text
    press(site.visitor(), settings(site, NEW), "forget", sure="yes")
    assert site.get(first).name == "Someone"
    assert [count(site, model) for model in (Subscription, ActorMute)] == [0, 0]


def test_forgetting_twice_is_once(site: Site, ann: int) -> None:
    """A second erasure of what is erased changes nothing."""
    number = id_of(site)
    for _ in range(2):
        with site.session() as session:
            preferences.forget(session, site.state.keys, session.get_one(Address, number), site.clock())
            session.commit()
    assert row(site, Address, number).key == f"forgotten:{number}"
    with site.session() as session:
        assert set(session.scalars(select(Message.to_addr))) == {""}
        assert session.scalars(select(Comment.name)).all() == ["Someone"]


def test_the_command_asks_before_it_forgets(site: Site, ann: int) -> None:
    """`forget` erases after a yes, not after a no, says so when nothing is left, and refuses what is no address."""
    runner = site.app.test_cli_runner()
    assert runner.invoke(forum_cli, ["forget", ANN], input="n\n").exit_code == 1
    assert state_of(site) == "confirmed"
    done = runner.invoke(forum_cli, ["forget", ANN.upper(), "--yes"])
    assert (done.exit_code, done.output) == (0, "Forgotten.\n")
    with site.session() as session:
        assert session.scalars(select(Audit.actor).where(Audit.act == "forgotten")).all() == ["command line"]
    again = runner.invoke(forum_cli, ["forget", ANN, "--yes"])
    assert (again.exit_code, again.output) == (0, "Nothing is kept about this address.\n")
    assert runner.invoke(forum_cli, ["forget", "nobody", "--yes"]).exit_code == 1


def test_a_private_page_keeps_its_title(site: Site, ann: int) -> None:
    """A conversation the host no longer lets Ann read stays in her list without its title."""
    site.state.hooks.may_read = lambda key, email, ref: False
    shown = site.visitor().get(settings(site)).text
    assert "A page you cannot see" in shown
    assert "Bread" not in shown


def test_the_language_can_be_chosen_where_there_are_several(site: Site, ann: int) -> None:
    """Ann chooses German, which Forum speaks, or Italian, for which the site has a mail; nobody speaks Klingon."""
    visitor, path = site.visitor(), settings(site)
    assert '<option class="forum-option" value="de" lang="de">Deutsch</option>' in visitor.get(path).text
    assert press(visitor, path, "language", language="it").status_code == 422
    also(site.app, {"forum/mail/reply/it/body.txt": "Qualcuno ha risposto."})
    assert press(visitor, path, "language", language="de").status_code == 303
    assert press(visitor, path, "language", language="it").status_code == 303
    assert press(visitor, path, "language", language="tlh").status_code == 422
    site.comment("I agree.", parent=ann)
    site.deliver()
    body = site.mails(ANN, "reply")[-1].get_body(("plain",))
    assert body is not None
    assert "Qualcuno ha risposto." in body.get_content()
