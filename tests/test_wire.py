"""The octets of every kind of mail: what any relay, any filter and any mail program may rely on."""

from __future__ import annotations

import importlib.util
import re
import sys
from collections.abc import Callable
from dataclasses import replace
from email.quoprimime import body_encode
from typing import Any

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import settings as pace
from hypothesis import strategies as st

from forum.mail import wire
from tests.mails import ALONE, ANSWER, ENVELOPE, EVERY, KINDS, LINKS, TEMPLATES, digest, notice, reply, site, thread
from tests.wire import SNAPSHOTS, header_lines, header_names, parsed, part, snapshot

SINGLE = ("From", "To", "Subject", "Date", "Message-ID", "MIME-Version", "Content-Type", "Content-Language")
NEVER = {"Bcc", "Cc", "Sender", "Return-Path", "Disposition-Notification-To", "Return-Receipt-To", "X-Originating-IP"}
NEVER |= {"User-Agent", "X-Mailer", "Reply-To"}
every = pytest.mark.parametrize("name", EVERY)
kinds = pytest.mark.parametrize("kind", KINDS)


def urls(text: str) -> set[str]:
    return set(re.findall(r"https://[^\s\"<]+", text))


@every
def test_a_mail_is_what_was_kept_of_it(name: str) -> None:
    """Not one octet has changed unseen; `UPDATE_SNAPSHOTS=1` accepts a change that is meant."""
    kept, now = snapshot(name, EVERY[name]())
    assert now.decode() == kept.decode()


def test_nothing_is_kept_of_mails_that_are_no_more() -> None:
    """Each snapshot belongs to a mail."""
    assert {file.stem for file in SNAPSHOTS.iterdir()} == set(EVERY)


@every
def test_a_mail_has_each_header_once(name: str) -> None:
    """What identifies a mail stands in it exactly once, and nothing in it asks for receipts or names programs."""
    names = header_names(EVERY[name]())
    assert len(names) == len({line.lower() for line in names})
    assert set(SINGLE) <= set(names)
    assert not NEVER & set(names)
    assert (parsed(EVERY[name]())["Message-ID"] or "").endswith("@forum.example>")


@every
def test_a_mail_comes_from_the_site_and_from_a_machine(name: str) -> None:
    """From is one constant; automatic answers are asked for silence, bounces are not."""
    raw = EVERY[name]()
    assert 'From: "Example Forum" <notify@forum.example>' in header_lines(raw)
    assert "Auto-Submitted: auto-generated" in header_lines(raw)
    assert "X-Auto-Response-Suppress: OOF, AutoReply, DR, RN, NRN" in header_lines(raw)


@every
def test_a_mail_survives_any_relay(name: str) -> None:
    """Seven bits, CRLF alone, lines of at most 76 octets in the bodies; two quoted-printable parts, text first."""
    raw = EVERY[name]()
    body = raw.partition(b"\r\n\r\n")[2]
    assert raw.isascii()
    assert b"\n" not in raw.replace(b"\r\n", b"")
    assert max(map(len, body.split(b"\r\n"))) <= 76
    assert max(map(len, raw.split(b"\r\n"))) <= 998
    assert not parsed(raw).defects
    parts = list(parsed(raw).iter_parts())
    assert parsed(raw).get_content_type() == "multipart/alternative"
    assert [piece.get_content_type() for piece in parts] == ["text/plain", "text/html"]
    assert [piece["Content-Transfer-Encoding"] for piece in parts] == ["quoted-printable"] * 2


@every
def test_only_subject_and_sender_may_be_encoded(name: str) -> None:
    """No filter has to decode a header of ours."""
    encoded = [line for line in header_lines(EVERY[name]()) if "=?" in line]
    assert [line for line in encoded if not line.startswith(("Subject:", "From:"))] == []


@every
def test_a_mail_loads_nothing_and_leads_nowhere_else(name: str) -> None:
    """The HTML has no image, script, form or remote style, and every link in it is in the text too."""
    raw = EVERY[name]()
    body = part(raw, "html")
    tags = " ".join(re.findall(r"<[^>]*>|<style>.*</style>", body, re.DOTALL))
    assert not re.search(r"<(img|script|link|iframe|object|video|audio|svg|form|input)|\bsrc=|url\(|@import", tags)
    links = set(re.findall(r'href="([^"]*)"', body))
    assert links == urls(part(raw, "plain"))
    assert all(link.startswith("https://forum.example") for link in links)


