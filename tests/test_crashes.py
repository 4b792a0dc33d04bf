"""Whatever dies at whatever moment: how many copies of a mail arrive, on every database (tests/killing.py)."""

from __future__ import annotations

import signal
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, insert, select, text

from forum.cli import forum_cli
from forum.models import Base, Comment, Event, Item, Message, from_now
from forum.settings import Settings
from tests.conftest import QUIET
from tests.killing import Doomed, command, deliver, deploy, leap, post
from tests.outages import Outage, outage_of
from tests.services import Sink
from tests.test_deliver import SMTP
from tests.visitors import Site, crowd

_STOP = signal.SIGSTOP
_WATCH = ["deliver", "--watch"]
Backup = dict[str, list[Any]]


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
        config = {**self.config, **more.pop("config", {})}
        self.running.append(Doomed(self.site, config, *args, **more))
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

    def accepted(self) -> list[int]:
        """How often each mail about a reply arrived until now, by its Message-ID alone."""
        return sorted(Counter(mail["Message-ID"] for mail in self._replies()).values())

    def count(self, model: type[Comment | Event | Item | Message]) -> int:
        """How many rows there are."""
        with self.site.session() as session:
            return session.scalar(select(func.count()).select_from(model)) or 0

    def spool(self) -> list[Path]:
        """The outcomes that the database did not take."""
        return list(Path(self.site.app.instance_path, "forum-outcomes").glob("*"))

    def lease(self) -> float:
        """The seconds until the only lease ends, by the clock of the database."""
        with self.site.session() as session:
            until, now = session.execute(
                select(Message.lease_until, from_now()).where(Message.lease_until.is_not(None))
            ).one()
            return float((until - now).total_seconds())

    def backup(self) -> Backup:
        """All rows there are."""
        with self.site.session() as session:
            return {
                table.name: list(session.execute(table.select()).mappings()) for table in Base.metadata.sorted_tables
            }

    def restore(self, backup: Backup) -> None:
        """Lose the tables, and make them anew as they were."""
        with self.site.session() as session:
            Base.metadata.drop_all(session.connection())
            Base.metadata.create_all(session.connection())
            for table in Base.metadata.sorted_tables:
                if backup[table.name]:
                    session.execute(insert(table), [dict(row) for row in backup[table.name]])
                if session.get_bind().dialect.name == "postgresql" and "id" in table.c:
                    counter = f"pg_get_serial_sequence('{table.name}', 'id')"
                    session.execute(text(f"SELECT setval({counter}, max(id)) FROM {table.name}"))
            session.commit()

    def decide(self, word: str) -> None:
        """Say by `flask forum mail restored` when the backup came back, or what is to be done about it."""
        assert self.doomed(command, argument=["mail", "restored", word]).result() == 0

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
def scene(make_site: Callable[..., Site], database: dict[str, str], smtp_sink: Sink) -> Iterator[Scene]:
    """The scene on each database."""
    config = {**SMTP, "MAIL_SERVER": smtp_sink.host, "MAIL_PORT": smtp_sink.port, **database}
    site = make_site(**config)
    uri = site.app.config["SQLALCHEMY_DATABASE_URI"]
    scene = Scene(site, smtp_sink, {**QUIET, **config, "SQLALCHEMY_DATABASE_URI": uri})
    yield scene
    for process in scene.running:
        process.end()


@pytest.fixture
def outage(scene: Scene) -> Iterator[Outage]:
    """The power to take the database away."""
    power = outage_of(scene.config["SQLALCHEMY_DATABASE_URI"])
    yield power
    for process in scene.running:
        process.end()
    power.close()


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


def test_k11_a_kill_doubles_one_mail_at_most(scene: Scene) -> None:
    """K11: with the connections of the default a kill amid a batch puts one mail in doubt; the others come once."""
    for name in ("Cem", "Dan", "Eva"):
        scene.site.follower(name, notify="thread")
    scene.reply()
    scene.config["FORUM_MAIL_CONNECTIONS"] = Settings.model_fields["mail_connections"].default
    assert scene.doomed(deliver, "K11").result() is None
    assert scene.copies() == [1, 1, 1, 2]
    assert scene.in_doubt() == 1


def test_k12_what_is_written_down_is_done(scene: Scene) -> None:
    """K12: killed between the commit of `sent` and QUIT, one copy arrives and nothing is in doubt."""
    scene.reply()
    assert scene.doomed(deliver, "K12").result() is None
    assert scene.states() == {"sent"}
    assert scene.copies() == [1]


def insisting(scene: Scene, outage: Outage, *act: Any, **more: Any) -> Doomed:
    """A worker that lost the database while the first of two mails was accepted, frozen when it tries again."""
    scene.site.follower("Cem", notify="thread")
    scene.reply()
    take = scene.sink.handle_DATA

    async def handle_DATA(*args: Any) -> str:
        if not scene.sink.messages:
            outage.begin()
        return await take(*args)

    scene.sink.handle_DATA = handle_DATA  # type: ignore[method-assign]
    with scene.site.app.app_context():
        # None of our own connections shall be there to be ended.
        scene.site.state.db.engine.dispose()
    haste = {"forum.mail.sender:_INSIST": 0.05, "forum.sqlite:open_well.__kwdefaults__": {"busy_seconds": 0.1}}
    config = {"SQLALCHEMY_DATABASE_URI": outage.url}
    worker = scene.doomed(*act, sent=_STOP, config=config, also=haste, **more)
    worker.frozen()
    return worker


