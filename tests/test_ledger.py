"""The mail ledger as an admin uses it: what was mailed and why not, what it says, and one more try."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import func, insert, select, update
from werkzeug.test import TestResponse

from forum.cli import forum_cli
from forum.cli.moderators import sign_in_link
from forum.mail.preview import without_links
from forum.models import Address, Attempt, Audit, Comment, Item, Message, Suppression
from forum.outbox import postbox
from forum.outbox.postbox import Search
from forum.tokens import read_token
from tests.visitors import Site, Visitor

LEDGER = "/forum/moderation/mail"
ADA, BO, MO = "ada@forum.example", "bo@forum.example", "mo@forum.example"
CSRF = re.compile(r'name="csrf_token" value="([^"]+)"')
SEEN = re.compile(r'name="seen" value="([^"]*)"')
TOKEN = re.compile(r"/m/([a-z])/([\w.-]+)")


@pytest.fixture
def desk(make_site: Callable[..., Site]) -> Site:
    """A site with two admins and another moderator, where Ben has answered Ann, who is to be mailed."""
    return answered(make_site)


@pytest.fixture
def each_desk(make_site: Callable[..., Site], database: dict[str, str]) -> Site:
    """The same on each database."""
    return answered(make_site, **database)


def answered(make_site: Callable[..., Site], **config: Any) -> Site:
    known = {"FORUM_MODERATORS": [ADA, BO, MO], "FORUM_ADMINS": [ADA, BO], "FORUM_MAIL_MODERATORS": "off"}
    site = make_site(**known, **config)
    site.add_article()
    site.comment("An answer.", parent=site.follower("Ann"))
    # It becomes a message, which waits until the next delivery.
    site.deliver()
    give(site, reply(site), state="ready", accepted_at=None, smtp_code=None)
    with site.session() as session:
        session.execute(update(Item).values(state="grouped"))
        session.commit()
    return site


def signed_in(site: Site, email: str = ADA) -> Visitor:
    with site.app.app_context():
        link = sign_in_link(site.state, email).removeprefix("http://localhost")
    visitor = site.visitor()
    assert visitor.client.post(link, data={"csrf_token": CSRF.findall(visitor.get(link).text)[-1]}).status_code == 303
    return visitor


def reply(site: Site) -> int:
    """The number of the message that brings Ann the answer."""
    with site.session() as session:
        return session.scalars(select(func.min(Message.id)).where(Message.kind == "reply")).one()


def give(site: Site, number: int, **values: Any) -> None:
    """Let a message stand as something unlucky would have left it."""
    with site.session() as session:
        session.execute(update(Message).where(Message.id == number).values(**values))
        session.commit()


def message(site: Site, number: int) -> Message:
    with site.session() as session:
        return session.get_one(Message, number)


def press(visitor: Visitor, number: int, action: str, seen: str | None = None) -> TestResponse:
    """Press a button of the page of a message, as it is unless another state was ``seen``."""
    page = visitor.get(f"{LEDGER}/{number}").text
    data = {"csrf_token": CSRF.findall(page)[-1], "action": action}
    data["seen"] = SEEN.findall(page)[0] if seen is None else seen
    return visitor.client.post(f"{LEDGER}/{number}", data=data)


def listed(visitor: Visitor, **asked: Any) -> list[int]:
    """The numbers of the messages on a page of the list."""
    page = visitor.get(LEDGER, query_string=asked).text
    return [int(number) for number in re.findall(rf'href="{LEDGER}/(\d+)"', page)]


def fill(site: Site, number: int, **values: Any) -> None:
    """Add messages to Ann as an old site has them."""
    now = site.clock()
    with site.session() as session:
        ann = session.scalars(select(Address).where(Address.key == "ann@reader.example")).one()
        same = {"kind": "reply", "address_id": ann.id, "to_addr": ann.email, "domain": "reader.example", "data": {}}
        same |= {"place": now, "not_before": now, "expires_at": now + dt.timedelta(days=2), "created_at": now, **values}
        rows = [{**same, "rfc_message_id": f"<filled.{place}@forum.example>"} for place in range(number)]
        session.execute(insert(Message), rows)
        session.commit()


# --- who may look


def test_it_is_for_admins(desk: Site) -> None:
    """A moderator who is no admin finds none of its pages, and can press nothing."""
    mo = signed_in(desk, MO)
    paths = ["", "/why", "/1", "/1/html"]
    assert [mo.get(LEDGER + path).status_code for path in paths] == [404] * 4
    assert mo.client.post(f"{LEDGER}/1", data={"action": "cancel"}).status_code == 404


def test_nothing_happens_without_the_token_of_the_session(desk: Site) -> None:
    """A press from elsewhere changes nothing and says so."""
    ada, number = signed_in(desk), reply(desk)
    answer = ada.client.post(f"{LEDGER}/{number}", data={"action": "cancel", "seen": "ready.1."})
    assert (answer.status_code, message(desk, number).state) == (422, "ready")


# --- finding


def test_each_state_has_a_tab_with_its_number(desk: Site) -> None:
    """Waiting, sent, failed, given up and cancelled messages are counted and listed apart; all of them together."""
    fill(desk, 5)
    states = ["sent", "failed", "dead", "expired", "cancelled"]
    with desk.session() as session:
        ids = session.scalars(select(Message.id).where(Message.rfc_message_id.like("<filled%")).order_by(Message.id))
        numbers = dict(zip(states, ids, strict=True))
    for state, number in numbers.items():
        give(desk, number, state=state)
    ada = signed_in(desk)
    assert listed(ada, tab="given_up") == [numbers["expired"], numbers["dead"]]
    assert listed(ada, tab="failed") == [numbers["failed"]]
    assert listed(ada, tab="waiting") == [reply(desk)]
    assert re.findall(r'Given up <span class="forum-number-of">(\d+)', ada.get(LEDGER).text) == ["2"]


def test_what_was_laid_aside_is_no_failure(desk: Site) -> None:
    """After a restored backup, messages wait for a decision under a tab of their own."""
    number = reply(desk)
    give(desk, number, state="dead", skip_reason="restored")
    ada = signed_in(desk)
    assert (listed(ada, tab="given_up"), listed(ada, tab="laid_aside")) == ([], [number])


@pytest.mark.parametrize("typed", ["ann@reader.example", "Ann@READER.example", "ann@", "an"])
def test_an_address_is_found_whole_or_by_its_beginning(each_desk: Site, typed: str) -> None:
    """All mail to an address is found by any spelling of it, or by how it begins; nobody else's is."""
    each_desk.follower("Zoe")
    ada = signed_in(each_desk)
    found = listed(ada, address=typed)
    assert reply(each_desk) in found
    assert {message(each_desk, number).to_addr for number in found} == {"ann@reader.example"}


