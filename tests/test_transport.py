"""The way out: real mail servers that accept, refuse, drop, drip and show wrong certificates."""

from __future__ import annotations

import datetime as dt
import ipaddress
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP as Server
from aiosmtpd.smtp import AuthResult, LoginPassword
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from forum.mail import outcome
from forum.mail.smtp import mail_state
from forum.mail.transport import Limits, MailboxTransport, Outcome, SmtpTransport, smtp_transport
from forum.settings import Settings

RAW = b"From: <notify@forum.example>\r\nTo: a@example.net\r\nSubject: x\r\n\r\n.hidden dot\r\nwords\r\n"
SENDER = "notify@forum.example"
QUICK = Limits(connect=8, reply=8, block=8, dot=8, quit=0.3, attempt=20)


def settings(**more: Any) -> Settings:
    known = {"FORUM_BASE_URL": "https://forum.example", "FORUM_MAIL_FROM": SENDER, "FORUM_MAIL_TRANSPORT": "smtp"}
    return Settings.from_config(known | more)


def transport(port: int, limits: Limits = QUICK, ca_file: Path | None = None, **config: Any) -> SmtpTransport:
    """A transport as production makes it, but in a hurry."""
    ours = settings(**({"FORUM_MAIL_CA_FILE": str(ca_file)} if ca_file else {}))
    known = {"MAIL_SERVER": "127.0.0.1", "MAIL_PORT": port}
    return SmtpTransport(mail_state(known | config), ours, testing=lambda: False, limits=limits)


class Sink:
    """A mail server whose answers are chosen by the recipient: `rcpt-550-5.1.1@` or `dot-451@`."""

    def __init__(self) -> None:
        self.mails: list[tuple[str, list[str], bytes]] = []
        self.sessions: list[Any] = []
        self.refuse_sender: str | None = None

    async def handle_MAIL(self, server: Any, session: Any, envelope: Any, address: str, options: list[str]) -> str:
        if session not in self.sessions:
            self.sessions.append(session)
        if self.refuse_sender:
            return self.refuse_sender
        envelope.mail_from = address
        return "250 OK"

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: list[str]) -> str:
        phase, *codes = address.partition("@")[0].split("-")
        envelope.rcpt_tos.append(address)
        return f"{' '.join(codes)} user <{address}> says no" if phase == "rcpt" else "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        phase, *codes = envelope.rcpt_tos[0].partition("@")[0].split("-")
        if phase == "dot":
            return f"{' '.join(codes)} content says no"
        self.mails.append((envelope.mail_from, envelope.rcpt_tos, envelope.original_content))
        return "250 2.0.0 Ok: queued as 4F2A1B"


class Fixed(Controller):
    """A controller on a free port that speaks as its keyword arguments say."""

    def __init__(self, sink: Sink, **server: Any) -> None:
        super().__init__(sink, hostname="127.0.0.1", port=free_port())
        self.server_arguments = server

    def factory(self) -> Server:
        return Server(self.handler, enable_SMTPUTF8=False, ident="sink", **self.server_arguments)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def sink() -> Sink:
    return Sink()


@pytest.fixture
def serve(sink: Sink) -> Iterator[Callable[..., int]]:
    """Start an aiosmtpd server and return its port."""
    running: list[Fixed] = []

    def start(**server: Any) -> int:
        controller = Fixed(sink, **server)
        controller.start()
        running.append(controller)
        return int(controller.port)

    yield start
    for controller in running:
        controller.stop()


@pytest.fixture
def script() -> Iterator[Callable[..., int]]:
    """Start a raw server: each connection is handed to the given function until that returns."""
    listeners: list[socket.socket] = []
    threads: list[threading.Thread] = []

    def start(*plays: Callable[[socket.socket], None]) -> int:
        listener = socket.create_server(("127.0.0.1", 0))
        listeners.append(listener)

        def serve_all() -> None:
            for play in plays:
                try:
                    peer, _ = listener.accept()
                except OSError:
                    return
                with peer:
                    peer.settimeout(10)
                    try:
                        play(peer)
                    except OSError:
                        continue

        thread = threading.Thread(target=serve_all, daemon=True)
        thread.start()
        threads.append(thread)
        return int(listener.getsockname()[1])

    yield start
    for listener in listeners:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
    for thread in threads:
        thread.join(5)


