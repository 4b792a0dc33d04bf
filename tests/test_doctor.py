"""The doctor of mail: each check against settings, records and outboxes that are well and that are not."""

from __future__ import annotations

import datetime as dt
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import dns.message
import dns.rcode
import dns.resolver
import dns.rrset
import pytest
from sqlalchemy import NullPool, create_engine

from forum.cli.mail.doctor import examine, unsubscribing
from forum.mail import doctor
from forum.mail.doctor import Finding, Flow
from forum.outbox.restore import Laid
from forum.outbox.vitals import Breaker, Slow
from forum.settings import Settings
from tests.visitors import Site

NOW = dt.datetime(2026, 11, 22, 12, 0, tzinfo=dt.UTC)
GOOD = {
    "FORUM_BASE_URL": "https://forum.bread.org",
    "FORUM_MAIL_FROM": "notify@bread.org",
    "FORUM_MAIL_TRANSPORT": "smtp",
    "FORUM_MAIL_DOMAIN": "forum.bread.org",
}
RECORDS = {
    "bread.org": ["google-site-verification=x", "v=spf1 include:_spf.host.net -all"],
    "s1._domainkey.bread.org": ["v=DKIM1; k=rsa; p=MIIB"],
    "_dmarc.bread.org": ["v=DMARC1; p=none; rua=mailto:d@bread.org"],
}


def settings(**more: Any) -> Settings:
    """Settings of a site that is well, but for what is given."""
    return Settings.from_config({key: value for key, value in (GOOD | more).items() if value is not None})


def words(found: Sequence[Finding]) -> dict[str, str]:
    """The word of each check."""
    return {finding.check: finding.word for finding in found}


def names(records: dict[str, list[str]]) -> doctor.Resolver:
    """Name servers that know these records; a name above a known one exists without records."""

    def resolve(name: str) -> list[str] | None:
        if any(known.endswith(f".{name}") for known in records):
            return records.get(name, [])
        return records.get(name)

    return resolve


def test_a_good_site_has_nothing_to_do() -> None:
    """A site with a real domain, https and matching names passes every check of its settings."""
    assert set(words(doctor.site(settings(), development=False)).values()) == {"ok"}


@pytest.mark.parametrize(
    ("change", "check", "word"),
    [
        ({"FORUM_BASE_URL": None}, "base_url", "todo"),
        ({"FORUM_BASE_URL": "https://forum.example"}, "base_url", "wrong"),
        ({"FORUM_BASE_URL": "https://www.example.com"}, "base_url", "wrong"),
        ({"FORUM_BASE_URL": "http://localhost:5000"}, "base_url", "wrong"),
        ({"FORUM_BASE_URL": "http://127.0.0.1:5000"}, "base_url", "wrong"),
        ({"FORUM_BASE_URL": "http://[::1]:5000"}, "base_url", "wrong"),
        ({"FORUM_BASE_URL": "http://forum.bread.org"}, "https", "todo"),
        ({"FORUM_MAIL_FROM": None}, "mail_from", "todo"),
        ({"FORUM_MAIL_FROM": "notify@example.com", "FORUM_MAIL_DOMAIN": None}, "sender", "wrong"),
        ({"FORUM_MAIL_FROM": "bread@gmail.com", "FORUM_MAIL_DOMAIN": None}, "sender", "wrong"),
        ({"FORUM_MAIL_DOMAIN": "cake.org"}, "alignment", "wrong"),
        ({"FORUM_BASE_URL": "https://cake.org"}, "alignment", "todo"),
        ({"FORUM_MAIL_TRANSPORT": None}, "mail_transport", "todo"),
        ({"FORUM_MAIL_TRANSPORT": "mailbox"}, "transport", "wrong"),
        ({"FORUM_MODERATORS": ["ada@forum.example"]}, "moderators", "wrong"),
    ],
)
def test_a_setting_that_keeps_mail_away(change: dict[str, Any], check: str, word: str) -> None:
    """What is missing is to do, what reaches nobody or nobody will believe is wrong, each under its name."""
    assert words(doctor.site(settings(**change), development=False))[check] == word


def test_names_for_examples_are_fine_in_development() -> None:
    """On one's own machine nothing is wrong with the values of config/development.toml."""
    own = settings(
        FORUM_BASE_URL="http://127.0.0.1:5000",
        FORUM_MAIL_FROM="notify@forum.example",
        FORUM_MAIL_DOMAIN=None,
        FORUM_MAIL_TRANSPORT="mailbox",
        FORUM_MODERATORS=["moderator@forum.example"],
    )
    assert set(words(doctor.site(own, development=True)).values()) == {"ok"}


SERVER = {"MAIL_SERVER": "mx.host.net", "MAIL_PORT": 587, "MAIL_USE_TLS": True}


