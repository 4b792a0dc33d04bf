"""What a mail says and how it is written: every claim is checked on the bytes that would travel."""

from __future__ import annotations

import datetime as dt
import html
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as pace
from hypothesis import strategies as st
from jinja2 import ChoiceLoader, DictLoader, Environment, FileSystemLoader

from forum.errors import MailNotConfigured
from forum.mail import compose
from forum.mail.patterns import Patterns, mark
from forum.mail.wire import Pattern
from tests.mails import (
    ANSWER,
    ASIDE,
    CODE,
    ENVELOPE,
    FILED,
    HEBREW,
    LINKS,
    LONG,
    NOW,
    TEMPLATES,
    M,
    confirm,
    digest,
    link,
    notice,
    reply,
    sign_in,
    site,
    thread,
)
from tests.wire import header_lines, header_names, parsed, part

# Headers


def test_a_reply_has_exactly_these_headers() -> None:
    """Name by name and value by value, nothing else; no address of the writer, no program's name."""
    boundary = parsed(reply()).get_boundary()
    assert sorted(header_lines(reply())) == sorted(
        [
            'From: "Example Forum" <notify@forum.example>',
            "To: reader@example.net",
            "Subject: Re: [Example Forum] Why trees need leases",
            "Date: Sun, 22 Nov 2026 13:31:03 +0000",
            "Message-ID: <c1337.9f2c41d0a7b35e68@forum.example>",
            "In-Reply-To: <c1290.5b0e77c3d1a94f20@forum.example>",
            "References: <a42@forum.example> <c1290.5b0e77c3d1a94f20@forum.example>",
            "List-Id: Example Forum comments <comments.forum.example>",
            f"List-Unsubscribe: <{LINKS.unsubscribe}>",
            "List-Unsubscribe-Post: List-Unsubscribe=One-Click",
            "List-Archive: <https://forum.example/articles/42>",
            "List-Post: NO",
            "Auto-Submitted: auto-generated",
            "X-Auto-Response-Suppress: OOF, AutoReply, DR, RN, NRN",
            "Precedence: list",
            "X-Forum-Reason: reply",
            "X-Forum-Thread: 42",
            "X-Forum-Comment: 1337",
            "Content-Language: en",
            "MIME-Version: 1.0",
            f'Content-Type: multipart/alternative; boundary="{boundary}"',
        ]
    )


def test_a_long_unsubscribe_link_is_written_out_on_one_line() -> None:
    """A value of 90 characters and more stays verbatim: no encoded word, no fold."""
    link = "https://forum.example/" + "deep/" * 20 + "forum/m/u/uk3x9.Jw6m2QpN7uVbTzYcA4sD1g"
    raw = reply(links=replace(LINKS, unsubscribe=link))
    assert f"\r\nList-Unsubscribe: <{link}>\r\n".encode() in raw
    assert b"=?" not in raw.partition(b"\r\n\r\n")[0]


def test_a_long_foreign_title_is_encoded_in_words_of_at_most_75_octets() -> None:
    """A subject of 120 Hebrew letters comes back whole, in pieces that every relay accepts."""
    title = "למה עצים צריכים חוזה שכירות " * 5
    raw = reply(title=title)
    words = re.findall(rb"=\?[^?]+\?[bq]\?[^?]*\?=", raw.partition(b"\r\n\r\n")[0])
    assert words
    assert max(map(len, words)) <= 75
    assert parsed(raw)["Subject"] == compose.subject_of(title, "Example Forum")


def test_one_click_is_offered_only_with_https() -> None:
    """Over plain http the link stays, but one-click is not promised."""
    plain = reply(links=replace(LINKS, unsubscribe="http://forum.example/forum/m/u/u1.x"))
    assert parsed(plain)["List-Unsubscribe-Post"] is None
    assert parsed(plain)["List-Unsubscribe"] == "<http://forum.example/forum/m/u/u1.x>"


def test_two_mails_of_one_thread_look_alike_to_mail_programs() -> None:
    """The subject is the same, frozen or made anew, and References begins with the same id."""
    first = parsed(reply())
    second = parsed(reply(replace(ANSWER, author="Bob"), title="Renamed", subject=str(first["Subject"])))
    assert first["Subject"] == second["Subject"]
    assert first["References"].split()[0] == second["References"].split()[0] == "<a42@forum.example>"


