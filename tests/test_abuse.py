"""What was tried against a running site, and how it held: each test is one attack."""

from __future__ import annotations

import datetime as dt
import io
import itertools
import json
import logging
import re
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from email.message import EmailMessage
from hashlib import md5, sha256
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlencode

import pytest
from flask import render_template_string
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import event, select
from werkzeug.serving import make_server

from forum import articles, moderation
from forum.models import Base, Captured, Comment, SignIn, Thread
from forum.screening import Context, Draft, Verdict
from forum.tokens import Keys, Stamp, day_number, make_stamp, make_token, new_nonce
from tests.conftest import ROOT
from tests.visitors import SAME_ORIGIN, Site, Visitor, comment_id, stamp_in

MakeSite = Callable[..., Site]
MODERATOR = "moderator@forum.example"
STAMP = re.compile(r'name="stamp" value="[^"]*"')
CSRF = re.compile(r'name="csrf_token" value="([^"]+)"')


def everything(site: Site) -> dict[str, list[Any]]:
    """Every row of every table: what an act would change."""
    with site.session() as session:
        return {table.name: list(session.execute(select(table))) for table in Base.metadata.sorted_tables}


def bare(page: str) -> str:
    """A page without the one thing in it that is new each time."""
    return STAMP.sub("", page)


def held_site(make_site: MakeSite, **config: Any) -> Site:
    """A site where every comment is read first."""
    site = make_site(FORUM_MODERATION="all", **config)
    site.add_article()
    return site


def sign_in_link(site: Site, email: str = MODERATOR) -> str:
    """Ask for a sign-in as a moderator would, and take the path of the link from the mail."""
    visitor = site.visitor()
    token = CSRF.findall(visitor.get("/forum/sign-in").text)[0]
    data = {"email": email, "csrf_token": token}
    assert visitor.client.post("/forum/sign-in", data=data, headers=SAME_ORIGIN).status_code == 200
    site.deliver()
    return re.findall(r"/forum/sign-in/\S+", text_of(site.mails(email)[-1]))[0]


def moderator(site: Site) -> Visitor:
    """Somebody who has signed in to moderate."""
    visitor, link = site.visitor(), sign_in_link(site)
    token = CSRF.findall(visitor.get(link).text)[0]
    assert visitor.client.post(link, data={"csrf_token": token}).status_code == 303
    return visitor


def text_of(mail: EmailMessage) -> str:
    body = mail.get_body(("plain",))
    assert body is not None
    return str(body.get_content())


def decide(site: Site, posted: int, decision: moderation.acts.Act) -> None:
    """Decide on a comment as it is."""
    with site.session() as session:
        version = session.get_one(Comment, posted).version
        press = moderation.acts.Press(site.state.keys, site.state.settings, "somebody", site.clock())
        moderation.acts.decide(session, press, decision, posted, version)
        session.commit()


# --- stamps


def stamp_for(keys: Keys, site: Site, key: str = "article:bread") -> str:
    return make_stamp(keys, Stamp(key, "Bread", site.page, new_nonce()), site.clock())


def changed(text: str, place: int) -> str:
    """The text with another letter at one place."""
    return text[:place] + ("A" if text[place] != "A" else "B") + text[place + 1 :]


def test_no_changed_stamp_posts(site: Site) -> None:
    """A stamp with any of its letters changed, cut off, doubled or signed by another site stores nothing."""
    visitor = site.visitor()
    good = visitor.stamp()
    forged = [changed(good, place) for place in range(0, len(good), 7)]
    forged += ["", ".", "a.b.c", good[:-1], f"{good}A", f"{good}\n", f" {good}", good.replace(".", "%2e"), "9" * 5000]
    forged += [stamp_for(Keys(["another site"]), site), make_token(site.state.keys, "u", 1, 1)]
    forged.append("W10." + good.split(".", 1)[1])
    for stamp in forged:
        again = visitor.post(stamp=stamp, body="Kept text.")
        assert again.status_code == 422, stamp
        assert "Kept text." in again.text, stamp
    assert everything(site)["forum_comment"] == []


def test_a_stamp_from_before_a_change_of_keys_posts(make_site: MakeSite) -> None:
    """A rotated SECRET_KEY keeps what its fallback signed good, and one that left the list does not."""
    site = make_site(SECRET_KEY="new", SECRET_KEY_FALLBACKS=["old"])
    site.add_article()
    assert site.visitor().post(stamp=stamp_for(Keys(["old"]), site)).status_code == 303
    assert site.visitor().post(stamp=stamp_for(Keys(["older"]), site)).status_code == 422


def test_the_stamp_alone_says_which_thread(site: Site) -> None:
    """Whatever page a form claims to be on, the comment lands where its stamp was made."""
    site.add_article("Wine")
    visitor = site.visitor()
    fields = visitor.fill(stamp=visitor.stamp("/articles/wine"), thread="article:bread", thread_id="1", key="bread")
    posted = visitor.client.post("/forum/comments?key=article:bread", data=fields, headers=SAME_ORIGIN)
    assert posted.headers["Location"].startswith("/articles/wine#")


def test_fields_a_visitor_may_not_set_are_ignored(site: Site) -> None:
    """Id, state, authority and times cannot be typed."""
    extra = {"id": "99", "state": "held", "is_moderator": "1", "identity_ref": "1", "created_at": "1999", "depth": "9"}
    row = site.get(site.comment(**extra))
    assert (row.id, row.state, row.is_moderator, row.identity_ref, row.depth) == (1, "published", False, None, 1)
    assert row.created_at == site.clock()


# --- parents


def test_no_answer_to_what_cannot_be_answered_there(make_site: MakeSite) -> None:
    """A parent on another page, held, rejected, removed, unknown or no number is refused, and the text comes back."""
    site = make_site(FORUM_MODERATION="none")
    site.add_article()
    wine = site.add_article("Wine")
    elsewhere = site.comment(stamp=site.visitor().stamp(wine))
    rejected = site.comment("Rejected.")
    decide(site, rejected, "reject")
    author = site.visitor()
    removed = comment_id(author.post(body="Removed."))
    author.client.post(f"/forum/comments/{removed}/remove", headers=SAME_ORIGIN)
    odd = ["0", "-1", "+1", "1.0", "1e0", "0x1", " 1", "1 ", "١", "１", "²", "1\0", "9" * 18, "9" * 19, "9" * 5000]
    for parent in [elsewhere, rejected, removed, *odd]:
        again = site.visitor().post(parent=parent, body="Kept text.")
        assert again.status_code == 422, parent
        assert "Kept text." in again.text
    assert len(everything(site)["forum_comment"]) == 3


def test_no_answer_to_a_held_comment(make_site: MakeSite) -> None:
    """A held comment takes no answer, not even from its own author."""
    site = held_site(make_site)
    author = site.visitor()
    held = comment_id(author.post())
    for visitor in (author, site.visitor()):
        assert visitor.post(parent=held, body="Me too.").status_code == 422
        assert visitor.get(f"/forum/comments/{held}/reply").status_code == 404


# --- the same at the same moment


def test_a_form_sent_by_many_threads_makes_one_comment(site: Site) -> None:
    """Sixteen simultaneous submissions of one form lead to one comment, one subscription and one event."""
    form = site.visitor().fill(email="ona@reader.example", notify="direct")
    visitors = [site.visitor() for _ in range(16)]
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda visitor: visitor.post(**form), visitors))
    assert {answer.status_code for answer in answers} == {303}
    assert len({answer.headers["Location"] for answer in answers}) == 1
    tables = everything(site)
    assert [len(tables[name]) for name in ("forum_comment", "forum_subscription", "forum_event")] == [1, 1, 1]


