"""The desk's other pages without scripts, by keyboard alone: mail, erasure, deciding from a mailbox."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import select, update

from forum.models import Address, Message
from tests.browser.conftest import Live
from tests.browser.desk import ANNA, sit_down
from tests.browser.test_desk_plain import press, walk_to
from tests.visitors import Site

ANN = "ann@reader.example"
LEDGER = "/forum/moderation/mail"


@pytest.fixture
def answered(make_live: Callable[..., Live]) -> Live:
    """A site with one moderator where Ben has answered Ann, who was mailed about it."""
    live = make_live(FORUM_MODERATORS=[ANNA], FORUM_MAIL_MODERATORS="off")
    live.site.comment("An answer.", name="Ben", parent=live.site.follower("Ann"))
    live.site.deliver()
    return live


@pytest.fixture
def desk(answered: Live, person: Callable[..., Page]) -> Page:
    """Anna at the desk, whose browser runs no scripts."""
    return sit_down(answered, person(answered, java_script_enabled=False))


def reply(site: Site) -> Message:
    """The message that brings Ann the answer."""
    with site.session() as session:
        return session.scalars(select(Message).where(Message.kind == "reply")).one()


def give_up(site: Site) -> None:
    """Let that message be one that was tried too often."""
    with site.session() as session:
        session.execute(update(Message).where(Message.kind == "reply").values(state="dead", accepted_at=None))
        session.commit()


def test_a_mail_is_tried_again_and_cancelled(answered: Live, desk: Page) -> None:
    """What was given up waits again at a press, and until it leaves another press cancels it."""
    give_up(answered.site)
    desk.goto(f"{LEDGER}/{reply(answered.site).id}")
    press(desk, "Try again")
    expect(desk.get_by_role("status").filter(has_text="It waits again.")).to_be_visible()
    press(desk, "Cancel this mail")
    expect(desk.get_by_role("status").filter(has_text="Cancelled.")).to_be_visible()
    assert reply(answered.site).state == "cancelled"


def test_mail_to_an_address_is_stopped_and_let_go_again(answered: Live, desk: Page) -> None:
    """From a mail to the silence of its address, and back."""
    desk.goto(f"{LEDGER}/{reply(answered.site).id}")
    press(desk, "Stop all mail to this address")
    expect(desk.get_by_text("Nothing more is mailed to this address")).to_be_visible()
    press(desk, "Let mail go to this address again")
    expect(desk.get_by_text("Mail goes to this address again.")).to_be_visible()


def test_an_author_is_erased_after_a_question(answered: Live, desk: Page) -> None:
    """A page says what goes and what stays; without the tick nothing goes, with it there is no more Ann."""
    desk.goto("/forum/moderation/people/comment/1")
    press(desk, "Erase…")
    expect(desk.get_by_text("This cannot be undone.")).to_be_visible()
    press(desk, "Erase for good")
    expect(desk.get_by_role("alert")).to_contain_text("please tick")
    assert answered.site.get(1).name == "Ann"
    desk.get_by_role("checkbox").press("Space")
    press(desk, "Erase for good")
    expect(desk.locator("#forum-bar")).to_contain_text("Erased.")
    assert answered.site.get(1).name == "Someone"
    with answered.site.session() as session:
        assert session.scalars(select(Address.email).where(Address.email == ANN)).all() == []


def test_a_comment_is_decided_from_a_mailbox(make_live: Callable[..., Live], person: Callable[..., Page]) -> None:
    """Opening the link shows the comment and changes nothing, a press approves it, and a second use says so."""
    known = {"FORUM_MODERATORS": [ANNA], "FORUM_MODERATION": "all", "FORUM_MAIL_MODERATORS": "each"}
    live = make_live(FORUM_MAIL_HOLD_SECONDS=0, **known)
    held = live.site.comment("Please read me.", name="Cleo")
    live.site.deliver()
    live.site.deliver(60)
    mail = live.site.mails(ANNA, reason="queue")[-1].get_body(("plain",))
    link = re.search(r"^Approve: (\S+)", str(mail.get_content() if mail else ""), re.MULTILINE)
    assert link is not None
    page = person(live, java_script_enabled=False)
    page.goto(link[1])
    expect(page.get_by_text("Please read me.")).to_be_visible()
    assert live.site.get(held).state == "held"
    press(page, "Approve")
    expect(page.get_by_role("heading", name="Approved")).to_be_visible()
    assert live.site.get(held).state == "published"
    page.goto(link[1])
    expect(page.get_by_role("heading", name="It is published")).to_be_visible()
    walk_to(page, "Open the queue")
    assert page.get_by_role("button").count() == 0
