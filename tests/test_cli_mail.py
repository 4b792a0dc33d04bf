"""What an operator asks about mail on the command line, and does about it."""

from __future__ import annotations

import datetime as dt
import json
import socket
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from click.testing import Result
from sqlalchemy import select, update

from forum.cli import forum_cli
from forum.models import Attempt, Audit, Base, Comment, Event, Message, Throttle, Worker
from forum.outbox import tallies
from tests.services import Sink
from tests.visitors import Site

SMTP: dict[str, Any] = {"FORUM_MAIL_TRANSPORT": "smtp", "MAIL_SUPPRESS_SEND": False, "TESTING": False}


def run(site: Site, *args: str) -> Result:
    """Run `flask forum …` on the site."""
    return site.app.test_cli_runner().invoke(forum_cli, args)


def sending(make_site: Callable[..., Site], host: str, port: int, **more: Any) -> Site:
    """A site that sends to a mail server."""
    site = make_site(**SMTP, MAIL_SERVER=host, MAIL_PORT=port, **more)
    site.add_article()
    return site


@pytest.fixture
def answered(site: Site) -> tuple[Site, int]:
    """A site where Ben has answered Ann, who was mailed."""
    answer = site.comment("An answer.", parent=site.follower("Ann"))
    site.deliver()
    return site, answer


def test_explain_tells_of_everybody(answered: tuple[Site, int]) -> None:
    """`mail explain` prints a line for each person, the address masked."""
    site, answer = answered
    result = run(site, "mail", "explain", str(answer))
    assert result.exit_code == 0
    assert "  a•••@reader.example: mailed 22 Nov 2026 12:00, kept in the development mailbox\n" in result.output
    assert "ann@" not in result.output


def test_explain_tells_of_one(answered: tuple[Site, int]) -> None:
    """With an address, in any spelling, it tells of that person, the mail that asked for confirmation included."""
    site, answer = answered
    lines = run(site, "mail", "explain", str(answer), "Ann@Reader.example").output.splitlines()
    assert [line.split(": ")[1].split(" ")[0] for line in lines[1:]] == ["mailed", "asked"]


def test_explain_for_scripts(answered: tuple[Site, int]) -> None:
    """With --json a script gets the word and the reason of each line."""
    site, answer = answered
    report = json.loads(run(site, "mail", "explain", str(answer), "--json").output)
    assert report["comment"] == answer
    assert [(line["address"], line["word"]) for line in report["lines"]] == [("a•••@reader.example", "mailed")]


@pytest.mark.parametrize(("args", "words"), [(("99",), "no comment 99"), (("1", "x@reader.example"), "not known here")])
def test_explain_what_is_not_there(site: Site, args: tuple[str, ...], words: str) -> None:
    """A comment or an address that does not exist is one clear line and exit code 1."""
    site.comment()
    result = run(site, "mail", "explain", *args)
    assert (result.exit_code, words in result.stderr) == (1, True)


def test_a_trial_arrives(make_site: Callable[..., Site], smtp_sink: Sink) -> None:
    """`mail test` sends one mail to the address over SMTP and prints what the server answered."""
    site = sending(make_site, smtp_sink.host, smtp_sink.port)
    result = run(site, "mail", "test", "op@reader.example")
    assert (result.exit_code, result.output.startswith("Accepted. [phase: dot; code: 250")) == (0, True), result.output
    (received,) = smtp_sink.messages
    assert (received.mail_from, received.rcpt_tos) == ("notify@forum.example", ["op@reader.example"])
    assert b"Subject: Test from Forum" in received.raw


def test_a_trial_that_finds_no_server(make_site: Callable[..., Site]) -> None:
    """A server that is not there is exit code 1 with the phase, the words and where to look."""
    result = run(sending(make_site, "127.0.0.1", 1), "mail", "test", "op@reader.example")
    assert (result.exit_code, result.stderr.count("\n")) == (1, 1)
    assert "phase: connect" in result.stderr
    assert "MAIL_SERVER" in result.stderr


