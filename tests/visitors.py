"""A site under test and the people on it: what they read, write, and find in their mailboxes."""

from __future__ import annotations

import datetime as dt
import html
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import TYPE_CHECKING, Any

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event, func, insert, select, update
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from forum import articles
from forum.mail.deliver import Report, drain
from forum.models import Address, Captured, Comment, Message, Subscription, Thread
from forum.state import ForumState

if TYPE_CHECKING:
    from tests.services import Sink

SAME_ORIGIN = {"Origin": "http://localhost"}
_STAMP = re.compile(r'name="stamp" value="([^"]*)"')
_LINK = re.compile(r"https?://[^\s<>\"]+/forum/m/([cxut])/[^\s<>\"]+")


@dataclass
class Clock:
    """Time that passes only when a test says so."""

    now: dt.datetime = field(default_factory=lambda: dt.datetime(2026, 11, 22, 12, 0, tzinfo=dt.UTC))

    def __call__(self) -> dt.datetime:
        return self.now

    def advance(self, seconds: float) -> None:
        """Let ``seconds`` pass."""
        self.now += dt.timedelta(seconds=seconds)


class Site:
    """One app with its clock; each call of :meth:`visitor` is somebody with a browser of their own.

    Mail is read where it arrives: in ``sink`` if the app sends to one, else in the development mailbox.
    """

    def __init__(self, app: Flask, clock: Clock, sink: Sink | None = None) -> None:
        self.app, self.clock, self.sink = app, clock, sink
        self.state: ForumState = app.extensions["forum"]
        self.state.clock = clock
        self.page = "/articles/bread"

    def visitor(self) -> Visitor:
        """Somebody who has never been here."""
        return Visitor(self, self.app.test_client())

    def add_article(self, title: str = "Bread", closed: bool = False) -> str:
        """Add an article and return its path."""
        slug = title.lower().replace(" ", "-")
        source = articles.Source(title, slug, "Ann", "", closed, self.clock(), "Flour, water.")
        with self.session() as session:
            slug = articles.put(session, source, self.clock()).slug
            session.commit()
        return f"/articles/{slug}"

    def comment(self, body: str = "A fine loaf.", **fields: Any) -> int:
        """Have somebody post a comment and return its id."""
        response = self.visitor().post(body=body, **fields)
        assert response.status_code == 303, response.text
        return comment_id(response)

    def follower(self, name: str, body: str = "Tell me.", notify: str = "direct", **fields: Any) -> int:
        """Have somebody with a confirmed address post a comment and ask for mail; return its id."""
        email = f"{name.lower()}@reader.example"
        posted = self.comment(body, name=name, email=email, notify=notify, **fields)
        self.deliver()
        links = [link for mail in self.mails(email) for link in self.links(mail, "c")]
        if links:
            assert self.visitor().act(links[-1], "confirm").status_code == 303
        return posted

    def deliver(self, seconds: float = 0) -> Report:
        """Let ``seconds`` pass, then send everything that is due."""
        self.clock.advance(seconds)
        with self.app.app_context():
            return drain(self.state.courier())

    def lapse(self) -> None:
        """End every lease: the database's clock, by which they run, is nobody's to move."""
        with self.session() as session:
            held = Message.lease_until.is_not(None)
            session.execute(update(Message).where(held).values(lease_until=dt.datetime(2020, 1, 1, tzinfo=dt.UTC)))
            session.commit()

    def mails(self, to: str | None = None, reason: str | None = None) -> list[EmailMessage]:
        """What has arrived, oldest first."""
        parsed = [message_from_bytes(raw, policy=default) for raw in self.raw_mails(to)]
        return [mail for mail in parsed if reason in (None, mail["X-Forum-Reason"])]

    def raw_mails(self, to: str | None = None) -> list[bytes]:
        """The bytes of what has arrived, oldest first."""
        if self.sink is not None:
            return [received.raw for received in self.sink.messages if to is None or to in received.rcpt_tos]
        with self.session() as session:
            rows = session.scalars(select(Captured).order_by(Captured.id)).all()
            return [row.raw.encode() for row in rows if to in (None, row.envelope_to)]

    @staticmethod
    def links(mail: EmailMessage, kind: str) -> list[str]:
        """The paths behind the links of one kind (c, x, u, t) in the text of a mail."""
        body = mail.get_body(("plain",))
        assert body is not None
        found = _LINK.finditer(body.get_content())
        return ["/" + match[0].split("/", 3)[3] for match in found if match[1] == kind]

    @contextmanager
    def session(self) -> Iterator[Session]:
        """A database session of the test's own."""
        with self.app.app_context(), Session(self.state.db.engine) as session:
            yield session

    def get(self, id_: int) -> Comment:
        """A stored comment."""
        with self.session() as session:
            return session.get_one(Comment, id_)

    @contextmanager
    def statements(self) -> Iterator[list[str]]:
        """Collect the SQL that runs inside the block, transaction control aside."""
        seen: list[str] = []
        with self.app.app_context():
            engine = self.state.db.engine

        def note(conn: Any, cursor: Any, statement: str, *_: Any) -> None:
            if statement.split()[0] not in ("BEGIN", "COMMIT", "ROLLBACK", "PRAGMA"):
                seen.append(statement)

        event.listen(engine, "before_cursor_execute", note)
        try:
            yield seen
        finally:
            event.remove(engine, "before_cursor_execute", note)