def test_first_comments_at_one_moment_all_stand(each_database: Site) -> None:
    """Six people who open a thread together by one address each get a comment and a branch of their own."""
    site = each_database
    forms = [site.visitor().fill(body=f"Number {n}.", email="all@reader.example") for n in range(6)]
    with ThreadPoolExecutor(3) as pool:
        answers = list(pool.map(lambda form: site.visitor().post(**form), forms))
    assert {answer.status_code for answer in answers} == {303}
    with site.session() as session:
        assert sorted(session.scalars(select(Comment.branch))) == list(range(1, 7))
        thread = session.scalars(select(Thread)).one()
        assert (thread.comments, thread.branches) == (6, 6)


def test_a_sign_in_link_pressed_by_many_at_once_works_once(each_database: Site) -> None:
    """Of six presses at one moment one signs in."""
    link = sign_in_link(each_database)
    visitors = [each_database.visitor() for _ in range(6)]
    tokens = [CSRF.findall(visitor.get(link).text)[0] for visitor in visitors]

    def press(visitor: Visitor, token: str) -> int:
        return visitor.client.post(link, data={"csrf_token": token}).status_code

    with ThreadPoolExecutor(6) as pool:
        assert sorted(pool.map(press, visitors, tokens)) == [303] + [404] * 5


POSTER = """
import json, sys
from pathlib import Path
from forum import create_app
given = json.loads(sys.argv[1])
app = create_app(Path(given["root"]), **given["config"])
client = app.test_client()
print("ready", flush=True)
sys.stdin.readline()
headers = {"Origin": "http://localhost"}
print(json.dumps([client.post("/forum/comments", data=form, headers=headers).headers.get("Location")
                  for form in given["forms"]]))
"""


def test_forms_sent_by_two_processes_make_one_comment_each(site: Site) -> None:
    """Two servers on one database that get the same forms at the same moment store each once."""
    # The other processes go by the real clock.
    site.state.clock = lambda: dt.datetime.now(dt.UTC)
    forms = [site.visitor().fill(body=f"Number {n}.", email=f"n{n}@reader.example") for n in range(15)]
    names = ("SECRET_KEY", "SQLALCHEMY_DATABASE_URI", "FORUM_DELIVERY", "FORUM_BASE_URL", "TESTING")
    given = {"root": str(ROOT), "forms": forms, "config": {name: site.app.config[name] for name in names}}
    command = [sys.executable, "-c", POSTER, json.dumps(given)]
    running = [subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in "ab"]
    for process in running:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in running:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    first, second = (json.loads(process.communicate(timeout=60)[0]) for process in running)
    assert first == second
    assert len(set(first)) == len(forms)
    assert len(everything(site)["forum_comment"]) == len(forms)


# --- cross-site

SENDERS = [
    ({"Sec-Fetch-Site": "same-origin"}, "same"),
    ({"Sec-Fetch-Site": "same-origin", "Origin": "null"}, "same"),
    ({"Sec-Fetch-Site": "same-site"}, "cross"),
    ({"Sec-Fetch-Site": "cross-site", "Origin": "http://localhost"}, "cross"),
    ({"Sec-Fetch-Site": "none"}, "cross"),
    ({"Sec-Fetch-Site": ""}, "cross"),
    ({"Sec-Fetch-Site": "same-origin, cross-site"}, "cross"),
    ({"Origin": "http://localhost"}, "same"),
    ({"Origin": "HTTP://LOCALHOST"}, "same"),
    ({"Origin": "null"}, "cross"),
    ({"Origin": "http://localhost.evil.example"}, "cross"),
    ({"Origin": "http://localhost:81"}, "cross"),
    ({"Origin": "https://localhost"}, "cross"),
    ({"Origin": "http://localhost@evil.example"}, "cross"),
    ({"Origin": "http://evil.example", "Referer": "http://localhost/articles/bread"}, "cross"),
    ({"Origin": "http://[evil"}, "cross"),
    ({"Referer": "http://localhost/articles/bread"}, "same"),
    ({"Referer": "http://evil.example/http://localhost/"}, "cross"),
    ({"Referer": "http://[evil"}, "cross"),
    ({"Referer": "http://a℀b"}, "cross"),
    ({"Referer": "/articles/bread"}, "cross"),
    ({"X-Forwarded-Host": "evil.example", "Origin": "http://evil.example"}, "cross"),
    ({}, "unknown"),
    ({"Origin": "", "Referer": ""}, "unknown"),
]


@pytest.mark.parametrize(("headers", "sender"), SENDERS)
def test_who_may_send_a_form(site: Site, headers: dict[str, str], sender: str) -> None:
    """Only our own page may post, a foreign or sandboxed one is refused, one that does not say is asked."""
    visitor = site.visitor()
    answer = visitor.client.post("/forum/comments", data=visitor.fill(), headers=headers)
    assert answer.status_code == {"same": 303, "cross": 403, "unknown": 200}[sender]
    assert len(everything(site)["forum_comment"]) == (sender == "same")


@pytest.mark.parametrize("act", ["edit", "remove"])
def test_another_site_cannot_use_an_authors_cookie(site: Site, act: str) -> None:
    """An edit or a removal that a foreign page sends with the author's cookie is refused."""
    author = site.visitor()
    posted = comment_id(author.post(body="Mine."))
    for headers in ({"Sec-Fetch-Site": "cross-site"}, {"Origin": "null"}, {"Origin": "http://evil.example"}):
        answer = author.client.post(f"/forum/comments/{posted}/{act}", data={"body": "Theirs."}, headers=headers)
        assert answer.status_code == 403
    assert (site.get(posted).state, site.get(posted).source) == ("published", "Mine.")


def test_the_seal_of_a_confirmation_is_for_one_form_and_one_network(site: Site) -> None:
    """An attacker who asks for the confirmation page themselves cannot make a victim's browser send its answer."""
    attacker = site.visitor()
    form = attacker.fill(body="Buy things.")
    asked = attacker.client.post("/forum/comments", data=form, environ_base={"REMOTE_ADDR": "203.0.113.9"})
    seal = re.findall(r'name="confirmed" value="([^"]+)"', asked.text)[0]
    victim = site.visitor()
    tries: list[tuple[dict[str, Any], str]] = [
        ({**form, "confirmed": seal}, "198.51.100.7"),
        ({**form, "stamp": attacker.stamp(), "confirmed": seal}, "203.0.113.9"),
        ({**form, "confirmed": changed(seal, 3)}, "203.0.113.9"),
        ({**form, "confirmed": "ü\0"}, "203.0.113.9"),
    ]
    for fields, network in tries:
        answer = victim.client.post("/forum/comments", data=fields, environ_base={"REMOTE_ADDR": network})
        assert answer.status_code == 200
    sealed = {**form, "confirmed": seal}
    answer = victim.client.post("/forum/comments", data=sealed, headers={"Sec-Fetch-Site": "cross-site"})
    assert answer.status_code == 403
    assert everything(site)["forum_comment"] == []


# --- odd bodies


