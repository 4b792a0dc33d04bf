"""A host that made Jinja strict, so that a name nobody gave is an error: our pages ask for none."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from jinja2 import StrictUndefined

from forum import Forum, Identity
from tests.hosts.one_page import known_by_header
from tests.visitors import Site, Visitor

MINE = "/forum/comments/1"


@pytest.fixture
def strict(make_host: Callable[..., Site]) -> Site:
    """A strict host with an article, a comment of somebody's own and an answer."""
    site = make_host(articles=True)
    site.app.jinja_env.undefined = StrictUndefined
    site.page = site.add_article()
    return site


@pytest.fixture
def author(strict: Site) -> Visitor:
    """Who wrote the first comment, asked for mail, and may still change it."""
    visitor = strict.visitor()
    assert visitor.post(email="ben@reader.example", notify="direct", website="https://ben.example").status_code == 303
    return visitor


@pytest.mark.parametrize(
    "page",
    [
        "/",
        "/articles/",
        "/articles/bread",
        *(f"{MINE}/{page}" for page in ("reply", "branch", "edit", "remove", "mine")),
    ],
)
def test_pages_that_are_opened(author: Visitor, page: str) -> None:
    """Article, list, reply, branch, editor and questions are shown to an author and to anybody who may see them."""
    author.site.comment("Thank you.", parent=1)
    assert author.get(page).status_code == 200
    assert author.site.visitor().get(page).status_code in (200, 404)


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"body": "", "name": "", "email": "x", "website": "x"}, 422),
        ({"body": ""}, 422),
        ({"notify": "direct"}, 422),
        ({"stamp": "old"}, 422),
        ({"preview": "1"}, 200),
        ({"preview": "1", "parent": "1"}, 200),
    ],
)
def test_forms_that_come_back(author: Visitor, fields: dict[str, str], status: int) -> None:
    """Mistakes, a stamp that nobody knows and a preview lead to the form."""
    assert author.post(**fields).status_code == status


def test_a_form_nobody_vouches_for(strict: Site) -> None:
    """A form without a header that says where it comes from is answered with a question."""
    response = strict.visitor().client.post("/forum/comments", data=strict.visitor().fill())
    assert "Was that you?" in response.text


@pytest.mark.parametrize(("typed", "status"), [({"body": ""}, 422), ({"body": "Rye.", "preview": "1"}, 200)])
def test_an_edit_that_comes_back(author: Visitor, typed: dict[str, str], status: int) -> None:
    """The editor with a mistake or a preview."""
    headers = {"Origin": "http://localhost"}
    assert author.client.post(f"{MINE}/edit", data=typed, headers=headers).status_code == status


def test_the_mail_and_its_pages(author: Visitor) -> None:
    """A mail is written, and the page behind each of its links is shown."""
    site = author.site
    site.deliver()
    (mail,) = site.mails("ben@reader.example")
    assert site.visitor().act(site.links(mail, "c")[0], "confirm").status_code == 303
    site.comment("Thank you.", parent=1)
    site.deliver(3600)
    answer = site.mails("ben@reader.example")[-1]
    for kind in ("u", "t"):
        for link in site.links(answer, kind):
            assert site.visitor().get(link).status_code == 200


def test_the_moderators_desk(make_host: Callable[..., Site]) -> None:
    """The queue with a held answer, what follows a decision, and the page that tells an author to wait."""
    forum = Forum()
    forum.identity(lambda: (who := known_by_header()) and Identity(who.ref, who.name, is_moderator=True))
    site = make_host(forum=forum, FORUM_MODERATION="all")
    site.app.jinja_env.undefined = StrictUndefined
    author, boss = site.visitor(), {"X-Person": "boss"}
    held = author.get(author.post().headers["Location"])
    assert "waiting for a moderator" in held.text
    queue = site.visitor().get("/forum/moderation/?said=csrf", headers=boss)
    assert "1 waiting" in queue.text