def conversation(until: str, then: bytes | None = None, pause: float = 0) -> Callable[[socket.socket], None]:
    """Play a polite server up to one command, the banner, the body or the dot, then answer or hang up."""
    answers = {"EHLO": b"250 raw\r\n", "MAIL": b"250 ok\r\n", "RCPT": b"250 ok\r\n", "DATA": b"354 go\r\n"}

    def play(peer: socket.socket) -> None:
        if until == "banner":
            return finish(peer)
        peer.sendall(b"220 raw\r\n")
        reader = peer.makefile("rb")
        with reader:
            for line in reader:
                word = line[:4].decode().upper()
                if word == until:
                    return finish(peer)
                peer.sendall(answers.get(word, b"221 bye\r\n" if word == "QUIT" else b"250 ok\r\n"))
                if word == "DATA":
                    if until == "body":
                        return finish(peer)
                    while reader.readline() not in (b".\r\n", b""):
                        pass
                    if until == "dot":
                        return finish(peer)
                    peer.sendall(b"250 ok\r\n")

    def finish(peer: socket.socket) -> None:
        if pause:
            peer.settimeout(pause)
            try:
                peer.recv(1)
            except TimeoutError:
                return
        if then:
            peer.sendall(then)

    return play


def certificate(folder: Path, *names: str) -> tuple[Path, ssl.SSLContext]:
    """A self-signed certificate for these names, and a server context that shows it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, names[0])])
    now = dt.datetime.now(dt.UTC)
    general = [x509.IPAddress(ipaddress.ip_address(n)) if n[0].isdigit() else x509.DNSName(n) for n in names]
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(general), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = folder / f"{names[0]}.pem"
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    pem.write_bytes(made.public_bytes(serialization.Encoding.PEM) + secret)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(pem)
    return pem, context


# What a server says


def test_an_accepted_mail_arrives_octet_for_octet(serve: Any, sink: Sink) -> None:
    """The sink holds exactly the bytes given, dots included, with one recipient and our sender."""
    out = transport(serve())
    result = out.send(RAW, SENDER, "a@example.net")
    out.close()
    assert sink.mails == [(SENDER, ["a@example.net"], RAW)]
    assert result == Outcome("accepted", "dot", 250, "2.0.0", "2.0.0 Ok: queued as 4F2A1B", "4F2A1B")


@pytest.mark.parametrize(
    ("local", "word", "phase"),
    [
        ("rcpt-451", "transient", "rcpt"),
        ("rcpt-450-4.2.1", "transient", "rcpt"),
        ("rcpt-550-5.1.1", "bad_mailbox", "rcpt"),
        ("rcpt-550-5.2.1", "bad_mailbox", "rcpt"),
        ("rcpt-501-5.1.3", "bad_mailbox", "rcpt"),
        ("rcpt-550", "refused", "rcpt"),
        ("rcpt-550-5.7.1", "refused", "rcpt"),
        ("rcpt-552", "transient", "rcpt"),
        ("rcpt-550-5.2.2", "transient", "rcpt"),
        ("rcpt-501", "poison", "rcpt"),
        ("rcpt-503-5.5.1", "poison", "rcpt"),
        ("rcpt-421-4.7.0", "transient", "rcpt"),
        ("dot-451-4.7.1", "transient", "dot"),
        ("dot-554-5.7.1", "refused", "dot"),
        ("dot-550-5.1.1", "refused", "dot"),
        ("dot-550-5.6.0", "refused", "dot"),
        ("dot-552-5.2.2", "transient", "dot"),
        ("dot-500", "poison", "dot"),
        ("dot-421", "transient", "dot"),
    ],
)
def test_every_refusal_becomes_the_word_to_act_on(serve: Any, sink: Sink, local: str, word: str, phase: str) -> None:
    """The reply's phase, code and enhanced code decide, as the specification's table says."""
    out = transport(serve())
    result = out.send(RAW, SENDER, f"{local}@example.net")
    out.close()
    assert (result.word, result.phase, sink.mails) == (word, phase, [])
    assert result.code == int(local.split("-")[1])
    assert result.enhanced == ([*local.split("-"), None])[2]


def test_a_refused_sender_is_not_the_recipients_fault(serve: Any, sink: Sink) -> None:
    """A 5xx at MAIL FROM has a word of its own, a 4xx there is transient."""
    out = transport(serve())
    sink.refuse_sender = "553 5.7.1 not yours"
    assert out.send(RAW, SENDER, "a@example.net").word == "sender_refused"
    sink.refuse_sender = "451 4.3.0 later"
    assert out.send(RAW, SENDER, "a@example.net").word == "transient"
    out.close()


def test_a_refusal_leaves_the_connection_for_the_next_mail(serve: Any, sink: Sink) -> None:
    """After a 550 the next mail goes over the same connection."""
    out = transport(serve())
    words = [out.send(RAW, SENDER, to).word for to in ("rcpt-550-5.1.1@example.net", "a@example.net")]
    out.close()
    assert words == ["bad_mailbox", "accepted"]
    assert len(sink.sessions) == 1


def test_after_421_the_next_mail_gets_a_new_connection(serve: Any, sink: Sink) -> None:
    """A server that says 421 is left, and the next mail connects again."""
    out = transport(serve())
    words = [out.send(RAW, SENDER, to).word for to in ("rcpt-421@example.net", "a@example.net")]
    out.close()
    assert words == ["transient", "accepted"]
    assert len(sink.sessions) == 2


def test_addresses_in_a_servers_answer_are_masked(serve: Any) -> None:
    """What is stored of a reply does not hold the address."""
    out = transport(serve())
    result = out.send(RAW, SENDER, "rcpt-550-5.1.1@example.net")
    out.close()
    assert result.text == "5.1.1 user <r•••@example.net> says no"


# How a connection ends


@pytest.mark.parametrize(
    ("until", "word", "phase"),
    [
        ("banner", "transport", "banner"),
        ("EHLO", "transport", "ehlo"),
        ("MAIL", "transient", "mail"),
        ("RCPT", "transient", "rcpt"),
        ("DATA", "transient", "data"),
        ("dot", "ambiguous", "dot"),
        ("QUIT", "accepted", "dot"),
    ],
)
def test_a_dropped_connection_is_named_by_how_far_it_got(script: Any, until: str, word: str, phase: str) -> None:
    """A drop before the dot is "not sent", after it "ambiguous", and at QUIT the mail stays accepted."""
    out = transport(script(conversation(until)))
    result = out.send(RAW, SENDER, "a@example.net")
    out.close()
    assert (result.word, result.phase) == (word, phase)


def test_a_drop_in_the_middle_of_the_body_is_not_sent(script: Any) -> None:
    """A mail larger than the socket's buffers, cut off half-way, never counts as possibly sent."""
    out = transport(script(conversation("body")))
    result = out.send(RAW + b"0123456789abcdef\r\n" * 600_000, SENDER, "a@example.net")
    out.close()
    assert (result.word, result.phase) == ("transient", "body")