def test_k13_an_acceptance_waits_for_the_database(scene: Scene, outage: Outage) -> None:
    """K13: the database is away when a mail was accepted: nothing else is begun, and when it is back that is sent."""
    worker = insisting(scene, outage, deliver, "K13")
    assert scene.accepted() == [1]
    outage.end()
    worker.resume()
    assert worker.result()["sent"] == 1
    assert (scene.copies(), scene.in_doubt(), scene.spool()) == ([1, 1], 0, [])


def test_k13_an_acceptance_outlives_its_worker(scene: Scene, outage: Outage) -> None:
    """K13: told to end while the database is away, a worker leaves in the spool what was accepted, for the next one."""
    worker = insisting(scene, outage, command, "K13", argument=_WATCH)
    worker.tell(signal.SIGTERM)
    worker.resume()
    assert worker.result() == 0
    assert len(scene.spool()) == 1
    outage.end()
    assert (scene.copies(), scene.in_doubt(), scene.spool()) == ([1, 1], 0, [])


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


@pytest.mark.parametrize(("mine", "theirs"), [(0, 7200), (7200, 0)])
@pytest.mark.parametrize("point", ["K14", "K14b"])
def test_k15_two_hosts_with_different_clocks(scene: Scene, point: str, mine: int, theirs: int) -> None:
    """K15: a lease lasts as long on a host whose clock is two hours ahead: nobody takes a mail that another one has."""
    scene.reply()
    first = scene.doomed(deliver, point, sent=_STOP, ahead=mine)
    first.frozen()
    assert 0 < scene.lease() <= 900
    assert scene.doomed(deliver, ahead=theirs).result() == {}
    first.resume()
    assert first.result() == {"sent": 1}
    assert (scene.copies(), scene.in_doubt()) == ([1], 0)


def test_k15_a_clock_that_leaps(scene: Scene) -> None:
    """K15: a clock that leaps past the end of the lease at every look loses no lease, and the mail leaves once."""
    scene.reply()
    assert scene.doomed(leap, argument=1000).result() == {"sent": 1}
    assert (scene.copies(), scene.in_doubt()) == ([1], 0)


@pytest.mark.parametrize(("word", "copies"), [("--drop", [1]), ("--send", [2])])
def test_k16_a_person_decides_about_a_backup(scene: Scene, word: str, copies: list[int]) -> None:
    """K16: sent after the backup, a mail looks unsent in it: it stays so until it is dropped, or sent once more."""
    scene.reply()
    assert scene.doomed(deliver, "K6").result() is None
    backup = scene.backup()
    scene.outlive()
    assert scene.states() == {"sent"}
    scene.restore(backup)
    scene.site.clock.advance(60)
    scene.decide(f"{scene.site.clock():%Y-%m-%dT%H:%M:%S}")
    scene.copies()
    assert scene.accepted() == [1]
    scene.decide(word)
    scene.copies()
    assert scene.accepted() == copies


def test_k16_whoever_was_on_the_wire_meanwhile(scene: Scene) -> None:
    """K16: a worker whose mail was accepted before the restoration notes it after it, and nobody sends it again."""
    scene.reply()
    assert scene.doomed(deliver, "K6").result() is None
    scene.site.lapse()
    backup = scene.backup()
    worker = scene.doomed(deliver, "K11", sent=_STOP)
    worker.frozen()
    scene.restore(backup)
    scene.site.clock.advance(60)
    scene.decide(f"{scene.site.clock():%Y-%m-%dT%H:%M:%S}")
    worker.resume()
    assert worker.result() == {"sent": 1}
    scene.decide("--send")
    scene.copies()
    assert scene.accepted() == [1]


def test_k17_a_template_that_raises(scene: Scene) -> None:
    """K17: what a new template cannot write is laid aside after an hour and told of; the other mail leaves, once."""
    templates = {"forum/mail/reply/body.txt": "{% if 'Poison' in title %}{{ 1 / 0 }}{% endif %}{{ title }}"}
    bread, scene.site.page = scene.site.page, scene.site.add_article("Poison")
    scene.site.comment(parent=scene.site.follower("Cem"))
    scene.site.page = bread
    scene.reply()
    results = []
    for minutes in (0, 20, 40):
        scene.site.clock.advance(minutes * 60)
        results.append(+Counter(scene.doomed(deploy, argument=templates).result()))
    assert results == [{"sent": 1, "ready": 1}, {"ready": 1}, {"dead": 1}]
    assert scene.copies() == [1]
    assert "ZeroDivisionError" in scene.site.app.test_cli_runner().invoke(forum_cli, ["mail", "status"]).output
    assert scene.doomed(command, argument=["mail", "retry", "--dead"]).result() == 0
    assert scene.copies() == [1, 1]


def test_k18_told_to_end(scene: Scene) -> None:
    """K18: told to end with a mail on the wire, a worker finishes that one, gives the others back, and ends well."""
    for name in ("Cem", "Dan", "Eva"):
        scene.site.follower(name, notify="thread")
    scene.reply()
    assert scene.doomed(command, "K18", sent=signal.SIGTERM, argument=_WATCH).result() == 0
    assert scene.states() <= {"sent", "ready"}
    assert scene.copies() == [1, 1, 1, 1]


def test_six_workers_share_four_hundred_mails(
    make_site: Callable[..., Site],
    database: dict[str, str],
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
    workers = [Doomed(site, config) for _ in range(6)]
    done = sum((Counter(worker.result()) for worker in workers), Counter())
    ids = Counter(mail.raw.partition(b"Message-ID: ")[2].partition(b"\r")[0] for mail in smtp_sink.messages)
    assert done == {"sent": 400}
    assert (len(ids), max(ids.values())) == (400, 1)
