"""The catalogue of mail, T41 to T56: how an address is asked, confirmed, left in peace, and lets go of us."""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlencode

import pytest
from flask_wtf import CSRFProtect
from sqlalchemy import select
from werkzeug.serving import make_server
from werkzeug.test import TestResponse

from forum.errors import BadToken
from forum.models import Address, Audit, Message, Suppression
from forum.settings import Settings
from forum.tokens import Keys, make_token, read_token
from tests.catalogue.acts import ANN, Markup, decide, html_of, skips, text_of, told
from tests.catalogue.conftest import BASE_URL
from tests.visitors import Site, comment_id

MakeSite = Callable[..., Site]
DAY = 86400
ONE_CLICK = {"List-Unsubscribe": "One-Click"}
VICTIM = "victim@reader.example"


def state_of(site: Site, email: str) -> str:
    """The state of an address."""
    with site.session() as session:
        return session.scalars(select(Address.state).where(Address.key == email)).one()


def asked(site: Site, kind: str = "c") -> str:
    """Have Ann tick the box for the first time, and return a link of the mail she gets."""
    site.comment(name="Ann", email=ANN, notify="direct")
    site.deliver()
    return site.links(site.mails(ANN)[-1], kind)[-1]


def told_once(site: Site, kind: str = "u") -> tuple[int, str]:
    """Have Ann answered; return her comment and a link of the mail about the answer."""
    first = site.follower("Ann")
    site.comment("One.", parent=first)
    site.deliver()
    return first, site.links(site.mails(ANN, "reply")[-1], kind)[-1]


def test_t41_an_unknown_address_is_asked_first(site: Site) -> None:
    """A first tick sends one confirmation, without the comment or any name in it, and no more at the next tick."""
    site.comment("My secret thought.", name="Zebulon", email=ANN, notify="direct")
    site.deliver()
    (mail,), (raw,) = site.mails(), site.raw_mails()
    assert (mail["To"], mail["X-Forum-Reason"]) == (ANN, "confirm")
    said = raw.decode("ascii") + text_of(mail) + html_of(mail)
    assert not re.search("secret|Zebulon|Bread|List-Unsubscribe", said)


def test_t42_what_waits_for_a_moderator_asks_nobody(make_site: MakeSite) -> None:
    """A held comment asks nobody to confirm; once approved it does, and as spam it never does."""
    site = make_site(FORUM_MODERATION="all")
    site.add_article()
    posted = [comment_id(site.visitor().post(name=n, email=f"{n}@reader.example", notify="direct")) for n in "ab"]
    site.deliver(600)
    assert site.mails() == []
    decide(site, posted[0], "approve")
    decide(site, posted[1], "spam")
    site.deliver(DAY)
    assert [(mail["To"], mail["X-Forum-Reason"]) for mail in site.mails()] == [("a@reader.example", "confirm")]


def test_t43_nothing_is_told_before_confirmation(site: Site) -> None:
    """Ben answers while Ann has not confirmed: no mail about it leaves."""
    first = site.comment(name="Ann", email=ANN, notify="direct")
    site.deliver()
    site.comment("I agree.", parent=first)
    site.deliver(DAY)
    assert told(site) == []


def test_t44_looking_confirms_nothing(site: Site) -> None:
    """Ten visits to the confirm link by GET and HEAD, as mail scanners pay them, change nothing."""
    link = asked(site)
    for _ in range(10):
        scanner = site.visitor()
        assert (scanner.get(link).status_code, scanner.client.head(link).status_code) == (200, 200)
    assert state_of(site, ANN) == "pending"


def test_t45_confirming_works_and_twice_says_the_same(site: Site) -> None:
    """The button confirms, the next answer is mailed, and a second press leads to the same page."""
    first = site.comment(name="Ann", email=ANN, notify="direct")
    site.deliver()
    link = site.links(site.mails(ANN)[0], "c")[0]
    once = site.visitor().act(link, "confirm")
    site.comment("I agree.", parent=first)
    site.deliver()
    again = site.visitor().act(link, "confirm")
    assert told(site) == [(ANN, "reply")]
    assert (once.status_code, once.headers["Location"]) == (again.status_code, again.headers["Location"])
    assert site.visitor().get(once.headers["Location"]).status_code == 200
    with site.session() as session:
        assert session.scalars(select(Audit.after).order_by(Audit.id)).all() == ["pending", "confirmed"]