@every
def test_every_address_stands_alone_at_the_end_of_its_line(name: str) -> None:
    """A mail program that links addresses never takes a full stop or bracket along."""
    for line in part(EVERY[name](), "plain").splitlines():
        if "https://" in line:
            assert re.search(r"(^|: )https://\S+[\w/]$", line)


@every
def test_the_text_ends_in_a_footer_that_is_left_out_of_quotations(name: str) -> None:
    """After "-- " stands why this mail came, and whose it is."""
    words, footer = part(EVERY[name](), "plain").rstrip("\n").split("\n-- \n")
    assert words.strip()
    assert footer.startswith("You get this ")
    assert footer.endswith("\nExample Forum")


@pytest.mark.parametrize("name", [name for name in EVERY if name.startswith(("reply", "digest"))])
def test_list_mail_has_its_ways_out(name: str) -> None:
    """Verbatim one-click headers, and all mail, some mail and settings within reach in both parts."""
    raw = EVERY[name]()
    assert f"\r\nList-Unsubscribe: <{LINKS.unsubscribe}>\r\n".encode() in raw
    assert b"\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n" in raw
    assert b"\r\nList-Id: Example Forum comments <comments.forum.example>\r\n" in raw
    for kind in ("plain", "html"):
        assert {LINKS.unsubscribe, LINKS.preferences} <= urls(part(raw, kind))
        assert "/forum/m/t/" in part(raw, kind)
    archive = str(parsed(raw)["List-Archive"])
    assert "/m/" not in archive


@pytest.mark.parametrize("name", [name for name in EVERY if name.startswith("queue")])
def test_mail_to_moderators_can_be_stopped_like_all_other(name: str) -> None:
    """One click, and a link in both parts; its archive is the queue."""
    raw = EVERY[name]()
    assert f"\r\nList-Unsubscribe: <{LINKS.unsubscribe}>\r\n".encode() in raw
    assert b"\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n" in raw
    assert b"\r\nList-Archive: <https://forum.example/forum/moderation/>\r\n" in raw
    assert all(LINKS.unsubscribe in urls(part(raw, kind)) for kind in ("plain", "html"))


@pytest.mark.parametrize("name", [name for name in EVERY if not name.startswith(("reply", "digest", "queue"))])
def test_mail_about_a_person_is_no_list_mail(name: str) -> None:
    """There is nothing to unsubscribe from: no list header, no precedence, no ids of threads."""
    names = header_names(EVERY[name]())
    assert not [line for line in names if line.startswith(("List-", "X-Forum-T", "X-Forum-C")) or line == "Precedence"]


@kinds
@pytest.mark.parametrize(
    "to", ["a@example.net, b@example.net", "a@example.net\r\nBcc: b@example.net", "höfe@x.net", "Ann <a@x.net>"]
)
def test_a_recipient_that_is_not_one_plain_address_is_refused(kind: str, to: str) -> None:
    """Such a mail is not built at all."""
    with pytest.raises(ValueError, match="recipient"):
        KINDS[kind](envelope=replace(ENVELOPE, to=to))


@kinds
def test_a_line_break_in_an_id_is_refused(kind: str) -> None:
    """Identifiers are ours; one with a break would be an error worth hearing of."""
    with pytest.raises(ValueError, match="Message-ID"):
        KINDS[kind](envelope=replace(ALONE, message_id="<a@b>\r\nBcc: v@example.org"))


@kinds
def test_the_same_mail_is_the_same_octets(kind: str) -> None:
    """Rendered twice, by two environments, a mail does not differ in one octet; another id has another boundary."""
    make = KINDS[kind]
    app = Flask("host", template_folder=str(TEMPLATES))
    assert make() == make(env=app.jinja_env)
    other = make(envelope=replace(ALONE, message_id="<c1338.aa@forum.example>"))
    assert parsed(other).get_boundary() != parsed(make()).get_boundary()


@kinds
def test_any_name_of_a_site_can_be_mailed(kind: str) -> None:
    """Markup, quotes and foreign letters in the site's name are text in every part."""
    name = 'Bäume <b> & "Co", {{ 7*7 }}'
    raw = KINDS[kind](settings=site(FORUM_SITE_NAME=name))
    (sender,) = parsed(raw)["From"].addresses
    assert (sender.display_name, sender.addr_spec) == (name, "notify@forum.example")
    assert max(map(len, re.findall(rb"=\?[^?]+\?[bq]\?[^?]*\?=", raw))) <= 75
    assert name in part(raw, "plain")
    assert "<b>" not in part(raw, "html")


