"""A reader says that something is wrong with a comment."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select, update
from werkzeug.test import TestResponse

from forum import Forum, signals
from forum.models import Comment, Report
from tests.hosts.one_page import known_by_header
from tests.visitors import SAME_ORIGIN, Site, Visitor, comment_id

MakeSite = Callable[..., Site]
_HIDDEN = re.compile(r'type="hidden" name="(seal|csrf_token)" value="([^"]*)"')


@pytest.fixture
def open_site(make_site: MakeSite) -> Site:
    """A site with a comment on its article."""
    site = make_site(FORUM_MODERATION="none")
    site.add_article()
    site.comment("Rude words.", name="Rob")
    return site


def proof(visitor: Visitor, path: str, **kwargs: Any) -> dict[str, str]:
    """What the form carries unseen."""
    return {name: html.unescape(value) for name, value in _HIDDEN.findall(visitor.get(path, **kwargs).text)}


def send(visitor: Visitor, reason: str = "insulting", network: str = "198.51.100.1", **fields: str) -> TestResponse:
    """Report the first comment from a network, as its form does."""
    path, where = "/forum/comments/1/report", {"REMOTE_ADDR": network}
    typed = {"reason": reason, **proof(visitor, path, environ_overrides=where), **fields}
    return visitor.client.post(path, data=typed, headers=SAME_ORIGIN, environ_overrides=where)


def kept(site: Site) -> list[Report]:
    with site.session() as session:
        return list(session.scalars(select(Report).order_by(Report.id)))


def test_a_link_at_each_comment_of_others(open_site: Site) -> None:
    """Each published comment has a link to report it, the same for all readers; one's own has none."""
    author = open_site.visitor()
    mine = comment_id(author.post(body="My words."))
    page = author.get(open_site.page).text
    assert 'href="/forum/comments/1/report"' in page
    assert f'href="/forum/comments/{mine}/report"' not in page
    assert f'href="/forum/comments/{mine}/report"' in open_site.visitor().get(open_site.page).text


def test_a_report_is_kept(open_site: Site) -> None:
    """Reason and note are kept for the moderators; the reader is thanked, and the comment stays for now."""
    answer = send(open_site.visitor(), note="  About my sister.\r\nPlease look. ")
    assert answer.status_code == 200
    assert "A moderator will look at it." in answer.text
    (report,) = kept(open_site)
    assert (report.reason, report.note, report.comment_id) == ("insulting", "About my sister.\nPlease look.", 1)
    assert open_site.get(1).state == "published"


def test_no_answer_tells_what_others_did(open_site: Site) -> None:
    """Who reports first, twice, as the one who hides the comment, or after that, reads the same."""
    networks = ["198.51.100.1", "198.51.100.1", "198.51.101.1", "198.51.102.1"]
    late = open_site.visitor()
    where = {"REMOTE_ADDR": "198.51.103.1"}
    carried = proof(late, "/forum/comments/1/report", environ_overrides=where)
    answers = [send(open_site.visitor(), network=network).data for network in networks]
    assert open_site.get(1).state == "held"
    typed = {"reason": "spam", **carried}
    last = late.client.post("/forum/comments/1/report", data=typed, headers=SAME_ORIGIN, environ_overrides=where)
    assert len({*answers, last.data}) == 1
    assert len(kept(open_site)) == 3
    assert "Rude words." not in open_site.visitor().get(open_site.page).text


def test_the_host_hears_of_what_reports_hide(open_site: Site) -> None:
    """The report that takes a comment out of sight sends the signal of that, those before and after it send none."""
    heard: list[tuple[int, str]] = []

    def hear(app: object, comment: Comment) -> None:
        heard.append((len(comment.reasons), comment.state))

    with signals.comment_removed.connected_to(hear, open_site.app):
        for number in range(1, 5):
            assert heard == ([] if number <= 3 else [(1, "held")])
            send(open_site.visitor(), network=f"198.51.10{number}.1")
    assert heard == [(1, "held")]


def test_cookies_cannot_be_made_up_to_hide_a_comment(open_site: Site) -> None:
    """However many visitors somebody pretends to be, one network is one voice."""
    for number in range(4):
        visitor = open_site.visitor()
        visitor.client.set_cookie("forum_visitor", f"made-up-{number}")
        assert send(visitor).status_code == 200
    assert len(kept(open_site)) == 1
    assert open_site.get(1).state == "published"


def test_many_networks_of_one_customer_are_one_voice(open_site: Site) -> None:
    """Reports from five networks of one /48 of IPv6 are kept, and hide nothing."""
    for number in range(5):
        assert send(open_site.visitor(), network=f"2001:db8:7:{number}00::1").status_code == 200
    assert (len(kept(open_site)), open_site.get(1).state) == (5, "published")