@pytest.mark.parametrize("name", ["Eve, Admin", "victim@evil.example", "Hello: v@evil.example", "O'Brien, Pat"])
def test_a_name_never_reaches_the_headers(name: str) -> None:
    """From is the same octets whoever wrote, and no header holds the name."""
    raw = reply(replace(ANSWER, author=name))
    assert raw.partition(b"\r\n\r\n")[0] == reply().partition(b"\r\n\r\n")[0]


@pytest.mark.parametrize(
    "breaker", ["\r\n", "\n", "\r", "\x0b", "\x0c", "\x1c", "\x1d", "\x1e", "\x85", "\u2028", "\u2029"]
)
def test_no_line_break_of_any_kind_gets_into_a_header(breaker: str) -> None:
    """Names and titles that try to add a header end as one line of the same mail."""
    attack = f"x{breaker}Bcc: v@example.org"
    raw = reply(replace(ANSWER, author=attack), title=attack)
    assert header_names(raw) == header_names(reply())
    assert parsed(raw)["Subject"] == "Re: [Example Forum] x Bcc: v@example.org"


def test_a_title_that_spells_an_encoded_word_stays_as_it_was_typed() -> None:
    """Nothing a title spells is decoded into something else."""
    title = "=?utf-8?q?x=0D=0ABcc:_v=40example.org?="
    raw = reply(title=title)
    assert parsed(raw)["Subject"] == f"Re: [Example Forum] {title}"
    assert len(header_lines(raw)) == len(header_lines(reply()))


def test_a_header_of_ours_that_is_not_ascii_is_refused() -> None:
    """An address with foreign letters in its path has to be percent-encoded by its maker."""
    with pytest.raises(ValueError, match="List-Archive"):
        reply(thread_url="https://forum.example/é")


def test_without_a_sender_no_mail_is_made() -> None:
    """The error names the key that is missing."""
    with pytest.raises(MailNotConfigured, match="FORUM_MAIL_FROM"):
        confirm(site(FORUM_MAIL_FROM=None))


@pytest.mark.parametrize("name", ["Fórum é", 'Say "hi", now', "Trees \\ leaves", "Forum " + "x" * 60])
def test_any_site_name_comes_back_from_the_sender_line(name: str) -> None:
    """Quotes, commas and foreign letters in the site's name do not touch the address."""
    (sender,) = parsed(reply(settings=site(FORUM_SITE_NAME=name)))["From"].addresses
    assert (sender.display_name, sender.addr_spec) == (name, "notify@forum.example")


# Subject and names


@pytest.mark.parametrize(
    ("title", "subject"),
    [
        ("Trees", "Re: [S] Trees"),
        ("Re: AW: Fwd: Trees", "Re: [S] Trees"),
        ("[draft] Trees", "Re: [S] [draft] Trees"),
        (" a \t\n b\x85c ", "Re: [S] a b c"),
        ("a\u202eb\u200bc\u2066d", "Re: [S] abcd"),
        ("", "Re: [S] S"),
        ("Re:", "Re: [S] S"),
        ("Regarding: trees", "Re: [S] Regarding: trees"),
        ("half \ud83d", "Re: [S] half"),
    ],
)
def test_a_title_becomes_a_subject_with_one_re(title: str, subject: str) -> None:
    """Prefixes, breaks, invisible characters and empty titles are put right."""
    assert compose.subject_of(title, "S") == subject


def test_a_long_subject_ends_between_letters() -> None:
    """At 120 characters, with an ellipsis, and never inside a joined emoji."""
    subject = compose.subject_of("x" * 100 + "👩‍👩‍👧" * 9, "Example Forum")
    assert len(subject) <= 120
    assert subject.endswith("…")
    assert not subject.rstrip("…").endswith("\u200d")


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("Ann", "Ann"),
        ("  Ann \n Lee ", "Ann Lee"),
        ("a\u202en\u200dn\u2066", "ann"),
        ("\u200b\u202e", "Someone"),
        ("Zoë Müller", "Zoë Müller"),
        ("Анна Петрова", "Анна Петрова"),
        ("admin", '"admin" (unregistered)'),
        ("Аdmіn", '"Аdmіn" (unregistered)'),
        ("4dm1n", '"4dm1n" (unregistered)'),
        ("Forum Moderator", '"Forum Moderator" (unregistered)'),
        ("Exarnple F0rum", '"Exarnple F0rum" (unregistered)'),
        ("a@bank.example", '"a@bank.example" (unregistered)'),
        ("www.evil.example", '"www.evil.example" (unregistered)'),
        ('"support"', "\"'support'\" (unregistered)"),
        ("Modesta", "Modesta"),
        ("J.R.R. Tolkien", "J.R.R. Tolkien"),
        ("y" * 60, "y" * 39 + "…"),
    ],
)
def test_a_name_that_poses_as_somebody_is_marked(name: str, shown: str) -> None:
    """Look-alikes of the site and its staff, addresses and links are shown in quotes; other names as they are."""
    assert compose.display_name(name, site_name="Example Forum", verified=False) == shown
    assert compose.display_name(shown, site_name="Example Forum", verified=False) == shown