@pytest.mark.parametrize("typed", ["%", "a_n", "nn@", "\0"])
def test_a_search_is_no_pattern(desk: Site, typed: str) -> None:
    """What means something to a database means itself here."""
    assert listed(signed_in(desk), address=typed) == ([] if typed.strip("\0") else listed(signed_in(desk)))


def test_the_mails_of_a_comment_are_found_by_its_number(each_desk: Site) -> None:
    """The number of a comment finds the mails that told of it."""
    with each_desk.session() as session:
        answer = session.scalars(select(func.max(Comment.id))).one()
    assert listed(signed_in(each_desk), comment=answer) == [reply(each_desk)]
    assert listed(signed_in(each_desk), comment=10**18) == []


def test_pages_follow_each_other_without_a_gap(each_desk: Site) -> None:
    """Every message is on exactly one page, also when new ones are written meanwhile."""
    fill(each_desk, 120)
    with each_desk.session() as session:
        everything = list(session.scalars(select(Message.id).order_by(Message.id.desc())))
        seen: list[int] = []
        before: int | None = None
        while True:
            found = postbox.page(session, Search(), before)
            seen += [each.id for each in found.messages]
            if found.before is None:
                break
            before = found.before
    assert seen == everything


def test_the_list_costs_the_same_however_long_it_is(desk: Site) -> None:
    """One message or a page full of them, due or failed: the number of statements is the same."""
    ada = signed_in(desk)
    costs = []
    for _ in range(2):
        with desk.statements() as statements:
            assert ada.get(LEDGER).status_code == 200
        costs.append(len(statements))
        fill(desk, 200) if len(costs) == 1 else None
    assert costs[0] == costs[1]


