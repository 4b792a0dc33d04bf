"""The pictures beside comments: who looks alike, what they weigh, and what they do not tell."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forum.models import Address, Comment
from forum.preferences import erasing
from forum.render.avatars import COLOURS, identicon
from forum.tokens import Keys
from tests.visitors import Site

KEYS = Keys(["a secret"])
_SVG = re.compile(r'<svg class="forum-avatar".*?</svg>')


def pictures(site: Site) -> list[str]:
    """The pictures of a page, in order."""
    return _SVG.findall(site.visitor().get(site.page).text)


@given(st.none() | st.text(), st.text(max_size=80))
def test_a_picture_is_small_and_hidden(author: str | None, name: str) -> None:
    """Whoever it is of, a picture is at most 260 bytes, brings no style, and is hidden from those who listen."""
    svg = identicon(KEYS, author, name)
    assert len(svg.encode()) <= 260
    assert 'aria-hidden="true"' in svg
    assert "style" not in svg


@given(st.text())
def test_a_picture_is_symmetrical(author: str) -> None:
    """The right half mirrors the left."""
    cells = set()
    for x, y, length in re.findall(r"M(\d) (\d)h(\d)", identicon(KEYS, author, "")):
        cells |= {(int(x) + n, int(y)) for n in range(int(length))}
    assert {(4 - x, y) for x, y in cells} == cells


def test_one_author_looks_alike(site: Site) -> None:
    """One browser under one name is one picture, in whatever case; somebody else of that name has another."""
    ann = site.visitor()
    for name in ("Ann", "ann"):
        ann.post(body=f"By {name}.", name=name)
    site.comment("By another.", name="Ann")
    first, same, other = pictures(site)
    assert first == same != other


def test_a_picture_does_not_tell_an_address(site: Site) -> None:
    """Whoever types somebody's address and name gets a picture of their own: a guess cannot be checked."""
    for body in ("Mine.", "A guess."):
        site.comment(body, name="Ann", email="ann@reader.example")
    first, guess = pictures(site)
    assert first != guess


def test_two_names_are_two_people(site: Site) -> None:
    """Nobody sees by the pictures that one browser has written under two names."""
    one = site.visitor()
    for name in ("Ann", "Ben"):
        one.post(body=f"By {name}.", name=name)
    first, other = pictures(site)
    assert first != other


def test_the_hash_is_keyed() -> None:
    """Another site draws another picture of the same author."""
    assert identicon(KEYS, "an account", "Ann") != identicon(Keys(["another"]), "an account", "Ann")


def luminance(colour: str) -> float:
    """The relative luminance of #rgb."""
    parts = [int(digit, 16) / 15 for digit in colour[1:]]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("colour", COLOURS)
def test_pictures_stand_out_in_both_schemes(colour: str) -> None:
    """Each colour has 3:1 and more against white and against a dark page."""
    own = luminance(colour) + 0.05
    assert 1.05 / own >= 3
    assert own / (luminance("#111") + 0.05) >= 3


def test_what_stands_beside_a_comment_is_a_setting(make_site: Callable[..., Site]) -> None:
    """Initials instead of pictures, or nothing."""
    for kind, found in (("initials", 'data-initial="A"'), ("none", None)):
        site = make_site(FORUM_AVATARS=kind)
        site.add_article()
        site.comment(name="ann", email="ann@reader.example")
        page = site.visitor().get(site.page).text
        assert not _SVG.search(page)
        assert ("forum-avatar" in page) is (found is not None)
        assert found is None or found in page


def test_who_was_forgotten_looks_like_their_new_name(site: Site) -> None:
    """After an erasure the picture comes from the name that is left, and tells nothing of the author any more."""
    posted = site.comment(name="Ann", email="ann@reader.example")
    [before] = pictures(site)
    with site.session() as session:
        address = session.query(Address).one()
        erasing.forget(session, site.state.keys, address, site.clock(), actor="mail")
        name = session.get_one(Comment, posted).name
        session.commit()
    assert pictures(site) == [identicon(site.state.keys, None, name)] != [before]