def test_a_name_somebody_vouches_for_stands_as_it_is() -> None:
    """An account called Support is Support."""
    assert compose.display_name("Support", site_name="Example Forum", verified=True) == "Support"


# Bodies


def test_the_text_is_the_whole_message() -> None:
    """Who, what, the reader's own words, one link to answer, and a footer behind the signature mark."""
    assert part(reply(settings=site(FORUM_MAIL_CONTACT="1 High Street")), "plain") == (
        "Ann answered your comment on “Why trees need leases”:\n"
        "\n"
        "  Because birds rent them.\n"
        "\n"
        "Written on 22 November 2026, 13:31 UTC.\n"
        "\n"
        "Your comment was:\n"
        "\n"
        "  > Why would trees ever need a lease?\n"
        "\n"
        "Read and answer: https://forum.example/forum/comments/1337\n"
        "\n"
        "-- \n"
        "You get this because you asked to be told about answers to your comments.\n"
        f"Mute this conversation: {LINKS.mute}\n"
        f"Stop all e-mail from Example Forum: {LINKS.unsubscribe}\n"
        f"E-mail settings: {LINKS.preferences}\n"
        "Example Forum, 1 High Street\n"
    )


def test_both_parts_hold_the_same_news_and_the_text_comes_first() -> None:
    """Author, words, quotation, and all four links are in each part."""
    mail = parsed(reply())
    assert [piece.get_content_type() for piece in mail.iter_parts()] == ["text/plain", "text/html"]
    for kind in ("plain", "html"):
        body = html.unescape(part(reply(), kind))
        for piece in ("Ann", "birds", "Why would trees", ANSWER.url, LINKS.mute, LINKS.unsubscribe, LINKS.preferences):
            assert piece in body


def test_several_answers_travel_in_one_mail_in_their_order() -> None:
    """Three answers are told one after the other, each with its own link."""
    answers = [replace(ANSWER, comment_id=n, author=name, url=f"https://forum.example/forum/comments/{n}")
               for n, name in ((1, "Ann"), (2, "Bob"), (3, "Cy"))]  # fmt: skip
    for kind in ("plain", "html"):
        body = part(reply(*answers), kind)
        places = [body.index(piece) for piece in ("Ann", "comments/1", "Bob", "comments/2", "Cy", "comments/3")]
        assert places == sorted(places)
    assert parsed(reply(*answers))["X-Forum-Comment"] == "3"


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({}, "Ann answered your comment on"),
        ({"reply_to_you": False, "parent_author": "Bob"}, "Ann answered Bob on"),
        ({"reply_to_you": False}, "Ann commented on"),
        ({"moderator": True, "author": "Admin"}, "Admin (moderator) answered your comment on"),
        ({"reply_to_you": False, "parent_author": "admin"}, 'Ann answered "admin" (unregistered) on'),
    ],
)
def test_the_first_line_tells_who_answered_whom(changes: dict[str, Any], told: str) -> None:
    """The same sentence stands in both parts."""
    raw = reply(replace(ANSWER, **changes))
    assert part(raw, "plain").startswith(told)
    assert told in " ".join(re.sub(r"<[^>]+>", "", html.unescape(part(raw, "html"))).split())


@pytest.mark.parametrize(
    ("reason", "why"),
    [("reply", "answers to your comments"), ("branch", "everything below your comment"), ("thread", "all comments on")],
)
def test_the_footer_says_why_the_mail_came(reason: str, why: str) -> None:
    """The reason stands in the footer of both parts and in a header for filters."""
    raw = reply(reason=reason)
    assert why in part(raw, "plain")
    assert why in part(raw, "html")
    assert parsed(raw)["X-Forum-Reason"] == reason


def test_a_long_answer_is_cut_and_says_so() -> None:
    """Six hundred characters and twelve lines are enough for a mail; the rest is on the site."""
    for source in ("tree " * 400, "line\n" * 40):
        raw = reply(replace(ANSWER, source=source))
        for kind in ("plain", "html"):
            body = part(raw, kind)
            assert "…" in body
            assert "(continued on the site)" in body
            assert body.count("tree ") <= 145
            assert body.count("line\n") <= 12