class Refusing(Sink):
    """A mail server that knows nobody, until it has learned to."""

    knows = False

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:
        """Refuse every recipient, or none."""
        if not self.knows:
            return "550 5.1.1 nobody of that name"
        envelope.rcpt_tos.append(address)
        return "250 ok"


@pytest.fixture
def refusing() -> Iterator[Refusing]:
    """A running server that refuses."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        sink = Refusing(*probe.getsockname())
    controller = Controller(sink, hostname=sink.host, port=sink.port)
    controller.start()
    yield sink
    controller.stop()


def test_a_trial_that_is_refused(make_site: Callable[..., Site], refusing: Refusing) -> None:
    """A refusal is exit code 1 with the phase, both codes and the server's words."""
    result = run(sending(make_site, refusing.host, refusing.port), "mail", "test", "op@reader.example")
    assert result.exit_code == 1
    assert "[phase: rcpt; code: 550 5.1.1; words: 5.1.1 nobody of that name]" in result.stderr


def test_a_trial_while_sending_is_switched_off(make_site: Callable[..., Site], smtp_sink: Sink) -> None:
    """Mail that never leaves is no success."""
    site = sending(make_site, smtp_sink.host, smtp_sink.port)
    site.app.testing = True
    result = run(site, "mail", "test", "op@reader.example")
    assert (result.exit_code, smtp_sink.messages) == (1, [])
    assert "switched off" in result.stderr


@pytest.mark.parametrize("typed", ["no address", "notify@forum.example"])
def test_a_trial_to_nobody(site: Site, typed: str) -> None:
    """What is no address, or the site's own, gets nothing."""
    assert (run(site, "mail", "test", typed).exit_code, site.mails()) == (1, [])


def test_a_trial_respects_a_refusal(site: Site) -> None:
    """Whoever asked never to be written to is not written to by an operator either."""
    site.comment(name="Ann", email="ann@reader.example", notify="direct")
    site.deliver()
    site.visitor().act(site.links(site.mails()[0], "x")[0], "refuse")
    result = run(site, "mail", "test", "ann@reader.example")
    assert (result.exit_code, len(site.mails())) == (1, 1)


def give_up(site: Site, state: str, number: int | None = None) -> None:
    """Let messages end as an unlucky delivery would have ended them."""
    query = update(Message).values(state=state, attempts=12)
    with site.session() as session:
        session.execute(query if number is None else query.where(Message.id == number))
        session.commit()


@pytest.mark.parametrize("kind", ["dead", "failed"])
def test_what_was_given_up_is_tried_again(answered: tuple[Site, int], kind: str) -> None:
    """`mail retry --dead` and `--failed` bring messages back, days later too; the audit says who did it."""
    site, _ = answered
    give_up(site, kind)
    site.clock.advance(5 * 86_400)
    assert run(site, "mail", "retry", f"--{kind}").output == "2 messages wait for the next delivery.\n"
    with site.session() as session:
        acts = session.scalars(select(Audit).where(Audit.act == "requeue")).all()
        assert [(row.actor, row.before, row.after) for row in acts] == [("command line", kind, "ready")] * 2
        assert {row.state for row in session.scalars(select(Message))} == {"ready"}


def test_one_message_is_tried_again_and_arrives(make_site: Callable[..., Site], refusing: Refusing) -> None:
    """A message a server refused is sent by the delivery after its retry, under the same Message-ID."""
    site = sending(make_site, refusing.host, refusing.port)
    site.comment(name="Ann", email="ann@reader.example", notify="direct")
    assert dict(site.deliver().states) == {"failed": 1}
    refusing.knows = True
    assert run(site, "mail", "retry", "1").output == "1 message waits for the next delivery.\n"
    assert dict(site.deliver().states) == {"sent": 1}
    with site.session() as session:
        assert len(session.scalars(select(Attempt)).all()) == 2
        message = session.get_one(Message, 1)
        assert f"Message-ID: {message.rfc_message_id}".encode() in refusing.messages[0].raw