def odd_bodies(stamp: str) -> Iterator[tuple[dict[str, Any], set[int]]]:
    form = {"stamp": stamp, "name": "Eve", "body": "Text."}
    pieces = itertools.product(("stamp", "parent", "name", "email", "body", "notify", "confirmed"), (5, None, [1], {}))
    for name, value in pieces:
        yield {"json": {**form, name: value}}, {422}
    yield {"json": [1, 2]}, {422}
    yield {"data": "{", "content_type": "application/json"}, {422}
    for name in (*form, "email", "confirmed", "csrf_token"):
        yield {"data": {**form, name: (io.BytesIO(b"x"), "x.txt")}}, {422, 303}
    yield {"data": "stamp=%ff&body=%ed%a0%80&name=%00", "content_type": "application/x-www-form-urlencoded"}, {422}
    yield {"data": "x", "content_type": "multipart/form-data"}, {422}
    yield {"data": "--b\r\nContent-Disposition: form-data", "content_type": "multipart/form-data; boundary=b"}, {422}
    yield {"data": "stamp=1", "content_type": "text/plain"}, {422}
    yield {"data": {**form, **{f"f{n}": "x" for n in range(50)}}, "content_type": "multipart/form-data"}, {413}
    yield {"data": {**form, "body": "x" * 1_000_000}}, {413}
    part = b'--b\r\nContent-Disposition: form-data; name="body"\r\n\r\n' + b"x" * 1_000_000 + b"\r\n--b--"
    yield {"data": part, "content_type": "multipart/form-data; boundary=b"}, {413}


def test_odd_bodies_are_refused(site: Site) -> None:
    """JSON, uploads, broken and huge bodies are no comments and no errors of ours."""
    visitor = site.visitor()
    for request, statuses in odd_bodies(visitor.stamp()):
        answer = visitor.client.post("/forum/comments", headers=SAME_ORIGIN, **request)
        assert answer.status_code in statuses, request
    assert {row.source for row in everything(site)["forum_comment"]} <= {"Text."}


def test_nobody_may_send_more_than_a_page_needs(site: Site) -> None:
    """Pages that ask for less than a comment take less: a token page and the sign-in refuse 5 KB."""
    token = make_token(site.state.keys, "u", 1, 1)
    for path in (f"/forum/m/u/{token}", "/forum/sign-in"):
        answer = site.visitor().client.post(path, data={"action": "x", "email": "y" * 5000})
        assert answer.status_code == 413, path


BAD_TEXT = [
    "a\0b",
    "\ufffd\ufeff",
    "\u202eevil\u202c",
    "x\u0301" * 3000,
    "\x0b\x1c\x85\u2028",
    "\U000e0041" * 40,
    "{{7*7}}",
]
BAD_BYTES = ["%ed%a0%80", "%ff%fe", "%c0%af", "%00", "%", "%u0041", "%f4%90%80%80"]
FIELDS = ("name", "email", "website", "body", "parent", "notify", "stamp", "confirmed", "preview", "fax_extension")


def hammer(site: Site, fields: dict[str, str], raw: str = "") -> None:
    """Send a form and open what it led to; nothing may break, and nothing hidden may come out."""
    visitor = site.visitor()
    form = {"name": "Eve", "body": "Text.", "stamp": stamp_for(site.state.keys, site), **fields}
    body = urlencode(form, errors="surrogatepass") + raw
    kind = "application/x-www-form-urlencoded"
    answer = visitor.client.post("/forum/comments", data=body, content_type=kind, headers=SAME_ORIGIN)
    assert answer.status_code in (200, 303, 413, 422), (answer.status_code, fields)
    if answer.status_code == 303:
        page = visitor.get(site.page).text
        assert not re.search("[\0-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\ufffe\uffff]", page), fields
        assert visitor.get(answer.headers["Location"]).status_code == 200


@pytest.fixture(params=["sqlite", "postgresql"])
def each_database(request: pytest.FixtureRequest, make_site: MakeSite) -> Iterator[Site]:
    """A site on SQLite and one on PostgreSQL."""
    config = {}
    if request.param == "postgresql":
        config = {"SQLALCHEMY_DATABASE_URI": request.getfixturevalue("postgres_url")}
    site = make_site(**config)
    site.add_article()
    yield site
    with site.app.app_context():
        site.state.db.session.remove()
        Base.metadata.drop_all(site.state.db.engine)


def test_hostile_text_in_each_field(each_database: Site) -> None:
    """Controls, overrides, floods of marks and broken encodings in any field are stored clean or refused."""
    for name, text in itertools.product(FIELDS, BAD_TEXT):
        hammer(each_database, {name: text, **({} if name == "body" else {"body": f"About {name}."})})
    for name, raw in itertools.product(FIELDS, BAD_BYTES):
        hammer(each_database, {}, raw=f"&{name}={raw}")


def test_hostile_addresses_of_pages(each_database: Site) -> None:
    """No address makes the site fail, whatever is encoded in it."""
    visitor = each_database.visitor()
    tails = [
        "%00",
        "a%00b",
        "%ff",
        "%ed%a0%80",
        "%2e%2e%2f",
        "..%5c",
        "%0d%0aX:1",
        "９" * 9,
        "9" * 5000,
        "'--",
        "a" * 9000,
    ]
    starts = ["/articles/", "/forum/comments/", "/forum/m/c/", "/forum/sign-in/", "/forum/m/done/", "/forum/static/"]
    starts += ["/forum/dev/mail/", "/forum/moderation/", "/articles/bread?forum_page=", "/"]
    for start, tail in itertools.product(starts, tails):
        answer = visitor.client.get(start + tail)
        assert answer.status_code < 500, start + tail
        assert "X" not in answer.headers
    for cookie in ("\xff\xfe", '"\\355\\240\\200"', "%00", "a" * 3000, ""):
        assert visitor.get(each_database.page, headers={"Cookie": f"forum_visitor={cookie}"}).status_code == 200


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(fields=st.dictionaries(st.sampled_from(FIELDS), st.text(st.characters(exclude_categories=()), max_size=60)))
def test_no_text_breaks_the_form(each_database: Site, fields: dict[str, str]) -> None:
    """Any characters at all in any fields, lone surrogates included, give an answer that is meant."""
    hammer(each_database, fields)


def test_a_title_longer_than_its_column_loses_no_comment(make_site: MakeSite, postgres_url: str) -> None:
    """A host's long title is cut where it enters, not refused by the database when somebody posts."""
    site = make_site(SQLALCHEMY_DATABASE_URI=postgres_url)

    @site.app.get("/long")
    def long() -> str:
        return render_template_string("{{ forum_thread('long', title='t' * 500, url='/long') }}")

    visitor = site.visitor()
    assert visitor.post(stamp=visitor.stamp("/long")).status_code == 303
    with site.app.app_context():
        Base.metadata.drop_all(site.state.db.engine)


# --- hosts and headers

LIES = {
    "Host": "evil.example",
    "X-Forwarded-Host": "evil.example",
    "X-Forwarded-Proto": "gopher",
    "X-Forwarded-Prefix": "//evil.example",
    "X-Forwarded-For": "203.0.113.9",
    "Forwarded": "host=evil.example",
    "X-Original-Url": "//evil.example/",
    "X-Http-Method-Override": "DELETE",
}


def test_a_forged_host_reaches_no_mail_and_no_page(site: Site) -> None:
    """Links in mails and in pages that are kept for everybody come from the settings, not from a request."""
    visitor = site.visitor()
    page = visitor.client.get(site.page, headers=LIES)
    assert "evil.example" not in page.text
    form = visitor.fill(stamp=stamp_in(page.text), email="ona@reader.example", notify="direct")
    posted = visitor.client.post("/forum/comments", data=form, headers={**LIES, "Sec-Fetch-Site": "same-origin"})
    assert posted.headers["Location"] == "/articles/bread#comment-1"
    site.deliver()
    with site.session() as session:
        assert "evil.example" not in session.scalars(select(Captured)).one().raw
    assert "evil.example" not in site.visitor().get(site.page).text