def test_a_server_that_refuses_at_data_sent_nothing(script: Any) -> None:
    """A reply other than 354 is judged like one to the recipient."""
    out = transport(script(conversation("DATA", b"554 5.7.1 no\r\n")))
    result = out.send(RAW, SENDER, "a@example.net")
    out.close()
    assert (result.word, result.phase, result.enhanced) == ("refused", "data", "5.7.1")


def test_a_server_that_hangs_up_after_its_refusal_hides_nothing(script: Any) -> None:
    """The refusal stands, and the next mail finds a new connection."""
    out = transport(script(conversation("RCPT", b"550 5.1.1 nobody\r\n"), conversation("QUIT")))
    assert out.send(RAW, SENDER, "a@example.net").word == "bad_mailbox"
    assert out.send(RAW, SENDER, "b@example.net").word == "accepted"
    out.close()


def test_gibberish_after_the_dot_is_ambiguous(script: Any) -> None:
    """A reply that is no reply may follow a mail that was taken."""
    out = transport(script(conversation("dot", b"what?\r\n")))
    result = out.send(RAW, SENDER, "a@example.net")
    out.close()
    assert result.word == "ambiguous"


@pytest.mark.parametrize(
    ("until", "word"),
    [
        ("banner", "transport"),
        ("MAIL", "transient"),
        ("RCPT", "transient"),
        ("DATA", "transient"),
        ("dot", "ambiguous"),
    ],
)
def test_a_silent_server_is_left_when_the_phases_time_is_over(script: Any, until: str, word: str) -> None:
    """Silence ends by the limit, with the same words as a drop."""
    out = transport(script(conversation(until, pause=5)), Limits(reply=0.2, dot=0.2, quit=0.1, attempt=3))
    started = time.monotonic()
    result = out.send(RAW, SENDER, "a@example.net")
    out.close()
    assert result.word == word
    assert time.monotonic() - started < 2