def test_every_rule_is_asked_again(answered: tuple[Site, int]) -> None:
    """A retried message whose comment is gone by now is not sent."""
    site, _ = answered
    with site.session() as session:
        number = session.scalars(select(Message.id).where(Message.kind == "reply")).one()
        session.execute(update(Comment).values(state="removed"))
        session.commit()
    give_up(site, "dead", number)
    run(site, "mail", "retry", str(number))
    before = len(site.mails())
    site.deliver()
    assert len(site.mails()) == before


@pytest.mark.parametrize(
    ("args", "code", "words"),
    [
        ((), 2, "Name one message"),
        (("1", "--dead"), 2, "Name one message"),
        (("1",), 1, "Message 1 is sent"),
        (("99",), 1, "no message 99"),
    ],
)
def test_what_cannot_be_retried(answered: tuple[Site, int], args: tuple[str, ...], code: int, words: str) -> None:
    """Nothing named, both ways at once, a message that left and one that never was are refused by name."""
    result = run(answered[0], "mail", "retry", *args)
    assert (result.exit_code, words in result.stderr) == (code, True)


@pytest.fixture
def ill(answered: tuple[Site, int]) -> Site:
    """A site whose mail server is away, with a domain that asked for less, and a message and an event given up."""
    site, now = answered[0], answered[0].clock()
    dead = {"state": "dead", "ambiguous": 1, "last_error": "dot: no answer about ann@reader.example"}
    with site.session() as session:
        session.execute(update(Message).where(Message.id == 1).values(**dead))
        session.execute(update(Event).where(Event.id == 1).values(state="dead", last_error="ValueError: no page"))
        session.execute(update(Worker).values(name="host:1", seen_at=now))
        for scope, key in (("transport", "mx.host.example:25:"), ("domain", "small.example")):
            since = now - dt.timedelta(minutes=4)
            row = Throttle(scope=scope, key=key, failures=3, since=since, changed_at=since, rate=10.0)
            row.open_until, row.last_error = now + dt.timedelta(minutes=1), "connect: Connection refused"
            session.add(row)
        session.commit()
    return site


def test_status_at_a_glance(ill: Site) -> None:
    """`mail status` says in a line each what is where, what holds it up, what was given up and who delivers."""
    lines = run(ill, "mail", "status").output.splitlines()
    assert [line[:10].rstrip() for line in lines] == [
        *("Messages", "Items", "Due", "Server", "Slow", "In doubt", "Given up", "Given up", "Worker")
    ]
    assert lines[0] == "Messages  1 dead, 1 sent"
    assert lines[3].endswith("first failed 4 minutes ago, 3 failures, left alone until 22 Nov 2026 12:01: "
                             "connect: Connection refused")  # fmt: skip
    assert lines[4] == "Slow      small.example asked for less 4 minutes ago, 10 a minute to begin with"
    assert lines[6] == "Given up  message 1: dot: no answer about a•••@reader.example"
    assert lines[7:] == ["Given up  event 1: ValueError: no page", "Worker    host:1, seen just now"]


def test_status_and_what_was_laid_aside(answered: tuple[Site, int]) -> None:
    """What `mail restored` laid aside is told apart from what was given up, with the command that decides."""
    site, _ = answered
    with site.session() as session:
        session.execute(update(Message).where(Message.id == 1).values(state="dead", skip_reason="restored"))
        session.execute(update(Event).where(Event.id == 1).values(state="dead", last_error="restored"))
        session.commit()
    lines = run(site, "mail", "status").output.splitlines()
    aside = "messages: 1; news for single people: 0; comments: 1"
    assert f"Aside     {aside}: `flask forum mail restored --send` or `--drop` decides" in lines
    assert lines[0] == "Messages  1 laid_aside, 1 sent"
    assert not [line for line in lines if line.startswith("Given up")]
    report = json.loads(run(site, "mail", "status", "--json").output)
    assert report["laid_aside"] == {"events": 1, "items": 0, "messages": 1}
    assert (report["dead"], report["errors"]) == ({"messages": 0, "events": 0}, [])
    run(site, "mail", "restored", "--drop")
    assert "Aside" not in run(site, "mail", "status").output


