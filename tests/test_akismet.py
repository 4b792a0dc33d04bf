"""Asking Akismet: a real server speaks its protocol, and whoever delivers mail asks it about what was posted."""

from __future__ import annotations

import datetime as dt
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from forum import akismet, outbox
from forum.akismet import InvalidKey, Service, Subject, Unavailable
from forum.cli import forum_cli
from forum.mail import asking
from forum.mail.steps import step
from forum.models import Audit, Comment, Event
from forum.moderation import checking, notices
from forum.screening import chips
from forum.signals import comment_published
from tests.desk import act, edit, take_back
from tests.visitors import SAME_ORIGIN, Site, comment_id

NOW = dt.datetime(2026, 3, 1, 12, 30, tzinfo=dt.UTC)
SUBJECT = Subject("reply", "Zoë & Co", None, None, "Äpfel\n=1", NOW, "http://localhost/a", "fd00::1")
GRACE = 60


class Speaker(ThreadingHTTPServer):
    """A service that speaks the protocol; what it answers and what it was asked are open to the test."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Asked)
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.status, self.word = 200, "false"
        self.headers: dict[str, str] = {}
        # Called while a question is open.
        self.meanwhile: Callable[[], object] = lambda: None
        self.drips = threading.Event()

    @property
    def url(self) -> str:
        """Where it is found."""
        return f"http://127.0.0.1:{self.server_address[1]}"

    def to(self, method: str) -> list[dict[str, str]]:
        """The fields of every call of ``method``."""
        return [fields for path, fields in self.asked if path == f"/1.1/{method}"]


class _Asked(BaseHTTPRequestHandler):
    server: Speaker

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode("ascii")
        self.server.asked.append((self.path, {name: values[0] for name, values in parse_qs(body).items()}))
        self.server.meanwhile()
        self.send_response(self.server.status)
        for name, value in self.server.headers.items():
            self.send_header(name, value)
        self.end_headers()
        try:
            while self.server.drips.is_set():
                self.wfile.write(b" ")
                time.sleep(0.05)
            self.wfile.write(self.server.word.encode())
        except OSError:
            pass

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing on the test's terminal."""


@pytest.fixture
def speaker() -> Iterator[Speaker]:
    """The service, listening."""
    with Speaker() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield server
        server.drips.clear()
        server.shutdown()
        thread.join()


@pytest.fixture
def service(speaker: Speaker) -> Service:
    """Our side of it."""
    return Service(speaker.url, "k3y", "http://localhost")


@pytest.fixture
def asking_site(make_site: Callable[..., Site], speaker: Speaker) -> Site:
    """A site that asks, and would publish everything otherwise."""
    return _site(make_site, speaker)


BEN = "ben@reader.example"


def _site(
    make_site: Callable[..., Site],
    speaker: Speaker,
    moderation: str = "first",
    before: Callable[[Site], object] = lambda site: None,
    **config: Any,
) -> Site:
    """A site that knows Ben and reads what others write first; ``before`` happens while it still asks nobody."""
    config |= {"FORUM_MODERATION": "none", "FORUM_TRUST_UNCONFIRMED": True}
    site = make_site(**{"FORUM_AKISMET_KEY": "k3y", "FORUM_AKISMET_URL": speaker.url, **config})
    site.add_article()
    before(site)
    write(site, "Hello.")
    site.state.settings = site.state.settings.model_copy(update={"moderation": moderation})
    return site


def write(site: Site, body: str = "A fine loaf.", **fields: Any) -> int:
    """Ben writes a comment, which nothing but the answer can hold."""
    return site.comment(body, email=BEN, **fields)


def standing(site: Site, posted: int) -> tuple[str, list[str]]:
    """The state of a comment and why."""
    comment = site.get(posted)
    return comment.state, comment.reasons


def events(site: Site, posted: int) -> dict[str, str]:
    """The events of a comment, by kind."""
    with site.session() as session:
        return dict(session.execute(select(Event.kind, Event.state).where(Event.comment_id == posted)).all())