def test_links_only_holds_no_words_of_anybody() -> None:
    """With quoting switched off the mail says who and where, not what."""
    raw = reply(settings=site(FORUM_MAIL_QUOTE=False))
    for kind in ("plain", "html"):
        assert "birds" not in part(raw, kind)
        assert "lease?" not in part(raw, kind)
        assert ANSWER.url in part(raw, kind)
    assert part(raw, "plain").startswith("Ann answered your comment on “Why trees need leases”.\n")


def test_nothing_in_the_html_is_loaded_or_was_made_clickable_by_a_visitor() -> None:
    """Tags of a visitor arrive as text, and the only links are ours."""
    source = "<a href=http://evil.example>x</a> <img src=http://t.example/p.gif> [y](http://evil.example) ![z](http://t.example/q.gif)"
    body = part(reply(replace(ANSWER, source=source)), "html")
    assert set(re.findall(r'href="([^"]*)"', body)) == {ANSWER.url, LINKS.mute, LINKS.unsubscribe, LINKS.preferences}
    tags = " ".join(re.findall(r"<[^>]*>|<style>.*</style>", body, re.DOTALL))
    assert not re.search(r"<(img|script|link|iframe|object|video|audio|svg|form|input)|\bsrc=|url\(|@import", tags)


def test_a_strangers_address_is_not_clickable_anywhere() -> None:
    """Mail programs turn bare addresses into links, so a stranger's shows its host only; a trusted one's stays."""
    stranger = replace(ANSWER, source="See https://evil.example/win?id=7 or www.evil.example/x.")
    for kind in ("plain", "html"):
        assert "evil.example/" not in part(reply(stranger), kind)
        assert "[link to evil.example]" in part(reply(stranger), kind)
        assert "https://evil.example/win?id=7" in part(reply(replace(stranger, trusted=True)), kind)


def test_a_hebrew_answer_in_an_english_mail_has_its_own_direction() -> None:
    """The words carry dir=auto, the footer stands outside of them."""
    body = part(reply(replace(ANSWER, source="שלום עולם", author="דנה")), "html")
    assert re.search(r'<div class="words" dir="auto"[^>]*>(<p[^>]*>)?שלום', body)
    assert re.search(r'<bdi dir="auto"[^>]*>דנה</bdi>', body)
    assert body.index("</table>", body.index("שלום עולם</p>")) < body.index("You get this because")


def test_markup_in_titles_and_names_is_text() -> None:
    """The environment here escapes nothing by itself, and still no tag of a visitor survives."""
    evil = "<script>alert(1)</script><b>"
    raw = reply(replace(ANSWER, author=evil, parent_author=evil, your_words=evil), title=evil)
    assert "<script" not in part(raw, "html")
    assert "<b>" not in part(raw, "html")


def test_invisible_tricks_in_a_name_are_gone_from_the_whole_mail() -> None:
    """Neither the override nor the joiner occurs in any part."""
    raw = reply(replace(ANSWER, author="a\u202eb\u200dc"))
    for kind in ("plain", "html"):
        assert not re.search("[\u202e\u200d]", part(raw, kind))


def test_own_words_are_a_reminder_not_a_copy() -> None:
    """Of the reader's comment two hundred characters come back."""
    body = part(reply(replace(ANSWER, your_words="memory " * 200)), "plain")
    assert body.count("memory") < 30
    assert "…" in body


# The wire


def test_a_word_of_five_thousand_letters_keeps_lines_short() -> None:
    """No line of the body has more than 76 octets, none at all more than 998."""
    raw = reply(replace(ANSWER, source="x" * 5000, your_words="y" * 5000))
    body = raw.partition(b"\r\n\r\n")[2]
    assert max(map(len, body.split(b"\r\n"))) <= 76
    assert raw.isascii()


def test_every_part_is_quoted_printable_under_an_alternative() -> None:
    """No 8bit, no base64, no mixed around it."""
    mail = parsed(reply(replace(ANSWER, source="Grüße 👋")))
    assert mail.get_content_type() == "multipart/alternative"
    assert [piece["Content-Transfer-Encoding"] for piece in mail.iter_parts()] == ["quoted-printable"] * 2
    assert "Grüße 👋" in part(reply(replace(ANSWER, source="Grüße 👋")), "plain")


