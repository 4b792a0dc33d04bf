"""How moderators of the stand-alone site get in, how long they stay, and how they leave."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select

from forum.models import Audit, SignIn
from tests.visitors import Site, Visitor

MakeSite = Callable[..., Site]
ANNA, BERT = "anna@forum.example", "bert@forum.example"
_CSRF = re.compile(r'name="csrf_token" value="([^"]+)"')
_LINK = re.compile(r"http://localhost(/forum/sign-in/\S+)")
HOUR = 3600


@pytest.fixture
def site(make_site: MakeSite) -> Site:
    """A site with two moderators."""
    return make_site(FORUM_MODERATORS=[ANNA, BERT])


def token_of(visitor: Visitor, path: str = "/forum/sign-in") -> str:
    return _CSRF.findall(visitor.get(path).text)[0]


def ask(site: Site, email: str, visitor: Visitor | None = None, **environ: Any) -> int:
    """Ask for a link and return the status of the answer."""
    visitor = visitor or site.visitor()
    data = {"email": email, "csrf_token": token_of(visitor)}
    return visitor.client.post("/forum/sign-in", data=data, environ_base=environ).status_code


def link_for(site: Site, email: str = ANNA) -> str:
    assert ask(site, email) == 200
    site.deliver()
    body = site.mails(email)[-1].get_body(("plain",))
    assert body is not None
    found = _LINK.search(body.get_content())
    assert found is not None
    return found[1]


def sign_in(site: Site, email: str = ANNA, visitor: Visitor | None = None) -> Visitor:
    visitor, link = visitor or site.visitor(), link_for(site, email)
    assert visitor.client.post(link, data={"csrf_token": token_of(visitor, link)}).status_code == 303
    return visitor


def is_in(visitor: Visitor) -> bool:
    return visitor.get("/forum/moderation/").status_code == 200


def sign_out(visitor: Visitor, **fields: str) -> int:
    data = {"csrf_token": token_of(visitor), **fields}
    return visitor.client.post("/forum/sign-out", data=data).status_code


# Asking


def test_one_address_is_written_to_ten_times_an_hour(site: Site) -> None:
    """Whoever asks from ever other networks does not fill a moderator's mailbox, nor learns whose it is."""
    for email in (ANNA, "stranger@reader.example"):
        statuses = [ask(site, email, REMOTE_ADDR=f"10.0.{n}.1") for n in range(11)]
        assert statuses == [200] * 10 + [429]
    site.deliver()
    assert len(site.mails(ANNA)) == 10


def test_as_much_is_written_for_strangers(site: Site) -> None:
    """A known, an unknown and an impossible address cost the same statements, so that time tells nothing."""
    ask(site, ANNA)
    kinds = []
    for email in (ANNA, "stranger@reader.example", "nonsense"):
        visitor = site.visitor()
        token = token_of(visitor)
        with site.statements() as seen:
            visitor.client.post("/forum/sign-in", data={"email": email, "csrf_token": token})
        kinds.append([statement.split()[0] for statement in seen])
    assert kinds[0] == kinds[1] == kinds[2]


def test_what_a_stranger_typed_is_not_kept(site: Site) -> None:
    """Of an address that moderates nothing only the fact that somebody asked is stored."""
    ask(site, "stranger@reader.example")
    with site.session() as session:
        assert session.scalars(select(SignIn.email)).all() == [""]
        (row,) = session.scalars(select(Audit)).all()
    assert (row.act, row.actor) == ("sign_in_asked", "visitor")


def test_without_the_store_of_limits_a_moderator_still_gets_in(make_site: MakeSite) -> None:
    """When Redis is away requests for links are not counted, and answered."""
    site = make_site(FORUM_MODERATORS=[ANNA], FORUM_RATE_STORAGE="redis://127.0.0.1:1")
    assert ask(site, ANNA) == 200


# Coming in


def test_a_sign_in_is_on_record(site: Site) -> None:
    """The audit log says who came in, and when."""
    sign_in(site)
    with site.session() as session:
        rows = session.scalars(select(Audit).where(Audit.act == "signed_in")).all()
    assert [(row.actor, row.at) for row in rows] == [(ANNA, site.clock())]