def test_forwarding_headers_do_not_move_a_limit(make_site: MakeSite) -> None:
    """Whoever makes up addresses in front of the server is still counted by the one that connected."""
    site = make_site(FORUM_RATE_LIMITS=["2 per minute"])
    site.add_article()
    statuses = []
    for n in range(4):
        headers = {
            **SAME_ORIGIN,
            "X-Forwarded-For": f"203.0.{n}.1",
            "X-Real-Ip": f"203.0.{n}.1",
            "Forwarded": f"for={n}",
        }
        statuses.append(site.visitor().post(headers=headers, body=f"{n}.").status_code)
    assert statuses == [303, 303, 429, 429]


def test_an_edit_counts_like_a_comment(make_site: MakeSite) -> None:
    """Previews and saves of an edit are limited too: 429 with Retry-After, and the text is kept."""
    site = make_site(FORUM_RATE_LIMITS=["2 per minute"])
    site.add_article()
    author = site.visitor()
    path = f"/forum/comments/{comment_id(author.post())}/edit"
    edits = [author.client.post(path, data={"body": "Kept.", "preview": "1"}, headers=SAME_ORIGIN) for _ in "ab"]
    assert [answer.status_code for answer in edits] == [200, 429]
    assert 1 <= int(edits[1].headers["Retry-After"]) <= 60
    assert "\nKept.</textarea>" in edits[1].text


def test_no_text_becomes_a_mail_header(site: Site) -> None:
    """Names, titles and addresses with line separators of every kind add no header, recipient or part."""
    separators = ["\r\n", "\n", "\x0b", "\x0c", "\x1c", "\x1d", "\x1e", "\x85", "\u2028", "\u2029"]
    stamp = Stamp("k", "".join(f"T{s}Bcc: t@evil.example" for s in separators), "/articles/bread", new_nonce())
    visitor = site.visitor()
    asked = visitor.fill(
        stamp=make_stamp(site.state.keys, stamp, site.clock()), email="ona@reader.example", notify="direct"
    )
    top = comment_id(visitor.post(**asked))
    site.deliver()
    site.visitor().act(site.links(site.mails()[0], "c")[0], "confirm")
    for n, separator in enumerate(separators):
        name = f"E{separator}Bcc: e@evil.example"
        form = {"stamp": stamp_in(visitor.get(f"/forum/comments/{top}/reply").text), "parent": top, "body": f"{n}."}
        site.visitor().post(**form, name=name)
        site.visitor().post(**form, email=f"e@evil.example{separator}Bcc: e@evil.example")
        site.deliver()
    mails = site.mails("ona@reader.example")
    assert len(mails) == 1 + len(separators)
    for mail in mails:
        assert not {"Bcc", "Cc"} & set(mail.keys())
        assert mail["To"] == "ona@reader.example"
        assert "evil.example" not in str(mail["From"].addresses[0].addr_spec)
    assert {row.envelope_to for row in everything(site)["forum_captured"]} == {"ona@reader.example"}


# --- held comments


def test_a_held_comment_is_seen_by_its_author_alone(make_site: MakeSite) -> None:
    """On the page, by its permalink, on the held and edit pages: to others, readers and authors, it does not exist."""
    site = held_site(make_site)
    top = site.comment("Top.")
    decide(site, top, "approve")
    other = site.visitor()
    other.post(body="Another one.")
    author = site.visitor()
    held = comment_id(author.post(body="Secret words.", name="Hidden", parent=top))
    for visitor in (site.visitor(), other):
        for path in (site.page, f"/forum/comments/{top}/branch", f"/forum/comments/{top}/reply", "/"):
            page = visitor.get(path).text
            assert "Secret words." not in page
            assert "Hidden" not in page
            assert f"comment-{held}" not in page
        for what in ("", "/held", "/edit", "/remove", "/branch", "/reply"):
            assert visitor.get(f"/forum/comments/{held}{what}").status_code == 404
    assert "Secret words." in author.get(site.page).text
    assert "Secret words." in author.get(f"/forum/comments/{top}/branch").text
    assert author.get(f"/forum/comments/{held}").status_code == 302


@pytest.mark.parametrize("decision", ["reject", "spam"])
def test_a_rejected_comment_leaves_nothing_behind(site: Site, decision: Any) -> None:
    """What a moderator takes away is gone from every page, its author's included, and keeps no name in a tombstone."""
    author = site.visitor()
    posted = comment_id(author.post(body="Secret words.", name="Hidden"))
    site.comment("An answer.", parent=posted)
    decide(site, posted, decision)
    for visitor in (author, site.visitor()):
        for page in (site.page, f"/forum/comments/{posted}/branch"):
            shown = visitor.get(page).text
            assert "An answer." in shown
            assert "Secret words." not in shown
            assert "Hidden" not in shown


# --- what is kept for everybody


def change_edit(site: Site, author: Visitor, posted: int) -> None:
    author.client.post(f"/forum/comments/{posted}/edit", data={"body": "Edited."}, headers=SAME_ORIGIN)


def change_remove(site: Site, author: Visitor, posted: int) -> None:
    author.client.post(f"/forum/comments/{posted}/remove", headers=SAME_ORIGIN)


def change_approve(site: Site, author: Visitor, posted: int) -> None:
    decide(site, posted, "reject")
    site.visitor().get(site.page)
    decide(site, posted, "approve")


def change_article(site: Site, author: Visitor, posted: int) -> None:
    source = articles.Source("Bread", "bread", "Ann", "", False, site.clock(), "Other words.")
    with site.session() as session:
        articles.put(session, source, site.clock())
        session.commit()


def change_article_anew(site: Site, author: Visitor, posted: int) -> None:
    with site.session() as session:
        articles.remove(session, "bread")
        session.commit()
    change_article(site, author, posted)


CHANGES: list[Callable[[Site, Visitor, int], object]] = [
    lambda site, author, posted: site.comment("One more."),
    lambda site, author, posted: site.comment("An answer.", parent=posted),
    change_edit,
    change_remove,
    lambda site, author, posted: decide(site, posted, "reject"),
    lambda site, author, posted: decide(site, posted, "spam"),
    change_approve,
    change_article,
    change_article_anew,
    lambda site, author, posted: site.add_article(closed=True),
]


@pytest.mark.parametrize("change", CHANGES)
def test_a_stale_page_is_never_served(site: Site, change: Callable[[Site, Visitor, int], object]) -> None:
    """After each kind of change a kept page is outgrown: another ETag, and what a site without memory would say."""
    author = site.visitor()
    posted = comment_id(author.post(body="As it was."))
    etag = site.visitor().get(site.page).headers["ETag"]
    change(site, author, posted)
    now = site.visitor().get(site.page, headers={"If-None-Match": etag})
    assert now.status_code == 200
    assert now.headers["ETag"] != etag
    site.state.cache._entries.clear()
    assert bare(site.visitor().get(site.page).text) == bare(now.text)


