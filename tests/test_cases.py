"""Held comments in the mail to moderators: nothing a stranger wrote becomes a link, and ordinary words stay."""

from __future__ import annotations

import datetime as dt

import pytest

from forum.mail.cases import Case, show_cases
from forum.sanitize.defuse import unlinkable
from forum.settings import Settings

NOON = dt.datetime(2026, 11, 22, 12, 0, tzinfo=dt.UTC)


@pytest.mark.parametrize(("written", "shown"), [
    ("Visit evil.com now.", "Visit evil[.]com now."),
    ("See EVIL.Com.", "See EVIL[.]Com."),
    ("sub.evil.co.uk, ok", "sub[.]evil[.]co[.]uk, ok"),
    ("https://evil.com/x", "[link to evil[.]com]"),
    ("münchen.de", "münchen[.]de"),
    ("कंपनी.com", "कंपनी[.]com"),
    ("कंपनी.भारत", "कंपनी[.]भारत"),
    ("💩.la", "💩[.]la"),
    ("evil。com", "evil[。]com"),
    ("xn--80ak6aa92e.xn--p1ai", "xn--80ak6aa92e[.]xn--p1ai"),
    ("evil.com-x", "evil[.]com-x"),
    ("setup.py.evil.zip", "setup[.]py[.]evil[.]zip"),
])  # fmt: skip
def test_whatever_could_be_a_domain_is_broken_up(written: str, shown: str) -> None:
    """A domain is no link, whatever its ending, and a moderator reads which one it is."""
    assert unlinkable(written) == shown


@pytest.mark.parametrize("written", [
    "e.g. this, i.e. that, at 3.5 of 10.11.12", "U.S.A., z.B., d.h., 9 a.m.", "file.py and photo.JPG", "so on...etc",
    "Hi...there", "no.1", "The end. The next.",
])  # fmt: skip
def test_ordinary_words_stay(written: str) -> None:
    """Abbreviations, numbers, names of files and full stops are left alone."""
    assert unlinkable(written) == written


def test_a_case_has_no_link_anywhere() -> None:
    """Name, reasons and words of a held comment are all broken up."""
    case = Case("evil.com", "Bread", ("Word: evil.com",), "Buy at evil.com or www.evil.com/x.", NOON, "a", "s")
    (shown,) = show_cases([case], Settings.from_config({"FORUM_MAIL_FROM": "forum@site.example"}))
    assert shown.text == "Buy at evil[.]com or [link to evil[.]com]."
    assert "evil.com" not in str([shown.author, shown.reasons])