def test_a_server_silent_at_goodbye_changes_nothing(script: Any) -> None:
    """A mail accepted before a hanging QUIT is accepted, and closing ends by its own limit."""
    out = transport(script(conversation("QUIT", pause=5)), Limits(quit=0.1))
    assert out.send(RAW, SENDER, "a@example.net").word == "accepted"
    started = time.monotonic()
    out.close()
    assert time.monotonic() - started < 2


def drip(peer: socket.socket) -> None:
    peer.settimeout(0.05)
    for octet in b"220 " + b"x" * 400:
        peer.sendall(bytes([octet]))
        try:
            if not peer.recv(1):
                return
        except TimeoutError:
            continue


@pytest.mark.parametrize("limits", [Limits(reply=0.3), Limits(attempt=0.3)])
def test_dripping_octets_gains_a_server_nothing(script: Any, limits: Limits) -> None:
    """A banner of one octet at a time ends by the phase's limit, or by the deadline of the attempt."""
    out = transport(script(drip), limits)
    started = time.monotonic()
    result = out.send(RAW, SENDER, "a@example.net")
    out.close()
    assert (result.word, result.phase) == ("transport", "banner")
    assert time.monotonic() - started < 2


def test_a_server_that_is_not_there_is_a_transport_failure() -> None:
    """Nobody listening is no message's fault."""
    out = transport(free_port())
    result = out.send(RAW, SENDER, "a@example.net")
    assert (result.word, result.phase, result.code) == ("transport", "connect", None)


def test_a_banner_of_554_is_a_transport_failure(script: Any) -> None:
    """A server that does not want to talk at all says nothing about the message."""
    out = transport(script(conversation("banner", b"554 go away\r\n")))
    result = out.send(RAW, SENDER, "a@example.net")
    assert (result.word, result.phase, result.code) == ("transport", "banner", 554)


# Using a connection again


def test_one_connection_serves_many_mails_up_to_the_limit(serve: Any, sink: Sink) -> None:
    """Three mails with a limit of two take two connections."""
    out = transport(serve(), Limits(messages=2))
    for _ in range(3):
        assert out.send(RAW, SENDER, "a@example.net").word == "accepted"
    out.close()
    assert (len(sink.mails), len(sink.sessions)) == (3, 2)


@pytest.mark.parametrize("limits", [Limits(age=0), Limits(idle=0)])
def test_an_old_or_idle_connection_is_not_used_again(serve: Any, sink: Sink, limits: Limits) -> None:
    """Beyond its age or idle time a connection is replaced before it can fail."""
    out = transport(serve(), limits)
    for _ in range(2):
        assert out.send(RAW, SENDER, "a@example.net").word == "accepted"
    out.close()
    assert len(sink.sessions) == 2


def one_mail_then(farewell: bytes) -> Callable[[socket.socket], None]:
    """Take one mail, then answer the next MAIL with this farewell (or none) and hang up."""

    def play(peer: socket.socket) -> None:
        peer.sendall(b"220 raw\r\n")
        taken, body = 0, False
        with peer.makefile("rb") as reader:
            for line in reader:
                if body:
                    if line == b".\r\n":
                        body, taken = False, taken + 1
                        peer.sendall(b"250 ok\r\n")
                    continue
                if line.startswith(b"MAIL") and taken:
                    peer.sendall(farewell)
                    return
                body = line.upper().startswith(b"DATA")
                peer.sendall(b"354 go\r\n" if body else b"250 ok\r\n")

    return play