def test_a_token_from_before_the_sign_in_is_worth_nothing(site: Site) -> None:
    """Whoever planted a session in a browser knows no token of what becomes of it."""
    visitor = site.visitor()
    planted = token_of(visitor)
    sign_in(site, visitor=visitor)
    visitor.client.post("/forum/sign-out", data={"csrf_token": planted})
    assert is_in(visitor)


def test_what_the_host_keeps_in_the_session_stays(site: Site) -> None:
    """Signing in and out takes nothing of the host's out of its session."""
    visitor = site.visitor()
    with visitor.client.session_transaction() as kept:
        kept["basket"] = ["bread"]
    sign_in(site, visitor=visitor)
    sign_out(visitor)
    with visitor.client.session_transaction() as kept:
        assert kept["basket"] == ["bread"]


def test_a_session_of_another_making_opens_nothing(site: Site) -> None:
    """Whatever stands in the session under our name, only a sign-in that was used lets somebody in."""
    link_for(site)
    unused = {"sign_in": 1, "seen": int(site.clock().timestamp())}
    for value in (ANNA, 1, [1], {"sign_in": 99, "seen": unused["seen"]}, unused):
        visitor = site.visitor()
        with visitor.client.session_transaction() as kept:
            kept["forum_moderator"] = value
        assert visitor.get("/forum/moderation/").status_code == 302, value


# Staying


def test_a_desk_that_is_left_alone_closes_after_twelve_hours(site: Site) -> None:
    """Twelve hours without a request end the session."""
    early, late = sign_in(site), sign_in(site)
    site.clock.advance(12 * HOUR)
    assert is_in(early)
    site.clock.advance(1)
    assert not is_in(late)


def test_who_works_stays_in_for_fourteen_days(site: Site) -> None:
    """A session that is used lasts two weeks, and not longer."""
    visitor = sign_in(site)
    for _ in range(14 * 3 - 1):
        site.clock.advance(8 * HOUR)
        assert is_in(visitor)
    site.clock.advance(8 * HOUR)
    assert not is_in(visitor)


def test_not_every_answer_sets_a_cookie(site: Site) -> None:
    """The time of the last request is noted every five minutes only."""
    visitor = sign_in(site)
    visitor.get("/forum/moderation/")
    assert "Set-Cookie" not in visitor.get("/forum/moderation/").headers
    site.clock.advance(301)
    assert "forum_moderator" not in visitor.get("/forum/moderation/").headers["Set-Cookie"]
    assert "Set-Cookie" not in visitor.get("/forum/moderation/").headers


# Leaving


def test_signing_out_ends_the_session_and_its_copies(site: Site) -> None:
    """After Sign out the cookie opens nothing, wherever a copy of it was kept."""
    visitor, thief = sign_in(site), site.visitor()
    with visitor.client.session_transaction() as kept, thief.client.session_transaction() as copy:
        copy.update(kept)
    assert is_in(thief)
    assert sign_out(visitor) == 303
    assert not is_in(visitor)
    assert not is_in(thief)


def test_signing_out_here_leaves_other_browsers_in(site: Site) -> None:
    """Only the browser that signs out is out."""
    here, there = sign_in(site), sign_in(site)
    sign_out(here)
    assert is_in(there)


def test_signing_out_everywhere(site: Site) -> None:
    """With the field "everywhere" all browsers of the moderator are out and unused links dead; others' stay."""
    here, there, other = sign_in(site), sign_in(site), sign_in(site, BERT)
    unused = link_for(site)
    sign_out(here, everywhere="1")
    assert not is_in(there)
    assert is_in(other)
    assert site.visitor().get(unused).status_code == 404


def test_signing_out_is_a_press_on_our_page(site: Site) -> None:
    """Neither a link nor another site's form signs anybody out."""
    visitor = sign_in(site)
    assert visitor.get("/forum/sign-out").status_code == 405
    assert visitor.client.post("/forum/sign-out").status_code == 303
    assert is_in(visitor)
    assert site.visitor().client.post("/forum/sign-out").status_code == 404