def test_a_kept_page_holds_nothing_of_a_visitor(site: Site) -> None:
    """Readers beside and after an author get the same bytes; so does the author once there is nothing to edit."""
    author = site.visitor()
    author.post(body="Words.", name="Ona", email="ona@reader.example", notify="direct")
    mine = author.get(site.page)
    assert "/edit" in mine.text
    assert mine.headers["Cache-Control"] == "private, no-store"
    assert "ETag" not in mine.headers
    public = site.visitor().get(site.page).text
    assert "/edit" not in public
    site.clock.advance(900)
    assert bare(author.get(site.page).text) == bare(site.visitor().get(site.page).text) == bare(public)


def test_made_up_pages_do_not_fill_the_memory(site: Site) -> None:
    """A thousand page numbers that do not exist are one page."""
    site.comment()
    site.visitor().get(site.page)
    size = site.state.cache.size
    for number in range(2, 60):
        site.visitor().get(f"{site.page}?forum_page={number}")
    assert site.state.cache.size == size


def test_no_page_holds_an_address(make_site: MakeSite) -> None:
    """An address, its name part and the usual hashes of it are on no page, for nobody but moderators."""
    site = make_site(FORUM_MODERATION="none")
    site.add_article()
    email = "quite.unique@reader.example"
    author = site.visitor()
    posted = comment_id(author.post(email=email, notify="thread"))
    answer = site.comment("An answer.", parent=posted, name="Zed")
    site.deliver()
    links = [link for kind in "cxut" for mail in site.mails() for link in site.links(mail, kind)]
    comments = [f"/forum/comments/{n}{what}" for n in (posted, answer) for what in ("", "/reply", "/branch", "/edit")]
    secrets = [email, "quite.unique", *(hash(email.encode()).hexdigest() for hash in (md5, sha256))]
    with site.session() as session:
        secrets += [row for pair in session.execute(select(Comment.digest, Comment.network)) for row in pair if row]
    for path, visitor in itertools.product(
        [site.page, "/", "/forum/health", *comments, *links], (author, site.visitor())
    ):
        page = visitor.get(path, follow_redirects=True).text
        assert not [secret for secret in secrets if secret in page], path


# --- who may do what

NO, OK, SEE = 404, 200, 302
# For each page and method: a stranger, the author of the comment in question, a moderator.
MATRIX: dict[str, dict[str, tuple[int, int, int]]] = {
    "home": {"GET": (OK, OK, OK)},
    "static": {"GET": (OK, OK, OK)},
    "forum.static": {"GET": (OK, OK, OK)},
    "forum_articles.index": {"GET": (OK, OK, OK)},
    "forum_articles.show": {"GET": (OK, OK, OK)},
    "forum.comments.post": {"POST": (422, 422, 422)},
    "forum.comments.permalink": {"GET": (SEE, SEE, SEE)},
    "forum.comments.held": {"GET": (NO, SEE, NO)},
    "forum.comments.reply": {"GET": (OK, OK, OK)},
    "forum.comments.branch": {"GET": (OK, OK, OK)},
    "forum.poll.now": {"GET": (NO, NO, NO)},
    "forum.own.edit": {"GET": (NO, OK, NO), "POST": (NO, 422, NO)},
    "forum.own.remove": {"GET": (NO, OK, NO), "POST": (NO, 303, NO)},
    "forum.own_by_mail.ask": {"GET": (OK, OK, OK), "POST": (422, 422, 422)},
    "forum.own_by_mail.page": {"GET": (NO, NO, NO), "POST": (NO, NO, NO)},
    "forum.preferences.page": {"GET": (NO, NO, NO), "POST": (NO, NO, NO)},
    "forum.new_address.page": {"GET": (NO, NO, NO), "POST": (NO, NO, NO)},
    "forum.mail.page": {"GET": (NO, NO, NO), "POST": (NO, NO, NO)},
    "forum.mail.done": {"GET": (OK, OK, OK)},
    "forum.moderation.queue": {"GET": (SEE, SEE, OK)},
    "forum.desk_acts.decide": {"POST": (NO, NO, 303)},
    "forum.desk_acts.pin": {"POST": (NO, NO, 303)},
    "forum.desk_acts.undo": {"POST": (NO, NO, 303)},
    "forum.desk_many.act": {"POST": (NO, NO, 303)},
    "forum.desk_many.act_on_all": {"POST": (NO, NO, 303)},
    "forum.desk_one.edit": {"GET": (SEE, SEE, OK), "POST": (NO, NO, 422)},
    "forum.desk_one.move": {"GET": (SEE, SEE, OK), "POST": (NO, NO, 422)},
    "forum.desk_one.remove": {"GET": (SEE, SEE, OK)},
    "forum.desk_reply.form": {"GET": (SEE, SEE, OK)},
    "forum.desk_reply.answer": {"POST": (NO, NO, 422)},
    "forum.desk_missing.nowhere": {"GET": (NO, NO, NO), "POST": (NO, NO, NO)},
    "forum.desk_author.index": {"GET": (SEE, SEE, OK)},
    "forum.desk_author.enlist": {"POST": (NO, NO, 303)},
    "forum.desk_author.take_down": {"POST": (NO, NO, 303)},
    "forum.desk_author.export": {"POST": (NO, NO, 303)},
    "forum.desk_author.erasing": {"GET": (SEE, SEE, OK)},
    "forum.desk_author.erase": {"POST": (NO, NO, 303)},
    "forum.desk_lists.index": {"GET": (SEE, SEE, OK)},
    "forum.desk_lists.add": {"POST": (NO, NO, 303)},
    "forum.desk_lists.change": {"POST": (NO, NO, 303)},
    "forum.desk_privacy.index": {"GET": (SEE, SEE, OK)},
    "forum.desk_ledger.index": {"GET": (SEE, SEE, OK)},
    "forum.desk_ledger.why": {"GET": (SEE, SEE, OK)},
    "forum.desk_ledger.message": {"GET": (SEE, SEE, OK)},
    "forum.desk_ledger.html": {"GET": (SEE, SEE, OK)},
    "forum.desk_ledger.act": {"POST": (NO, NO, 400)},
    "forum.desk_dashboard.index": {"GET": (SEE, SEE, OK)},
    "forum.desk_audit.index": {"GET": (SEE, SEE, OK)},
    "forum.desk_refusals.index": {"GET": (SEE, SEE, OK)},
    # Without proof of work there is nothing to compute; nobody reports their own comment.
    "forum.proof.challenge": {"GET": (NO, NO, NO)},
    "forum.report.form": {"GET": (OK, OK, OK)},
    "forum.report.send": {"POST": (422, 403, 422)},
    "forum.desk_pages.index": {"GET": (SEE, SEE, OK)},
    "forum.desk_pages.decide": {"POST": (NO, NO, 303)},
    "forum.desk_settings.index": {"GET": (SEE, SEE, OK)},
    "forum.desk_settings.review": {"POST": (NO, NO, 422)},
    "forum.desk_settings.save": {"POST": (NO, NO, 422)},
    "forum.desk_settings.reset": {"POST": (NO, NO, 303)},
    "forum.desk_settings.words": {"POST": (NO, NO, 422)},
    "forum.desk_settings.mail": {"POST": (NO, NO, 303)},
    "forum.sign_in.ask": {"GET": (OK, OK, OK), "POST": (422, 422, 422)},
    "forum.sign_in.enter": {"GET": (NO, NO, NO), "POST": (NO, NO, NO)},
    "forum.sign_in.leave": {"POST": (NO, NO, 303)},
    "forum.by_mail.page": {"GET": (NO, NO, NO), "POST": (NO, NO, NO)},
    "forum.dev.mailbox": {"GET": (NO, NO, NO)},
    "forum.dev.message": {"GET": (NO, NO, NO)},
    "forum.dev.html": {"GET": (NO, NO, NO)},
    "forum.dev.raw": {"GET": (NO, NO, NO)},
    "forum.health.check": {"GET": (503, 503, 503)},
    "forum.metrics.scrape": {"GET": (NO, NO, NO)},
}
ARGUMENTS = {
    "slug": "bread",
    "kind": "u",
    "token": "u1.1.AAAAAAAAAAAAAAAAAAAAAA",
    "what": "muted",
    "message_id": 1,
    "thread_id": 1,
    "listing_id": 1,
    "seal": "s" * 22,
    "rest": "nothing-here",
}


