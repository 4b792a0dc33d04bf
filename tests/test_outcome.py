"""What a mail server says, and the word to act on: every row of the table."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forum.mail.outcome import OPENING, Outcome, answered, classify, lost, masked

MESSAGE = ("rcpt", "data", "dot")


@pytest.mark.parametrize("phase", sorted(OPENING))
@pytest.mark.parametrize("code", [421, 454, 500, 530, 535, 554])
def test_before_the_first_message_every_refusal_is_the_transports(phase: str, code: int) -> None:
    """No message is at fault for a banner, a greeting, TLS or a password."""
    assert answered(phase, code, b"5.7.1 no").word == lost(phase, "gone").word == "transport"


@pytest.mark.parametrize(
    ("code", "word"),
    [(421, "transient"), (451, "transient"), (452, "transient")]
    + [(code, "sender_refused") for code in (500, 501, 503, 530, 550, 552, 553, 554)],
)
def test_a_refused_sender_is_ours(code: int, word: str) -> None:
    """At MAIL FROM a 4xx passes and a 5xx is about us, whatever its enhanced code."""
    for status in (None, f"{code // 100}.1.1", f"{code // 100}.2.2", f"{code // 100}.7.1"):
        assert classify("mail", code, status) == word


@pytest.mark.parametrize("phase", MESSAGE)
@pytest.mark.parametrize("code", [421, 450, 451, 452, 499])
@pytest.mark.parametrize("status", [None, "4.0.0", "4.2.1", "4.3.1", "4.7.1"])
def test_every_other_4xx_is_transient(phase: str, code: int, status: str | None) -> None:
    """A temporary refusal is tried again."""
    assert classify(phase, code, status) == "transient"


@pytest.mark.parametrize("status", ["5.1.1", "5.1.2", "5.1.3", "5.1.10", "5.2.1"])
@pytest.mark.parametrize("code", [501, 550, 551, 553, 554])
def test_five_statuses_say_that_the_mailbox_does_not_exist(status: str, code: int) -> None:
    """They do at RCPT alone: after the message the same words are about the message."""
    assert classify("rcpt", code, status) == "bad_mailbox"
    assert classify("dot", code, status) in ("refused", "syntax")


@pytest.mark.parametrize("phase", MESSAGE)
@pytest.mark.parametrize(
    ("code", "status"),
    [(552, None), (552, "5.2.2"), (550, "5.2.2"), (554, "5.2.2"), (452, "4.2.2"), (450, "4.2.2"), (552, "5.0.0")],
)
def test_a_mailbox_without_room_is_full(phase: str, code: int, status: str | None) -> None:
    """552 says so, and x.2.2 under any code."""
    assert classify(phase, code, status) == "full"


@pytest.mark.parametrize("phase", MESSAGE)
@pytest.mark.parametrize(
    ("code", "status"),
    [(550, "5.7.1"), (552, "5.7.0"), (501, "5.7.1"), (550, "5.6.0"), (554, None), (554, "5.0.0"), (552, "5.3.4")],
)
def test_policy_and_content_say_nothing_about_the_address(phase: str, code: int, status: str | None) -> None:
    """5.7.x, 5.6.x, 554, and a mail that is too large, are refusals of the mail."""
    assert classify(phase, code, status) == "refused"


@pytest.mark.parametrize(("phase", "word"), [("rcpt", "doubtful"), ("data", "refused"), ("dot", "refused")])
@pytest.mark.parametrize("code", [521, 550, 551, 553, 556])
def test_a_bare_no_is_weak_evidence_against_the_mailbox_at_rcpt_only(phase: str, word: str, code: int) -> None:
    """Without an enhanced code a 5xx may mean the address, or a provider that is ill."""
    assert classify(phase, code, None) == word
    assert classify(phase, code, "5.4.1") == "refused"


@pytest.mark.parametrize("phase", MESSAGE)
@pytest.mark.parametrize("code", [500, 501, 503])
@pytest.mark.parametrize("status", [None, "5.5.1", "5.5.2"])
def test_a_server_that_does_not_understand_shows_a_mistake_of_ours(phase: str, code: int, status: str | None) -> None:
    """500, 501 and 503 in the middle of a message are not the recipient's fault, nor the server's."""
    assert classify(phase, code, status) == "syntax"


@pytest.mark.parametrize("code", [-1, 100, 220, 354, 600, 999])
def test_gibberish_is_ambiguous_after_the_dot_and_not_sent_before(code: int) -> None:
    """Only after the dot may the server have taken the mail."""
    words = [classify(phase, code, None) for phase in ("mail", "rcpt", "data")]
    assert words == ["transient"] * 3
    assert classify("dot", code, None) == ("accepted" if code == 220 else "ambiguous")


def test_a_drop_is_ambiguous_after_the_dot_only() -> None:
    """The kernel took the last octet, and nobody answered: that alone is not known."""
    words = {phase: lost(phase, "gone").word for phase in ("mail", "rcpt", "data", "body", "dot")}
    assert words == dict.fromkeys(("mail", "rcpt", "data", "body"), "transient") | {"dot": "ambiguous"}


@pytest.mark.parametrize(
    ("code", "status", "at_sender", "later"),
    [
        (421, None, False, True),
        (421, "4.3.2", False, True),
        (421, "4.7.0", True, True),
        (450, "4.2.1", False, True),
        (450, "4.7.1", True, True),
        (451, "4.7.650", True, True),
        (451, "4.7.1", False, False),
        (452, "4.2.1", False, False),
        (450, None, False, False),
        (451, "4.3.0", False, False),
        (550, "5.7.1", False, False),
    ],
)
def test_a_server_may_ask_for_less_mail(code: int, status: str | None, at_sender: bool, later: bool) -> None:
    """4.7.x slows one domain down, greylisting aside; so do 421 and 450 4.2.1, but not before it heard of a recipient.

    At MAIL FROM a server of our own that is busy says so too; in the opening it is all about the transport.
    """
    assert answered("mail", code, f"{status or ''} words").slow_down is at_sender
    assert [answered(phase, code, f"{status or ''} words").slow_down for phase in MESSAGE] == [later] * 3
    assert not any(answered(phase, code, f"{status or ''} words").slow_down for phase in OPENING)
    assert not lost("rcpt", "gone").slow_down


def test_an_enhanced_code_counts_only_in_front_and_of_the_replys_own_class() -> None:
    """A 5.1.1 somewhere in a sentence, or behind a 4xx, is not the server's status."""
    assert answered("rcpt", 550, b"see 5.1.1 below").enhanced is None
    assert answered("rcpt", 451, b"5.1.1 nobody").word == "transient"
    assert answered("rcpt", 550, b"5.1.1 nobody\n5.1.1 here").word == "bad_mailbox"