def test_mail_that_is_not_written_yet_is_said_to_be_prepared(make_site: Callable[..., Site]) -> None:
    """Right after a comment there is no mail, and the page says what it waits for."""
    site = make_site(FORUM_MODERATORS=[ADA], FORUM_MAIL_MODERATORS="off")
    site.add_article()
    site.comment("A fine loaf.")
    page = signed_in(site).get(LEDGER).text
    assert "Mail about 1 comment is being prepared." in page
    assert "No mail has been written yet" not in page


def test_a_row_says_why(desk: Site) -> None:
    """A cancelled message has its reason in words, one that waits the last words of the mail server."""
    number = reply(desk)
    give(desk, number, state="cancelled", skip_reason="muted")
    assert "they muted this conversation" in signed_in(desk).get(LEDGER).text
    give(desk, number, state="ready", skip_reason=None, last_error="rcpt: 450 try later")
    assert "rcpt: 450 try later" in signed_in(desk).get(LEDGER).text


# --- one message


def test_its_page_says_what_it_carries_and_how_it_went(desk: Site) -> None:
    """The page of a message names its comments, and each try with phase, code and words."""
    number, now = reply(desk), desk.clock()
    with desk.session() as session:
        tried = {"phase": "rcpt", "outcome": "transient", "code": 450, "text": "4.2.1 not now"}
        session.add(Attempt(message_id=number, n=2, worker="w", started_at=now, ended_at=now, **tried))
        session.commit()
    page = signed_in(desk).get(f"{LEDGER}/{number}").text
    for words in ("ann@reader.example", "transient", "rcpt", "450", "4.2.1 not now", "goes with it"):
        assert words in page, words


def test_nobody_can_act_as_its_reader(desk: Site) -> None:
    """Neither the page nor the frame, nor the source, holds a token that is good for anything."""
    ada, number = signed_in(desk), reply(desk)
    for path in (f"{LEDGER}/{number}", f"{LEDGER}/{number}/html"):
        found = TOKEN.findall(ada.get(path).text)
        assert {re.split("[&.]", token)[0] for _, token in found} <= {"hidden"}, path
    assert TOKEN.search(ada.get(f"{LEDGER}/{number}").text)


def test_the_masked_tokens_are_the_real_ones(desk: Site) -> None:
    """The mail that leaves has working links where the preview has masked ones, or the last test proves nothing."""
    desk.deliver()
    found = TOKEN.findall(desk.mails("ann@reader.example")[-1].as_string().replace("=\n", ""))
    assert found
    assert all(read_token(desk.state.keys, kind, token.strip(".=")) for kind, token in found if kind in "ut")


def test_the_frame_may_do_nothing(desk: Site) -> None:
    """The HTML comes without a link, under a policy without scripts, forms, navigation or anything from elsewhere."""
    frame = signed_in(desk).get(f"{LEDGER}/{reply(desk)}/html")
    assert "An answer." in frame.text
    assert "href" not in frame.text
    policy = frame.headers["Content-Security-Policy"].split("; ")
    assert {"default-src 'none'", "form-action 'none'", "sandbox"} <= set(policy)
    assert f'src="{LEDGER}/{reply(desk)}/html" sandbox title' in signed_in(desk).get(f"{LEDGER}/{reply(desk)}").text


@pytest.mark.parametrize(
    ("html", "cut"),
    [
        ('<p>a &amp; <a href="https://x.example/" style="color:red">b</a>', '<p>a &amp; <a style="color:red">b</a>'),
        ("<form action=/x><button formaction=/y>c</button></form>", "<form><button>c</button></form>"),
        ('<a title="a > b" HREF = "x">d</a>', '<a title="a &gt; b">d</a>'),
        ('<base href="https://x.example/"><p>href="e"</p>', '<p>href="e"</p>'),
        ("<!doctype html><p>&#8203;&nbsp;</p><!-- x --><br/>", "<!doctype html><p>&#8203;&nbsp;</p><br/>"),
    ],
)
def test_links_are_cut_and_nothing_else(html: str, cut: str) -> None:
    """What leads away loses where it leads, however it is spelled; the rest looks as before."""
    assert without_links(html) == cut