def test_t46_bombing_a_stranger_sends_one_mail(make_site: MakeSite) -> None:
    """Fifty comments from fifty networks tick a stranger's box within an hour: at most one mail reaches it."""
    shipped = list(Settings.model_fields["mail_confirm_limits"].default)
    site = make_site(FORUM_MAIL_CONFIRM_LIMITS=shipped)
    site.add_article()
    for n in range(50):
        bot = site.visitor()
        bot.client.environ_base["REMOTE_ADDR"] = f"198.51.{n}.7"
        assert bot.post(name=f"Bot {n}", email=VICTIM, notify="direct", body=f"Comment {n}.").status_code == 303
        site.deliver(60 if n % 10 == 9 else 0)
    assert [mail["To"] for mail in site.mails()] == [VICTIM]
    with site.session() as session:
        assert set(session.scalars(select(Message.skip_reason))) == {None, "limit:address"}


def looks(site: Site, **fields: Any) -> tuple[int, str, str]:
    """What a visitor sees after posting, without what is different each time."""
    visitor = site.visitor()
    posted = visitor.post(**fields)
    page = visitor.get(posted.headers["Location"]).text
    page = re.sub(r'name="stamp" value="[^"]*"|data-poll="[^"]*"|<svg class="forum-avatar".*?</svg>', "", page)
    return posted.status_code, re.sub(r"\d+", "0", posted.headers["Location"]), re.sub(r"\d+", "0", page)


def test_t47_never_means_never_and_looks_as_always(site: Site) -> None:
    """Refused once, an address gets nothing whoever types it, and the page after posting does not tell."""
    site.visitor().act(asked(site, "x"), "refuse")
    unknown, refused = site.add_article("Bread A"), site.add_article("Bread B")
    site.page = unknown
    before = looks(site, name="Ann", email="nobody@reader.example", notify="direct")
    site.page = refused
    after = looks(site, name="Ann", email=ANN, notify="direct")
    site.deliver(2 * DAY)
    assert len(site.mails(ANN)) == 1
    assert [text.replace("bread-a", "bread-b").replace("Bread A", "Bread B") for text in before[1:]] == list(after[1:])
    assert before[0] == after[0] == 303
    with site.session() as session:
        assert session.scalars(select(Suppression.why)).all() == ["refused"]


def one_click(site: Site, kind: str) -> None:
    """Post as mail providers do, to an app whose every other form is protected, and find that it holds."""
    CSRFProtect(site.app)
    site.app.add_url_rule("/other", "other", lambda: "done", methods=["POST"])
    first, link = told_once(site)
    machine = site.app.test_client(use_cookies=False)
    assert machine.post("/other", data=ONE_CLICK).status_code == 400
    answer = machine.post(link, data=ONE_CLICK, content_type=kind)
    assert (answer.status_code, {"Location", "Set-Cookie"} & set(answer.headers.keys())) == (200, set())
    site.comment("Hello?", parent=first)
    site.deliver(DAY)
    assert told(site) == [(ANN, "reply")]
    assert skips(site)[-1] == "suppressed:unsubscribed"


def test_t48_one_click_without_a_cookie(site: Site) -> None:
    """A one-click post is answered 200 without redirect under a host's global CSRF protection, and it holds."""
    one_click(site, "application/x-www-form-urlencoded")


def test_t49_one_click_as_multipart(site: Site) -> None:
    """The same in the other encoding that providers use."""
    one_click(site, "multipart/form-data")


def test_t50_an_empty_post_is_no_wish(site: Site) -> None:
    """Scanners post without a body: that is refused, and Ann still hears of the next answer."""
    first, link = told_once(site)
    answers: list[TestResponse] = [site.visitor().client.post(link), site.visitor().client.post(link, data={"x": "1"})]
    assert [400 <= answer.status_code < 500 for answer in answers] == [True, True]
    site.comment("Two.", parent=first)
    site.deliver()
    assert told(site) == [(ANN, "reply")] * 2


def test_t51_leaving_holds_for_what_is_queued(make_site: MakeSite) -> None:
    """A mail that waits in the queue when Ann leaves is not sent."""
    site = make_site(FORUM_MAIL_HOLD_SECONDS=120)
    site.add_article()
    first = site.follower("Ann")
    site.comment("One.", parent=first)
    site.deliver(300)
    site.comment("Two.", parent=first)
    site.deliver()
    site.visitor().act(site.links(site.mails(ANN, "reply")[0], "u")[0], "unsubscribe")
    site.deliver(300)
    assert (told(site), skips(site)) == ([(ANN, "reply")], [None, "suppressed:unsubscribed"])


