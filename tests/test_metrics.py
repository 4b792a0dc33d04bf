"""What a monitor sees: the numbers for Prometheus, the health page, and a record for each attempt."""

from __future__ import annotations

import datetime as dt
import json
import logging
import re
import sys
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from forum import outbox
from forum.mail.logbook import note_attempt
from forum.mail.outcome import Outcome, answered
from forum.models import Address, Audit, Base, Event, Message, Throttle, Worker
from forum.outbox import Claim, Try, bounces, vitals
from forum.outbox.pruning import prune
from tests.test_cli_mail import run
from tests.test_pruning import attempt, letter
from tests.visitors import Site

TOKEN = "a token nobody guesses"
DOCS = (Path(__file__).parent.parent / "docs" / "operations.md").read_text()
MINUTE = dt.timedelta(minutes=1)

Samples = dict[tuple[str, tuple[str, ...]], float]


@pytest.fixture
def watched(make_site: Callable[..., Site]) -> Site:
    """A site that shows its numbers to a monitor, and knows one address."""
    site = make_site(FORUM_METRICS_TOKEN=TOKEN)
    site.add_article()
    site.comment(name="Ann", email="ann@reader.example")
    return site


def scrape(site: Site, authorization: str = f"Bearer {TOKEN}") -> TestResponse:
    """What a monitor gets."""
    return site.visitor().get("/forum/metrics", headers={"Authorization": authorization})


def samples(site: Site) -> Samples:
    """Every number by the name of its sample and the values of its labels, in the order of their names."""
    families = text_string_to_metric_families(scrape(site).text)
    found = [sample for family in families for sample in family.samples]
    return {(each.name, tuple(value for _, value in sorted(each.labels.items()))): each.value for each in found}


def ended(session: Session, site: Site, name: str, tried: dict[str, Any] | None = None, **more: Any) -> None:
    """A message with one attempt."""
    message = letter(session, site, name, **more)
    session.flush()
    session.add(attempt(message, site.clock(), **(tried or {})))
    session.flush()


def breaker(site: Site, minutes: float) -> Throttle:
    """A mail server that has been away for some minutes, and is tried again in another."""
    now = site.clock()
    since = now - minutes * MINUTE
    row = Throttle(scope="transport", key="mx.host.example:25:", failures=5, since=since, changed_at=now)
    row.open_until, row.last_error = now + MINUTE, "connect: no route to mx.host.example"
    return row


def test_the_numbers_are_for_who_brings_the_token(watched: Site) -> None:
    """With the bearer token the page answers in Prometheus' text format and is never kept."""
    answer = scrape(watched)
    assert (answer.status_code, answer.mimetype, answer.headers["Cache-Control"]) == (200, "text/plain", "no-store")
    assert "forum_events_total 1.0" in answer.text


@pytest.mark.parametrize(
    "authorization",
    ["", "Bearer", "Bearer ", f"Bearer {TOKEN}x", f"Basic {TOKEN}", TOKEN, "Bearer ä\x80", f"Bearer {TOKEN} {TOKEN}"],
)
def test_for_others_there_is_no_such_page(watched: Site, authorization: str) -> None:
    """Whoever brings another token, or none, sees the site's page for what does not exist."""
    assert scrape(watched, authorization).status_code == 404


def test_without_a_token_in_the_settings_there_is_no_such_page(site: Site) -> None:
    """A site that sets no token shows its numbers to nobody, an empty token included."""
    assert [scrape(site, given).status_code for given in ("", "Bearer ", f"Bearer {TOKEN}")] == [404] * 3


@pytest.mark.parametrize(
    "token",
    [
        "Schlüssel für die Zahlen",
        "κλειδί για τους αριθμούς",
        "où est la clef, voilà",
        "ett långt ord till Å",
        "  a token in spaces  ",
    ],
)
def test_a_token_of_any_letters(make_site: Callable[..., Site], token: str) -> None:
    """A token may hold any letter: it is compared as the bytes of UTF-8, which a server hands over as Latin-1."""
    site = make_site(FORUM_METRICS_TOKEN=token)
    sent = f"Bearer {token.strip()}".encode().decode("latin-1")
    assert [scrape(site, given).status_code for given in (sent, f"{sent}x", sent[:-1])] == [200, 404, 404]