def test_every_route_is_in_the_matrix_and_answers_as_it_says(make_site: MakeSite) -> None:
    """Each page, by each method, for a stranger, an author and a moderator; a new page fails until it is listed."""
    site = make_site(FORUM_ENV="production")
    site.add_article()
    people = [site.visitor(), site.visitor(), moderator(site)]
    urls = site.app.url_map.bind("localhost")
    found: dict[str, dict[str, tuple[int, ...]]] = {}
    for rule in site.app.url_map.iter_rules():
        assert rule.methods is not None
        for method in sorted(rule.methods - {"HEAD", "OPTIONS"}):
            posted = comment_id(people[1].post(body=f"{rule.endpoint} {method}"))
            file = "forum.css" if rule.endpoint == "forum.static" else "site.css"
            given = {**ARGUMENTS, "comment_id": posted, "filename": file}
            path = urls.build(rule.endpoint, {name: given[name] for name in rule.arguments})
            answers = [
                visitor.client.open(path, method=method, headers=SAME_ORIGIN, buffered=True) for visitor in people
            ]
            found.setdefault(rule.endpoint, {})[method] = tuple(answer.status_code for answer in answers)
            # One path may belong to two views: one that shows, one that acts.
            same = [other for other in site.app.url_map.iter_rules() if other.rule == rule.rule]
            taken = {method for other in same for method in other.methods or ()}
            for forbidden in {"PUT", "DELETE", "PATCH", "TRACE", "GET", "POST"} - taken:
                # Below the desk's address a stranger's page is missing, however it is asked for.
                hidden = "/forum/moderation/" in path[:-1] and forbidden in ("GET", "POST")
                refused = people[0].client.open(path, method=forbidden).status_code
                assert refused == (404 if hidden else 405), (path, forbidden)
    assert found == MATRIX


def test_a_moderators_decision_needs_the_token_of_their_session(make_site: MakeSite) -> None:
    """Without Flask-WTF's token, or with a stranger's, nothing is decided; with their own, once, everything works."""
    site = held_site(make_site)
    held = site.comment()
    visitor = moderator(site)
    path = f"/forum/moderation/comments/{held}"
    other = CSRF.findall(site.visitor().get("/forum/sign-in").text)[0]
    for token in ("", other, "x" * 100, "\0"):
        data = {"action": "approve", "version": "1", "csrf_token": token}
        assert (
            visitor.client.post(path, data=data, headers=SAME_ORIGIN)
            .headers["Location"]
            .endswith("said=csrf#forum-bar")
        )
    assert visitor.client.post(path, json={"csrf_token": 5}).headers["Location"].endswith("said=csrf#forum-bar")
    assert site.get(held).state == "held"
    token = CSRF.findall(visitor.get("/forum/moderation/").text)[0]
    for version in ("", "x", "١", "-1", "9" * 5000, "1.0"):
        data = {"action": "approve", "version": version, "csrf_token": token}
        assert visitor.client.post(path, data=data).status_code == 400, version
    data = {"action": "approve", "version": "1", "csrf_token": token}
    done = [visitor.client.post(path, data=data).headers["Location"].rpartition("=")[2] for _ in range(2)]
    assert [word.partition(".")[0] for word in done] == ["approve", "missed"]
    assert site.get(held).state == "published"


def test_who_is_taken_from_the_moderators_is_none_at_once(make_site: MakeSite) -> None:
    """A session outlives the setting, its power does not."""
    site = held_site(make_site)
    visitor = moderator(site)
    assert visitor.get("/forum/moderation/").status_code == 200
    site.state.settings = site.state.settings.model_copy(update={"moderators": ("else@forum.example",)})
    assert visitor.get("/forum/moderation/").status_code == 302


# --- tokens


def test_each_token_opens_its_own_page_only(site: Site) -> None:
    """Every kind of token at every page: only the diagonal opens, and no bit of it can be changed."""
    site.follower("Ona")
    keys, day = site.state.keys, day_number(site.clock())
    numbers = {"c": (1, 0, day), "x": (1, day), "u": (1, 1), "t": (1, 1), "p": (1, day), "s": (1,)}
    # Of the last one's own page only moderators learn that it exists.
    numbers |= {"o": (1, 1, day), "n": (1, 1, day), "a": (1, 1, 1, day, 0)}
    for kind, place in itertools.product(numbers, "cxutpon"):
        token = make_token(keys, kind, *numbers[kind])
        for text in {token, place + token[1:]}:
            opens = site.visitor().get(f"/forum/m/{place}/{text}").status_code
            assert opens == (200 if kind == place and text == token else 404), (kind, place)
            acted = site.visitor().client.post(f"/forum/m/{place}/{text}", data={"action": "nothing"}).status_code
            assert acted == (400 if kind == place and text == token else 404), (kind, place)
        assert site.visitor().get(f"/forum/sign-in/{token}").status_code == 404
        for at in range(len(token)):
            assert site.visitor().get(f"/forum/m/{place}/{changed(token, at)}").status_code == 404


def test_tokens_live_as_long_as_the_key_that_made_them(make_site: MakeSite) -> None:
    """A link signed by a fallback key works, one signed by a key that is gone does not exist."""
    site = make_site(SECRET_KEY="new", SECRET_KEY_FALLBACKS=["old"])
    assert site.visitor().get(f"/forum/m/u/{make_token(Keys(['old']), 'u', 1, 1)}").status_code == 200
    assert site.visitor().get(f"/forum/m/u/{make_token(Keys(['older']), 'u', 1, 1)}").status_code == 404


def test_an_unsubscription_is_the_receivers_own(site: Site) -> None:
    """The link in a mail about an answer stops the mail of who received it, not of who wrote the answer."""
    top = site.follower("Ona")
    site.follower("Ben", "An answer.", parent=top)
    site.deliver()
    mail = site.mails("ona@reader.example", "reply")[0]
    for kind, action in (("t", "mute"), ("u", "unsubscribe")):
        assert site.visitor().act(site.links(mail, kind)[0], action).status_code == 303
    states = {row.email: row.state for row in everything(site)["forum_address"]}
    assert states == {"ona@reader.example": "unsubscribed", "ben@reader.example": "confirmed"}


def test_following_every_link_of_every_mail_changes_nothing(site: Site) -> None:
    """A scanner that asks for each link by GET, HEAD and OPTIONS, cookies and all, does nothing to anybody."""
    top = site.follower("Ona")
    site.comment("An answer.", parent=top, email="new@reader.example", notify="branch")
    sign_in = sign_in_link(site)
    site.deliver()
    links = [link for mail in site.mails() for link in re.findall(r"http://localhost(/\S*)", text_of(mail))]
    assert sign_in in links
    before = everything(site)
    scanner = site.visitor()
    for link, method in itertools.product(links, ("HEAD", "OPTIONS", "GET")):
        for path in (link, f"{link}?action=unsubscribe&action=confirm&action=refuse&List-Unsubscribe=One-Click"):
            assert scanner.client.open(path, method=method, follow_redirects=True).status_code == 200
    assert scanner.get("/forum/moderation/").status_code == 302
    assert everything(site) == before