# --- the protocol


def test_a_question_names_its_fields_as_the_protocol_does(service: Service, speaker: Speaker) -> None:
    """What is known is sent in the form of the protocol, and what is not known is left out."""
    service.check(SUBJECT)
    assert speaker.asked == [("/1.1/comment-check", {
        "api_key": "k3y", "blog": "http://localhost", "blog_charset": "UTF-8", "comment_type": "reply",
        "comment_author": "Zoë & Co", "comment_content": "Äpfel\n=1", "comment_date_gmt": "2026-03-01T12:30:00+00:00",
        "permalink": "http://localhost/a", "user_ip": "fd00::1",
    })]  # fmt: skip


@pytest.mark.parametrize(("word", "headers", "answer"), [
    ("false", {}, "ham"), ("true", {}, "spam"), ("true", {"X-akismet-pro-tip": "discard"}, "discard"),
])  # fmt: skip
def test_answers(service: Service, speaker: Speaker, word: str, headers: dict[str, str], answer: str) -> None:
    """True is spam, false is not, and a tip may say that nobody need look at it."""
    speaker.word, speaker.headers = word, headers
    assert service.check(SUBJECT) == answer


@pytest.mark.parametrize(("status", "word", "headers"), [
    (500, "false", {}), (200, "<html>", {}), (200, "", {}), (200, "false" * 10_000, {}),
    (302, "", {"Location": "/1.1/elsewhere"}),
])  # fmt: skip
def test_what_is_no_answer(service: Service, speaker: Speaker, status: int, word: str, headers: dict[str, str]) -> None:
    """An error, nonsense, a book, or the way to somewhere else is no opinion, and is not followed."""
    speaker.status, speaker.word, speaker.headers = status, word, headers
    with pytest.raises(Unavailable):
        service.check(SUBJECT)
    assert [path for path, _ in speaker.asked] == ["/1.1/comment-check"]


def test_a_refused_key_says_why(service: Service, speaker: Speaker) -> None:
    """That the key is not valid is told from all else, with the service's own words."""
    speaker.word, speaker.headers = "invalid", {"X-akismet-debug-help": "Empty blog value"}
    with pytest.raises(InvalidKey, match="Empty blog value"):
        service.verify()


def test_an_answer_that_drips_is_left(service: Service, speaker: Speaker, monkeypatch: pytest.MonkeyPatch) -> None:
    """However slowly bytes come, the whole question has an end, and the connection is closed."""
    monkeypatch.setattr(akismet, "SECONDS", 0.3)
    speaker.drips.set()
    began = time.monotonic()
    with pytest.raises(Unavailable, match="did not answer"):
        service.check(SUBJECT)
    assert time.monotonic() - began < 3
    for thread in threading.enumerate():
        if thread.name == "forum-akismet":
            thread.join(5)
            assert not thread.is_alive()


# --- a comment


def test_a_comment_waits_for_the_answer_and_appears(
    make_site: Callable[..., Site], speaker: Speaker, database: dict[str, str]
) -> None:
    """Posting asks nobody; the next delivery does, with no transaction open, and ham appears and is mailed."""
    site = _site(make_site, speaker, before=lambda site: site.follower("Ann"), **database)
    posted = write(site, "An answer.", parent=1)
    assert standing(site, posted) == ("held", ["akismet:asked"])
    assert speaker.asked == []
    # A write of somebody else's is possible while the question is open.
    speaker.meanwhile = lambda: touch(site)
    site.deliver()
    assert standing(site, posted) == ("published", [])
    site.deliver(600)
    assert len(site.mails("ann@reader.example", reason="reply")) == 1
    assert [fields["comment_type"] for fields in speaker.to("comment-check")] == ["reply"]


def touch(site: Site) -> None:
    with site.session() as session:
        session.execute(update(Event).values(last_error=None))
        session.commit()


