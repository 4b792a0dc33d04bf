"""The catalogue of mail, T22 to T40: what a mail looks like in its bytes, whoever wrote what is in it."""

from __future__ import annotations

import re
import socket
from collections.abc import Callable, Iterator
from email.header import decode_header, make_header
from email.message import EmailMessage
from urllib.parse import quote

import pytest
from sqlalchemy import event
from sqlalchemy.orm.attributes import set_committed_value

from forum import articles
from forum.models import Comment
from forum.tokens import Stamp, make_stamp, new_nonce
from tests.catalogue.acts import ANN, CEM, Markup, comments_in, field, html_of, rewrite, text_of
from tests.catalogue.conftest import BASE_URL, LONGEST
from tests.visitors import SAME_ORIGIN, Site, comment_id

MakeSite = Callable[..., Site]
ENCODED_WORD = re.compile(rb"=\?[^?\s]+\?[bqBQ]\?[^?\s]*\?=")
ONE_CLICK = b"List-Unsubscribe=One-Click"


def answered(site: Site, body: str = "I agree.", **fields: str | int) -> tuple[bytes, EmailMessage]:
    """Have somebody answer Ann, and return the mail about it as bytes and parsed."""
    first = site.follower("Ann")
    site.comment(body, parent=first, **fields)
    site.deliver()
    return site.raw_mails(ANN)[-1], site.mails(ANN, "reply")[-1]


def titled(site: Site, title: str) -> bytes:
    """Have Ann answered on a page with this title, as a host may call its own, and return the mail."""
    stamp = Stamp("page:1", title, "/articles/bread", new_nonce())
    first = site.follower("Ann", stamp=make_stamp(site.state.keys, stamp, site.clock()))
    answer = Stamp("page:1", title, "/articles/bread", new_nonce())
    site.comment(parent=first, stamp=make_stamp(site.state.keys, answer, site.clock()))
    site.deliver()
    return site.raw_mails(ANN)[-1]


def subject(raw: bytes) -> str:
    """The subject as a mail program shows it."""
    unfolded = re.sub(rb"\r\n(?=[ \t])", b"", field(raw, "Subject")[0])
    return str(make_header(decode_header(unfolded.decode("ascii"))))


def test_t22_each_header_of_its_kind_stands_once(make_site: MakeSite) -> None:
    """From, To, Subject, Date and Message-ID stand once each, and the id is of the configured domain."""
    site = make_site(FORUM_MAIL_DOMAIN="comments.forum.example")
    site.add_article()
    raw, mail = answered(site)
    assert [len(field(raw, name)) for name in ("From", "To", "Subject", "Date", "Message-ID")] == [1] * 5
    assert re.fullmatch(rb"<[!-;=?-~]+@comments\.forum\.example>", field(raw, "Message-ID")[0])
    assert socket.gethostname() not in str(mail["Message-ID"])


def test_t23_a_long_unsubscribe_link_stays_as_it_is(make_site: MakeSite) -> None:
    """A List-Unsubscribe of more than 90 characters is written out on one line, never as an encoded word."""
    site = make_site(FORUM_BASE_URL=f"https://{'long.' * 9}forum.example")
    site.add_article()
    raw, _ = answered(site)
    (value,) = field(raw, "List-Unsubscribe")
    assert len(value) >= 90
    assert re.fullmatch(rb"<https://[!-~]+>", value)
    assert b"=?" not in value


def test_t23_no_encoded_word_is_too_long(site: Site) -> None:
    """A title of 120 letters beyond ASCII is told in encoded words of at most 75 octets, and in nothing else."""
    title = "Über Brötchen und größere Bäckereien – 面包 " * 3
    raw = titled(site, title[:120])
    words = ENCODED_WORD.findall(field(raw, "Subject")[0])
    assert len(words) > 1
    assert max(map(len, words)) <= 75
    assert b"=?" not in ENCODED_WORD.sub(b"", field(raw, "Subject")[0])
    assert subject(raw).startswith("Re: [Forum] Über Brötchen und größere Bäckereien – 面包 Über")


@pytest.mark.parametrize("base", [BASE_URL, "http://forum.example"])
def test_t24_one_click_is_offered_with_https_only(make_site: MakeSite, base: str) -> None:
    """List-Unsubscribe-Post is exact, and there if and only if an https address to post to is."""
    site = make_site(FORUM_BASE_URL=base)
    site.add_article()
    raw, _ = answered(site)
    secure = field(raw, "List-Unsubscribe")[0].startswith(b"<https://")
    assert secure == base.startswith("https")
    assert field(raw, "List-Unsubscribe-Post") == ([ONE_CLICK] if secure else [])