def test_broken_characters_are_left_out() -> None:
    """NUL and lone surrogates in stored text do not stop a mail and are not in it."""
    raw = reply(replace(ANSWER, source="a\0b\ud83dc", author="A\0nn\udc00"), title="t\0\ud83d")
    assert "abc" in part(raw, "plain")
    assert not re.search("[\0\ud800-\udfff]", part(raw, "plain") + part(raw, "html"))


strange = st.text(st.characters(), max_size=300) | st.lists(
    st.sampled_from(
        [
            "\r\n",
            "\0",
            "\u202e",
            "\u2028",
            "Bcc: x@y.example",
            "=?utf-8?q?a?=",
            "--=_",
            "<b>",
            "{{ 7*7 }}",
            "שלום",
            "👩‍👧",
            ".",
        ]
    ),
    max_size=30,
).map("".join)


@pace(max_examples=60, deadline=None)
@given(strange, strange, strange)
def test_whatever_people_write_the_mail_keeps_its_shape(name: str, title: str, source: str) -> None:
    """Same headers, same sender, two parts, short lines, seven bits."""
    raw = reply(replace(ANSWER, author=name, source=source, your_words=source), title=title)
    mail = parsed(raw)
    assert header_names(raw) == header_names(reply())
    assert mail["From"] == parsed(reply())["From"]
    assert len(list(mail.iter_parts())) == 2
    assert not mail.defects
    assert raw.isascii()
    assert max(map(len, raw.split(b"\r\n"))) <= 998
    assert b"\n" not in raw.replace(b"\r\n", b"")


# Other mails


def test_the_confirmation_holds_nobodys_words_and_is_no_list_mail() -> None:
    """No list headers, no precedence, both ways out, the site's name and nothing of a visitor."""
    mail = parsed(confirm())
    assert mail["Subject"] == "Confirm your e-mail for Example Forum"
    assert mail["X-Forum-Reason"] == "confirm"
    assert not [name for name in mail if name.startswith("List-") or name in ("Precedence", "X-Forum-Comment")]
    for kind in ("plain", "html"):
        assert "https://forum.example/forum/m/c/c1" in part(confirm(), kind)
        assert "https://forum.example/forum/m/x/x1" in part(confirm(), kind)


def test_the_sign_in_mail_holds_the_link_and_its_time() -> None:
    """A moderator reads how long the link works; there is no header of a comment in it."""
    raw = sign_in(url="https://forum.example/forum/sign-in/abc")
    assert parsed(raw)["Subject"] == "Sign in to Example Forum"
    assert not [name for name in parsed(raw) if name.startswith(("List-", "X-Forum-"))]
    for kind in ("plain", "html"):
        assert "https://forum.example/forum/sign-in/abc" in part(raw, kind)
        assert "30 minutes" in part(raw, kind)


def test_a_host_may_say_it_in_its_own_words(tmp_path: Path) -> None:
    """A template of the same name in front of ours wins, and its subject is still one line."""
    own = tmp_path / "forum/mail/sign_in"
    own.mkdir(parents=True)
    (own / "subject.txt").write_text("Welcome\r\nback")
    env = Environment(loader=FileSystemLoader([tmp_path, TEMPLATES]))
    raw = sign_in(env=env)
    assert parsed(raw)["Subject"] == "Welcome back"


def test_html_mails_stay_small() -> None:
    """Forty long answers stay under 60 KB, far from where mail programs clip; those not told are counted and linked."""
    answers = [replace(ANSWER, source="שלום עולם " * 300, your_words=f"{n} מילים שלי " * 50) for n in range(40)]
    raw = reply(*answers)
    assert len(raw) < 60_000
    assert "30 more on the page: https://forum.example/articles/42\n" in part(raw, "plain")
    assert 'href="https://forum.example/articles/42"' in part(raw, "html")


def test_two_answers_to_one_comment_quote_it_once() -> None:
    """The reader is reminded of their own words once."""
    assert part(reply(ANSWER, replace(ANSWER, comment_id=1338, author="Bob")), "plain").count("trees ever need") == 1


def test_times_cannot_be_misread() -> None:
    """Whatever clock a time was taken from, it is told in UTC, with its month in letters."""
    there = dt.timezone(dt.timedelta(hours=-5))
    answer = replace(ANSWER, created_at=dt.datetime(2026, 2, 3, 22, 4, tzinfo=there))
    for raw in (reply(answer), digest(thread(answer))):
        for kind in ("plain", "html"):
            assert "4 February 2026, 03:04 UTC" in part(raw, kind)