strange = st.text(st.characters(), max_size=300) | st.lists(
    st.sampled_from(
        ["\r\n", "\0", "\u202e", "\u2028", "Bcc: x@y.example", "=?utf-8?q?a?=", "--=_", "<b>", "שלום", "."]
    ),
    max_size=30,
).map("".join)


@pace(max_examples=40, deadline=None)
@given(strange, strange, strange)
def test_whatever_people_write_digests_and_notices_keep_their_shape(name: str, title: str, source: str) -> None:
    """Same headers, same sender and subject, two parts, short lines, seven bits."""
    answer = replace(ANSWER, author=name, source=source, parent_author=name, reply_to_you=False)
    pairs = [
        (digest(thread(answer, title=title), thread(answer, title=title)), digest(thread(), thread())),
        (notice(thread_title=title), notice()),
    ]
    for raw, plain in pairs:
        assert raw.partition(b"\r\n\r\n")[0] == plain.partition(b"\r\n\r\n")[0]
        assert len(list(parsed(raw).iter_parts())) == 2
        assert not parsed(raw).defects
        assert raw.isascii()
        assert max(map(len, raw.split(b"\r\n"))) <= 998
        assert b"\n" not in raw.replace(b"\r\n", b"")


@pytest.mark.parametrize("letter", ["x", "ש", "&", "👩", "\u0301"])
def test_no_mail_is_clipped(letter: str) -> None:
    """Forty answers, full of what takes many octets, stay under 60 KB in a mail of one thread or of many."""
    full = replace(ANSWER, author=letter * 60, source=(letter * 9 + " ") * 300, your_words=(letter * 9 + " ") * 50)
    for raw in (
        reply(*[full] * 40, title=letter * 300),
        digest(*(thread(*[full] * 2, number=number, title=letter * 300) for number in range(20))),
        digest(thread(*[full] * 40, title=letter * 300)),
    ):
        assert len(raw) <= 60_000


@pytest.mark.parametrize(
    ("name", "phrase"),
    [("Example Forum", "Example Forum comments "), ("Fórum", ""), ('A "B", C', '"A \\"B\\", C comments" ')],
)
def test_the_list_is_named_where_ascii_can_name_it(name: str, phrase: str) -> None:
    """The identifier is always there; the name before it is quoted where it must be, or left out."""
    assert wire.list_id(name, "forum.example") == f"{phrase}<comments.forum.example>"


def test_a_sender_is_one_plain_address_with_or_without_a_name() -> None:
    """Without a name the bare mailbox stands in From; anything but a mailbox is refused."""
    words: dict[str, Any] = {"subject": "s", "headers": [], "text": "t", "html": "h"}
    raw = wire.build(ENVELOPE, sender=("", "notify@forum.example"), **words)
    assert "From: <notify@forum.example>" in header_lines(raw)
    with pytest.raises(ValueError, match="sender"):
        wire.build(ENVELOPE, sender=("Forum", "notify@forum.example, v@example.org"), **words)


# Patterns

PLAIN: dict[str, Any] = {"sender": ("F", "f@forum.example"), "subject": "s", "headers": [], "text": "t", "html": "h"}


def filled(values: dict[str, str] | None = None, **words: Any) -> bytes:
    return wire.Pattern(**(PLAIN | words)).fill(ENVELOPE, values or {})


@pace(max_examples=150, deadline=None)
@given(st.lists(strange | st.just(wire.mark("a")) | st.just(wire.mark("b")) | st.just("x" * 71), max_size=9))
def test_a_filled_pattern_is_the_mail_written_alone(pieces: list[str]) -> None:
    """Wherever marks stand in a body, beside words of any kind, their values make the lines they would have made."""
    words, values = "".join(pieces), {"a": "a", "b": "uk3x9.Jw6m2QpN7uVbTzYcA4sD1g"}
    own = words.replace(wire.mark("a"), values["a"]).replace(wire.mark("b"), values["b"])
    assert filled(values, text=words, html=words) == filled(text=own, html=own)