@pytest.mark.parametrize("farewell", [b"", b"421 4.4.2 idle too long\r\n"])
def test_a_kept_connection_that_died_meanwhile_costs_the_mail_nothing(script: Any, farewell: bytes) -> None:
    """When the server hung up between two mails, the second one goes over a new connection at once."""
    out = transport(script(one_mail_then(farewell), conversation("QUIT")))
    assert out.send(RAW, SENDER, "a@example.net").word == "accepted"
    assert out.send(RAW, SENDER, "b@example.net").word == "accepted"
    out.close()


# TLS and signing in


@pytest.mark.parametrize(("implicit", "key"), [(True, "MAIL_USE_SSL"), (False, "MAIL_USE_TLS")])
def test_a_good_certificate_lets_mail_through(serve_tls: Any, sink: Sink, implicit: bool, key: str) -> None:
    """With the CA file that knows the server, both kinds of TLS deliver."""
    port, pem = serve_tls("127.0.0.1", implicit=implicit)
    out = transport(port, ca_file=pem, **{key: True})
    result = out.send(RAW, SENDER, "a@example.net")
    out.close()
    assert (result.word, len(sink.mails)) == ("accepted", 1)


@pytest.mark.parametrize(("implicit", "key"), [(True, "MAIL_USE_SSL"), (False, "MAIL_USE_TLS")])
@pytest.mark.parametrize(("name", "known"), [("127.0.0.1", False), ("other.example", True)])
def test_a_wrong_certificate_gets_nothing(
    serve_tls: Any, sink: Sink, implicit: bool, key: str, name: str, known: bool
) -> None:
    """A certificate nobody vouches for, or one for another name, ends the conversation before anything is said."""
    port, pem = serve_tls(name, implicit=implicit)
    login = {"MAIL_USERNAME": "u", "MAIL_PASSWORD": "secret"}
    out = transport(port, ca_file=pem if known else None, **{key: True}, **login)
    result = out.send(RAW, SENDER, "a@example.net")
    out.close()
    assert (result.word, result.phase) == ("transport", "starttls")
    assert "certificate" in result.text.lower()
    assert (sink.mails, sink.sessions) == ([], [])


def test_a_server_without_starttls_gets_nothing_when_tls_is_asked_for(serve: Any, sink: Sink) -> None:
    """Stripping STARTTLS from the greeting does not make us speak in the clear."""
    out = transport(serve(), MAIL_USE_TLS=True)
    result = out.send(RAW, SENDER, "a@example.net")
    assert (result.word, result.phase, sink.mails) == ("transport", "starttls", [])


def test_a_missing_ca_file_stops_sending(serve: Any, sink: Sink, tmp_path: Path) -> None:
    """A CA file that is not there is a transport failure, never a reason to trust everybody."""
    out = transport(serve(), ca_file=tmp_path / "absent.pem", MAIL_USE_SSL=True)
    result = out.send(RAW, SENDER, "a@example.net")
    assert (result.word, result.phase, sink.mails) == ("transport", "connect", [])


def test_a_wrong_password_is_a_transport_failure_that_shows_no_secret(serve: Any, sink: Sink) -> None:
    """535 stops the transport, not the message, and the password is nowhere in the outcome."""
    port = serve(authenticator=check_login, auth_require_tls=False)
    out = transport(port, MAIL_USERNAME="u", MAIL_PASSWORD="wrong-secret")
    result = out.send(RAW, SENDER, "a@example.net")
    assert (result.word, result.phase, result.code, sink.mails) == ("transport", "auth", 535, [])
    assert "wrong-secret" not in repr(result)


def test_the_right_password_lets_mail_through(serve: Any, sink: Sink) -> None:
    """User name and password of Flask-Mail's keys are used."""
    port = serve(authenticator=check_login, auth_require_tls=False)
    out = transport(port, MAIL_USERNAME="u", MAIL_PASSWORD="right")
    assert out.send(RAW, SENDER, "a@example.net").word == "accepted"
    assert sink.sessions[0].authenticated
    out.close()


