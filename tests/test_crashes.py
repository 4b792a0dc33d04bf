"""Whatever dies at whatever moment: how many copies of a mail arrive, on every database (tests/killing.py)."""

from __future__ import annotations

import signal
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import func, select

from forum.models import Comment, Event, Item, Message
from tests.catalogue.test_engine import crowd
from tests.conftest import QUIET
from tests.killing import Doomed, deliver, post, watch
from tests.services import Sink
from tests.test_deliver import SMTP, database  # noqa: F401  # a fixture: pytest finds it by its name here
from tests.visitors import Site

_STOP = signal.SIGSTOP


class Scene:
    """A site that sends to a sink, with a reply to Ann in its outbox, and processes that die over it."""

    def __init__(self, site: Site, sink: Sink, config: dict[str, Any]) -> None:
        self.site, self.sink, self.config = site, sink, config
        self.running: list[Doomed] = []
        site.sink = sink
        site.add_article()
        self.question = site.follower("Ann")

    def doomed(self, *args: Any, **more: Any) -> Doomed:
        """A process that gets a signal at its point."""
        self.running.append(Doomed(self.config, self.site.clock(), *args, **more))
        return self.running[-1]

    def form(self) -> dict[str, Any]:
        """A reply to Ann as it is sent."""
        return self.site.visitor().fill(parent=self.question)

    def reply(self) -> None:
        """Reply to Ann, when what was sent before has been forgotten."""
        self.sink.messages.clear()
        self.site.comment(parent=self.question)

    def outlive(self) -> None:
        """Let every lease run out, by whichever clock it runs, and deliver what is due then."""
        self.site.lapse()
        self.site.deliver(901)

    def copies(self) -> list[int]:
        """How often each mail about a reply arrived, however often delivery runs from now on."""
        for _ in range(2):
            self.outlive()
        return sorted(Counter((mail["Message-ID"], mail["Date"]) for mail in self._replies()).values())

    def count(self, model: type[Comment | Event | Item | Message]) -> int:
        """How many rows there are."""
        with self.site.session() as session:
            return session.scalar(select(func.count()).select_from(model)) or 0

    def states(self) -> set[str]:
        """The states of all messages."""
        with self.site.session() as session:
            return set(session.scalars(select(Message.state)))

    def in_doubt(self) -> int:
        """How many messages may have arrived more than once."""
        with self.site.session() as session:
            return session.scalar(select(func.count()).select_from(Message).where(Message.ambiguous > 0)) or 0

    def _replies(self) -> list[Any]:
        return [mail for mail in self.site.mails() if mail["X-Forum-Reason"] != "confirm"]


@pytest.fixture
def scene(make_site: Callable[..., Site], database: dict[str, str], smtp_sink: Sink) -> Iterator[Scene]:  # noqa: F811  # it
    """The scene on each database."""
    config = {**SMTP, "MAIL_SERVER": smtp_sink.host, "MAIL_PORT": smtp_sink.port, **database}
    site = make_site(**config)
    uri = site.app.config["SQLALCHEMY_DATABASE_URI"]
    scene = Scene(site, smtp_sink, {**QUIET, **config, "SQLALCHEMY_DATABASE_URI": uri})
    yield scene
    for process in scene.running:
        process.end()


def test_k1_nothing_is_stored_by_half(scene: Scene) -> None:
    """K1: killed before the commit of a comment, neither the comment nor its event exists, and no mail leaves."""
    before = scene.count(Comment), scene.count(Event)
    assert scene.doomed(post, "K1", argument=scene.form()).result() is None
    assert (scene.count(Comment), scene.count(Event)) == before
    assert scene.copies() == []


def test_k2_a_stored_comment_is_mailed_without_a_wake_up(scene: Scene) -> None:
    """K2: killed after the commit and before anybody was woken, the comment is mailed once."""
    assert scene.doomed(post, "K2", argument=scene.form()).result() is None
    assert scene.copies() == [1]


def test_k2_the_form_sent_again_is_the_same_comment(scene: Scene) -> None:
    """K2: whoever got no answer and sends the form again finds the comment there, once."""
    form = scene.form()
    assert scene.doomed(post, "K2", argument=form).result() is None
    before = scene.count(Comment)
    assert scene.site.visitor().client.post("/forum/comments", data=form, headers={"Origin": "http://localhost"})
    assert scene.count(Comment) == before


def test_k3_fan_out_goes_on_where_it_was(scene: Scene) -> None:
    """K3: killed amid fan-out, the second reader is told by the next worker and the first one not again."""
    scene.site.follower("Cem", notify="thread")
    scene.reply()
    before = scene.count(Item)
    one_by_one = {"forum.outbox.fanout:CHUNK": 1}
    assert scene.doomed(deliver, "K3", also=one_by_one).result() is None
    assert scene.count(Item) == before + 1
    assert scene.copies() == [1, 1]


