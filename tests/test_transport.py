"""The way out: real mail servers that accept, refuse, drop, drip and show wrong certificates."""

from __future__ import annotations

import contextlib
import datetime as dt
import ipaddress
import signal
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

from forum.mail import client
from forum.mail.smtp import mail_state
from forum.mail.transport import Limits, MailboxTransport, Outcome, SmtpTransport, smtp_transport
from forum.settings import Settings

RAW = b"From: <notify@forum.example>\r\nTo: a@example.net\r\nSubject: x\r\n\r\n.hidden dot\r\nwords\r\n"
# More than the buffers between two sockets hold.
LARGE = RAW + b"0123456789abcdef\r\n" * 600_000
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


PLAIN, AT_ONCE = b"250 raw\r\n", b"250-raw\r\n250 PIPELINING\r\n"
both_ways = pytest.mark.parametrize("hello", [PLAIN, AT_ONCE], ids=["plain", "pipelining"])


def conversation(
    until: str,
    then: bytes | None = None,
    *,
    hello: bytes = PLAIN,
    last: Callable[[socket.socket], None] = lambda peer: None,
) -> Callable[[socket.socket], None]:
    """Play a polite server up to one command, the banner, the body or the dot, then do the last, answer and hang up."""
    answers = {"EHLO": hello, "MAIL": b"250 ok\r\n", "RCPT": b"250 ok\r\n", "DATA": b"354 go\r\n"}

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
        last(peer)
        if then:
            peer.sendall(then)

    return play


def silence(peer: socket.socket) -> None:
    """Say nothing until the client leaves; what it still says is read and ignored."""
    peer.settimeout(5)
    with contextlib.suppress(OSError):
        while peer.recv(65536):
            pass


def dripping(start: bytes) -> Callable[[socket.socket], None]:
    """Begin an answer and go on with it octet by octet, until the client leaves."""

    def play(peer: socket.socket) -> None:
        peer.settimeout(0.02)
        with contextlib.suppress(OSError):
            for octet in start + b"x" * 400:
                peer.sendall(bytes([octet]))
                with contextlib.suppress(TimeoutError):
                    if not peer.recv(65536):
                        return

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
        ("rcpt-550", "doubtful", "rcpt"),
        ("rcpt-550-5.7.1", "refused", "rcpt"),
        ("rcpt-552", "full", "rcpt"),
        ("rcpt-550-5.2.2", "full", "rcpt"),
        ("rcpt-501", "syntax", "rcpt"),
        ("rcpt-503-5.5.1", "syntax", "rcpt"),
        ("rcpt-421-4.7.0", "transient", "rcpt"),
        ("dot-451-4.7.1", "transient", "dot"),
        ("dot-554-5.7.1", "refused", "dot"),
        ("dot-550-5.1.1", "refused", "dot"),
        ("dot-550-5.6.0", "refused", "dot"),
        ("dot-552-5.2.2", "full", "dot"),
        ("dot-500", "syntax", "dot"),
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
@both_ways
def test_a_dropped_connection_is_named_by_how_far_it_got(
    script: Any, hello: bytes, until: str, word: str, phase: str
) -> None:
    """A drop before the dot is "not sent", after it "ambiguous", and at QUIT the mail stays accepted."""
    out = transport(script(conversation(until, hello=hello)))
    result = out.send(RAW, SENDER, "a@example.net")
    out.close()
    assert (result.word, result.phase) == (word, phase)


def test_a_drop_in_the_middle_of_the_body_is_not_sent(script: Any) -> None:
    """A mail larger than the socket's buffers, cut off half-way, never counts as possibly sent."""
    out = transport(script(conversation("body")))
    result = out.send(LARGE, SENDER, "a@example.net")
    out.close()
    assert (result.word, result.phase) == ("transient", "body")


@both_ways
def test_a_server_that_refuses_at_data_sent_nothing(script: Any, hello: bytes) -> None:
    """A reply other than 354 is judged like one to the recipient."""
    out = transport(script(conversation("DATA", b"554 5.7.1 no\r\n", hello=hello)))
    result = out.send(RAW, SENDER, "a@example.net")
    out.close()
    assert (result.word, result.phase, result.enhanced) == ("refused", "data", "5.7.1")