def test_a_lively_conversation_says_how_often_it_writes() -> None:
    """The mail tells that it comes once an hour for a day, with the way to silence it right there."""
    assert "lively" not in part(reply(), "plain")
    words = part(reply(hourly=True), "plain").partition("\n-- \n")[0]
    assert f"lively: for a day you hear of it at most once an hour.\nMute this conversation: {LINKS.mute}" in words
    page = part(reply(hourly=True), "html")
    assert page.count(f'href="{LINKS.mute}"') == 2


def test_a_reader_nobody_has_seen_is_asked_and_told() -> None:
    """First the question with the way to keep the mails, in the end that they stop; in single mails and in digests."""
    for make in (reply, digest):
        for kind in ("plain", "html"):
            assert "a year" not in part(make(), kind)
            asked = part(make(still_there=True), kind)
            assert "Are you still interested?" in asked
            assert "stop writing" not in asked
            told = part(make(still_there=True, last=True), kind)
            assert "This was the last mail" in told
            for body in (asked, told):
                assert body.count(LINKS.preferences) == 2


# Digests


def test_a_digest_of_one_thread_is_filed_with_its_mails() -> None:
    """It follows the thread's root, and names the thread and its newest answer."""
    raw = digest(thread(ANSWER, ASIDE), envelope=FILED)
    lines = header_lines(raw)
    for line in (
        "Subject: [Example Forum] 2 new replies in 1 discussion",
        "In-Reply-To: <a42@forum.example>",
        "References: <a42@forum.example>",
        "List-Archive: <https://forum.example/articles/42>",
        "X-Forum-Reason: digest",
        "X-Forum-Thread: 42",
        "X-Forum-Comment: 1340",
    ):
        assert line in lines


def test_a_digest_of_several_threads_stands_alone() -> None:
    """It is filed under none of them, and counts all that is new."""
    raw = digest(thread(ANSWER, ASIDE), thread(HEBREW, LONG, CODE, number=43), thread(number=44))
    assert parsed(raw)["Subject"] == "[Example Forum] 6 new replies in 3 discussions"
    assert "List-Archive: <https://forum.example>" in header_lines(raw)
    assert not {"In-Reply-To", "References", "X-Forum-Thread", "X-Forum-Comment"} & set(header_names(raw))
    assert parsed(digest(thread()))["Subject"] == "[Example Forum] 1 new reply in 1 discussion"


def test_a_digest_tells_each_thread_with_its_own_way_out() -> None:
    """Title, who answered whom, the words, a link to answer, and a link to mute this thread alone."""
    raw = digest()
    for kind in ("plain", "html"):
        body = re.sub("<[^>]+>", "", part(raw, kind).partition("<table")[2] or part(raw, kind))
        pieces = [
            "Why trees need leases",
            "Ann answered you",
            "birds",
            "Bo answered Cy",
            "עצים בעיר",
            "דנה answered you",
        ]
        places = [body.index(piece) for piece in pieces]
        assert places == sorted(places)
        for number in ("42", "43"):
            assert thread(number=int(number)).mute in part(raw, kind)


@pytest.mark.parametrize(
    ("cadence", "told"),
    [
        ("instant", "about answers.\n"),
        ("hourly", "once an hour."),
        ("daily", "once a day."),
        ("weekly", "once a week."),
    ],
)
def test_a_digest_says_why_it_came_now(cadence: str, told: str) -> None:
    """The footer names the rhythm that was chosen, or the top that it was too much for single mails."""
    assert told in part(digest(cadence=cadence), "plain")
    assert "answers.\nStop" in part(digest(cadence=cadence, rolled=True), "plain")
    assert "busy day" not in part(digest(cadence=cadence), "html")
    for kind in ("plain", "html"):
        assert "busy day" in part(digest(cadence=cadence, rolled=True), kind)


def test_a_large_digest_tells_a_little_of_each() -> None:
    """Of 25 threads 20 are told, with 40 answers shared out fairly; the others are counted behind a link."""
    lively = thread(*[replace(ANSWER, comment_id=number) for number in range(100)], number=1)
    quiet = [thread(ANSWER, number=number, title=f"Quiet {number}") for number in range(2, 26)]
    body = part(digest(lively, *quiet), "plain")
    assert body.count("Read and answer:") == 40
    assert body.count("Mute this conversation:") == 20
    assert "79 more on the page: https://forum.example/articles/1\n" in body
    assert "5 more discussions on the site: https://forum.example\n" in body
    assert parsed(digest(lively, *quiet))["Subject"] == "[Example Forum] 124 new replies in 25 discussions"