def test_t25_mails_of_one_thread_make_one_conversation(site: Site) -> None:
    """Two mails of one thread have one subject and one root, even if the article is renamed between them."""
    first = site.follower("Ann")
    site.comment("One.", parent=first)
    site.deliver()
    with site.session() as session:
        renamed = articles.Source("Rye bread", "bread", "Ann", "", False, site.clock(), "Rye, water.")
        articles.put(session, renamed, site.clock())
        session.commit()
    site.comment("Two.", parent=first)
    site.deliver()
    one, two = site.raw_mails(ANN)[1:]
    assert "Rye bread" in site.visitor().get(site.page).text
    assert field(one, "Subject") == field(two, "Subject")
    assert field(one, "References")[0].split()[0] == field(two, "References")[0].split()[0]


def test_t26_a_mail_follows_the_mail_about_its_parent(site: Site) -> None:
    """The mail about an answer to a comment that Ann was told of names that mail as the one it follows."""
    site.follower("Ann", notify="thread")
    one = site.comment("One.")
    site.deliver()
    site.comment("Answer to one.", parent=one)
    site.deliver()
    first, second = site.raw_mails(ANN)[1:]
    assert field(second, "In-Reply-To") == field(first, "Message-ID")


def test_t27_the_same_comment_has_an_id_for_each_reader(site: Site) -> None:
    """Ann and Cem hear of one comment under two Message-IDs."""
    site.follower("Ann", notify="thread")
    site.follower("Cem", notify="thread")
    news = site.comment("Hello.")
    site.deliver()
    one, two = (site.mails(address)[-1] for address in (ANN, CEM))
    assert comments_in(one) == comments_in(two) == [news]
    assert one["Message-ID"] != two["Message-ID"]


def test_t28_the_sender_is_always_the_site(site: Site) -> None:
    """Whatever an author is called, From is the same to the byte."""
    raw, _ = answered(site, "One.", name="Eve, Admin")
    other, _ = answered(site, "Two.", name="Ben")
    assert field(raw, "From") == field(other, "From") == [b'"Forum" <notify@forum.example>']


@pytest.mark.parametrize("stored", [False, True])
def test_t29_a_name_adds_no_header(make_site: MakeSite, stored: bool) -> None:
    """A name with a line break and a Bcc in it, typed or already stored: one mail, to one reader, without Bcc."""
    site = make_site(FORUM_MAIL_HOLD_SECONDS=120)
    site.add_article()
    first = site.follower("Ann")
    name = "x\r\nBcc: v@example.org"
    answer = site.comment(parent=first, name="x" if stored else name)
    if stored:
        rewrite(site, answer, name=name)
    site.deliver(300)
    (mail,) = site.mails(reason="reply")
    assert site.sink is not None
    assert [received.rcpt_tos for received in site.sink.messages] == [[ANN]] * 2
    assert not {"bcc", "cc"} & set(map(str.lower, mail.keys()))


def test_t30_a_title_is_one_line(site: Site) -> None:
    """Line breaks of every kind in a title are single spaces in the subject."""
    raw = titled(site, "Why\r\ntrees\x0bneed\u2028leases\x85now")
    assert subject(raw) == "Re: [Forum] Why trees need leases now"


@pytest.mark.parametrize("stored", [False, True])
def test_t31_no_invisible_trick_survives(make_site: MakeSite, stored: bool) -> None:
    """Overrides of direction and zero-width joiners in a name, typed or already stored, are nowhere in the mail."""
    site = make_site(FORUM_MAIL_HOLD_SECONDS=120)
    site.add_article()
    first = site.follower("Ann")
    name = "nimdA\u202e\u200d\u200b\u2066"
    answer = site.comment(parent=first, name="nimdA" if stored else name)
    if stored:
        rewrite(site, answer, name=name)
    site.deliver(300)
    (mail,) = site.mails(reason="reply")
    decoded = text_of(mail) + html_of(mail) + "".join(map(str, mail.values()))
    assert "nimdA" in decoded
    assert not set("\u202e\u200d\u200b\u2066") & set(decoded)


@pytest.mark.parametrize("letter", ["x", "面"])
def test_t32_a_very_long_word_keeps_lines_short(site: Site, letter: str) -> None:
    """A comment of one word of 5,000 letters is taken by a strict server, in lines of at most 998 octets."""
    raw, _ = answered(site, letter * 5000)
    assert max(map(len, raw.split(b"\r\n"))) <= LONGEST


def test_t33_nothing_is_loaded_and_no_link_is_a_visitors(site: Site) -> None:
    """Links and images in a comment, as HTML or as Markdown, are no elements of the mail; all links are ours."""
    body = (
        "<a href=http://evil.example/a>one</a> <img src=http://t.example/p.gif> "
        "[two](http://evil.example/b) ![three](http://t.example/q.gif)"
    )
    _, mail = answered(site, body)
    page = Markup(html_of(mail))
    assert page.references
    assert {reference.partition("/forum/")[0] for reference in page.references} == {BASE_URL}
    assert not page.names & {"img", "link", "script", "iframe", "object", "form", "base", "video", "audio", "svg"}


def test_t34_a_strangers_address_is_not_clickable(site: Site) -> None:
    """An address in an anonymous comment is named by its host: no mail program can make a link of it."""
    _, mail = answered(site, "Look: http://evil.example/win and www.evil.example/more")
    for part in (text_of(mail), html_of(mail)):
        assert "evil.example" in part
        assert not re.search(r"(?:https?://|www\.)[^\s<>\"]*evil|evil\.example/", part)