def test_a_line_of_100_kb_is_filled_like_any_other() -> None:
    """A mark far inside of it gets its value, and the line is folded where it would have been without a mark."""
    raw = filled({"a": "v" * 30}, text="é " * 50_000 + wire.mark("a") + "y" * 50_000, html="h")
    assert raw == filled(text="é " * 50_000 + "v" * 30 + "y" * 50_000, html="h")


def test_lines_are_the_standard_librarys() -> None:
    """What is encoded in pieces is what would have been encoded at once."""
    words = "Grüße = \t\nend \n" + wire.mark("a") + " \n.\nFrom " + "x" * 80
    whole = words.replace(wire.mark("a"), "v") + "\n"
    kept = body_encode(whole.encode().decode("latin-1"), 76, "\r\n").encode()
    assert b"\r\n\r\n" + kept + b"\r\n--=_" in filled({"a": "v"}, text=words)


def test_headers_may_hold_marks_too() -> None:
    """A link in a header, or in the subject, is the recipient's own."""
    words = {"subject": f"é {wire.mark('a')}", "headers": [("List-Unsubscribe", f"<https://x/{wire.mark('a')}>")]}
    mail = parsed(filled({"a": "own"}, **words))
    assert (mail["Subject"], mail["List-Unsubscribe"]) == ("é own", "<https://x/own>")


@pytest.mark.parametrize(
    "value", ["", "a b", "a\r\nBcc: v@example.org", "a\n", "\0", "é", "<b>", "a=20", "a/b", "%0a", "&"]
)
def test_a_value_that_is_no_token_is_refused(value: str) -> None:
    """Nothing but letters, digits and `._~-` gets in, whether a mark stands for it or not."""
    for words in ({"text": wire.mark("a")}, {"headers": [("X-A", wire.mark("a"))]}, {}):
        with pytest.raises(ValueError, match="value"):
            filled({"a": value}, **words)


def test_a_mark_without_a_value_is_an_error() -> None:
    """No mail leaves with a mark in it; values nobody asked for are left out."""
    with pytest.raises(KeyError, match="a"):
        filled({"b": "x"}, html=wire.mark("a"))
    assert filled({"b": "x"}) == filled()


@pytest.mark.parametrize(
    "spoil", [lambda mark: mark[:-1], lambda mark: mark[:12], str.upper, lambda mark: mark + mark[:20]]
)
def test_a_mark_that_is_not_whole_is_refused(spoil: Callable[[str], str]) -> None:
    """What shortens or respells a link would send the same broken one to everybody."""
    spoilt = spoil(wire.mark("a"))
    for words in ({"text": spoilt}, {"html": f"a\n{spoilt}\nb"}, {"subject": spoilt}, {"headers": [("X-A", spoilt)]}):
        with pytest.raises(ValueError, match="address of a link"):
            filled({"a": "x"}, **words)


def test_words_that_look_like_a_mark_are_words() -> None:
    """What was a mark in another process is left as it is; each process draws its own."""
    spec = importlib.util.find_spec(wire.__name__)
    assert spec is not None
    assert spec.loader is not None
    other = importlib.util.module_from_spec(spec)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, wire.__name__, other)
        spec.loader.exec_module(other)
    assert part(filled({"a": "own"}, text=f"{other.mark('a')} {wire.mark('a')}"), "plain") == f"{other.mark('a')} own\n"


@pytest.mark.parametrize("name", ["", "A", "a.b", "a b", "é", "a" * 33, "a\n"])
def test_a_mark_has_a_plain_name(name: str) -> None:
    """Small letters, digits and `_`, up to 32 of them."""
    with pytest.raises(ValueError, match="mark"):
        wire.mark(name)


def test_a_mark_looks_like_a_token() -> None:
    """It has its letters and its length, so that no template treats it otherwise."""
    assert re.fullmatch(r"[a-z][0-9a-z]{1,13}\.[0-9a-z]{1,13}\.[A-Za-z0-9_-]{22}", wire.mark("mute"))


def test_a_header_comes_once() -> None:
    """Two of one name are refused, however they are spelt."""
    with pytest.raises(ValueError, match="twice"):
        filled(headers=[("X-A", "a"), ("x-a", "b")])


def test_the_size_is_that_of_the_mail_without_its_envelope() -> None:
    """It grows with what everybody gets."""
    small, large = (wire.Pattern(**(PLAIN | {"text": "x\n" * lines})) for lines in (1, 1001))
    assert large.size() - small.size() == len(large.fill(ENVELOPE, {})) - len(small.fill(ENVELOPE, {})) == 3000