def check_login(server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
    good = isinstance(data, LoginPassword) and data.password == b"right"
    return AuthResult(success=good, handled=good)


class ImplicitTls(Fixed):
    """The same server behind TLS from the first octet."""

    def __init__(self, sink: Sink, context: ssl.SSLContext) -> None:
        super().__init__(sink)
        self.ssl_context = context

    def _trigger_server(self) -> None:
        """Wake the server as the base class does, but without a word about its certificate."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        with socket.create_connection((self.hostname, self.port), 2) as plain, context.wrap_socket(plain) as peer:
            peer.recv(64)


@pytest.fixture
def serve_tls(sink: Sink, tmp_path: Path) -> Iterator[Callable[..., tuple[int, Path]]]:
    """Start a server with a certificate for one name; returns its port and the certificate to trust."""
    running: list[Fixed] = []

    def start(name: str, *, implicit: bool) -> tuple[int, Path]:
        pem, context = certificate(tmp_path, name)
        controller = ImplicitTls(sink, context) if implicit else Fixed(sink, tls_context=context)
        controller.start()
        running.append(controller)
        return int(controller.port), pem

    yield start
    for controller in running:
        controller.stop()


# What never leaves


def test_nothing_leaves_while_testing_whenever_that_began(serve: Any, sink: Sink) -> None:
    """The question is asked at each mail, so switching testing on after the start is enough."""
    answer = {"testing": False}
    port = serve()
    out = smtp_transport({"MAIL_SERVER": "127.0.0.1", "MAIL_PORT": port}, settings(), testing=lambda: answer["testing"])
    assert out.send(RAW, SENDER, "a@example.net").word == "accepted"
    answer["testing"] = True
    assert out.send(RAW, SENDER, "b@example.net").word == "suppressed"
    out.close()
    assert len(sink.mails) == 1


def test_flask_mails_own_switch_is_obeyed(serve: Any, sink: Sink) -> None:
    """MAIL_SUPPRESS_SEND keeps everything in and says so."""
    assert transport(serve(), MAIL_SUPPRESS_SEND=True).send(RAW, SENDER, "a@example.net").word == "suppressed"
    assert sink.mails == []


@pytest.mark.parametrize(
    "to",
    ["a@example.net\r\nDATA", "a@example.net, b@example.net", "a@example.net> SIZE=1", "höfe@example.net", "no-at", ""],
)
def test_an_address_that_could_break_out_is_poison(serve: Any, sink: Sink, to: str) -> None:
    """An envelope address goes over the wire as one plain mailbox or not at all."""
    result = transport(serve()).send(RAW, SENDER, to)
    assert (result.word, sink.sessions) == ("poison", [])


def test_a_message_that_is_not_seven_bit_is_poison(serve: Any, sink: Sink) -> None:
    """Eight-bit bytes are stopped here: no server was asked whether it takes them."""
    assert transport(serve()).send("Subject: é\r\n\r\n".encode(), SENDER, "a@example.net").word == "poison"
    assert sink.sessions == []


def test_protocol_traces_stay_off_even_if_flask_mail_is_told_otherwise(
    serve: Any, capfd: pytest.CaptureFixture[str]
) -> None:
    """MAIL_DEBUG would print the password; nothing is printed."""
    out = transport(serve(), MAIL_DEBUG=1)
    out.send(RAW, SENDER, "a@example.net")
    out.close()
    assert capfd.readouterr() == ("", "")


def test_the_mailbox_keeps_what_a_server_would_have_got() -> None:
    """The development transport passes bytes, sender and recipient on and calls it accepted."""
    kept: list[tuple[bytes, str, str]] = []
    box = MailboxTransport(lambda raw, sender, to: kept.append((raw, sender, to)))
    result = box.send(RAW, SENDER, "a@example.net")
    box.close()
    assert (result.word, result.phase) == ("accepted", "mailbox")
    assert kept == [(RAW, SENDER, "a@example.net")]


def test_a_queue_id_is_found_in_the_words_of_common_servers() -> None:
    """Postfix and Exim name the id under which their own logs know the mail."""
    replies = [b"2.0.0 Ok: queued as 4F2A1B", b"OK id=1u2Xyz-0001aB-Cd", b"accepted"]
    assert [outcome.answered("dot", 250, reply).queue_id for reply in replies] == ["4F2A1B", "1u2Xyz-0001aB-Cd", None]