def test_ones_own_comment_is_not_reported(open_site: Site) -> None:
    """An author is told so, and a report that is sent all the same is not kept."""
    author = open_site.visitor()
    path = f"/forum/comments/{comment_id(author.post(body='My words.'))}/report"
    assert "your own comment" in author.get(path).text
    assert author.client.post(path, data={"reason": "spam"}, headers=SAME_ORIGIN).status_code == 403
    assert kept(open_site) == []


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"reason": ""}, "Please say what is wrong."),
        ({"reason": "x"}, "Please say what is wrong."),
        ({"note": "n" * 501}, "up to 500"),
        ({"seal": ""}, "press Send once more"),
        ({"seal": "x"}, "press Send once more"),
    ],
)
def test_a_form_that_is_not_in_order(open_site: Site, fields: dict[str, str], sentence: str) -> None:
    """It comes back with what is to be done and all that was typed, and nothing is kept."""
    answer = send(open_site.visitor(), **{"note": "Kept text.", **fields})
    assert answer.status_code == 422
    assert sentence in answer.text
    assert fields.get("note", "Kept text.") in answer.text
    assert kept(open_site) == []


@pytest.mark.parametrize("header", [{"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}])
def test_another_site_cannot_report(open_site: Site, header: dict[str, str]) -> None:
    """A form that a foreign page sent is shown again instead."""
    visitor = open_site.visitor()
    typed = {"reason": "spam", **proof(visitor, "/forum/comments/1/report")}
    answer = visitor.client.post("/forum/comments/1/report", data=typed, headers=header)
    assert answer.status_code == 403
    assert "did not come from our page" in answer.text
    assert kept(open_site) == []


def test_a_proof_of_another_network_is_none(open_site: Site) -> None:
    """What another site fetched for itself is not good in its victim's browser."""
    elsewhere = proof(open_site.visitor(), "/forum/comments/1/report", environ_overrides={"REMOTE_ADDR": "203.0.113.1"})
    assert send(open_site.visitor(), **elsewhere).status_code == 422


def test_reports_are_limited(make_site: MakeSite) -> None:
    """One network reports as often as it may comment, counted apart from comments, and loses no text."""
    site = make_site(FORUM_MODERATION="none", FORUM_RATE_LIMITS=["2 per hour"])
    site.add_article()
    site.comment()
    answers = [send(site.visitor(), note="Kept text.", network="127.0.0.1") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert "Kept text." in answers[2].text
    assert int(answers[2].headers["Retry-After"]) > 0
    assert site.visitor().post(body="Not limited by that.").status_code == 303


@pytest.mark.parametrize("state", ["held", "spam", "rejected", "removed"])
def test_what_was_never_seen_does_not_exist(open_site: Site, state: str) -> None:
    """A comment that never was on a page can be neither looked at nor reported here."""
    carried = proof(open_site.visitor(), "/forum/comments/1/report")
    with open_site.session() as session:
        session.execute(update(Comment).values(state=state, published_at=None))
        session.commit()
    for path in ("/forum/comments/1/report", "/forum/comments/99/report"):
        visitor = open_site.visitor()
        assert visitor.get(path).status_code == 404
        assert visitor.client.post(path, data={"reason": "spam", **carried}, headers=SAME_ORIGIN).status_code == 404


def test_a_hidden_comment_shows_no_words(open_site: Site) -> None:
    """The form of a comment that was hidden meanwhile shows neither its name nor its words."""
    with open_site.session() as session:
        session.execute(update(Comment).values(state="held"))
        session.commit()
    page = open_site.visitor().get("/forum/comments/1/report").text
    assert "Rude words." not in page
    assert "Rob" not in page


def test_signed_in_people_report_as_themselves(make_host: MakeSite) -> None:
    """Of two people in one network each is heard; each proves the form by the session's token."""
    forum = Forum()
    forum.identity(known_by_header)
    site = make_host(forum=forum, FORUM_MODERATION="none")
    site.comment()
    path = "/forum/comments/1/report"
    for name in ("ann", "ann", "cleo"):
        visitor, person = site.visitor(), {"X-Person": name}
        typed = {"reason": "spam", **proof(visitor, path, headers=person)}
        assert set(typed) == {"reason", "csrf_token"}
        assert visitor.client.post(path, data=typed, headers=SAME_ORIGIN | person).status_code == 200
        bare = visitor.client.post(path, data={"reason": "spam"}, headers=SAME_ORIGIN | person)
        assert bare.status_code == 422
    assert len(kept(site)) == 2