def test_an_empty_post_does_nothing(site: Site) -> None:
    """Scanners that post without pressing a button are answered 400, and so is any other kind's button."""
    top = site.follower("Ona")
    site.comment("An answer.", parent=top, email="new@reader.example", notify="direct")
    site.deliver()
    before = everything(site)
    own = {"c": ["confirm"], "x": ["refuse"], "u": ["unsubscribe", "mute"], "t": ["mute", "mute_week", "unmute"]}
    links = [(kind, link) for mail in site.mails() for kind in "cxut" for link in site.links(mail, kind)]
    assert {kind for kind, _ in links} == set("cxut")
    for kind, link in links:
        foreign = {action for actions in own.values() for action in actions} - set(own[kind])
        one_click = {} if kind == "u" else {"List-Unsubscribe": "One-Click"}
        bodies: list[Any] = [{}, one_click, {"action": ""}, *({"action": action} for action in sorted(foreign))]
        for body in bodies:
            assert site.visitor().client.post(link, data=body).status_code == 400, (kind, body)
        assert site.visitor().client.post(link, json={"action": own[kind][0]}).status_code == 400
    assert everything(site) == before


@pytest.mark.parametrize("content_type", ["application/x-www-form-urlencoded", "multipart/form-data"])
def test_one_click_works_for_a_machine(site: Site, content_type: str) -> None:
    """A mail provider's machine posts from anywhere without cookies: 200, no redirect, and the second time too."""
    top = site.follower("Ona")
    site.comment("An answer.", parent=top)
    site.deliver()
    link = site.links(site.mails("ona@reader.example", "reply")[0], "u")[0]
    for _ in range(2):
        data, headers = {"List-Unsubscribe": "One-Click"}, {"Origin": "https://mail.example"}
        answer = site.visitor().client.post(link, data=data, content_type=content_type, headers=headers)
        assert (answer.status_code, answer.mimetype) == (200, "text/plain")
        assert "Set-Cookie" not in answer.headers
    assert everything(site)["forum_address"][0].state == "unsubscribed"


def test_pages_with_a_token_keep_it_to_themselves(site: Site) -> None:
    """They may not be stored, framed, indexed or named to others, and load nothing from elsewhere."""
    site.follower("Ona")
    for mail in site.mails():
        for link in (*site.links(mail, "c"), *site.links(mail, "x")):
            answer = site.visitor().get(link)
            assert "no-store" in answer.headers["Cache-Control"]
            assert answer.headers["Referrer-Policy"] == "no-referrer"
            assert answer.headers["X-Robots-Tag"] == "noindex"
            assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
            assert not re.findall(r'(?:src|href)="(?:https?:)?//', answer.text)


# --- redirects and signing in

ELSEWHERE = ["//evil.example", "https://evil.example", "/\\evil.example", "\\\\evil.example", "javascript:alert(1)"]


def test_nothing_sends_a_visitor_elsewhere(site: Site) -> None:
    """No parameter, field or foreign header becomes the target of a redirect or a link of ours."""
    for evil in ELSEWHERE:
        names = ("next", "url", "return_to", "cancel_url", "thread_url")
        extra = dict.fromkeys(names, evil)
        visitor = site.visitor()
        posted = visitor.post(**extra)
        assert posted.headers["Location"].startswith(f"{site.page}#comment-")
        lost = visitor.client.post("/forum/comments", data={"body": "x"}, headers={"Origin": "x", "Referer": evil})
        assert evil not in lost.text
        for path in ("/forum/sign-in", f"/forum/comments/{comment_id(posted)}", "/forum/moderation/"):
            assert "evil" not in visitor.get(path, query_string=extra).headers.get("Location", "")


def test_a_sign_in_link_works_once_and_for_half_an_hour(site: Site) -> None:
    """The link of a moderator is good for one press within thirty minutes, and then for nobody."""
    used, old = sign_in_link(site), sign_in_link(site)
    visitor = site.visitor()
    data = {"csrf_token": CSRF.findall(visitor.get(used).text)[0]}
    assert site.visitor().client.post(used, data=data).status_code == 200
    assert visitor.client.post(used, data=data).status_code == 303
    assert visitor.get("/forum/moderation/").status_code == 200
    site.clock.advance(30 * 60)
    for link in (used, old):
        assert site.visitor().get(link).status_code == 404
        assert site.visitor().client.post(link, data=data).status_code == 404


def test_asking_to_sign_in_tells_nobody_who_moderates(site: Site) -> None:
    """A moderator's address, a stranger's and nonsense get the same answer, and only the first gets a mail."""
    answers = []
    for email in (
        MODERATOR,
        "stranger@reader.example",
        "nonsense",
        "",
        MODERATOR.upper(),
        f"{MODERATOR}\n",
        "\0",
        "x" * 900,
    ):
        visitor = site.visitor()
        token = CSRF.findall(visitor.get("/forum/sign-in").text)[0]
        answer = visitor.client.post("/forum/sign-in", data={"email": email, "csrf_token": token})
        answers.append((answer.status_code, answer.text))
    assert len(set(answers)) == 1
    site.deliver()
    assert {row.envelope_to for row in everything(site)["forum_captured"]} == {MODERATOR}


def test_asking_to_sign_in_is_limited(site: Site) -> None:
    """The eleventh request of an hour from one network sends nothing."""
    visitor = site.visitor()
    data = {"email": MODERATOR, "csrf_token": CSRF.findall(visitor.get("/forum/sign-in").text)[0]}
    statuses = [visitor.client.post("/forum/sign-in", data=data).status_code for _ in range(12)]
    assert statuses == [200] * 10 + [429] * 2
    with site.session() as session:
        assert len(session.scalars(select(SignIn)).all()) == 10


def test_the_session_of_a_moderator_stays_on_the_site(make_site: MakeSite) -> None:
    """Its cookie is HttpOnly and SameSite=Lax, and Secure on https."""
    for base_url, secure in (("http://localhost", False), ("https://localhost", True)):
        cookie = make_site(FORUM_BASE_URL=base_url).visitor().get("/forum/sign-in").headers["Set-Cookie"]
        assert {"HttpOnly", "SameSite=Lax"} <= set(cookie.split("; "))
        assert ("Secure" in cookie.split("; ")) is secure


# --- the development mailbox

OUTSIDERS: list[dict[str, Any]] = [
    {"environ_base": {"REMOTE_ADDR": "192.0.2.1"}},
    {"environ_base": {"REMOTE_ADDR": "::ffff:192.0.2.1"}},
    {"environ_base": {"REMOTE_ADDR": ""}},
    {"headers": {"X-Forwarded-For": "127.0.0.1"}},
    {"headers": {"X-Real-Ip": "127.0.0.1"}},
    {"headers": {"Forwarded": "for=127.0.0.1"}},
    {"headers": {"Via": "1.1 proxy"}},
    {"headers": {"Host": "rebound.evil.example"}},
    {"headers": {"Host": "[evil"}},
    {"headers": {"Host": "127.0.0.1.evil.example:5000"}},
]