@both_ways
def test_a_server_that_hangs_up_after_its_refusal_hides_nothing(script: Any, hello: bytes) -> None:
    """The refusal stands, and the next mail finds a new connection."""
    out = transport(script(conversation("RCPT", b"550 5.1.1 nobody\r\n", hello=hello), conversation("QUIT")))
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
@both_ways
def test_a_silent_server_is_left_when_the_phases_time_is_over(script: Any, hello: bytes, until: str, word: str) -> None:
    """Silence ends by the limit, with the same words as a drop."""
    limits = Limits(reply=0.2, dot=0.2, quit=0.1, attempt=3)
    out = transport(script(conversation(until, hello=hello, last=silence)), limits)
    started = time.monotonic()
    result = out.send(RAW, SENDER, "a@example.net")
    out.close()
    assert result.word == word
    assert time.monotonic() - started < 2


def test_a_server_silent_at_goodbye_changes_nothing(script: Any) -> None:
    """A mail accepted before a hanging QUIT is accepted, and closing ends by its own limit."""
    out = transport(script(conversation("QUIT", last=silence)), Limits(quit=0.1))
    assert out.send(RAW, SENDER, "a@example.net").word == "accepted"
    started = time.monotonic()
    out.close()
    assert time.monotonic() - started < 2


@pytest.mark.parametrize("limits", [Limits(reply=0.3, dot=0.3, quit=0.1), Limits(attempt=0.3, quit=0.1)])
@pytest.mark.parametrize(
    ("until", "start", "word", "phase"),
    [
        ("banner", b"220-", "transport", "banner"),
        ("EHLO", b"250-raw\r\n250-", "transport", "ehlo"),
        ("AUTH", b"334 ", "transport", "auth"),
        ("MAIL", b"250-", "transient", "mail"),
        ("RCPT", b"250-", "transient", "rcpt"),
        ("DATA", b"354-", "transient", "data"),
        ("dot", b"250-", "ambiguous", "dot"),
    ],
)
def test_dripping_octets_gains_a_server_nothing(
    script: Any, limits: Limits, until: str, start: bytes, word: str, phase: str
) -> None:
    """An answer of one octet at a time ends by the phase's limit, or by the deadline of the attempt."""
    login = {"MAIL_USERNAME": "u", "MAIL_PASSWORD": "p"} if until == "AUTH" else {}
    play = conversation(until, hello=b"250-raw\r\n250 AUTH PLAIN\r\n", last=dripping(start))
    out = transport(script(play), limits, **login)
    started = time.monotonic()
    result = out.send(RAW, SENDER, "a@example.net")
    out.close()
    assert (result.word, result.phase) == (word, phase)
    assert time.monotonic() - started < 2


@pytest.mark.parametrize("limits", [Limits(reply=0.3), Limits(attempt=1)])
@pytest.mark.parametrize("key", ["MAIL_USE_SSL", "MAIL_USE_TLS"])
def test_a_dripping_handshake_gains_a_server_nothing_either(script: Any, limits: Limits, key: str) -> None:
    """A TLS record of 16 KB that comes octet by octet ends like any other slow answer."""
    record = dripping(b"\x16\x03\x03\x40\x00\x02")
    offered = b"250-raw\r\n250 STARTTLS\r\n"

    def answer_and_drip(peer: socket.socket) -> None:
        peer.sendall(b"220 go\r\n")
        record(peer)

    play = record if key == "MAIL_USE_SSL" else conversation("STAR", hello=offered, last=answer_and_drip)
    out = transport(script(play), limits, **{key: True})
    started = time.monotonic()
    result = out.send(RAW, SENDER, "a@example.net")
    assert (result.word, result.phase) == ("transport", "starttls")
    assert time.monotonic() - started < 4


@pytest.mark.parametrize("limits", [Limits(block=0.3), Limits(attempt=0.3)])
def test_a_server_that_reads_drop_by_drop_is_left(script: Any, limits: Limits) -> None:
    """A body that is hardly taken ends by the limit of a block, or by the deadline, and was not sent."""

    left = threading.Event()

    def sip(peer: socket.socket) -> None:
        peer.sendall(b"354 go\r\n")
        while not left.wait(0.02):
            peer.recv(1)

    out = transport(script(conversation("DATA", last=sip)), limits)
    started = time.monotonic()
    result = out.send(LARGE, SENDER, "a@example.net")
    left.set()
    assert (result.word, result.phase) == ("transient", "body")
    assert time.monotonic() - started < 2