@pytest.mark.parametrize("point", ["K4", "K6", "K7"])
def test_before_the_wire_nothing_is_sent(scene: Scene, point: str) -> None:
    """K4, K6, K7: killed with items and no message, with a claim, or after the gate, one mail leaves, without doubt."""
    scene.reply()
    assert scene.doomed(deliver, point).result() is None
    assert scene.copies() == [1]
    assert scene.in_doubt() == 0


def test_k5_two_that_group_at_once_make_one_mail(scene: Scene) -> None:
    """K5: one worker has grouped and not committed when another one groups the same items; one mail leaves."""
    scene.reply()
    first = scene.doomed(deliver, "K5", sent=_STOP)
    first.frozen()
    second = scene.doomed(deliver, "K5b", sent=_STOP)
    second.frozen()
    second.resume()
    second.waiting()
    first.resume()
    assert Counter(first.result()) + Counter(second.result()) == {"sent": 1}
    assert scene.copies() == [1]


@pytest.mark.parametrize("point", ["K8", "K9"])
def test_before_the_dot_one_mail_arrives(scene: Scene, point: str) -> None:
    """K8, K9: killed before MAIL FROM or amid the content, one copy arrives, of a message that stays in doubt."""
    scene.reply()
    assert scene.doomed(deliver, point).result() is None
    assert scene.copies() == [1]
    assert scene.in_doubt() == 1


def test_k10_after_the_dot_at_most_one_more(scene: Scene) -> None:
    """K10: killed between the dot and its answer, one or two copies arrive, with one Message-ID and Date."""
    scene.reply()
    assert scene.doomed(deliver, "K10").result() is None
    assert scene.copies() in ([1], [2])


@pytest.mark.parametrize("point", ["K11", "K11b"])
def test_k11_an_acceptance_that_was_not_written_down(scene: Scene, point: str) -> None:
    """K11: killed between 250 and the commit of `sent`, two copies arrive with one Message-ID and Date, never three."""
    scene.reply()
    assert scene.doomed(deliver, point).result() is None
    assert scene.copies() == [2]


def test_k12_what_is_written_down_is_done(scene: Scene) -> None:
    """K12: killed between the commit of `sent` and QUIT, one copy arrives and nothing is in doubt."""
    scene.reply()
    assert scene.doomed(deliver, "K12").result() is None
    assert scene.states() == {"sent"}
    assert scene.copies() == [1]


def test_k14_whoever_wakes_too_late_keeps_quiet(scene: Scene) -> None:
    """K14: a worker that slept past its lease before the wire finds that another one sent the mail, once."""
    scene.reply()
    sleeper = scene.doomed(deliver, "K14", sent=_STOP)
    sleeper.frozen()
    scene.outlive()
    sleeper.resume()
    assert sleeper.result().get("sent", 0) == 0
    assert scene.copies() == [1]


def test_k14_asleep_on_the_wire(scene: Scene) -> None:
    """K14: a worker that slept past its lease right before MAIL FROM sends a second copy, and nobody a third."""
    scene.reply()
    sleeper = scene.doomed(deliver, "K14b", sent=_STOP)
    sleeper.frozen()
    scene.outlive()
    sleeper.resume()
    sleeper.result()
    assert scene.copies() == [2]


def test_k18_told_to_end(scene: Scene) -> None:
    """K18: told to end with a mail on the wire, a worker finishes that one, gives the others back, and ends well."""
    for name in ("Cem", "Dan", "Eva"):
        scene.site.follower(name, notify="thread")
    scene.reply()
    assert scene.doomed(watch, "K18", sent=signal.SIGTERM).result() == 0
    assert scene.states() <= {"sent", "ready"}
    assert scene.copies() == [1, 1, 1, 1]


def test_six_workers_share_four_hundred_mails(
    make_site: Callable[..., Site],
    database: dict[str, str],  # noqa: F811  # it
    smtp_sink: Sink,
) -> None:
    """T67, T68: six processes deliver four hundred messages at once: each arrives, and none twice."""
    server = {**SMTP, "MAIL_SERVER": smtp_sink.host, "MAIL_PORT": smtp_sink.port, "FORUM_MAIL_DOMAIN_RATE": 0}
    site = make_site(**server, **database)
    site.add_article()
    site.comment("First.")
    site.deliver()
    crowd(site, 400)
    site.comment("News.")
    uri = site.app.config["SQLALCHEMY_DATABASE_URI"]
    config = {**QUIET, **server, "SQLALCHEMY_DATABASE_URI": uri, "FORUM_MAIL_CONNECTIONS": 2}
    workers = [Doomed(config, site.clock()) for _ in range(6)]
    done = sum((Counter(worker.result()) for worker in workers), Counter())
    ids = Counter(mail.raw.partition(b"Message-ID: ")[2].partition(b"\r")[0] for mail in smtp_sink.messages)
    assert done == {"sent": 400}
    assert (len(ids), max(ids.values())) == (400, 1)