def test_t52_a_token_has_one_purpose(site: Site) -> None:
    """An unsubscribe token whose letter is changed opens no other page, not even one that binds the same numbers."""
    _, link = told_once(site)
    page, _, token = link.rpartition("/")
    for letter in "ptxco":
        for path in (f"{page[:-1]}{letter}/{letter}{token[1:]}", f"{page[:-1]}{letter}/{token}"):
            assert site.visitor().get(path).status_code == 404, path
            assert site.visitor().act(path, "unsubscribe").status_code in (404, 405), path
    numbers = read_token(site.state.keys, "u", token)
    genuine = make_token(site.state.keys, "t", *numbers)
    assert site.visitor().get(f"{page[:-1]}t/{genuine}").status_code == 200


def test_t53_old_mails_work_under_a_new_key(make_site: MakeSite) -> None:
    """After a change of the secret an old mail's way out still works, and new mails are signed with the new one."""
    old = make_site(SECRET_KEY="old")
    old.add_article()
    first, link = told_once(old)
    site = make_site(SECRET_KEY="new", SECRET_KEY_FALLBACKS=["old"])
    site.comment("Two.", parent=first)
    site.deliver()
    token = site.links(site.mails(ANN, "reply")[-1], "u")[0].rpartition("/")[2]
    assert read_token(Keys(["new"]), "u", token)
    with pytest.raises(BadToken):
        read_token(Keys(["old"]), "u", token)
    assert site.app.test_client(use_cookies=False).post(link, data=ONE_CLICK).status_code == 200
    assert state_of(site, ANN) == "unsubscribed"


def test_t54_pages_with_a_token_keep_it_to_themselves(site: Site) -> None:
    """Every page behind a link of a mail is not stored, names itself to nobody, and loads and leads nowhere else."""
    told_once(site)
    links = {link for mail in site.mails() for link in re.findall(rf"{BASE_URL}(/forum/m/\S+)", text_of(mail))}
    assert {link.split("/")[3] for link in links} >= set("cxut")
    for link in links:
        answer = site.visitor().get(link)
        assert answer.status_code == 200, link
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert "no-store" in answer.headers["Cache-Control"]
        page = Markup(answer.text)
        assert not [ref for ref in page.references if re.match(r"\s*(?:[a-z]+:)?//", ref, re.IGNORECASE)]
        assert "script" not in page.names


@contextmanager
def served(site: Site) -> Iterator[HTTPConnection]:
    """A connection to the site behind a server that writes an access log."""
    server = make_server("127.0.0.1", 0, site.app)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    connection = HTTPConnection("127.0.0.1", server.port)
    try:
        yield connection
    finally:
        connection.close()
        server.shutdown()
        thread.join()
        server.server_close()


def test_t55_no_log_holds_a_token(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    """After an unsubscription the access log tells that it happened, and not by which token."""
    _, link = told_once(site)
    caplog.set_level(logging.DEBUG)
    with served(site) as connection:
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        connection.request("POST", link, urlencode(ONE_CLICK), kind)
        assert connection.getresponse().status == 200
    assert '"POST /forum/m/u/' in caplog.text
    assert link.rpartition("/")[2] not in caplog.text
    assert link[-22:] not in caplog.text
    assert state_of(site, ANN) == "unsubscribed"


def test_t56_a_mute_silences_one_thread(site: Site) -> None:
    """A muted conversation is silent, and answers in another one are mailed."""
    first, mute = told_once(site, "t")
    assert site.visitor().act(mute, "mute").status_code == 303
    site.comment("Two.", parent=first)
    site.page = site.add_article("Butter")
    elsewhere = site.follower("Ann", "Elsewhere.")
    site.comment("Three.", parent=elsewhere)
    site.deliver(DAY)
    assert [mail["Subject"] for mail in site.mails(ANN, "reply")] == ["Re: [Forum] Bread", "Re: [Forum] Butter"]


def test_the_way_out_never_closes(site: Site) -> None:
    """The way out never expires: after ten years the link of an old mail still stops all mail."""
    _, link = told_once(site)
    site.clock.advance(3650 * DAY)
    assert site.app.test_client(use_cookies=False).post(link, data=ONE_CLICK).status_code == 200
    assert state_of(site, ANN) == "unsubscribed"