def test_the_preview_is_what_would_leave_now(desk: Site) -> None:
    """An edit is in it, and once every rule is asked again and says no, the page says why instead."""
    ada, number = signed_in(desk), reply(desk)
    with desk.session() as session:
        session.execute(update(Comment).values(source="Other words."))
        session.commit()
    assert "Other words." in ada.get(f"{LEDGER}/{number}/html").text
    with desk.session() as session:
        session.execute(update(Comment).where(Comment.parent_id.is_not(None)).values(state="removed"))
        session.commit()
    assert "the comment was no longer published" in ada.get(f"{LEDGER}/{number}").text
    assert ada.get(f"{LEDGER}/{number}/html").text == ""


def test_what_was_sent_can_be_read_again(desk: Site) -> None:
    """A mail that left is shown as it was."""
    desk.deliver()
    number = reply(desk)
    assert message(desk, number).state == "sent"
    assert "An answer." in signed_in(desk).get(f"{LEDGER}/{number}/html").text


def test_looking_sends_and_changes_nothing(desk: Site) -> None:
    """A look at a message leaves it and its items as they were."""
    ada, number = signed_in(desk), reply(desk)
    with desk.session() as session:
        before = [session.execute(select(table)).all() for table in (Message.__table__, Item.__table__)]
    for path in ("", "/html"):
        assert ada.get(f"{LEDGER}/{number}{path}").status_code == 200
    with desk.session() as session:
        assert [session.execute(select(table)).all() for table in (Message.__table__, Item.__table__)] == before


@pytest.mark.parametrize("kind", ["confirm", "sign_in", "link", "notice", "moved", "queue", "digest"])
def test_every_kind_has_a_page(desk: Site, kind: str) -> None:
    """A message of any kind can be opened, even one that can no longer be written."""
    number = reply(desk)
    give(desk, number, kind=kind)
    assert signed_in(desk).get(f"{LEDGER}/{number}").status_code == 200


def test_a_forgotten_person_stays_forgotten(desk: Site) -> None:
    """After an erasure the message is there without an address, a text, or a button about the address."""
    assert desk.app.test_cli_runner().invoke(forum_cli, ["forget", "ann@reader.example", "--yes"]).exit_code == 0
    page = signed_in(desk).get(f"{LEDGER}/{reply(desk)}").text
    assert "ann@" not in page
    assert "a forgotten address" in page
    assert 'value="suppress"' not in page


# --- acts


@pytest.mark.parametrize("state", ["dead", "failed"])
def test_what_was_given_up_is_tried_again(each_desk: Site, state: str) -> None:
    """One press has it sent after the time to undo, and the audit log says who pressed."""
    number = reply(each_desk)
    give(each_desk, number, state=state, attempts=12)
    assert press(signed_in(each_desk), number, "retry").status_code == 303
    each_desk.deliver()
    assert message(each_desk, number).state == "ready"
    each_desk.deliver(61)
    assert message(each_desk, number).state == "sent"
    with each_desk.session() as session:
        row = session.scalars(select(Audit).where(Audit.act == "requeue")).one()
    assert (row.actor, row.cause, row.before, row.after) == (ADA, f"message {number}", state, "ready")


def test_a_retry_can_be_cancelled_before_it_leaves(desk: Site) -> None:
    """Until the time to undo is over, a cancelled retry mails nobody."""
    ada, number = signed_in(desk), reply(desk)
    give(desk, number, state="dead", attempts=12)
    press(ada, number, "retry")
    assert press(ada, number, "cancel").status_code == 303
    before = len(desk.mails())
    desk.deliver(3600)
    assert (len(desk.mails()), message(desk, number).skip_reason) == (before, "called_off")