@pytest.mark.parametrize(
    ("config", "check", "word"),
    [
        (SERVER, "server", "ok"),
        ({"MAIL_SERVER": "localhost"}, "server", "ok"),
        ({}, "server", "ok"),
        (SERVER | {"MAIL_USE_SSL": True}, "tls", "wrong"),
        (SERVER | {"MAIL_USE_SSL": True, "MAIL_USE_TLS": False}, "tls", "wrong"),
        (SERVER | {"MAIL_PORT": 465}, "tls", "wrong"),
        (SERVER | {"MAIL_USE_TLS": False}, "tls", "todo"),
        (SERVER | {"MAIL_USE_TLS": False, "MAIL_USERNAME": "a", "MAIL_PASSWORD": "b"}, "tls", "wrong"),
        (SERVER | {"MAIL_USERNAME": "a"}, "sign_in", "wrong"),
        (SERVER | {"MAIL_SUPPRESS_SEND": True}, "suppressed", "wrong"),
        (SERVER | {"TESTING": True}, "suppressed", "wrong"),
    ],
)
def test_the_way_to_the_server(config: dict[str, Any], check: str, word: str) -> None:
    """A way that cannot work, or shows a password, is wrong; mail in clear is to do, but for a local relay."""
    assert words(doctor.server(config, settings())) == {check: word}


def test_certificates_that_are_not_there() -> None:
    """FORUM_MAIL_CA_FILE must name a file."""
    assert words(doctor.server(SERVER, settings(FORUM_MAIL_CA_FILE="/nowhere/ca.pem")))["ca_file"] == "wrong"


def test_the_mailbox_needs_no_server() -> None:
    """Where mail is kept, the MAIL_* keys and DNS are not looked at."""
    kept = settings(FORUM_MAIL_TRANSPORT="mailbox")
    assert doctor.server({"MAIL_USE_TLS": True, "MAIL_USE_SSL": True}, kept) == []
    assert doctor.records(kept, names({})) == []


def test_good_records() -> None:
    """A domain with SPF, a DKIM key and a DMARC policy passes; other TXT records are left alone."""
    assert words(doctor.records(settings(), names(RECORDS))) == {"spf": "ok", "dkim": "ok", "dmarc": "ok"}


@pytest.mark.parametrize(
    ("change", "check", "word"),
    [
        ({"bread.org": []}, "spf", "wrong"),
        ({"bread.org": ["v=spf10 -all"]}, "spf", "wrong"),
        ({"bread.org": ["v=spf1 -all", "v=spf1 mx -all"]}, "spf", "wrong"),
        ({"bread.org": ["v=spf1 +all"]}, "spf", "wrong"),
        ({"bread.org": ["v=spf1 mx all"]}, "spf", "wrong"),
        ({"bread.org": ["v=spf1 mx ~all"]}, "spf", "ok"),
        ({"s1._domainkey.bread.org": []}, "dkim", "ok"),
        ({"_dmarc.bread.org": []}, "dmarc", "todo"),
        ({"_dmarc.bread.org": ["v=DMARC1; rua=mailto:d@bread.org"]}, "dmarc", "wrong"),
        ({"_dmarc.bread.org": ["v=DMARC1; sp=none"]}, "dmarc", "wrong"),
        ({"_dmarc.bread.org": ["v=DMARC1;p=none", "v=DMARC1;p=reject"]}, "dmarc", "wrong"),
        ({"_dmarc.bread.org": ["v = DMARC1 ; p = quarantine"]}, "dmarc", "ok"),
    ],
)
def test_records_that_are_missing_or_broken(change: dict[str, list[str]], check: str, word: str) -> None:
    """A broken record is wrong, like a missing SPF; DKIM and DMARC are to do; odd spacing is fine."""
    assert words(doctor.records(settings(), names(RECORDS | change)))[check] == word


def test_no_key_at_all() -> None:
    """Where no name is below _domainkey, there is no key to be found under any other name either."""
    known = {name: texts for name, texts in RECORDS.items() if "_domainkey" not in name}
    assert words(doctor.records(settings(), names(known)))["dkim"] == "todo"


def test_a_domain_that_does_not_exist() -> None:
    """A sender whose domain is not in the DNS gets one finding, not three."""
    assert words(doctor.records(settings(), names({}))) == {"dns": "wrong"}


def test_the_policy_of_the_organisation() -> None:
    """A sender below the domain is covered by the domain's DMARC record, as receivers read it."""
    below = settings(FORUM_MAIL_FROM="notify@news.bread.org")
    known = RECORDS | {"news.bread.org": ["v=spf1 -all"]}
    assert words(doctor.records(below, names(known)))["dmarc"] == "ok"


