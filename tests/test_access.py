"""Who gets to the desk: every page below /moderation, by every method, for everybody who may not and for who may."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from flask import Flask, request
from werkzeug.routing import AnyConverter, Rule
from werkzeug.routing.converters import NumberConverter
from werkzeug.test import TestResponse

from forum import Forum, Identity
from forum.blueprints.desk.access import guard, guard_admin
from forum.cli.moderators import sign_in_link
from tests.hosts.one_page import known_by_header
from tests.visitors import Site, Visitor

MakeSite = Callable[..., Site]
ANNA, BERT = "anna@forum.example", "bert@forum.example"
SIGN_IN = "/forum/sign-in"
ANY = ("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE")


def desk_rules(app: Flask) -> list[Rule]:
    """Every route below /moderation."""
    return [rule for rule in app.url_map.iter_rules() if rule.rule.startswith("/forum/moderation")]


def paths(app: Flask) -> Iterator[tuple[Rule, str]]:
    """Each of these routes with a path that leads there."""
    urls = app.url_map.bind("localhost")
    for rule in desk_rules(app):
        yield rule, urls.build(rule.endpoint, {name: _example(rule, name) for name in rule.arguments})


def pages(app: Flask) -> Iterator[tuple[str, str]]:
    """The routes that are looked at and need no object, each with its path."""
    for rule, path in paths(app):
        if "GET" in (rule.methods or ()) and not rule.arguments:
            yield rule.endpoint, path


def _example(rule: Rule, name: str) -> object:
    converter = rule._converters[name]
    if isinstance(converter, AnyConverter):
        return sorted(converter.items)[0]
    return 1 if isinstance(converter, NumberConverter) else "x"


def guards(app: Flask, rule: Rule) -> list[Callable[..., object]]:
    """What stands before a route."""
    return list(app.before_request_funcs[rule.endpoint.rpartition(".")[0]])


def for_admins(app: Flask) -> set[str]:
    return {rule.endpoint for rule in desk_rules(app) if guard_admin in guards(app, rule)}


def answers(visitor: Visitor, app: Flask, **headers: str) -> Iterator[tuple[str, str, TestResponse]]:
    """What each route answers to each method it takes, and to those it does not."""
    for rule, path in paths(app):
        for method in ANY:
            data = {"action": "approve", "version": "1"} if method == "POST" else None
            yield rule.endpoint, method, visitor.client.open(path, method=method, data=data, headers=headers)


def is_shut(method: str, answer: TestResponse, *, signs_in: bool = False) -> bool:
    """Whether an answer gives nothing away: no such page, no such method, or the way to sign in."""
    if answer.status_code == 302:
        return signs_in and method in ("GET", "HEAD") and answer.headers["Location"] == SIGN_IN
    # Which methods a path takes is in the source that everybody can read.
    return answer.status_code in (404, 405) or (method == "OPTIONS" and answer.status_code == 200 and not answer.data)


@pytest.fixture
def two(make_site: MakeSite) -> Site:
    """A site of its own with an admin, Anna, and another moderator, Bert."""
    site = make_site(FORUM_MODERATORS=[ANNA, BERT], FORUM_ADMINS=[ANNA])
    site.add_article()
    return site


@pytest.fixture
def host(make_host: MakeSite) -> Site:
    """A host that believes whoever says who they are: `mod…` moderate, `admin` may do all there is."""
    forum = Forum()

    @forum.identity
    def who() -> Identity | None:
        person = known_by_header()
        role = request.headers.get("X-Person", "")
        return person and replace(person, is_moderator=role in ("mod", "admin"), is_admin=role == "admin")

    return make_host(forum=forum)


def signed_in(site: Site, email: str) -> Visitor:
    with site.app.app_context():
        link = sign_in_link(site.state, email).removeprefix("http://localhost")
    visitor = site.visitor()
    token = visitor.get(link).text.partition('name="csrf_token" value="')[2].partition('"')[0]
    assert visitor.client.post(link, data={"csrf_token": token}).status_code == 303
    return visitor


def test_every_page_of_the_desk_has_a_guard(site: Site) -> None:
    """No route below /moderation is without one, so that a new page cannot forget it."""
    assert desk_rules(site.app)
    for rule in desk_rules(site.app):
        # What answers for addresses where nothing is must not show strangers the way to sign in.
        is_nothing = rule.endpoint == "forum.desk_missing.nowhere"
        assert is_nothing or {guard, guard_admin} & set(guards(site.app, rule)), rule.endpoint


def test_strangers_are_shown_the_way_in_at_most(two: Site) -> None:
    """On a site of its own a GET leads to the sign-in, and everything else does not exist."""
    for endpoint, method, answer in answers(two.visitor(), two.app):
        assert is_shut(method, answer, signs_in=True), (endpoint, method)


@pytest.mark.parametrize("headers", [{}, {"X-Person": "reader"}], ids=["stranger", "reader"])
def test_on_a_host_nothing_is_there_for_readers(host: Site, headers: dict[str, str]) -> None:
    """Where people have accounts the desk does not exist for strangers, nor for whoever does not moderate."""
    for endpoint, method, answer in answers(host.visitor(), host.app, **headers):
        assert is_shut(method, answer), (endpoint, method)


def test_what_is_for_admins_is_not_there_for_moderators(two: Site, host: Site) -> None:
    """Settings, mail and people's data do not exist for moderators who are not admins, however they came in."""
    rooms = [(two, signed_in(two, BERT), {}), (host, host.visitor(), {"X-Person": "mod"})]
    for site, visitor, headers in rooms:
        closed = for_admins(site.app)
        for endpoint, method, answer in answers(visitor, site.app, **headers):
            assert endpoint not in closed or is_shut(method, answer), (endpoint, method)


def test_admins_get_everywhere_and_moderators_to_the_rest(two: Site, host: Site) -> None:
    """Each page that needs no object opens for those it is for."""
    rooms = [
        (two, signed_in(two, ANNA), {}, True),
        (two, signed_in(two, BERT), {}, False),
        (host, host.visitor(), {"X-Person": "admin"}, True),
        (host, host.visitor(), {"X-Person": "mod"}, False),
    ]
    for site, visitor, headers, is_admin in rooms:
        closed = set() if is_admin else for_admins(site.app)
        for endpoint, path in pages(site.app):
            if endpoint not in closed:
                assert visitor.get(path, headers=headers).status_code in (200, 302, 400), endpoint


def test_without_named_admins_every_moderator_is_one(make_site: MakeSite) -> None:
    """With FORUM_ADMINS empty no page is closed to a moderator."""
    site = make_site(FORUM_MODERATORS=[ANNA])
    visitor = signed_in(site, ANNA)
    for endpoint, path in pages(site.app):
        assert visitor.get(path).status_code != 404, endpoint
