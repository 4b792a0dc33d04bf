"""Pages behind the links of a mail speak the language the mail was written in, and damaged links are answered too."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import update

from forum.models import Address
from tests.test_preferences import ANN, NEW, id_of, link_in, press, settings, token
from tests.visitors import SAME_ORIGIN, Site

MakeHost = Callable[..., Site]
ARABIC = 'lang="ar" dir="rtl"'
LINKS: dict[str, Callable[[Site], str]] = {
    "confirm": lambda site: token(site, "c", id_of(site), 1),
    "refuse": lambda site: token(site, "x", id_of(site)),
    "unsubscribe": lambda site: token(site, "u", id_of(site)),
    "mute": lambda site: token(site, "t", id_of(site)),
    "settings": settings,
    "own comment": lambda site: token(site, "o", id_of(site), 1),
}


def write_in(site: Site, language: str | None, email: str = ANN) -> None:
    with site.session() as session:
        session.execute(update(Address).where(Address.key == email).values(locale=language))
        session.commit()


def language_of(site: Site, email: str = ANN) -> str | None:
    with site.session() as session:
        return session.get_one(Address, id_of(site, email)).locale


@pytest.fixture
def ann(site: Site) -> Site:
    """An English site with a follower who reads Arabic."""
    site.follower("Ann")
    write_in(site, "ar")
    return site


@pytest.mark.parametrize("kind", LINKS)
def test_a_page_behind_a_link_speaks_as_the_mail_did(ann: Site, kind: str) -> None:
    """Each kind of link leads to an Arabic page, in a browser that knows nothing of it."""
    assert ARABIC in ann.visitor().get(LINKS[kind](ann)).text


def test_a_link_that_is_too_old_speaks_as_the_mail_did(ann: Site) -> None:
    """The offer of a new link is Arabic too, and so is what follows it."""
    link, visitor = settings(ann), ann.visitor()
    ann.clock.advance(40 * 86_400)
    assert ARABIC in visitor.get(link).text
    assert ARABIC in visitor.get(press(visitor, link, "renew").headers["Location"]).text


def test_the_last_page_holds_no_token_and_speaks_it_still(ann: Site) -> None:
    """What was done is said in Arabic, also once the address is forgotten; other pages stay English."""
    visitor = ann.visitor()
    answer = press(visitor, settings(ann), "forget", sure="yes")
    assert answer.headers["Location"] == "/forum/m/done/forgotten?language=ar"
    assert ARABIC in visitor.get(answer.headers["Location"]).text
    assert ARABIC not in visitor.get("/forum/m/done/forgotten").text


def test_a_link_to_a_new_address_speaks_the_language_of_that(ann: Site) -> None:
    """The old address reads Arabic; the new one has chosen nothing and was written to in the site's language."""
    press(ann.visitor(), settings(ann), "move", email=NEW)
    ann.deliver()
    link = link_in(ann, NEW, "n")
    assert 'lang="en" dir="ltr"' in ann.visitor().get(link).text
    write_in(ann, "fr", NEW)
    assert 'lang="fr" dir="ltr"' in ann.visitor().get(link).text


def test_another_language_counts_at_once(ann: Site) -> None:
    """Whoever chooses French on the Arabic page is answered in French."""
    visitor, link = ann.visitor(), settings(ann)
    answer = press(visitor, link, "language", language="fr")
    assert 'lang="fr" dir="ltr"' in visitor.get(answer.headers["Location"]).text


@pytest.mark.parametrize("language", [None, "it", "../../secret"])
def test_a_language_that_is_none_of_ours_leaves_the_sites_own(ann: Site, language: str | None) -> None:
    """Where a host has translated the mails only, the page speaks as the site does."""
    write_in(ann, language)
    assert 'lang="en" dir="ltr"' in ann.visitor().get(settings(ann)).text
    assert 'lang="en" dir="ltr"' in ann.visitor().get(f"/forum/m/done/muted?language={language}").text


@pytest.mark.parametrize("kind", "cxutpona")
def test_a_damaged_link_is_answered_with_a_page_of_ours(make_host: MakeHost, kind: str) -> None:
    """On a host without a page for it, opened or pressed, it is 404 with nothing of the framework's."""
    visitor, path = make_host("", FORUM_LANGUAGE="ar").visitor(), f"/forum/m/{kind}/xx"
    for answer in (visitor.get(path), visitor.client.post(path, data={"action": "x"}, headers=SAME_ORIGIN)):
        assert (answer.status_code, ARABIC in answer.text, "Not Found" in answer.text) == (404, True, False)
        assert "no-store" in answer.headers["Cache-Control"]


def test_a_link_to_what_is_not_there_speaks_as_the_mail_did(make_host: MakeHost) -> None:
    """A genuine link to a comment that is none of theirs is 404 in Arabic."""
    site = make_host()
    site.comment(name="Ann", email=ANN)
    write_in(site, "ar")
    answer = site.visitor().get(token(site, "o", id_of(site), 99))
    assert (answer.status_code, ARABIC in answer.text) == (404, True)