def test_without_name_servers() -> None:
    """A resolver that is missing or does not answer is to do, not an error: nothing is known then."""

    def silent(name: str) -> list[str] | None:
        raise OSError("timed out")

    assert words(doctor.records(settings(), None)) == {"dns": "todo"}
    assert words(doctor.records(settings(), silent)) == {"dns": "todo"}


def test_examples_are_not_looked_up() -> None:
    """A reserved domain is nobody's, so nobody is asked about it."""
    example = settings(FORUM_MAIL_FROM="notify@forum.example", FORUM_MAIL_DOMAIN=None)
    assert doctor.records(example, names({})) == []


def ago(minutes: float) -> dt.datetime:
    """A time in the past."""
    return NOW - dt.timedelta(minutes=minutes)


@pytest.mark.parametrize(
    ("flow", "status", "expected"),
    [
        (Flow(ago(0.2), None, 0), 404, {"worker": "ok", "ready": "ok", "unsubscribe": "ok"}),
        (Flow(ago(1), ago(2), 0), 404, {"worker": "ok", "ready": "ok", "unsubscribe": "ok"}),
        (Flow(None, None, 0), 404, {"worker": "todo", "ready": "ok", "unsubscribe": "ok"}),
        (Flow(ago(20), ago(20), 0), 404, {"worker": "wrong", "ready": "wrong", "unsubscribe": "ok"}),
        (Flow(ago(1), None, 3), 404, {"worker": "ok", "ready": "ok", "dead": "todo", "unsubscribe": "ok"}),
        (Flow(ago(1), None, 0), 400, {"worker": "ok", "ready": "ok", "unsubscribe": "wrong"}),
        (Flow(ago(1), None, 0), 302, {"worker": "ok", "ready": "ok", "unsubscribe": "wrong"}),
    ],
)
def test_whether_mail_flows(flow: Flow, status: int, expected: dict[str, str]) -> None:
    """A worker never seen is to do, one gone for a quarter of an hour wrong, and so is a message due that long."""
    assert words(doctor.look(flow, status, NOW)) == expected


@pytest.mark.parametrize(("minutes", "word"), [(1, "todo"), (9, "todo"), (10, "wrong"), (60, "wrong")])
def test_a_mail_server_that_is_away(minutes: float, word: str) -> None:
    """A mail server that cannot be used is to do for ten minutes, in which it may be started anew, and wrong then."""
    breaker = Breaker(ago(minutes), NOW, 3, "connect: Connection refused")
    found = doctor.look(Flow(ago(1), None, 0, breaker=breaker), 404, NOW)
    assert words(found)["breaker"] == word
    (sentence,) = [finding.sentence for finding in found if finding.check == "breaker"]
    assert "3 tries: connect: Connection refused" in sentence


def test_domains_that_asked_for_less() -> None:
    """Domains that get mail slowly are named, the first three of them."""
    slowed = [Slow(f"{name}.example", 10.0, ago(1)) for name in "abcd"]
    found = doctor.look(Flow(ago(1), None, 0, slowed=slowed), 404, NOW)
    assert words(found)["throttled"] == "todo"
    assert [each.sentence for each in found if "a.example, b.example, c.example and 1 more" in each.sentence]


def test_domains_that_are_not_believed() -> None:
    """A domain that denies very many mailboxes at once is named, and what becomes of its readers."""
    found = doctor.look(Flow(ago(1), None, 0, disbelieved=["ill.example"]), 404, NOW)
    (sentence,) = [each.sentence for each in found if (each.check, each.word) == ("disbelieved", "todo")]
    assert ("not believed: ill.example." in sentence, "keep their mail" in sentence) == (True, True)


def test_what_was_laid_aside_waits_for_a_decision() -> None:
    """Mail laid aside after a restoration is not called given up; the finding names the command that decides."""
    found = doctor.look(Flow(ago(1), None, 0, laid_aside=Laid(events=1, items=0, messages=2)), 404, NOW)
    assert words(found) == {"worker": "ok", "ready": "ok", "laid_aside": "todo", "unsubscribe": "ok"}
    (sentence,) = [each.sentence for each in found if each.check == "laid_aside"]
    assert "messages: 2; news for single people: 0; comments: 1." in sentence
    assert "`flask forum mail restored --send` or `--drop`" in sentence


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"pool_size": 1, "max_overflow": 0}, {"pool": "wrong"}),
        ({"pool_size": 1, "max_overflow": 1}, {"pool": "todo"}),
        ({"pool_size": 1, "max_overflow": 2}, {}),
        ({"pool_size": 3, "max_overflow": 0}, {}),
        ({"pool_size": 1, "max_overflow": -1}, {}),
        ({"pool_size": 0, "max_overflow": 0}, {}),
        ({"poolclass": NullPool}, {}),
        ({}, {}),
    ],
)
def test_connections_to_the_database(tmp_path: Path, options: dict[str, Any], expected: dict[str, str]) -> None:
    """With one connection no mail is delivered, with two delivery waits for itself; three are enough."""
    engine = create_engine(f"sqlite:///{tmp_path / 'x.db'}", **options)
    assert words(doctor.connections(engine.pool)) == expected