def test_t35_a_hebrew_comment_has_its_own_direction(site: Site) -> None:
    """The words of a Hebrew comment stand in an element of their own direction, the footer outside of it."""
    _, mail = answered(site, "שלום לכולם, איזה לחם נהדר")
    page = Markup(html_of(mail))
    words = page.around("שלום לכולם")
    isolated = [attributes for attributes in words if attributes.get("dir") in ("auto", "rtl")]
    assert isolated
    for footer in ("Mute this conversation", "You get this because"):
        assert not [attributes for attributes in isolated if attributes in page.around(footer)]


def test_t36_the_text_is_a_whole_mail(site: Site) -> None:
    """A plain text stands first in the alternative, with the link to the comment and the way out."""
    _, mail = answered(site)
    first = next(mail.iter_parts())
    assert first.get_content_type() == "text/plain"
    assert f"{BASE_URL}/forum/comments/" in text_of(mail)
    assert site.links(mail, "u")


def test_t37_an_alternative_in_seven_bits(site: Site) -> None:
    """The mail is an alternative of parts that are seven-bit, whatever letters they hold."""
    raw, mail = answered(site, "Grüße, שלום, 你好 🙂", name="Änne")
    assert mail.get_content_type() == "multipart/alternative"
    parts = list(mail.iter_parts())
    assert [part.get_content_type() for part in parts] == ["text/plain", "text/html"]
    assert {part["Content-Transfer-Encoding"] for part in parts} == {"quoted-printable"}
    assert raw.isascii()
    assert "Grüße, שלום, 你好 🙂" in text_of(mail)


@pytest.fixture
def broken_rows() -> Iterator[None]:
    """Comments that come from the database with half a letter and a NUL, which only some databases keep out."""

    def spoil(comment: Comment, _context: object) -> None:
        for name in ("source", "name"):
            set_committed_value(comment, name, getattr(comment, name) + " a\ud800b\x00c")

    event.listen(Comment, "load", spoil)
    yield
    event.remove(Comment, "load", spoil)


@pytest.mark.usefixtures("broken_rows")
def test_t38_broken_characters_are_left_out(site: Site) -> None:
    """A lone surrogate or a NUL in what is stored does not keep the mail back, and is not in it."""
    _, mail = answered(site, "Sound words.")
    decoded = text_of(mail) + html_of(mail)
    assert "Sound words." in decoded
    assert not re.search("[\ud800-\udfff\x00]", decoded)


def test_t38_broken_characters_are_stopped_at_the_door(site: Site) -> None:
    """Typed, half a letter or a NUL is refused or left out, and what was posted is mailed."""
    first = site.follower("Ann")
    ben = site.visitor()
    for n, octets in enumerate(("%ED%A0%80", "%00", "%FF%FE")):
        typed = ben.fill(name="Ben", body="", parent=first)
        form = "&".join(f"{name}={quote(str(value))}" for name, value in typed.items() if name != "body")
        kind = "application/x-www-form-urlencoded"
        data = f"{form}&body=Words+{n}.{octets}"
        posted = ben.client.post("/forum/comments", data=data, content_type=kind, headers=SAME_ORIGIN)
        assert posted.status_code == 303
        assert not re.search("[\ud800-\udfff\x00]", site.get(comment_id(posted)).source)
    site.deliver()
    assert "Words 0." in "".join(text_of(mail) for mail in site.mails(ANN, "reply"))


def test_t39_machines_are_told_to_keep_quiet(site: Site) -> None:
    """Vacation programs must not answer, bounces must come back: every kind of mail says so."""
    answered(site)
    kinds = set()
    for raw, mail in zip(site.raw_mails(), site.mails(), strict=True):
        kinds.add(mail["X-Forum-Reason"])
        assert field(raw, "Auto-Submitted") == [b"auto-generated"]
        (suppressed,) = field(raw, "X-Auto-Response-Suppress")
        assert not {b"all", b"ndr"} & set(re.split(rb"[,\s]+", suppressed.lower()))
    assert kinds == {"confirm", "reply"}


def test_t40_a_mail_does_not_tell_on_its_author(site: Site) -> None:
    """Neither the address nor the network of whoever answered is anywhere in the mail."""
    first = site.follower("Ann")
    ben = site.visitor()
    ben.client.environ_base["REMOTE_ADDR"] = "198.51.100.77"
    posted = ben.post(body="I agree.", name="Ben", email="ben.private@reader.example", parent=first)
    assert posted.status_code == 303
    site.deliver()
    raw, mail = site.raw_mails(ANN)[-1], site.mails(ANN)[-1]
    everything = raw.decode("ascii") + text_of(mail) + html_of(mail)
    assert "I agree." in everything
    for private in ("ben.private", "198.51.100", "127.0.0.1"):
        assert private not in everything