def test_a_digest_without_quotations_holds_no_words_of_anybody() -> None:
    """With quoting switched off it says who, where and when."""
    for kind in ("plain", "html"):
        body = part(digest(thread(ANSWER), settings=site(FORUM_MAIL_QUOTE=False)), kind)
        assert "birds" not in body
        assert ANSWER.url in body


# Notices and links


@pytest.mark.parametrize(
    ("decision", "subject"),
    [
        ("approve", "Your comment on Example Forum is published"),
        ("reject", "Your comment on Example Forum was not published"),
    ],
)
def test_a_notice_tells_the_decision_and_nothing_else(decision: str, subject: str) -> None:
    """What became of the comment and where; the subject holds no title, the mail no reason and nobody's name."""
    raw = notice(decision=decision)
    assert parsed(raw)["Subject"] == subject
    for kind in ("plain", "html"):
        assert "Why trees need leases" in part(raw, kind)
        assert ANSWER.url in part(raw, kind)
        assert not re.search("moderator|spam|because of", part(raw, kind))


@pytest.mark.parametrize(
    ("page", "subject"),
    [
        ("p", "Your e-mail settings for Example Forum"),
        ("o", "Your comment on Example Forum"),
        ("n", "Confirm your new address for Example Forum"),
    ],
)
def test_a_link_comes_alone_and_says_how_long_it_works(page: str, subject: str) -> None:
    """One link, its days, and that nothing has to be done by whoever did not ask."""
    raw = link(page=page, url="https://forum.example/forum/m/x/token", days=7)
    assert parsed(raw)["Subject"] == subject
    assert re.findall(r"https://\S+", part(raw, "plain")) == ["https://forum.example/forum/m/x/token"]
    for kind in ("plain", "html"):
        assert "works for 7 days" in part(raw, kind)
        assert "do nothing" in part(raw, kind)
    assert "works for 1 day." in part(link(page=page, days=1), "plain")


# Written once, filled in for each

WRITERS = ("reply", "digest", "confirm", "notice", "moved", "link", "sign_in", "queue")
FOOTER = "{% block footer %}שלום {{ super() }}{% endblock %}"
TRANSLATED = {
    f"forum/mail/{kind}/he/{file}": f'{{% extends "forum/mail/{kind}/{file}" %}}{FOOTER}'
    for kind in WRITERS
    for file in ("body.txt", "body.html")
}
HOST = Environment(loader=ChoiceLoader([DictLoader(TRANSLATED), FileSystemLoader(TEMPLATES)]), auto_reload=False)
ANN = {name: f"{name[0]}k3x9.Jw6m2QpN7uVbTzYcA4sD1{name[-1]}" for name in ("u", "t", "p", "t42", "t43")}
BOB = {name: f"{name[0]}9.{name[1:]}abc.zzzzzQpN7uVbTzYcA4sD1g" for name in ANN}


def news(kind: str, token: Callable[[str], str], name: str, title: str, source: str) -> dict[str, Any]:
    """What a mail of this kind tells, with links that end in what ``token`` makes of their names."""
    answer = replace(ANSWER, author=name, source=source, your_words=source)
    links = compose.Links(f"{M}/u/{token('u')}", f"{M}/t/{token('t')}", f"{M}/p/{token('p')}")
    told: dict[str, dict[str, Any]] = {
        "reply": {"thread_id": 42, "title": title, "thread_url": f"{M}/42", "answers": (answer,), "links": links}
        | {"reason": "reply", "hourly": True, "still_there": True},
        "digest": {"links": links, "cadence": "daily", "rolled": False}
        | {
            "threads": tuple(
                replace(thread(answer, number=n, title=title), mute=f"{M}/t/{token(f't{n}')}") for n in (42, 43)
            )
        },
        "confirm": {"confirm_url": f"{M}/c/{token('u')}", "refuse_url": f"{M}/x/{token('t')}"},
        "notice": {"decision": "approve", "thread_title": title, "url": ANSWER.url},
        "moved": {},
        "link": {"page": "p", "url": f"{M}/p/{token('p')}", "days": 30},
        "sign_in": {"url": f"https://forum.example/forum/sign-in/{token('u')}", "minutes": 30},
        "queue": {"told": 1, "in_all": 2, "queue_url": f"{M}/42", "unsubscribe": f"{M}/u/{token('u')}", "daily": True}
        | {"cases": (compose.Case(name, title, (title,), source, NOW, f"{M}/a/{token('t')}", f"{M}/a/{token('p')}"),)},
    }
    return told[kind]