def test_a_cancelled_mail_takes_its_news_along(each_desk: Site) -> None:
    """What a cancelled mail carried is mailed by no other, and `mail explain` says who cancelled it."""
    ada, number = signed_in(each_desk), reply(each_desk)
    assert press(ada, number, "cancel").status_code == 303
    before = len(each_desk.mails())
    each_desk.deliver(3600)
    assert len(each_desk.mails()) == before
    with each_desk.session() as session:
        (answer,) = session.scalars(select(Item.comment_id).where(Item.message_id == number))
    said = each_desk.app.test_cli_runner().invoke(forum_cli, ["mail", "explain", str(answer)]).output
    assert "an admin of this site has cancelled it" in said


def test_what_a_worker_has_cannot_be_cancelled(desk: Site) -> None:
    """A message that is on its way offers no such button, and a press that comes too late changes nothing."""
    ada, number = signed_in(desk), reply(desk)
    give(desk, number, state="sending")
    assert 'value="cancel"' not in ada.get(f"{LEDGER}/{number}").text
    assert press(ada, number, "cancel").status_code == 409
    assert message(desk, number).state == "sending"


def test_the_second_admin_learns_who_was_faster(desk: Site) -> None:
    """Of two presses on what both have seen only the first acts, and the second page says who did what when."""
    ada, bo, number = signed_in(desk), signed_in(desk, BO), reply(desk)
    give(desk, number, state="dead", attempts=12)
    seen = SEEN.findall(bo.get(f"{LEDGER}/{number}").text)[0]
    press(ada, number, "retry")
    desk.clock.advance(5)
    late = press(bo, number, "retry", seen)
    assert late.status_code == 409
    assert "ada had it tried again 5 seconds ago." in late.text
    with desk.session() as session:
        assert session.scalar(select(func.count()).where(Audit.act == "requeue")) == 1


def test_what_was_not_seen_is_not_decided_on(desk: Site) -> None:
    """A press that would still be possible does nothing once the address is not as the page showed it."""
    ada, bo, number = signed_in(desk), signed_in(desk, BO), reply(desk)
    seen = SEEN.findall(bo.get(f"{LEDGER}/{number}").text)[0]
    press(ada, number, "suppress")
    late = press(bo, number, "cancel", seen)
    assert (late.status_code, message(desk, number).state) == (409, "ready")
    assert "ada stopped mail to the address" in late.text


def test_each_act_is_told_in_the_bar(desk: Site) -> None:
    """The page after a press says what it did: mail tried again, cancelled, its address stopped and mailed again."""
    ada, number = signed_in(desk), reply(desk)
    give(desk, number, state="dead", attempts=12)
    said = []
    for action in ("retry", "cancel", "suppress", "lift"):
        way, _, place = press(ada, number, action).headers["Location"].partition("#")
        bar = ada.get(way).text.partition(f'id="{place}"')[2]
        said.append(re.findall(r'<p class="forum-words">([^.]*)', bar)[0].strip())
    assert said == [
        "It waits again",
        "Cancelled",
        "Nothing more is mailed to this address, whatever it follows",
        "Mail goes to this address again",
    ]


def test_a_suppressed_address_gets_nothing(each_desk: Site) -> None:
    """After the press nothing leaves to the address, waiting mail included; the reason is stored."""
    ada, number = signed_in(each_desk), reply(each_desk)
    assert press(ada, number, "suppress").status_code == 303
    before = len(each_desk.mails("ann@reader.example"))
    each_desk.deliver(60)
    assert len(each_desk.mails("ann@reader.example")) == before
    assert message(each_desk, number).skip_reason == "suppressed:admin"
    assert "an admin of this site has stopped all mail" in ada.get(f"{LEDGER}/{number}").text


def test_a_lifted_suppression_is_gone(each_desk: Site) -> None:
    """What one admin stopped another may lift: then the address gets mail again, and both are on record."""
    number = reply(each_desk)
    press(signed_in(each_desk), number, "suppress")
    assert press(signed_in(each_desk, BO), number, "lift").status_code == 303
    each_desk.deliver()
    assert message(each_desk, number).state == "sent"
    with each_desk.session() as session:
        rows = session.scalars(select(Audit).where(Audit.act.in_(("suppress", "lift"))).order_by(Audit.id)).all()
    assert [(row.actor, row.act, row.before, row.after) for row in rows] == [
        (ADA, "suppress", None, "admin"),
        (BO, "lift", "admin", None),
    ]


