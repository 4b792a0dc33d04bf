"""What does not exist below the desk's address, for moderators and for everybody else."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.desk_pages import ANNA, OLGA, QUEUE, moderator, words
from tests.visitors import Site

NOWHERE = ("nothing-here", "comments/999/edit", "comments/999/reply", "comments/x/edit", "pages/no/such/page")


@pytest.fixture
def desk(make_site: Callable[..., Site]) -> Site:
    """A site with an admin and a moderator who is none."""
    return make_site(FORUM_MODERATORS=[ANNA, OLGA], FORUM_ADMINS=[ANNA])


@pytest.mark.parametrize("path", NOWHERE)
def test_a_moderator_stays_at_the_desk(desk: Site, path: str) -> None:
    """Who sits there gets a page of the desk, with its navigation and a way on."""
    answer = moderator(desk).visitor.get(QUEUE + path)
    assert (answer.status_code, "Nothing here" in words(answer.text)) == (404, True)
    assert 'aria-label="Moderation"' in answer.text


def test_pages_of_admins_are_missing_for_others(desk: Site) -> None:
    """To a moderator who is no admin the settings look like any page that does not exist."""
    olga = moderator(desk, OLGA).visitor
    settings, nowhere = olga.get(f"{QUEUE}settings"), olga.get(f"{QUEUE}nothing-here")
    assert (settings.status_code, words(settings.text)) == (404, words(nowhere.text))


def test_strangers_learn_nothing(desk: Site) -> None:
    """To everybody else an address below the desk's looks like one anywhere, whatever is sent there."""
    someone = desk.visitor()
    for send in (someone.client.get, someone.client.post):
        elsewhere, below = send("/forum/nothing-here"), send(f"{QUEUE}nothing-here")
        assert (below.status_code, below.text, below.headers["Content-Security-Policy"]) == (
            404,
            elsewhere.text,
            elsewhere.headers["Content-Security-Policy"],
        )


def test_signed_out_is_said(desk: Site) -> None:
    """After signing out one reads that it is so."""
    anna = moderator(desk)
    anna.open()
    anna.press("Sign out")
    assert "You are signed out." in words(anna.page)
    assert "You are signed out." not in words(desk.visitor().get("/forum/sign-in").text)
