"""What a mail says and how it is written: every claim is checked on the bytes that would travel."""

from __future__ import annotations

import datetime as dt
import email
import email.policy
import html
import re
from dataclasses import replace
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import settings as pace
from hypothesis import strategies as st
from jinja2 import Environment, FileSystemLoader

import forum.mail
from forum.errors import MailNotConfigured
from forum.mail import compose, wire
from forum.mail.compose import Answer, Envelope, Links
from forum.settings import Settings

TEMPLATES = Path(forum.mail.__file__).parents[1] / "templates"
ENV = Environment(loader=FileSystemLoader(TEMPLATES))  # escapes nothing by itself: our templates must ask for it
NOW = dt.datetime(2026, 11, 22, 13, 31, 3, tzinfo=dt.UTC)
ENVELOPE = Envelope(
    to="reader@example.net",
    message_id="<c1337.9f2c41d0a7b35e68@forum.example>",
    date=NOW,
    in_reply_to="<c1290.5b0e77c3d1a94f20@forum.example>",
    references=("<a42@forum.example>", "<c1290.5b0e77c3d1a94f20@forum.example>"),
)
LINKS = Links(
    unsubscribe="https://forum.example/forum/m/u/uk3x9.Jw6m2QpN7uVbTzYcA4sD1g",
    mute="https://forum.example/forum/m/t/tk3x9.16.Jw6m2QpN7uVbTzYcA4sD1g",
)
ANSWER = Answer(
    comment_id=1337,
    author="Ann",
    trusted=False,
    moderator=False,
    source="Because **birds** rent them.",
    created_at=NOW,
    url="https://forum.example/forum/comments/1337",
    reply_to_you=True,
    your_words="Why would trees ever need a lease?",
)


def site(**more: Any) -> Settings:
    known = {
        "FORUM_BASE_URL": "https://forum.example",
        "FORUM_SITE_NAME": "Example Forum",
        "FORUM_MAIL_FROM": "notify@forum.example",
        "FORUM_MAIL_TRANSPORT": "smtp",
    }
    return Settings.from_config(known | more)


def reply(*answers: Answer, settings: Settings | None = None, **more: Any) -> bytes:
    known: dict[str, Any] = {
        "thread_id": 42,
        "title": "Why trees need leases",
        "thread_url": "https://forum.example/articles/42",
        "links": LINKS,
        "reason": "reply",
        "answers": answers or [ANSWER],
    }
    envelope = more.pop("envelope", ENVELOPE)
    return compose.reply(ENV, settings or site(), envelope, **(known | more))


def confirm(**more: Any) -> bytes:
    urls = {"confirm_url": "https://forum.example/forum/m/c/c1", "refuse_url": "https://forum.example/forum/m/x/x1"}
    return compose.confirm(ENV, site(**more), replace(ENVELOPE, in_reply_to=None, references=()), **urls)


def parsed(raw: bytes) -> EmailMessage:
    mail = email.message_from_bytes(raw, policy=email.policy.default)
    assert isinstance(mail, EmailMessage)
    return mail


def part(raw: bytes, kind: str) -> str:
    body = parsed(raw).get_body((kind,))
    assert body is not None
    return str(body.get_content()).replace("\r\n", "\n")


def header_lines(raw: bytes) -> list[str]:
    """The header's lines, unfolded."""
    return re.sub(r"\r\n(?=[ \t])", "", raw.partition(b"\r\n\r\n")[0].decode("ascii")).split("\r\n")


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
    assert [line.partition(":")[0] for line in header_lines(raw)] == [
        line.partition(":")[0] for line in header_lines(reply())
    ]
    assert parsed(raw)["Subject"] == "Re: [Example Forum] x Bcc: v@example.org"


def test_a_title_that_spells_an_encoded_word_stays_as_it_was_typed() -> None:
    """Nothing a title spells is decoded into something else."""
    title = "=?utf-8?q?x=0D=0ABcc:_v=40example.org?="
    raw = reply(title=title)
    assert parsed(raw)["Subject"] == f"Re: [Example Forum] {title}"
    assert len(header_lines(raw)) == len(header_lines(reply()))


@pytest.mark.parametrize(
    "to", ["a@example.net, b@example.net", "a@example.net\r\nBcc: b@example.net", "höfe@x.net", "Ann <a@x.net>"]
)
def test_a_recipient_that_is_not_one_plain_address_is_refused(to: str) -> None:
    """Such a mail is not built at all."""
    with pytest.raises(ValueError, match="recipient"):
        reply(envelope=replace(ENVELOPE, to=to))


def test_a_header_of_ours_that_is_not_ascii_is_refused() -> None:
    """An address with foreign letters in its path has to be percent-encoded by its maker."""
    with pytest.raises(ValueError, match="List-Archive"):
        reply(thread_url="https://forum.example/é")