@pytest.mark.parametrize("outsider", OUTSIDERS)
def test_the_mailbox_hides_from_others(site: Site, outsider: dict[str, Any]) -> None:
    """Other machines, proxies and foreign names that point here find no mailbox."""
    site.comment(email="ona@reader.example", notify="direct")
    site.deliver()
    for tail in ("", "1", "1/html", "1/raw"):
        assert site.visitor().get(f"/forum/dev/mail/{tail}").status_code == 200
        assert site.visitor().get(f"/forum/dev/mail/{tail}", **outsider).status_code == 404


# --- when the machine fails


@pytest.fixture
def locked(site: Site) -> Iterator[Callable[[], None]]:
    """Lock the database for good, for writers that are not patient."""
    with site.app.app_context():
        engine = site.state.db.engine
        site.state.db.session.remove()
        engine.dispose()
    event.listen(engine, "connect", lambda connection, _: connection.execute("PRAGMA busy_timeout = 10"))
    other = sqlite3.connect(engine.url.database, isolation_level=None)
    yield lambda: other.execute("BEGIN IMMEDIATE") and None
    other.close()


def test_a_locked_database_loses_no_text(site: Site, locked: Callable[[], None]) -> None:
    """503 with Retry-After; a comment, an answer and an edit come back as they were typed, and readers go on."""
    author = site.visitor()
    posted = comment_id(author.post(body="As it was."))
    new, answer = author.fill(body="Kept text."), author.fill(body="Kept text.", parent=posted)
    locked()
    for form in (new, answer):
        refused = author.client.post("/forum/comments", data=form, headers=SAME_ORIGIN)
        assert (refused.status_code, refused.headers["Retry-After"]) == (503, "5")
        assert "\nKept text.</textarea>" in refused.text
        assert f'name="parent" value="{form["parent"]}"' in refused.text
    edit = author.client.post(f"/forum/comments/{posted}/edit", data={"body": "Kept text."}, headers=SAME_ORIGIN)
    assert edit.status_code == 503
    assert "\nKept text.</textarea>" in edit.text
    assert site.visitor().get(site.page).status_code == 200


def test_a_locked_database_is_no_error_on_other_pages(site: Site, locked: Callable[[], None]) -> None:
    """A removal, an unsubscription and a sign-in say 503 and when to come back: a mail provider tries again."""
    author = site.visitor()
    posted = comment_id(author.post())
    visitor = site.visitor()
    ask = {"email": MODERATOR, "csrf_token": CSRF.findall(visitor.get("/forum/sign-in").text)[0]}
    locked()
    token = make_token(site.state.keys, "u", 1, 1)
    answers = [
        author.client.post(f"/forum/comments/{posted}/remove", headers=SAME_ORIGIN),
        author.client.post(f"/forum/m/u/{token}", data={"List-Unsubscribe": "One-Click"}),
        visitor.client.post("/forum/sign-in", data=ask),
    ]
    assert [(answer.status_code, answer.headers["Retry-After"]) for answer in answers] == [(503, "5")] * 3


def test_a_database_that_is_gone_loses_no_text(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    """An answer to a comment that cannot even be looked up comes back with its text, and no address is logged."""
    visitor = site.visitor()
    form = visitor.fill(parent=site.comment(), body="Kept text.", email="ona@reader.example")
    with site.session() as session:
        session.connection().exec_driver_sql("PRAGMA foreign_keys = OFF")
        session.connection().exec_driver_sql("DROP TABLE forum_address")
        session.commit()
    refused = visitor.client.post("/forum/comments", data=form, headers=SAME_ORIGIN)
    assert refused.status_code == 503
    assert "\nKept text.</textarea>" in refused.text
    assert "ona@reader.example" not in caplog.text


def test_what_breaks_shows_nothing_of_the_inside(site: Site) -> None:
    """An error of ours is a plain page: no traceback, no path, no statement, no version."""
    site.app.config.update(TESTING=False, PROPAGATE_EXCEPTIONS=False)
    posted = site.comment()
    with site.session() as session:
        session.connection().exec_driver_sql("UPDATE forum_comment SET reasons = 'no JSON'")
        session.commit()
    answer = site.visitor().get(f"/forum/comments/{posted}/branch")
    assert answer.status_code == 500
    for inside in ("Traceback", "forum_comment", "sqlalchemy", str(ROOT), "JSON", "Werkzeug"):
        assert inside not in answer.text + str(answer.headers)


def test_no_log_holds_a_token(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    """Neither a server's access log nor the log of an error tells a reader of logs how to act for somebody."""
    token = make_token(site.state.keys, "u", 1, 1)
    caplog.set_level(logging.INFO)
    server = make_server("127.0.0.1", 0, site.app)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        connection = HTTPConnection("127.0.0.1", server.port)
        connection.request("GET", f"/forum/m/u/{token}")
        assert connection.getresponse().status == 200
        connection.close()
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
    with site.app.test_request_context(f"/forum/m/u/{token}"):
        site.app.log_exception((None, None, None))
    assert caplog.text.count("/forum/m/u/…") == 2
    assert token[-22:] not in caplog.text


# --- known to be open


def test_an_edit_passes_the_same_rules(site: Site) -> None:
    """What a host's rule rejects cannot be brought in by editing afterwards."""

    def no_pills(draft: Draft, context: Context) -> Verdict | None:
        return Verdict("reject", ("pills",)) if "pills" in draft.body else None

    site.state.hooks.screens.append(no_pills)
    author = site.visitor()
    posted = comment_id(author.post(body="Hello."))
    author.client.post(f"/forum/comments/{posted}/edit", data={"body": "Buy pills."}, headers=SAME_ORIGIN)
    assert site.get(posted).source == "Hello."


def test_an_edit_of_an_approved_comment_is_read_first(make_site: MakeSite) -> None:
    """Where every comment is read first, words nobody has read are not shown."""
    site = held_site(make_site)
    author = site.visitor()
    posted = comment_id(author.post(body="Hello."))
    decide(site, posted, "approve")
    author.client.post(f"/forum/comments/{posted}/edit", data={"body": "Buy pills."}, headers=SAME_ORIGIN)
    assert "Buy pills." not in site.visitor().get(site.page).text


def test_a_page_closed_by_its_host_takes_no_comment(make_host: Callable[..., Site]) -> None:
    """`forum_thread(closed=True)` cannot be got around by an old stamp, the reply page or a broken stamp."""
    site = make_host("{{ forum_thread('a', title='A', url='/', closed=request.args.get('now') == 'closed') }}")
    top = site.comment()
    visitor = site.visitor()
    early = visitor.stamp()
    site.clock.advance(1)
    visitor.get("/?now=closed")
    broken = stamp_in(visitor.post(stamp=changed(early, -2)).text)
    assert [visitor.post(stamp=stamp, body="Got in.").status_code for stamp in (early, broken)] == [422, 422]
    assert visitor.get(f"/forum/comments/{top}/reply").status_code == 302


def test_a_private_page_keeps_its_comments(site: Site) -> None:
    """Where the host says that a stranger may not read, our pages of its comments do not exist either."""
    top = site.comment("Among friends.")
    visitor = site.visitor()
    broken = changed(visitor.stamp(), -2)
    site.state.hooks.may_read = lambda key, email, ref: False
    for what in ("", "/branch", "/reply"):
        assert visitor.get(f"/forum/comments/{top}{what}").status_code == 404
    lost = visitor.post(stamp=broken, parent=top, body="Kept text.")
    assert lost.status_code == 422
    assert "Kept text." in lost.text
    for hidden in ("Among friends.", "Bread", site.page, 'name="stamp" value="W'):
        assert hidden not in lost.text