class Visitor:
    """One person with one browser."""

    def __init__(self, site: Site, client: FlaskClient) -> None:
        self.site, self.client = site, client

    def get(self, path: str, **kwargs: Any) -> TestResponse:
        """Open a page."""
        return self.client.get(path, **kwargs)

    def stamp(self, path: str | None = None) -> str:
        """The stamp of the form on a page."""
        return stamp_in(self.get(path or self.site.page).text)

    def fill(self, **fields: Any) -> dict[str, Any]:
        """The fields of the comment form as this person sends them."""
        typed = {"name": "Ben", "email": "", "body": "A fine loaf.", "parent": "", "website": "", **fields}
        if "stamp" not in typed:
            typed["stamp"] = self.stamp()
        return typed

    def post(self, headers: dict[str, str] | None = None, **fields: Any) -> TestResponse:
        """Send the comment form from our own page."""
        return self.client.post("/forum/comments", data=self.fill(**fields), headers=headers or SAME_ORIGIN)

    def act(self, path: str, action: str) -> TestResponse:
        """Press a button on a page."""
        return self.client.post(path, data={"action": action}, headers=SAME_ORIGIN)


def crowd(site: Site, people: int, thread_id: int | None = None, domain: str = "reader.example") -> None:
    """Let this many new readers with confirmed addresses follow a thread, the newest one unless it is named."""
    now = site.clock()
    with site.session() as session:
        thread_id = thread_id or session.scalar(select(func.max(Thread.id)))
        first = (session.scalar(select(func.max(Address.id))) or 0) + 1
        mails = {id_: f"r{id_}@{domain}" for id_ in range(first, first + people)}
        since = {"active_at": now, "changed_at": now, "created_at": now}
        rows = [{"id": id_, "key": mail, "email": mail, "state": "confirmed", **since} for id_, mail in mails.items()]
        session.execute(insert(Address), rows)
        wish = {"thread_id": thread_id, "target": f"thread:{thread_id}", "scope": "thread"}
        wish |= {"consent_at": now, "consent_wording": "box"}
        session.execute(insert(Subscription), [{"address_id": id_, **wish} for id_ in mails])
        session.commit()


def stamp_in(page: str) -> str:
    """The stamp of the form in the markup of a page."""
    match = _STAMP.search(page)
    assert match is not None, page
    return html.unescape(match[1])


def comment_id(response: TestResponse) -> int:
    """The id of the comment a 303 leads to."""
    match = re.search(r"#comment-(\d+)$|/comments/(\d+)", response.headers["Location"])
    assert match is not None, response.headers["Location"]
    return int(match[1] or match[2])