def test_what_the_rules_hold_goes_on_waiting(make_site: Callable[..., Site], speaker: Speaker) -> None:
    """Ham that rules have held waits for their reasons, and only now moderators are told of it."""
    site = _site(make_site, speaker, FORUM_HOLD_WORDS=["loaf"])
    posted = write(site, "A loaf.")
    assert standing(site, posted) == ("held", ["akismet:asked", "word:loaf"])
    assert events(site, posted) == {"check:hold": "new"}
    site.deliver()
    assert standing(site, posted) == ("held", ["word:loaf"])
    assert events(site, posted) == {"check:hold": "done", "held": "done"}


def test_spam_waits(asking_site: Site, speaker: Speaker) -> None:
    """What the service takes for spam waits for a moderator, who reads why."""
    speaker.word = "true"
    posted = write(asking_site)
    asking_site.deliver()
    assert standing(asking_site, posted) == ("held", ["akismet:spam"])
    assert chips.chip("akismet:spam").text == "Akismet: spam"


def test_what_nobody_need_look_at(asking_site: Site, speaker: Speaker) -> None:
    """What the service says to discard is spam, and moderators are not told."""
    speaker.word, speaker.headers = "true", {"X-akismet-pro-tip": "discard"}
    posted = write(asking_site)
    asking_site.deliver()
    assert standing(asking_site, posted) == ("spam", ["akismet:discard"])
    assert "held" not in events(asking_site, posted)


def test_a_refused_key_stops_nobody(asking_site: Site, speaker: Speaker, caplog: pytest.LogCaptureFixture) -> None:
    """With a wrong key comments go on at once as if nobody was asked, and the log says it once."""
    speaker.word = "invalid"
    posted = [write(asking_site, "One."), write(asking_site, "Two.")]
    asking_site.deliver()
    assert [standing(asking_site, each) for each in posted] == [("published", [])] * 2
    assert [record.name for record in caplog.records].count("forum.akismet") == 1


@pytest.mark.parametrize("fault", ["status", "nonsense", "refused"])
def test_a_service_that_is_away(
    make_site: Callable[..., Site], speaker: Speaker, fault: str, caplog: pytest.LogCaptureFixture
) -> None:
    """It is asked at once and after 1, 5 and 15 minutes; then comments go on without, which the log says once."""
    closed = {"FORUM_AKISMET_URL": "http://127.0.0.1:9"} if fault == "refused" else {}
    site = _site(make_site, speaker, FORUM_HOLD_WORDS=["loaf"], **closed)
    speaker.status, speaker.word = (500, "") if fault == "status" else (200, "maybe")
    fine, held = write(site, "Fine."), write(site, "A loaf.")
    for seconds in (0, 59, 1, 239, 1, 599):
        site.deliver(seconds)
        assert [site.get(fine).state, site.get(held).reasons[0]] == ["held", "akismet:asked"]
    site.deliver(1)
    assert standing(site, fine) == ("published", [])
    assert standing(site, held) == ("held", ["akismet:unavailable", "word:loaf"])
    assert len(speaker.asked) == (0 if fault == "refused" else 4)
    assert [record.name for record in caplog.records].count("forum.akismet") == 1


def test_a_service_that_comes_back(asking_site: Site, speaker: Speaker) -> None:
    """After an outage the next question gets its answer."""
    speaker.status = 503
    posted = write(asking_site)
    asking_site.deliver()
    speaker.status = 200
    asking_site.deliver(60)
    assert standing(asking_site, posted) == ("published", [])