def test_without_the_extra_there_is_no_such_page(watched: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where prometheus-client is not installed the page does not exist, and nothing else misses it."""
    monkeypatch.setitem(sys.modules, "prometheus_client", None)
    assert scrape(watched).status_code == 404


def test_what_happened_is_counted(watched: Site) -> None:
    """Messages, attempts, refusals, doubts and confirmations are counted by their kinds."""
    with watched.session() as session:
        ended(session, watched, "a", kind="confirm")
        ended(session, watched, "b", ambiguous=1)
        ended(session, watched, "c", {"phase": "rcpt", "outcome": "bad_mailbox"}, state="failed")
        ended(session, watched, "d", {"phase": "dot", "outcome": "refused"}, state="failed")
        for number, word in enumerate(("doubtful", "full")):
            ended(session, watched, f"e{number}", {"phase": "rcpt", "outcome": word}, state="ready")
        session.commit()
    found = samples(watched)
    assert found["forum_messages_total", ("confirm", "sent")] == 1
    assert found["forum_messages_total", ("reply", "failed")] == 2
    assert found["forum_attempts_total", ("accepted", "dot")] == 2
    assert [found["forum_refusals_total", (kind,)] for kind in ("hard", "soft", "policy")] == [1, 2, 1]
    assert (found["forum_ambiguous_total", ()], found["forum_duplicates_resent_total", ()]) == (1, 1)
    assert [found["forum_confirmations_total", (step,)] for step in ("asked", "confirmed", "refused")] == [1, 0, 0]
    assert found["forum_outbox_messages", ("ready",)] == 2


def test_what_people_decide_is_counted(watched: Site) -> None:
    """Confirmations, refusals, complaints and unsubscribes are counted from the audit, by their cause."""
    now = watched.clock()
    changes = [("confirmed", "page"), ("confirmed", "host"), ("refused", "page"), ("complained", "report")]
    changes += [("unsubscribed", "one-click"), ("unsubscribed", "page"), ("unsubscribed", "page")]
    with watched.session() as session:
        session.execute(delete(Audit))
        for state, cause in changes:
            row = Audit(at=now, actor="mail", act="state", cause=cause, after=state)
            row.subject_kind, row.subject_id = "address", 1
            session.add(row)
        session.commit()
    found = samples(watched)
    assert [found["forum_confirmations_total", (step,)] for step in ("confirmed", "refused")] == [1, 1]
    assert found["forum_complaints_total", ()] == 1
    assert [found["forum_unsubscribes_total", (cause,)] for cause in ("one-click", "page")] == [1, 2]


def test_a_conversation_is_counted(watched: Site) -> None:
    """A reader who confirms and gets an answer, and one who is spared it, show in every number on the way."""
    first = watched.follower("Bea")
    watched.comment("An answer.", parent=first, name="Bea", email="bea@reader.example")
    watched.comment("Another.", parent=first, name="Cy")
    watched.deliver(3600)
    found = samples(watched)
    assert found["forum_events_total", ()] == 4
    assert found["forum_confirmations_total", ("confirmed",)] == 1
    assert found["forum_items_total", ("reply",)] == 2
    assert found["forum_skips_total", ("self",)] == 1
    assert found["forum_workers_alive", ()] == 1


def test_durations_are_cumulated(watched: Site) -> None:
    """Each bucket holds what took no longer than its bound; what was never begun is no duration."""
    with watched.session() as session:
        for number, seconds in enumerate((0.05, 0.3, 700.0)):
            ended(session, watched, str(number), {"content": seconds, "opening": 0.0, "waited": seconds * 1000})
        ended(session, watched, "no", {"outcome": "transient", "content": None, "waited": 1.0}, state="ready")
        session.commit()
    found = samples(watched)
    ends = ("0.05", "0.25", "0.5", "600.0", "+Inf")
    assert [found["forum_smtp_seconds_bucket", (end, "content")] for end in ends] == [1, 1, 2, 2, 3]
    assert found["forum_smtp_seconds_sum", ("content",)] == pytest.approx(700.35)
    assert found["forum_smtp_seconds_count", ("opening",)] == 0
    assert [found["forum_news_delivery_seconds_bucket", (end,)] for end in ("60.0", "300.0", "+Inf")] == [1, 2, 3]


def other(session: Session, now: dt.datetime) -> int:
    """The id of a person of their own: what waits for one behind another mail to them is not late."""
    person = Address(key="o@x.example", email="o@x.example", state="confirmed", active_at=now, changed_at=now,
                     created_at=now)  # fmt: skip
    session.add(person)
    session.flush()
    return person.id


def settle(session: Session, site: Site, message: Message, outcome: Outcome, token: str = "lost") -> str | None:
    """Write down what became of a try with the message."""
    now = site.clock()
    tried = Try(Claim(message.id, token), message.address_id, "w", now, now, now)
    state = outbox.settle(session.connection(), site.state.settings, tried, outcome)
    session.commit()
    return state


def test_refusals_by_policy_are_counted_by_domain(watched: Site) -> None:
    """Refusals of our mail are counted by the big domains, all others as one, however many there are."""
    for number, domain in enumerate(["gmail.com", "gmail.com", "a.example", "b.example"]):
        with watched.session() as session:
            message = letter(session, watched, str(number), state="sending", lease_token="t")
            message.domain = domain
            session.commit()
            assert settle(session, watched, message, Outcome("refused", "dot", 554), "t") == "failed"
    found = samples(watched)
    counted = {labels: number for (name, labels), number in found.items() if name == "forum_policy_refusals_total"}
    assert counted == {("gmail.com",): 2, ("other",): 2}
    assert found["forum_refusals_total", ("policy",)] == 4


def test_domains_that_are_not_believed_are_counted(watched: Site) -> None:
    """A domain that denies more than twenty mailboxes within ten minutes is one, until that is over."""
    seen = []
    with watched.session() as session:
        for number in range(21):
            seen += [bounces.disbelieved(session, watched.clock())]
            ended(session, watched, str(number), {"outcome": "bad_mailbox", "phase": "rcpt"}, state="failed")
        session.commit()
    assert seen == [[]] * 21
    assert samples(watched)["forum_disbelieved_domains", ()] == 1
    watched.clock.advance(601)
    assert samples(watched)["forum_disbelieved_domains", ()] == 0


def test_the_present_is_shown(watched: Site) -> None:
    """What waits, is held, was given up or slowed down, and who delivers, is what it is at this moment."""
    now = watched.clock()
    with watched.session() as session:
        session.execute(update(Event).values(state="dead"))
        letter(session, watched, "old", state="ready", created_at=now - 20 * MINUTE)
        session.flush()
        session.execute(update(Message).where(Message.state == "ready").values(address_id=other(session, now)))
        letter(session, watched, "held", state="claimed", lease_until=dt.datetime.now(dt.UTC) + 9 * MINUTE)
        letter(session, watched, "lost", state="claimed", lease_until=dt.datetime.now(dt.UTC) - 9 * MINUTE)
        letter(session, watched, "dead", state="dead")
        letter(session, watched, "aside", state="dead", skip_reason="restored")
        session.add(breaker(watched, minutes=3))
        for domain, minutes in (("slow.example", 5), ("quick.example", 90)):
            at = now - minutes * MINUTE
            session.add(Throttle(scope="domain", key=domain, failures=1, rate=5.0, since=at, changed_at=at))
        for name, minutes in (("w1", 1), ("w2", 2), ("gone", 60)):
            session.add(Worker(name=name, started_at=now - 90 * MINUTE, seen_at=now - minutes * MINUTE))
        session.commit()
    expected = {
        "forum_oldest_ready_age_seconds": 1200,
        "forum_live_leases": 1,
        "forum_dead_messages": 1,
        "forum_dead_events": 1,
        "forum_laid_aside": 1,
        "forum_breaker_open": 1,
        "forum_breaker_failures": 5,
        "forum_throttled_domains": 1,
        "forum_workers_alive": 2,
        "forum_worker_heartbeat_age_seconds": 60,
    }
    found = samples(watched)
    assert {name: found[name, ()] for name in expected} == expected


def test_a_quiet_site_is_all_zero(watched: Site) -> None:
    """Where nothing waits and nobody ever delivered, gauges are zero and the heartbeat is missing."""
    with watched.session() as session:
        session.execute(update(Event).values(state="done"))
        session.commit()
    found = samples(watched)
    names = ("oldest_ready_age_seconds", "breaker_open", "breaker_failures", "workers_alive", "dead_messages")
    assert [found[f"forum_{name}", ()] for name in names] == [0] * 5
    assert ("forum_worker_heartbeat_age_seconds", ()) not in found


def test_a_server_nobody_tried_again_is_not_known_to_be_away(watched: Site) -> None:
    """When the next try is long due and nobody made one there is nothing to send, and nothing to report."""
    with watched.session() as session:
        session.add(breaker(watched, minutes=3))
        session.commit()
    watched.clock.advance(600)
    assert samples(watched)["forum_breaker_open", ()] == 0


def test_a_scrape_costs_a_fixed_number_of_queries(watched: Site) -> None:
    """However much there is to count, the number of statements is the documented one."""
    costs = []
    for number in range(3):
        with watched.session() as session:
            for each in range(number * 20):
                ended(session, watched, f"{number}.{each}", {"phase": f"p{each}", "opening": 0.1 * each})
            session.commit()
        with watched.statements() as seen:
            assert scrape(watched).status_code == 200
        costs.append(len(seen))
    assert f"**What a scrape costs**: {costs[0]} statements" in DOCS
    assert costs[0] == costs[1] == costs[2]


def test_no_counter_falls_on_the_page(watched: Site) -> None:
    """Pruning changes no counter and no histogram that a monitor sees."""
    with watched.session() as session:
        for number in range(5):
            ended(session, watched, str(number), {"opening": 0.2}, ambiguous=1)
        session.commit()
    before = samples(watched)
    watched.clock.advance(40 * 86_400)
    with watched.session() as session:
        assert prune(session, watched.clock()) == 4
        session.commit()
    after = samples(watched)
    counted = ("_total", "_bucket", "_sum", "_count")
    assert {key: value for key, value in before.items() if key[0].endswith(counted)}.items() <= after.items()


def counters(site: Site) -> Samples:
    """The counters of the page."""
    return {key: value for key, value in samples(site).items() if key[0].endswith("_total")}


def fallen(before: Samples, after: Samples) -> Samples:
    """What a monitor would take for a restart."""
    return {key: after.get(key, 0) for key, value in before.items() if after.get(key, 0) < value}


def test_no_counter_falls_when_a_mail_given_up_had_arrived(watched: Site) -> None:
    """A message given up in doubt has ended; when its acceptance comes in late it has ended once more."""
    with watched.session() as session:
        letter(session, watched, "doubt", state="dead", ambiguous=1)
        session.commit()
    before = counters(watched)
    assert before["forum_messages_total", ("reply", "dead")] == 1
    with watched.session() as session:
        message = session.scalars(select(Message).where(Message.rfc_message_id == "<doubt@x>")).one()
        assert settle(session, watched, message, Outcome("accepted", "dot", 250)) == "sent"
    after = counters(watched)
    assert (fallen(before, after), after["forum_messages_total", ("reply", "sent")]) == ({}, 1)


@pytest.mark.parametrize("decision", ["--send", "--drop"])
def test_no_counter_falls_after_a_restoration(make_site: Callable[..., Site], decision: str) -> None:
    """Laying events, items and messages aside, deciding about them and delivering only ever raises numbers."""
    site = make_site(FORUM_METRICS_TOKEN=TOKEN, FORUM_MAIL_HOLD_SECONDS=3600)
    site.add_article()
    first = site.follower("Bea")
    site.comment("An answer that is held.", parent=first, name="Cy")
    site.deliver()
    site.comment("One nobody has looked at.", parent=first, name="Cy")
    with site.session() as session:
        letter(session, site, "unsent", state="ready", ambiguous=1)
        session.commit()
    seen = [counters(site)]
    for args, laid in (((site.clock() + MINUTE).strftime("%Y-%m-%dT%H:%M"), (1, 1, 1)), (decision, (0, 0, 0))):
        assert run(site, "mail", "restored", args).exit_code == 0
        seen.append(counters(site))
        with site.session() as session:
            assert vitals.laid_aside(session) == laid
    site.deliver(7200)
    seen.append(counters(site))
    assert [fallen(before, after) for before, after in pairwise(seen)] == [{}] * 3


def test_what_was_laid_aside_is_not_pruned(watched: Site) -> None:
    """What waits for a decision has not ended, and stays until somebody makes it."""
    with watched.session() as session:
        for state in ("dead", "ready"):
            letter(session, watched, state, state=state, skip_reason="restored" if state == "dead" else None)
        session.commit()
        watched.clock.advance(40 * 86_400)
        assert prune(session, watched.clock()) == 0


# --- the health page


@pytest.mark.parametrize(("minutes", "status"), [(9, 200), (10, 503), (60, 503)])
def test_health_and_a_mail_server_that_is_away(watched: Site, minutes: int, status: int) -> None:
    """A mail server may be away for ten minutes before the site counts as ill; its name is not told."""
    with watched.app.app_context():
        Base.metadata.drop_all(watched.state.db.engine)
    run(watched, "db", "upgrade")
    with watched.session() as session:
        session.add(breaker(watched, minutes))
        session.commit()
    answer = watched.visitor().get("/forum/health")
    assert (answer.status_code, answer.json["breaker_open_seconds"]) == (status, minutes * 60)
    assert "host.example" not in answer.text


def test_health_counts_what_was_given_up(watched: Site) -> None:
    """Messages and events that were given up are counted together."""
    with watched.session() as session:
        session.execute(update(Event).values(state="dead"))
        letter(session, watched, "dead", state="dead")
        session.commit()
    answer = watched.visitor().get("/forum/health").json
    assert answer is not None
    assert (answer["dead"], answer["laid_aside"], answer["breaker_open_seconds"]) == (2, 0, None)


def test_health_and_what_was_laid_aside(watched: Site) -> None:
    """What `mail restored` laid aside was not given up: it has a number of its own."""
    with watched.session() as session:
        session.execute(update(Event).values(state="dead", last_error="restored"))
        letter(session, watched, "aside", state="dead", skip_reason="restored")
        session.commit()
    answer = watched.visitor().get("/forum/health").json
    assert answer is not None
    assert (answer["dead"], answer["laid_aside"]) == (0, 2)


# --- the documentation


def everything(site: Site) -> Samples:
    """The samples of a site where everything has happened once."""
    now = site.clock()
    with site.session() as session:
        ended(session, site, "sent")
        session.add(Worker(name="w", started_at=now, seen_at=now))
        session.commit()
    return samples(site)


def rules() -> list[str]:
    """The expressions of the alerts in docs/operations.md."""
    (block,) = re.findall(r"^```yaml\n(groups:.*?)^```$", DOCS, re.MULTILINE | re.DOTALL)
    return [
        " ".join(found.split()) for found in re.findall(r"expr: (?:>-\n)?(.*?)\n +(?:for|labels|annot)", block, re.S)
    ]


def test_the_alerts_ask_for_numbers_there_are(watched: Site) -> None:
    """Every name in the rules of docs/operations.md is exported, with the labels that the rules ask for."""
    found = everything(watched)
    assert len(rules()) == 8
    for rule in rules():
        asked = re.findall(r'\b(forum_\w+)(?:\{\w+="(\w+)"\})?', rule)
        assert asked, rule
        for name, value in asked:
            assert [labels for known, labels in found if known == name and (not value or value in labels)], (
                name,
                value,
            )


def test_every_number_is_documented(watched: Site) -> None:
    """Each metric stands in the table of docs/operations.md, and no other."""
    families = text_string_to_metric_families((everything(watched), scrape(watched))[1].text)
    exported = {f"{family.name}_total" if family.type == "counter" else family.name for family in families}
    assert set(re.findall(r"^\| `(forum_\w+)`", DOCS, re.MULTILINE)) == exported


def test_the_report_for_scripts_is_documented(watched: Site) -> None:
    """Each key that `mail status --json` prints is explained."""
    printed = json.loads(run(watched, "mail", "status", "--json").output)
    assert [key for key in printed if f"| `{key}` |" not in DOCS] == []


# --- the logs


def test_an_attempt_is_one_record_with_fields(caplog: pytest.LogCaptureFixture) -> None:
    """A log has the ids, the masked address and the outcome of an attempt as fields, and no word of the server."""
    caplog.set_level(logging.INFO, "forum.mail")
    outcome = answered("rcpt", 550, "5.1.1 ann@reader.example? see https://forum.example/forum/m/u/u1.1.secret")
    note_attempt(7, "reply", "ann@reader.example", outcome, 0.12345, "failed")
    (record,) = caplog.records
    expected = {"message_id": 7, "kind": "reply", "address": "a•••@reader.example", "outcome": "bad_mailbox"}
    expected |= {"phase": "rcpt", "code": 550, "seconds": 0.123, "state": "failed"}
    assert {name: vars(record)[name] for name in expected} == expected
    line = "message 7 (reply) to a•••@reader.example: bad_mailbox at rcpt (550) after 0.123 s, now failed"
    assert record.getMessage() == line


def test_an_attempt_without_an_answer_is_a_record_too(caplog: pytest.LogCaptureFixture) -> None:
    """Where no answer came there is no code."""
    caplog.set_level(logging.INFO, "forum.mail")
    note_attempt(8, "confirm", "x@reader.example", Outcome("transport", "connect", text="no route"), 10, "ready")
    assert (caplog.records[0].code, "no route" in caplog.text) == (None, False)  # type: ignore[attr-defined]