def test_one_that_was_laid_aside_is_tried_again_by_its_number(answered: tuple[Site, int]) -> None:
    """`mail retry` with a number decides about that message alone; it was never counted as given up."""
    site, _ = answered
    with site.session() as session:
        session.execute(update(Message).where(Message.id == 1).values(state="dead", skip_reason="restored"))
        session.commit()
    assert run(site, "mail", "retry", "1").exit_code == 0
    with site.session() as session:
        assert session.get_one(Message, 1).state == "ready"
        assert ("messages", ("confirm", "dead")) not in tallies.read(session)


def test_status_of_an_empty_site(site: Site) -> None:
    """Where nothing was ever mailed the status says so, and how delivery is started."""
    output = run(site, "mail", "status").output
    assert output.startswith("Messages  none\nItems     none\nDue       nothing\n")
    assert "flask forum deliver --watch" in output


def test_status_for_scripts(ill: Site) -> None:
    """With --json a script gets the same, with numbers and UTC times."""
    report = json.loads(run(ill, "mail", "status", "--json").output)
    since = (ill.clock() - dt.timedelta(minutes=4)).isoformat()
    assert report["breaker"]["since"] == since
    assert report["breaker"]["failures"] == 3
    assert report["throttled"] == [{"domain": "small.example", "rate": 10.0, "asked_at": since}]
    assert (report["messages"], report["ambiguous"]) == ({"dead": 1, "sent": 1}, 1)
    assert report["dead"] == {"messages": 1, "events": 1}
    assert [(each["what"], each["id"]) for each in report["errors"]] == [("message", 1), ("event", 1)]
    assert report["workers"] == [{"name": "host:1", "seen_at": ill.clock().isoformat()}]


def test_the_doctor_finds_development_well(site: Site) -> None:
    """On development settings nothing is wrong, and without a worker so far there is something to do."""
    result = run(site, "mail", "doctor")
    assert result.exit_code == 0, result.output
    assert "todo  No worker has delivered yet" in result.output
    assert result.output.endswith("0 wrong, 1 to do.\n")


def test_the_doctor_refuses_examples_in_public(make_site: Callable[..., Site]) -> None:
    """The same values outside development are wrong: exit code 1, and a script reads which."""
    site = make_site(FORUM_ENV="production")
    result = run(site, "mail", "doctor", "--json")
    wrong = {finding["check"] for finding in json.loads(result.output)["findings"] if finding["word"] == "wrong"}
    assert (result.exit_code, wrong) == (1, {"base_url", "sender", "transport", "moderators"})


def test_the_doctor_without_mail(make_site: Callable[..., Site]) -> None:
    """A site without mail is told what to set first, and that is not an error."""
    site = make_site(FORUM_MAIL_FROM=None, FORUM_MAIL_TRANSPORT=None)
    result = run(site, "mail", "doctor")
    assert (result.exit_code, "Set FORUM_MAIL_FROM" in result.output) == (0, True)


def test_the_doctor_lets_go_of_the_database(site: Site) -> None:
    """Asking the unsubscribe page leaves no transaction open that others would wait for."""
    run(site, "mail", "doctor")
    site.comment()


def test_the_doctor_of_everything(make_site: Callable[..., Site]) -> None:
    """`flask forum doctor` looks at the tables first and at mail only when they are there."""
    site = make_site()
    with site.app.app_context():
        Base.metadata.drop_all(site.state.db.engine)
    result = run(site, "doctor")
    assert (result.exit_code, "flask forum db upgrade" in result.output) == (1, True)
    run(site, "db", "upgrade")
    result = run(site, "doctor", "--json")
    checks = {finding["check"]: finding["word"] for finding in json.loads(result.output)["findings"]}
    assert (result.exit_code, checks["database"], checks["migrations"], checks["base_url"]) == (0, "ok", "ok", "ok")