def written(kind: str, language: str, token: Callable[[str], str], *words: str) -> Pattern:
    make: Callable[..., Pattern] = getattr(compose, kind)
    return make(HOST, site(), language=language, **news(kind, token, *words))


def plain_words(kind: str) -> dict[str, Any]:
    return news(kind, mark, "Ann", "Trees", "Why?")


@pytest.mark.parametrize("language", ["en", "he"])
@pytest.mark.parametrize("kind", WRITERS)
@pace(max_examples=8, deadline=None)
@given(strange, strange | st.just("t" * 100_000), strange | st.just("x" * 100_000) | st.just("a\ud800\0\u202e" * 99))
def test_a_filled_mail_is_the_one_written_for_its_reader_alone(
    kind: str, language: str, name: str, title: str, source: str
) -> None:
    """Whatever people write: rendered with marks and filled in, or rendered with the reader's links, to the octet."""
    alone = written(kind, language, ANN.__getitem__, name, title, source).fill(ENVELOPE, {})
    assert written(kind, language, mark, name, title, source).fill(ENVELOPE, ANN) == alone


@pytest.mark.parametrize("kind", WRITERS)
def test_two_readers_mails_differ_in_their_own_parts_only(kind: str) -> None:
    """Envelope, boundary and links; with Bob's links in their place Ann's bodies are Bob's."""
    pattern = written(kind, "en", mark, "Ann", "Trees", "Why?")
    to_bob = replace(ENVELOPE, to="bob@example.net", message_id="<c9.aa@forum.example>", references=("<a42@b>",))
    ann, bob = pattern.fill(ENVELOPE, ANN), pattern.fill(to_bob, BOB)
    changed = set(header_lines(ann)) ^ set(header_lines(bob))
    assert {line.partition(":")[0] for line in changed} <= {
        "To", "Message-ID", "References", "Content-Type", "List-Unsubscribe"
    }  # fmt: skip
    for body in ("plain", "html"):
        swapped = re.sub("|".join(map(re.escape, ANN.values())), lambda own: _bobs(own[0]), part(ann, body))
        assert swapped == part(bob, body)


def _bobs(own: str) -> str:
    return next(BOB[name] for name, value in ANN.items() if value == own)


@pytest.mark.parametrize("kind", WRITERS)
def test_equal_news_is_written_once(kind: str) -> None:
    """Told again in equal words it is the same pattern; another language or site, or fewer words, is another one."""
    patterns, make = Patterns(HOST, site()), getattr(compose, kind)
    first = patterns.of(make, language="en", **plain_words(kind))
    assert patterns.of(make, language="en", **plain_words(kind)) is first
    assert patterns.of(make, language="he", **plain_words(kind)) is not first
    assert Patterns(HOST, site()).of(make, language="en", **plain_words(kind)) is not first


def test_a_pattern_is_never_out_of_date() -> None:
    """An edit, a new title or a new name tells something else, whatever number the comment has."""
    patterns = Patterns(HOST, site())
    known = plain_words("reply")
    later = [known | {"title": "Shrubs"}, known | {"answers": (replace(ANSWER, source="Edited."),)}]
    made = {patterns.of(compose.reply, **words) for words in (known, *later)}
    assert len(made) == 3


def test_only_the_latest_patterns_are_kept() -> None:
    """With room for one, the second takes its place; a host that reloads templates keeps none."""
    patterns = Patterns(HOST, site(), size=1)
    first, again = (patterns.of(compose.moved, language=language) for language in ("en", "en"))
    assert again is first
    patterns.of(compose.moved, language="he")
    assert patterns.of(compose.moved, language="en") is not first
    reloading = Patterns(Environment(loader=FileSystemLoader(TEMPLATES)), site())
    assert reloading.of(compose.moved) is not reloading.of(compose.moved)


def test_what_cannot_be_written_is_tried_again() -> None:
    """Errors are not kept."""
    patterns = Patterns(HOST, site())
    for _ in range(2):
        with pytest.raises(ValueError, match="List-Archive"):
            patterns.of(compose.reply, **(plain_words("reply") | {"thread_url": "https://forum.example/é"}))


def test_a_link_that_a_template_shortens_is_refused() -> None:
    """A host's template writes links out whole or not at all."""
    short = DictLoader({"forum/mail/reply/body.txt": "{{ links.mute|truncate(60, true) }}"})
    env = Environment(loader=ChoiceLoader([short, FileSystemLoader(TEMPLATES)]))
    with pytest.raises(ValueError, match="address of a link"):
        compose.reply(env, site(), **plain_words("reply"))