def test_a_line_break_in_an_id_is_refused() -> None:
    """Identifiers are ours; one with a break would be an error worth hearing of."""
    with pytest.raises(ValueError, match="Message-ID"):
        reply(envelope=replace(ENVELOPE, message_id="<a@b>\r\nBcc: v@example.org"))


def test_without_a_sender_no_mail_is_made() -> None:
    """The error names the key that is missing."""
    with pytest.raises(MailNotConfigured, match="FORUM_MAIL_FROM"):
        confirm(FORUM_MAIL_FROM=None)


@pytest.mark.parametrize(
    ("name", "phrase"),
    [("Example Forum", "Example Forum comments "), ("Fórum", ""), ('A "B", C', '"A \\"B\\", C comments" ')],
)
def test_the_list_is_named_where_ascii_can_name_it(name: str, phrase: str) -> None:
    """The identifier is always there; the name before it is quoted where it must be, or left out."""
    assert wire.list_id(name, "forum.example") == f"{phrase}<comments.forum.example>"


@pytest.mark.parametrize("name", ["Fórum é", 'Say "hi", now', "Trees \\ leaves", "Forum " + "x" * 60])
def test_any_site_name_comes_back_from_the_sender_line(name: str) -> None:
    """Quotes, commas and foreign letters in the site's name do not touch the address."""
    (sender,) = parsed(reply(settings=site(FORUM_SITE_NAME=name)))["From"].addresses
    assert (sender.display_name, sender.addr_spec) == (name, "notify@forum.example")


def test_the_same_mail_is_the_same_octets() -> None:
    """Rendered twice, by two environments, a mail does not differ in one octet; another id has another boundary."""
    assert reply() == reply()
    app = Flask("host", template_folder=str(TEMPLATES))
    flask_made = compose.confirm(app.jinja_env, site(), ENVELOPE, confirm_url="https://x/c", refuse_url="https://x/x")
    assert flask_made == compose.confirm(ENV, site(), ENVELOPE, confirm_url="https://x/c", refuse_url="https://x/x")
    other = reply(envelope=replace(ENVELOPE, message_id="<c1338.aa@forum.example>"))
    assert parsed(other).get_boundary() != parsed(reply()).get_boundary()


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
        'Ann answered your comment on "Why trees need leases":\n'
        "\n"
        "  Because birds rent them.\n"
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
        "Example Forum, 1 High Street\n"
    )


def test_both_parts_hold_the_same_news_and_the_text_comes_first() -> None:
    """Author, words, quotation, and all three links are in each part."""
    mail = parsed(reply())
    assert [piece.get_content_type() for piece in mail.iter_parts()] == ["text/plain", "text/html"]
    for kind in ("plain", "html"):
        body = html.unescape(part(reply(), kind))
        for piece in ("Ann", "birds", "Why would trees", ANSWER.url, LINKS.mute, LINKS.unsubscribe):
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
    assert part(raw, "plain").startswith('Ann answered your comment on "Why trees need leases".\n')


def test_nothing_in_the_html_is_loaded_or_was_made_clickable_by_a_visitor() -> None:
    """Tags of a visitor arrive as text, and the only links are ours."""
    source = "<a href=http://evil.example>x</a> <img src=http://t.example/p.gif> [y](http://evil.example) ![z](http://t.example/q.gif)"
    body = part(reply(replace(ANSWER, source=source)), "html")
    assert set(re.findall(r'href="([^"]*)"', body)) == {ANSWER.url, LINKS.mute, LINKS.unsubscribe}
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


def test_every_address_stands_alone_at_the_end_of_its_line() -> None:
    """A mail program that links addresses never takes a full stop or bracket along."""
    for raw in (reply(), confirm()):
        for line in part(raw, "plain").splitlines():
            if "https://" in line:
                assert re.search(r"(^|: )https://\S+[\w/]$", line)


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
    assert [line.partition(":")[0] for line in header_lines(raw)] == [
        line.partition(":")[0] for line in header_lines(reply())
    ]
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
    raw = compose.sign_in(ENV, site(), ENVELOPE, url="https://forum.example/forum/sign-in/abc", minutes=30)
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
    raw = compose.sign_in(env, site(), ENVELOPE, url="https://forum.example/s", minutes=5)
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


def test_a_sender_is_one_plain_address_with_or_without_a_name() -> None:
    """Without a name the bare mailbox stands in From; anything but a mailbox is refused."""
    words: dict[str, Any] = {"subject": "s", "headers": [], "text": "t", "html": "h"}
    raw = wire.build(ENVELOPE, sender=("", "notify@forum.example"), **words)
    assert "From: <notify@forum.example>" in header_lines(raw)
    with pytest.raises(ValueError, match="sender"):
        wire.build(ENVELOPE, sender=("Forum", "notify@forum.example, v@example.org"), **words)