def test_what_cannot_be_settled_keeps_nobody_waiting(
    asking_site: Site, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """An error about one comment is logged, the others are answered, and a minute later that one is asked again."""
    bad, good = write(asking_site, "One."), write(asking_site, "Two.")
    settle = checking.settle

    def fail(session: Session, question: checking.Question, *more: Any) -> bool:
        if question.comment_id == bad:
            raise RuntimeError("a row that nobody foresaw")
        return settle(session, question, *more)

    with monkeypatch.context() as patch:
        patch.setattr(checking, "settle", fail)
        asking_site.deliver()
    assert [asking_site.get(each).state for each in (bad, good)] == ["held", "published"]
    assert f"comment {bad}" in caplog.text
    asking_site.deliver(60)
    assert asking_site.get(bad).state == "published"


@pytest.mark.parametrize(("word", "tip", "row"), [
    ("false", None, ("ham", "published")), ("true", None, ("spam", "held")), ("true", "discard", ("discard", "spam")),
    ("invalid", None, ("no answer", "published")),
])  # fmt: skip
def test_its_decisions_are_on_record(
    asking_site: Site, speaker: Speaker, word: str, tip: str | None, row: tuple[str, str]
) -> None:
    """What the service decided stands in the audit log, and does not count as a moderator's word."""
    speaker.word, speaker.headers = word, {"X-akismet-pro-tip": tip} if tip else {}
    posted = write(asking_site)
    asking_site.deliver()
    with asking_site.session() as session:
        (found,) = session.scalars(select(Audit).where(Audit.subject_id == posted, Audit.subject_kind == "comment"))
    assert (found.actor, found.act, found.before) == ("akismet", "check", "held")
    assert (found.cause, found.after) == row
    assert found.batch is None


@pytest.mark.parametrize(("reason", "smells"), [
    ("akismet:spam", True), ("akismet:discard", True), ("akismet:unavailable", False), ("akismet:edited", False),
    ("akismet:asked", False), ("links:9", True),
])  # fmt: skip
def test_no_opinion_is_no_smell(reason: str, smells: bool) -> None:
    """Words are kept from a moderator's mail where somebody calls them spam, not where the service said nothing."""
    assert notices.smells_of_spam(Comment(reasons=[reason])) is smells


def test_a_question_that_was_put_off_is_not_late(asking_site: Site, speaker: Speaker) -> None:
    """While the service is away nothing counts as waiting for a worker until the next try is due."""
    speaker.status = 503
    write(asking_site)
    asking_site.deliver()
    asking_site.clock.advance(59)
    with asking_site.session() as session:
        assert outbox.waiting_since(session, asking_site.clock()) is None
        at = asking_site.clock() + dt.timedelta(seconds=30)
        assert outbox.waiting_since(session, at) == asking_site.clock() + dt.timedelta(seconds=1)


@pytest.mark.parametrize(("word", "mails"), [("--drop", 0), ("--send", 1)])
def test_a_question_that_a_restoration_laid_aside_is_put_again(
    make_site: Callable[..., Site], speaker: Speaker, word: str, mails: int
) -> None:
    """Dropped or sent, an unanswered comment is asked about and goes on; only with --send somebody is mailed of it."""
    site = _site(make_site, speaker, before=lambda site: site.follower("Ann"))
    posted = write(site, "An answer.", parent=1)
    site.clock.advance(60)
    restored = ["mail", "restored"]
    assert run_cli(site, *restored, f"{site.clock():%Y-%m-%dT%H:%M:%S}") == 0
    site.deliver()
    assert standing(site, posted) == ("held", ["akismet:asked"])
    assert run_cli(site, *restored, word) == 0
    site.deliver()
    assert standing(site, posted) == ("published", [])
    site.deliver(600)
    assert len(site.mails("ann@reader.example", reason="reply")) == mails


def run_cli(site: Site, *words: str) -> int:
    return site.app.test_cli_runner().invoke(forum_cli, words).exit_code


def test_a_slow_service_holds_mail_up_for_seconds(asking_site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the time for questions is over it is the turn of mail, and the rest is asked in the next round."""
    monkeypatch.setattr(asking, "_TURN", 0)
    posted = write(asking_site)
    asking_site.deliver()
    assert standing(asking_site, posted) == ("held", ["akismet:asked"])
    assert events(asking_site, posted) == {"check:publish": "new"}


# --- meanwhile


@pytest.mark.parametrize(("path", "state"), [
    (["spam"], "spam"), (["reject"], "rejected"), (["approve"], "published"), (["approve", "unapprove"], "held"),
    (["spam", "restore"], "held"),
])  # fmt: skip
def test_a_moderator_is_right(asking_site: Site, speaker: Speaker, path: list[Any], state: str) -> None:
    """Whatever a moderator has decided while the question was open, stands."""
    posted = write(asking_site)
    speaker.meanwhile = lambda: [act(asking_site, what, posted) for what in path]
    speaker.word, speaker.headers = ("true", {"X-akismet-pro-tip": "discard"}) if state != "spam" else ("false", {})
    asking_site.deliver()
    assert asking_site.get(posted).state == state
    assert events(asking_site, posted)["check:publish"] == "skipped"


def test_what_was_decided_before_is_not_asked(asking_site: Site, speaker: Speaker) -> None:
    """A comment that a moderator was quicker with is shown to nobody."""
    act(asking_site, "approve", write(asking_site))
    asking_site.deliver()
    assert speaker.asked == []


def test_another_text_is_another_question(make_site: Callable[..., Site], speaker: Speaker) -> None:
    """A text that changed while the question was open is shown again, and never appears unread."""
    site = _site(make_site, speaker)
    posted = write(site, "Nice.")

    def change() -> None:
        speaker.meanwhile = lambda: None
        edit(site, posted, "Pills.")

    speaker.meanwhile = change
    site.deliver()
    assert [fields["comment_content"] for fields in speaker.to("comment-check")] == [
        "Nice.",
        "Pills.",
    ]
    assert standing(site, posted) == ("held", ["akismet:edited"])


def test_what_its_author_withdrew_is_shown_to_nobody(asking_site: Site, speaker: Speaker) -> None:
    """A comment that is gone before the question is not sent anywhere."""
    author = asking_site.visitor()
    posted = comment_id(author.post(email=BEN))
    assert author.client.post(f"/forum/comments/{posted}/remove", headers=SAME_ORIGIN).status_code < 400
    asking_site.deliver()
    assert (asking_site.get(posted).state, speaker.asked) == ("removed", [])


def test_whoever_dies_leaves_the_question(
    make_site: Callable[..., Site], speaker: Speaker, database: dict[str, str]
) -> None:
    """A worker that dies after it asked loses nothing: a minute later it is asked again, and published once."""
    site = _site(make_site, speaker, **database)
    posted = write(site)
    with site.app.app_context():
        courier = site.state.courier()
    taken = step(courier, lambda session, now: checking.next_question(session, courier.keys, courier.settings, now))
    assert taken is not None
    site.deliver(59)
    assert site.get(posted).state == "held"
    site.deliver(1)
    assert standing(site, posted) == ("published", [])
    # The other one was not dead, only slow.
    assert step(courier, lambda session, now: checking.settle(session, taken, "discard", now)) is False
    assert site.get(posted).state == "published"
    assert sorted(events(site, posted)) == ["check:publish", "published"]


def test_a_key_that_was_taken_away(asking_site: Site, speaker: Speaker) -> None:
    """What waits for an answer when the site asks no more goes on without."""
    posted = write(asking_site)
    asking_site.state.settings = asking_site.state.settings.model_copy(update={"akismet_key": None})
    asking_site.deliver()
    assert (standing(asking_site, posted), speaker.asked) == (("published", []), [])


# --- who is asked about, what is sent, who hears


@pytest.mark.parametrize("config", [{"moderation": "none"}, {"FORUM_MAIL_FROM": None}])
def test_when_nobody_is_asked(make_site: Callable[..., Site], speaker: Speaker, config: dict[str, Any]) -> None:
    """Where nothing may be held, or nobody delivers, a comment appears at once."""
    site = _site(make_site, speaker, **config)
    assert standing(site, write(site)) == ("published", [])


def test_the_network_is_not_told(make_site: Callable[..., Site], speaker: Speaker) -> None:
    """For the visitor's address stands one that is nobody's, the same for the same network and no other."""
    site = _site(make_site, speaker)
    for network in ("192.0.2.7", "192.0.2.99", "198.51.100.7"):
        site.visitor().client.post(
            "/forum/comments",
            data=site.visitor().fill(body=f"From {network}.", email=BEN),
            headers=SAME_ORIGIN,
            environ_base={"REMOTE_ADDR": network},
        )
    site.deliver()
    one, same, other = (fields["user_ip"] for fields in speaker.to("comment-check"))
    assert one == same != other
    assert one.startswith("fd")
    assert speaker.to("comment-check")[0]["is_test"] == "1"
    assert speaker.to("comment-check")[0]["permalink"].startswith("http://localhost/")


def test_the_host_hears_of_what_appears(asking_site: Site) -> None:
    """The signal of a comment that became visible is sent for one that delivery has published."""
    heard: list[int] = []
    with comment_published.connected_to(lambda app, comment: heard.append(comment.id), sender=asking_site.app):
        posted = write(asking_site)
        asking_site.deliver()
    assert heard == [posted]


# --- teaching


@pytest.mark.parametrize(("path", "told"), [(["spam"], "submit-spam"), (["spam", "restore"], "submit-ham")])
def test_moderators_teach(
    make_site: Callable[..., Site], speaker: Speaker, database: dict[str, str], path: list[Any], told: str
) -> None:
    """What a moderator says last about a comment that was asked about is passed on, once the time for Undo is over."""
    site = _site(make_site, speaker, **database)
    posted = write(site, "Pills.")
    site.deliver()
    for what in path:
        act(site, what, posted)
    site.deliver(GRACE - 1)
    assert len(speaker.asked) == 1
    site.deliver(1)
    assert [path for path, _ in speaker.asked[1:]] == [f"/1.1/{told}"]
    assert speaker.asked[1][1]["comment_content"] == "Pills."


def test_a_second_thought_is_told_too(asking_site: Site, speaker: Speaker) -> None:
    """Whoever has called a comment spam and takes that back later tells both."""
    posted = write(asking_site)
    asking_site.deliver()
    for what in ("spam", "restore"):
        act(asking_site, what, posted)  # type: ignore[arg-type]  # mypy does not see the literals in a tuple
        asking_site.deliver(GRACE)
    assert [path for path, _ in speaker.asked[1:]] == ["/1.1/submit-spam", "/1.1/submit-ham"]


def test_what_was_undone_is_not_told(asking_site: Site, speaker: Speaker) -> None:
    """A slip that is taken back in time reaches nobody."""
    posted = write(asking_site)
    asking_site.deliver()
    take_back(asking_site, act(asking_site, "spam", posted).batch)
    asking_site.deliver(GRACE)
    assert [path for path, _ in speaker.asked] == ["/1.1/comment-check"]


def test_a_lost_lesson_is_lost(asking_site: Site, speaker: Speaker) -> None:
    """A service that does not listen is not told a second time, and nothing else suffers."""
    posted = write(asking_site)
    asking_site.deliver()
    act(asking_site, "spam", posted)
    speaker.status = 500
    asking_site.deliver(GRACE)
    assert events(asking_site, posted)["teach"] == "skipped"
    asking_site.deliver(3600)
    assert len(speaker.asked) == 2


@pytest.mark.parametrize(("word", "said"), [("valid", "knows the key"), ("invalid", "The key is not valid")])
def test_the_doctor_asks_about_the_key(asking_site: Site, speaker: Speaker, word: str, said: str) -> None:
    """`flask forum doctor` says whether the service takes the key."""
    speaker.word = word
    result = asking_site.app.test_cli_runner().invoke(forum_cli, ["doctor"])
    assert said in result.output
    assert speaker.to("verify-key")[0]["key"] == "k3y"