def test_a_queue_id_is_found_in_the_words_of_common_servers() -> None:
    """Postfix and Exim name the id under which their own logs know the mail."""
    replies = [b"2.0.0 Ok: queued as 4F2A1B", b"OK id=1u2Xyz-0001aB-Cd", b"accepted"]
    assert [answered("dot", 250, reply).queue_id for reply in replies] == ["4F2A1B", "1u2Xyz-0001aB-Cd", None]


def test_how_long_it_took_is_told_and_compared_with_nothing() -> None:
    """Two attempts that went the same way are equal, however long they took."""
    slow = answered("dot", 250, b"ok", opening=3.0, envelope=2.0, content=1.0)
    assert slow == answered("dot", 250, b"ok") == Outcome("accepted", "dot", 250, None, "ok")
    assert (slow.opening, slow.envelope, slow.content) == (3.0, 2.0, 1.0)


@given(st.text())
def test_what_is_stored_of_a_reply_is_one_short_printable_line(text: str) -> None:
    """No reply breaks a log or a page, whatever is in it."""
    line = masked(text)
    assert line.isprintable()
    assert len(line) <= 300
    assert masked(line) == line


@given(st.text("abz09.+-", min_size=2, max_size=64), st.sampled_from(["<{}> no", "{} no", "user={};", "({})"]))
def test_no_reply_gives_an_address_away(local: str, words: str) -> None:
    """Of an address only its first letter and its domain stay."""
    line = masked(words.format(f"{local}@example.net"))
    assert "•••@example.net" in line
    assert f"{local}@" not in line


def test_every_reply_has_a_word() -> None:
    """Whatever the phase, code and status, the table has an answer."""
    statuses = [None, *(f"{a}.{b}.{c}" for a, b, c in itertools.product((2, 4, 5), range(8), range(12)))]
    phases = ("mail", *MESSAGE, *OPENING)
    words = {classify(*case) for case in itertools.product(phases, (-1, 250, 354, 421, 450, 550, 552, 554), statuses)}
    assert words <= {"accepted", "transient", "full", "refused", "bad_mailbox", "doubtful", "transport"} | {
        "sender_refused",
        "ambiguous",
    }