@pytest.mark.parametrize("state", ["bounced", "complained"])
def test_a_bounce_is_lifted_without_a_new_consent(desk: Site, state: str) -> None:
    """The address is confirmed as it was before, its score is forgotten, and when it confirmed is not rewritten."""
    number = reply(desk)
    with desk.session() as session:
        proved = session.scalars(select(Address.confirmed_at).where(Address.key == "ann@reader.example")).one()
        session.execute(update(Address).where(Address.confirmed_at.is_not(None)).values(state=state, bounce_score=4))
        session.commit()
    desk.clock.advance(60)
    assert press(signed_in(desk), number, "lift").status_code == 303
    with desk.session() as session:
        ann = session.scalars(select(Address).where(Address.key == "ann@reader.example")).one()
    assert (ann.state, ann.bounce_score, ann.confirmed_at) == ("confirmed", 0, proved)


def test_a_resting_mailbox_can_be_woken(desk: Site) -> None:
    """An address that rests after a refusal gets its mail at once when an admin says so."""
    number = reply(desk)
    with desk.session() as session:
        until = desk.clock() + dt.timedelta(hours=20)
        session.execute(update(Address).where(Address.key == "ann@reader.example").values(resting_until=until))
        session.commit()
    assert press(signed_in(desk), number, "lift").status_code == 303
    desk.deliver()
    assert message(desk, number).state == "sent"


@pytest.mark.parametrize("state", ["refused", "unsubscribed"])
def test_a_persons_own_no_is_theirs(desk: Site, state: str) -> None:
    """Who unsubscribed, or never wanted mail, can be written to by no press of an admin."""
    ada, number = signed_in(desk), reply(desk)
    with desk.session() as session:
        session.execute(update(Address).where(Address.key == "ann@reader.example").values(state=state))
        session.commit()
    assert 'value="lift"' not in ada.get(f"{LEDGER}/{number}").text
    assert press(ada, number, "lift").status_code == 409
    with desk.session() as session:
        assert session.scalars(select(Address.state).where(Address.key == "ann@reader.example")).one() == state


def test_a_suppression_whose_time_is_over_is_renewed(desk: Site) -> None:
    """An address can be suppressed again after an earlier suppression has ended."""
    ada, number = signed_in(desk), reply(desk)
    press(ada, number, "suppress")
    with desk.session() as session:
        session.execute(update(Suppression).values(until=desk.clock() - dt.timedelta(days=1)))
        session.commit()
    assert press(ada, number, "suppress").status_code == 303
    with desk.session() as session:
        assert session.scalars(select(Suppression.until)).all() == [None]


# --- why no mail?


def test_it_answers_as_the_command_does(desk: Site) -> None:
    """The form says of a comment and an address, line by line, what `mail explain` says."""
    with desk.session() as session:
        answer = session.scalars(select(func.max(Comment.id))).one()
    args = ["mail", "explain", str(answer), "ann@reader.example"]
    lines = desk.app.test_cli_runner().invoke(forum_cli, args).output.splitlines()[1:]
    page = signed_in(desk).get(f"{LEDGER}/why", query_string={"comment": answer, "address": "ann@reader.example"}).text
    said = re.findall(r'<li class="forum-answer"><bdi class="forum-who">(.*)</bdi></li>', page)
    assert said == [line.strip() for line in lines]
    assert lines


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"comment": "99", "address": "ann@reader.example"}, "There is no comment 99."),
        ({"comment": "1", "address": "x@reader.example"}, "is not known here"),
        ({"comment": "1", "address": "nonsense"}, "does not look like an e-mail address"),
        ({"comment": "one", "address": "ann@reader.example"}, "Please give both"),
        ({"comment": "1"}, "Please give both"),
    ],
)
def test_a_question_without_an_answer_says_so(desk: Site, asked: dict[str, str], words: str) -> None:
    """What is not there, or no address, gets a sentence, and what was typed stays."""
    page = signed_in(desk).get(f"{LEDGER}/why", query_string=asked).text
    assert words in page
    assert all(f'value="{typed}"' in page for typed in asked.values())