@pytest.mark.parametrize("endless", [b"250-x\r\n", b"250-" + b"x" * 60])
def test_an_answer_without_an_end_fills_no_memory(script: Any, endless: bytes) -> None:
    """Lines that never stop, or a line that never stops, are no reply."""

    def pour(peer: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                peer.sendall(endless * 100)

    out = transport(script(conversation("EHLO", last=pour)))
    result = out.send(RAW, SENDER, "a@example.net")
    assert (result.word, result.phase, "no end" in result.text) == ("transport", "ehlo", True)


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


# Offering a message in one write


class Transcript:
    """A server that offers PIPELINING; each transaction answers as its dictionary says, all lines are kept."""

    def __init__(self, *transactions: dict[str, str]) -> None:
        self.lines: list[str] = []
        self.begun = 0
        self._transactions = transactions

    def __call__(self, peer: socket.socket) -> None:
        peer.sendall(b"220 raw\r\n")
        with peer.makefile("rb") as reader:
            for line in reader:
                for reply in self._answer(line.decode().strip(), reader):
                    peer.sendall(f"{reply}\r\n".encode())

    def _answer(self, line: str, reader: Any) -> Iterator[str]:
        self.lines.append(line)
        word = line[:4].upper()
        self.begun += word == "MAIL"
        said = dict(enumerate(self._transactions, 1)).get(self.begun, {})
        reply = said.get(word, {"EHLO": "250-raw\r\n250 PIPELINING", "DATA": "354 go"}.get(word, "250 ok"))
        yield reply
        if word == "DATA" and reply.startswith("354"):
            self._read_body(reader)
            yield said.get("dot", "250 ok")

    def _read_body(self, reader: Any) -> None:
        while (line := reader.readline()) not in (b".\r\n", b""):
            self.lines.append(f"> {line.decode().strip()}")
        self.lines.append("." if line else "(gone)")


def test_a_server_that_offers_pipelining_gets_envelope_and_data_in_one_write(script: Any) -> None:
    """The three commands come together: the server answers none of them before it has all."""
    seen: list[bytes] = []

    def take_three(peer: socket.socket) -> None:
        peer.sendall(b"220 raw\r\n")
        peer.recv(1000)
        peer.sendall(AT_ONCE)
        while not seen or seen[-1].count(b"\r\n") < 3:
            seen.append(b"".join([*seen[-1:], peer.recv(1000)]))
        peer.sendall(b"250 ok\r\n250 ok\r\n354 go\r\n")
        while not seen[-1].endswith(b"\r\n.\r\n"):
            seen.append(seen[-1] + peer.recv(1000))
        peer.sendall(b"250 ok\r\n")

    out = transport(script(take_three))
    assert out.send(RAW, SENDER, "a@example.net").word == "accepted"
    out.close()
    commands = f"MAIL FROM:<{SENDER}>\r\nRCPT TO:<a@example.net>\r\nDATA\r\n".encode()
    assert seen[-1] == commands + RAW.replace(b"\n.", b"\n..") + b".\r\n"


@pytest.mark.parametrize(
    ("said", "word", "phase", "then"),
    [
        ({"MAIL": "451 later", "RCPT": "503 no", "DATA": "503 no"}, "transient", "mail", ["RSET"]),
        ({"MAIL": "553 5.7.1 no", "RCPT": "503 no", "DATA": "503 no"}, "sender_refused", "mail", ["RSET"]),
        ({"RCPT": "550 5.1.1 no", "DATA": "554 no recipients"}, "bad_mailbox", "rcpt", ["RSET"]),
        ({"RCPT": "450 4.2.1 no", "DATA": "503 no"}, "transient", "rcpt", ["RSET"]),
        ({"RCPT": "550 5.1.1 no", "dot": "554 no recipients"}, "bad_mailbox", "rcpt", [".", "RSET"]),
        ({"RCPT": "552 no", "dot": "250 whatever"}, "full", "rcpt", [".", "RSET"]),
        ({"MAIL": "451 later", "RCPT": "503 no", "dot": "554 no"}, "transient", "mail", [".", "RSET"]),
        ({"DATA": "554 5.7.1 no"}, "refused", "data", ["RSET"]),
        ({"DATA": "451 later"}, "transient", "data", ["RSET"]),
    ],
)
def test_each_refusal_of_a_message_offered_in_one_write_is_taken_back(
    script: Any, said: dict[str, str], word: str, phase: str, then: list[str]
) -> None:
    """The first refusal decides, no line of the mail is sent, and the next mail goes over the same connection."""
    server = Transcript(said)
    out = transport(script(server))
    result = out.send(RAW, SENDER, "a@example.net")
    assert (result.word, result.phase) == (word, phase)
    assert server.lines[4:] == then
    assert out.send(RAW, SENDER, "b@example.net").word == "accepted"
    out.close()
    assert [line for line in server.lines if line.startswith("> To")] == ["> To: a@example.net"]


def test_a_server_that_takes_a_recipient_after_refusing_the_sender_is_left(script: Any) -> None:
    """No dot could be sent there without delivering an empty mail, so the connection is closed instead."""
    server = Transcript({"MAIL": "451 later"})
    out = transport(script(server, conversation("QUIT")))
    assert out.send(RAW, SENDER, "a@example.net").word == "transient"
    assert out.send(RAW, SENDER, "b@example.net").word == "accepted"
    out.close()
    assert "." not in server.lines


def test_a_refusal_stands_though_the_server_hangs_afterwards(script: Any) -> None:
    """The rest of the answers is waited for no longer than a goodbye."""

    def refuse_and_hang(peer: socket.socket) -> None:
        peer.sendall(b"550 5.1.1 no\r\n")
        silence(peer)

    out = transport(script(conversation("RCPT", hello=AT_ONCE, last=refuse_and_hang)), Limits(quit=0.1))
    started = time.monotonic()
    assert out.send(RAW, SENDER, "a@example.net").word == "bad_mailbox"
    assert time.monotonic() - started < 2


def test_words_nobody_asked_for_are_no_answer_to_the_next_mail(script: Any) -> None:
    """A farewell right behind an acceptance changes nothing, and the next mail goes over a new connection."""
    out = transport(script(conversation("dot", b"250 ok\r\n421 bye\r\n", hello=AT_ONCE), conversation("QUIT")))
    assert [out.send(RAW, SENDER, "a@example.net").word for _ in range(2)] == ["accepted", "accepted"]
    out.close()


@pytest.mark.parametrize("until", ["MAIL", "RCPT", "DATA"])
def test_a_reply_too_many_never_becomes_an_acceptance(script: Any, until: str) -> None:
    """When the server is a reply ahead nothing is sent: its 354 would be answered by what it says of something else."""
    play = conversation(until, b"250 ok\r\n250 ok\r\n354 go\r\n250 ok\r\n250 ok\r\n", hello=AT_ONCE)
    out = transport(script(play))
    assert out.send(RAW, SENDER, "a@example.net").word == "transient"
    out.close()


@both_ways
@pytest.mark.parametrize(
    ("until", "word", "phase"),
    [
        ("banner", "transport", "banner"),
        ("EHLO", "transport", "ehlo"),
        ("STAR", "transport", "starttls"),
        ("AUTH", "transport", "auth"),
        ("MAIL", "transient", "mail"),
        ("RCPT", "transient", "rcpt"),
        ("DATA", "transient", "data"),
        ("dot", "transient", "dot"),
    ],
)
def test_421_is_understood_everywhere(script: Any, hello: bytes, until: str, word: str, phase: str) -> None:
    """A server that closes says so at any point; the mail is not sent, and the next one connects anew."""
    offered = hello.replace(b"250 ", b"250-") + b"250-STARTTLS\r\n250 AUTH PLAIN\r\n"
    play = conversation(until, b"421 4.3.2 closing\r\n", hello=offered)
    login = {"MAIL_USERNAME": "u", "MAIL_PASSWORD": "p"} if until == "AUTH" else {}
    out = transport(script(play, conversation("QUIT")), MAIL_USE_TLS=until == "STAR", **login)
    result = out.send(RAW, SENDER, "a@example.net")
    assert (result.word, result.phase, result.code) == (word, phase, 421)
    assert result.slow_down is (phase in ("rcpt", "data", "dot"))
    if word == "transient":
        assert out.send(RAW, SENDER, "b@example.net").word == "accepted"
    out.close()


def test_what_is_whispered_before_tls_is_not_heard_in_it(script: Any) -> None:
    """A reply smuggled in behind the one to STARTTLS ends the conversation."""
    play = conversation("STAR", b"220 go\r\n250 trust me\r\n", hello=b"250-raw\r\n250 STARTTLS\r\n")
    result = transport(script(play), MAIL_USE_TLS=True).send(RAW, SENDER, "a@example.net")
    assert (result.word, result.phase, "without being asked" in result.text) == ("transport", "starttls", True)


# The name of the server


@pytest.fixture
def hole() -> Iterator[int]:
    """A port where a connection is neither accepted nor refused: the queue of who waits there is full."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        port = listener.getsockname()[1]
        with contextlib.ExitStack() as waiting:
            for _ in range(4):
                peer = waiting.enter_context(socket.socket())
                peer.setblocking(False)
                peer.connect_ex(("127.0.0.1", port))
            yield port


def names(monkeypatch: pytest.MonkeyPatch, *ports: int) -> None:
    """Let every name have an address for each port."""
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port)) for port in ports]
    monkeypatch.setattr(client.socket, "getaddrinfo", lambda *_, **__: found)


def test_a_name_that_is_looked_up_for_ever_costs_the_limit_and_is_asked_again(
    script: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A resolver that hangs is left behind, and the next mail asks anew."""
    awake = threading.Event()
    out = transport(script(conversation("QUIT")), Limits(connect=0.2))
    with monkeypatch.context() as patch:
        patch.setattr(client.socket, "getaddrinfo", lambda *_, **__: awake.wait(20) and [])
        started = time.monotonic()
        result = out.send(RAW, SENDER, "a@example.net")
        assert (result.word, result.phase, time.monotonic() - started < 2) == ("transport", "connect", True)
    assert out.send(RAW, SENDER, "b@example.net").word == "accepted"
    out.close()
    awake.set()


def test_a_name_that_does_not_exist_is_a_transport_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    """The resolver's no is told."""

    def unknown(*_: Any, **__: Any) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(client.socket, "getaddrinfo", unknown)
    result = transport(25).send(RAW, SENDER, "a@example.net")
    assert (result.word, result.phase, "not known" in result.text) == ("transport", "connect", True)


def test_each_address_of_a_name_gets_its_part_of_the_time(
    script: Any, hole: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One address that swallows and one that refuses do not keep the third from being used."""
    names(monkeypatch, hole, free_port(), script(conversation("QUIT")))
    out = transport(0, Limits(connect=0.9))
    started = time.monotonic()
    assert out.send(RAW, SENDER, "a@example.net").word == "accepted"
    out.close()
    assert time.monotonic() - started < 2


def test_all_addresses_together_have_the_limit(hole: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Three addresses that swallow take no longer than one."""
    names(monkeypatch, hole, hole, hole)
    started = time.monotonic()
    result = transport(0, Limits(connect=0.3)).send(RAW, SENDER, "a@example.net")
    assert (result.word, result.phase, time.monotonic() - started < 2) == ("transport", "connect", True)


@pytest.mark.parametrize("config", [{"MAIL_PORT": 99_999}, {"MAIL_SERVER": "." * 70}, {"MAIL_SERVER": "ä" * 70}])
def test_a_place_that_cannot_be_is_a_transport_failure(config: dict[str, Any]) -> None:
    """A port or name that no socket knows ends in an outcome like any other."""
    result = transport(25, **config).send(RAW, SENDER, "a@example.net")
    assert (result.word, result.phase) == ("transport", "connect")


# Ended from our side


def aborted(out: SmtpTransport, reached: threading.Event, raw: bytes = RAW) -> tuple[Outcome, float]:
    """Send, abort when that point is reached, and return the outcome and the seconds that ending took."""
    results: list[Outcome] = []
    thread = threading.Thread(target=lambda: results.append(out.send(raw, SENDER, "a@example.net")))
    thread.start()
    assert reached.wait(10)
    started = time.monotonic()
    out.abort()
    thread.join(10)
    return results[0], time.monotonic() - started


@pytest.mark.parametrize(
    ("until", "word", "phase"),
    [
        ("banner", "transport", "banner"),
        ("EHLO", "transport", "ehlo"),
        ("STAR", "transport", "starttls"),
        ("AUTH", "transport", "auth"),
        ("MAIL", "transient", "mail"),
        ("RCPT", "transient", "rcpt"),
        ("DATA", "transient", "data"),
        ("body", "transient", "body"),
        ("dot", "ambiguous", "dot"),
    ],
)
def test_a_conversation_is_ended_at_once_in_every_phase(script: Any, until: str, word: str, phase: str) -> None:
    """Aborting wakes the sender; the outcome is what the phase says, and later mails are sent."""
    reached, over = threading.Event(), threading.Event()

    def hang(peer: socket.socket) -> None:
        if until == "body":
            peer.recv(1)
        reached.set()
        over.wait(10)

    offered = b"250-raw\r\n250-STARTTLS\r\n250 AUTH PLAIN\r\n"
    login = {"MAIL_USERNAME": "u", "MAIL_PASSWORD": "p"} if until == "AUTH" else {}
    play = conversation(until, hello=offered, last=hang)
    # Without TLS or a password the second server would be of no use to the two phases that want them.
    second = [] if until in ("STAR", "AUTH") else [conversation("QUIT")]
    out = transport(script(play, *second), Limits(quit=0.3), MAIL_USE_TLS=until == "STAR", **login)
    result, seconds = aborted(out, reached, LARGE if until == "body" else RAW)
    over.set()
    assert (result.word, result.phase, seconds < 2) == (word, phase, True)
    assert "from our side" in result.text
    if second:
        assert out.send(RAW, SENDER, "b@example.net").word == "accepted"
    out.close()


@pytest.mark.parametrize("key", ["MAIL_USE_SSL", "MAIL_USE_TLS"])
def test_a_handshake_is_ended_at_once(script: Any, key: str) -> None:
    """A server that answers no hello in TLS holds nobody up."""
    reached, over = threading.Event(), threading.Event()

    def hang(peer: socket.socket) -> None:
        if key == "MAIL_USE_TLS":
            peer.sendall(b"220 go\r\n")
        peer.recv(1)
        reached.set()
        over.wait(10)

    play = hang if key == "MAIL_USE_SSL" else conversation("STAR", hello=b"250-raw\r\n250 STARTTLS\r\n", last=hang)
    result, seconds = aborted(transport(script(play), Limits(), **{key: True}), reached)
    over.set()
    assert (result.word, result.phase, seconds < 2) == ("transport", "starttls", True)


def test_looking_a_name_up_is_ended_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """So is waiting for a resolver."""
    reached, awake = threading.Event(), threading.Event()
    monkeypatch.setattr(client.socket, "getaddrinfo", lambda *_, **__: reached.set() or (awake.wait(20) and []))
    result, seconds = aborted(transport(25), reached)
    awake.set()
    assert (result.word, result.phase, seconds < 2) == ("transport", "connect", True)


def test_connecting_is_ended_at_once(hole: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """So is waiting for a server that swallows, and its other addresses are not tried."""
    reached = threading.Event()
    connect = client.Client._connect_to

    def tell(self: Any, *arguments: Any) -> None:
        threading.Timer(0.1, reached.set).start()
        connect(self, *arguments)

    monkeypatch.setattr(client.Client, "_connect_to", tell)
    names(monkeypatch, hole, hole)
    result, seconds = aborted(transport(0, Limits(connect=20)), reached)
    assert (result.word, seconds < 2) == ("transport", True)


def test_a_kept_connection_that_is_ended_is_not_replaced_for_the_same_mail(script: Any) -> None:
    """Who ended it wants no second try: that a stale connection is replaced does not hold here."""
    reached, over = threading.Event(), threading.Event()

    def hang(peer: socket.socket) -> None:
        reached.set()
        over.wait(10)

    out = transport(script(one_mail_then(b"", last=hang)), Limits())
    assert out.send(RAW, SENDER, "a@example.net").word == "accepted"
    result, seconds = aborted(out, reached)
    over.set()
    assert (result.word, result.phase, seconds < 2) == ("transient", "mail", True)


def test_ending_nothing_does_nothing(serve: Any, sink: Sink) -> None:
    """Between two mails there is nothing to end, and the connection is kept."""
    out = transport(serve())
    out.abort()
    for _ in range(2):
        assert out.send(RAW, SENDER, "a@example.net").word == "accepted"
        out.abort()
    out.close()
    assert len(sink.sessions) == 1


def test_a_signal_may_end_the_conversation_of_its_own_thread(script: Any) -> None:
    """The handler runs in the thread that waits, and what it waits for is over."""
    me = threading.get_ident()

    def signal_and_hang(peer: socket.socket) -> None:
        signal.pthread_kill(me, signal.SIGUSR1)
        silence(peer)

    out = transport(script(conversation("dot", last=signal_and_hang)), Limits())
    before = signal.signal(signal.SIGUSR1, lambda *_: out.abort())
    started = time.monotonic()
    try:
        result = out.send(RAW, SENDER, "a@example.net")
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert (result.word, result.phase, time.monotonic() - started < 2) == ("ambiguous", "dot", True)


# Limits


@pytest.mark.parametrize(
    ("timeout", "lease", "expected"),
    [(600, 900, (600, 700)), (60, 900, (60, 160)), (600, 620, (558, 558)), (1, 2, (1, 1.8)), (600, 750, (600, 675))],
)
def test_an_attempt_is_over_before_its_lease(timeout: int, lease: int, expected: tuple[float, float]) -> None:
    """The hard deadline leaves a tenth of the lease to settle, and the wait after the dot is no longer than that."""
    ours = settings(FORUM_MAIL_POST_DOT_TIMEOUT=timeout, FORUM_MAIL_LEASE_SECONDS=lease)
    limits = Limits.of(ours)
    assert (limits.dot, limits.attempt) == pytest.approx(expected)
    assert (limits.messages, limits.age, limits.idle) == (50, 60, 10)


def test_an_outcome_says_how_long_its_parts_took(serve: Any) -> None:
    """Opening counts for the mail that had to open; the parts are no longer than the whole."""
    out = transport(serve())
    started = time.monotonic()
    first = out.send(RAW, SENDER, "a@example.net")
    whole = time.monotonic() - started
    second = out.send(RAW, SENDER, "a@example.net")
    refused = out.send(RAW, SENDER, "rcpt-550@example.net")
    out.close()
    assert min(first.opening, first.envelope, first.content) > 0
    assert first.opening + first.envelope + first.content <= whole
    assert (second.opening, second.envelope > 0, second.content > 0) == (0, True, True)
    assert (refused.opening, refused.envelope > 0, refused.content) == (0, True, 0)


def test_a_transport_is_named_by_server_port_and_user() -> None:
    """What is learnt of one account says nothing about another; a password is in no name."""
    assert transport(587, MAIL_USERNAME="u", MAIL_PASSWORD="secret").name == "127.0.0.1:587:u"
    assert transport(25).name == "127.0.0.1:25:"
    assert MailboxTransport(lambda raw, sender, to: None).name == "mailbox"


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


def one_mail_then(
    farewell: bytes, *, hello: bytes = PLAIN, last: Callable[[socket.socket], None] = lambda peer: None
) -> Callable[[socket.socket], None]:
    """Take one mail, then at the next MAIL do the last, answer with this farewell (or none) and hang up."""

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
                    last(peer)
                    peer.sendall(farewell)
                    return
                body = line.upper().startswith(b"DATA")
                peer.sendall({b"EHLO": hello, b"DATA": b"354 go\r\n"}.get(line[:4].upper(), b"250 ok\r\n"))

    return play


@pytest.mark.parametrize("farewell", [b"", b"421 4.4.2 idle too long\r\n"])
@both_ways
def test_a_kept_connection_that_died_meanwhile_costs_the_mail_nothing(
    script: Any, hello: bytes, farewell: bytes
) -> None:
    """When the server hung up between two mails, the second one goes over a new connection at once."""
    out = transport(script(one_mail_then(farewell, hello=hello), conversation("QUIT")))
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


def test_certificates_are_read_anew_after_a_failure(serve_tls: Any, sink: Sink, tmp_path: Path) -> None:
    """A CA file that is put right is noticed without a restart, and one that is right is read once."""
    port, pem = serve_tls("127.0.0.1", implicit=True)
    other = tmp_path / "ca.pem"
    out = transport(port, Limits(messages=1), ca_file=other, MAIL_USE_SSL=True)
    assert out.send(RAW, SENDER, "a@example.net").word == "transport"
    other.write_bytes(pem.read_bytes())
    assert out.send(RAW, SENDER, "a@example.net").word == "accepted"
    other.unlink()
    assert out.send(RAW, SENDER, "a@example.net").word == "accepted"
    out.close()


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


@pytest.mark.parametrize("end", [b"\n", b"\r", b"\r\r\n"])
def test_a_message_with_other_line_ends_is_poison(serve: Any, sink: Sink, end: bytes) -> None:
    """A line end that servers read in two ways could end the message early and smuggle in another."""
    raw = RAW + end + b"." + end + b"MAIL FROM:<x@example.net>\r\n"
    assert (transport(serve()).send(raw, SENDER, "a@example.net").word, sink.sessions) == ("poison", [])


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
