"""A moderator's desk: signing in, and deciding once."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from sqlalchemy import select

from forum.cli.moderators import sign_in_link
from forum.models import Audit
from tests.visitors import Site, Visitor, comment_id

MODERATOR = "moderator@forum.example"
_TOKEN = re.compile(r'name="csrf_token" value="([^"]+)"')


@pytest.fixture
def strict(make_site: Callable[..., Site]) -> Site:
    """A site that holds first comments."""
    site = make_site(FORUM_MODERATION="first")
    site.add_article()
    return site


def press(visitor: Visitor, path: str, page: str, **fields: str) -> str:
    """Press a button of ``page`` as a signed-in person and return where it leads."""
    token = _TOKEN.search(visitor.get(page).text)
    assert token is not None
    response = visitor.client.post(path, data={"csrf_token": token[1], **fields})
    return response.headers.get("Location", str(response.status_code))


def moderator(site: Site) -> Visitor:
    """Somebody who has signed in to moderate."""
    with site.app.app_context():
        link = sign_in_link(site.state, MODERATOR).removeprefix("http://localhost")
    visitor = site.visitor()
    assert press(visitor, link, link) == "/forum/moderation/"
    return visitor


def hold(site: Site, body: str = "Hello.") -> int:
    """Have a newcomer post a comment that waits."""
    return comment_id(site.visitor().post(body=body, email="new@reader.example"))


def test_held_comments_wait_on_the_desk(strict: Site) -> None:
    """A held comment stands in the queue with its reason, and on no public page."""
    hold(strict, "Please read me.")
    queue = moderator(strict).get("/forum/moderation/").text
    assert "Please read me." in queue
    assert "first comment" in queue
    assert "Please read me." not in strict.visitor().get(strict.page).text


def test_approving_publishes(strict: Site) -> None:
    """An approved comment is on the page, and its author's next one appears at once."""
    held = hold(strict, "Please read me.")
    desk = moderator(strict)
    done = press(desk, f"/forum/moderation/comments/{held}", "/forum/moderation/", action="approve", version="1")
    assert done.startswith("/forum/moderation/?said=approve.")
    assert "Please read me." in strict.visitor().get(strict.page).text
    again = strict.visitor().post(body="Me again.", email="new@reader.example")
    assert again.headers["Location"].endswith("#comment-2")


@pytest.mark.parametrize("decision", ["reject", "spam"])
def test_setting_aside_keeps_it_out_of_sight(strict: Site, decision: str) -> None:
    """A rejected comment leaves the queue, appears nowhere, and its text is kept."""
    held = hold(strict, "Buy this.")
    desk = moderator(strict)
    press(desk, f"/forum/moderation/comments/{held}", "/forum/moderation/", action=decision, version="1")
    assert "Buy this." not in desk.get("/forum/moderation/?tab=held").text + strict.visitor().get(strict.page).text
    assert strict.get(held).source == "Buy this."


def test_two_moderators_act_once(strict: Site) -> None:
    """The second of two decisions on one version is refused, and said so."""
    held = hold(strict)
    desks = [moderator(strict), moderator(strict)]
    path, page = f"/forum/moderation/comments/{held}", "/forum/moderation/"
    tokens = [_TOKEN.search(desk.get(page).text) for desk in desks]
    answers = [
        desk.client.post(path, data={"csrf_token": token[1] if token else "", "action": "approve", "version": "1"})
        for desk, token in zip(desks, tokens, strict=True)
    ]
    assert [re.findall("said=([a-z]+)", answer.headers["Location"]) for answer in answers] == [["approve"], ["missed"]]
    with strict.session() as session:
        assert session.scalars(select(Audit.act).where(Audit.subject_kind == "comment")).all() == ["approve"]


def test_a_decision_needs_the_token_of_the_session(strict: Site) -> None:
    """A decision without the session's token does nothing, as another site's form would not have it."""
    held = hold(strict)
    desk = moderator(strict)
    done = desk.client.post(f"/forum/moderation/comments/{held}", data={"action": "approve", "version": "1"})
    assert "said=csrf" in done.headers["Location"]
    assert strict.get(held).state == "held"


def test_a_link_signs_in_once(strict: Site) -> None:
    """A sign-in link that was used shows the form for a new one."""
    with strict.app.app_context():
        link = sign_in_link(strict.state, MODERATOR).removeprefix("http://localhost")
    press(strict.visitor(), link, link)
    assert strict.visitor().get(link).status_code == 404


def test_a_link_grows_old(strict: Site) -> None:
    """After half an hour a link that nobody used is refused."""
    with strict.app.app_context():
        link = sign_in_link(strict.state, MODERATOR).removeprefix("http://localhost")
    strict.clock.advance(31 * 60)
    assert strict.visitor().get(link).status_code == 404


def test_looking_at_a_link_does_not_use_it(strict: Site) -> None:
    """A mail scanner that opens the link leaves it good for its owner, and is not signed in."""
    with strict.app.app_context():
        link = sign_in_link(strict.state, MODERATOR).removeprefix("http://localhost")
    scanner = strict.visitor()
    scanner.get(link)
    assert scanner.get("/forum/moderation/").status_code == 302
    assert press(strict.visitor(), link, link) == "/forum/moderation/"


def test_a_link_comes_by_mail_to_moderators_only(strict: Site) -> None:
    """Known and unknown addresses get the same page; only the moderator gets a mail, whose link signs in."""
    answers = []
    for email in (MODERATOR, "stranger@reader.example", "not an address"):
        visitor = strict.visitor()
        token = _TOKEN.search(visitor.get("/forum/sign-in").text)
        assert token is not None
        answers.append(visitor.client.post("/forum/sign-in", data={"csrf_token": token[1], "email": email}).data)
    assert answers[0] == answers[1] == answers[2]
    strict.deliver()
    (mail,) = strict.mails()
    assert mail["To"] == MODERATOR
    body = mail.get_body(("plain",))
    assert body is not None
    link = re.search(r"http://localhost(/forum/sign-in/\S+)", body.get_content())
    assert link is not None
    assert press(strict.visitor(), link[1], link[1]) == "/forum/moderation/"


def test_strangers_find_no_desk(make_site: Callable[..., Site]) -> None:
    """On a site without moderators neither the desk nor the sign-in page exists."""
    site = make_site(FORUM_MODERATORS=[])
    assert [site.visitor().get(path).status_code for path in ("/forum/moderation/", "/forum/sign-in")] == [404, 404]


def test_a_former_moderator_is_out(strict: Site, make_site: Callable[..., Site]) -> None:
    """Whoever is taken off FORUM_MODERATORS loses the desk at once, signed in or not."""
    desk = moderator(strict)
    strict.state.settings = strict.state.settings.model_copy(update={"moderators": ("new@forum.example",)})
    assert desk.get("/forum/moderation/").status_code == 302