def test_the_pool_of_the_site_is_looked_at(make_site: Callable[..., Site]) -> None:
    """The doctor on the command line asks the site's own engine, and says what to set."""
    site = make_site(SQLALCHEMY_ENGINE_OPTIONS={"pool_size": 1, "max_overflow": 1})
    with site.app.app_context():
        (sentence,) = [each.sentence for each in examine(site.state) if each.check == "pool"]
    assert "SQLALCHEMY_ENGINE_OPTIONS must allow 3" in sentence


def test_news_nobody_could_be_told_of() -> None:
    """A comment whose news was given up is to do, with the command that shows why."""
    (finding,) = [each for each in doctor.look(Flow(ago(1), None, 0, 2), 404, NOW) if each.check == "dead_events"]
    assert (finding.word, "2 comments" in finding.sentence, "mail status" in finding.sentence) == ("todo", True, True)


def test_the_outbox_is_read_as_it_is(site: Site) -> None:
    """Heartbeat, oldest ready message and the given up come from the tables."""
    with site.session() as session:
        assert doctor.flow(session, site.clock()) == Flow(None, None, 0, slowed=[], disbelieved=[])
    site.follower("Ann")
    with site.session() as session:
        assert doctor.flow(session, site.clock()) == Flow(site.clock(), None, 0, slowed=[], disbelieved=[])


def test_the_unsubscribe_page_answers_strangers(make_site: Callable[..., Site], make_blog: Callable[..., Site]) -> None:
    """A made-up token is answered 404, below a path of the host too, and behind a global CSRFProtect."""
    for each in (make_site(), make_site(FORUM_BASE_URL="https://www.bread.org/talk"), make_blog()):
        with each.app.app_context():
            assert unsubscribing(each.state) == 404


def test_a_protection_in_the_way_is_seen(make_blog: Callable[..., Site]) -> None:
    """Where something of the host answers in our place, its status is what the doctor judges."""
    blog = make_blog()
    blog.app.before_request(lambda: ("no token", 400))
    with blog.app.app_context():
        assert unsubscribing(blog.state) == 400


class NameServer(threading.Thread):
    """A name server on this machine: what it does not know does not exist."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))

    def run(self) -> None:
        """Answer until the socket is closed."""
        while packet := self.socket.recvfrom(512):
            query = dns.message.from_wire(packet[0])
            answer = dns.message.make_response(query)
            name = query.question[0].name
            if name.to_text() == "stop.":
                return
            if name.to_text() == "spf.bread.org.":
                answer.answer.append(dns.rrset.from_text(name, 60, "IN", "TXT", '"v=spf1 include:a" "b -all"'))
            elif name.to_text() == "broken.bread.org.":
                answer.set_rcode(dns.rcode.SERVFAIL)
            elif name.to_text() != "bread.org.":
                answer.set_rcode(dns.rcode.NXDOMAIN)
            self.socket.sendto(answer.to_wire(), packet[1])

    def stop(self) -> None:
        """End the thread."""
        self.socket.sendto(dns.message.make_query("stop.", "TXT").to_wire(), self.socket.getsockname())
        self.join()
        self.socket.close()


@pytest.fixture
def name_server(monkeypatch: pytest.MonkeyPatch) -> Iterator[NameServer]:
    """A running name server which is the system's for the length of the test."""
    server = NameServer()
    server.start()
    system = dns.resolver.Resolver(configure=False)
    system.nameservers, system.port = ["127.0.0.1"], server.socket.getsockname()[1]
    monkeypatch.setattr(dns.resolver, "default_resolver", system)
    yield server
    server.stop()


@pytest.mark.usefixtures("name_server")
def test_name_servers_are_asked() -> None:
    """Parts of a record are joined; a name without records and one that does not exist are told apart."""
    resolve = doctor.resolver()
    assert resolve is not None
    assert resolve("spf.bread.org") == ["v=spf1 include:ab -all"]
    assert resolve("bread.org") == []
    assert resolve("nobody.bread.org") is None


@pytest.mark.usefixtures("name_server")
def test_name_servers_that_fail() -> None:
    """A name server that cannot tell is an OSError, which the checks know."""
    resolve = doctor.resolver()
    assert resolve is not None
    with pytest.raises(OSError, match="failed"):
        resolve("broken.bread.org")
