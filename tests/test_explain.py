"""Plain words for what became of a comment's mail: each stored reason has its sentence, each person a line."""

from __future__ import annotations

import ast
import datetime as dt
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from forum import explain
from forum.explain.sentences import known
from forum.models import Address, Comment, Event, Item, Message, Throttle
from forum.settings.values import SCOPES
from tests.visitors import Site

FORUM = Path(__file__).parent.parent / "forum"
# A reason that names a kind and a case: what may stand for the case.
CASES = {
    "suppressed:": ("refused", "unsubscribed", "bounced", "complained", "admin"),
    "limit:": SCOPES,
    "address_": ("none", "pending", "confirmed", "unsubscribed", "refused", "bounced", "complained", "blocked"),
}


def texts(expression: ast.AST) -> Iterator[str]:
    """The texts an expression can be; of a text with a hole only what stands before the hole."""
    if isinstance(expression, ast.Constant) and isinstance(expression.value, str):
        yield expression.value
    elif isinstance(expression, ast.JoinedStr) and isinstance(expression.values[0], ast.Constant):
        yield str(expression.values[0].value)
    elif isinstance(expression, ast.IfExp):
        yield from (*texts(expression.body), *texts(expression.orelse))
    elif isinstance(expression, ast.BoolOp):
        for part in expression.values:
            yield from texts(part)
    elif isinstance(expression, ast.Tuple):
        for part in expression.elts:
            yield from texts(part)
    elif isinstance(expression, ast.Call):
        for part in expression.args:
            yield from texts(part)


def assigned(statement: ast.Assign) -> Iterator[str]:
    """The texts given to something called a reason why not."""
    for target in statement.targets:
        pairs = [(target, statement.value)]
        if isinstance(target, ast.Tuple) and isinstance(statement.value, ast.Tuple):
            pairs = list(zip(target.elts, statement.value.elts, strict=True))
        for name, value in pairs:
            called = name.attr if isinstance(name, ast.Attribute) else getattr(name, "id", "")
            if called in ("skip_reason", "why_not", "refusal", "REASON"):
                yield from texts(value)


def answers(function: ast.FunctionDef) -> Iterator[str]:
    """The texts a function returns, if it is one of those that answer with a reason why not."""
    declared = ast.unparse(function.returns) if function.returns else ""
    if function.name.lstrip("_") in ("refusal", "why_not") or declared == "Words | str":
        for node in ast.walk(function):
            if isinstance(node, ast.Return) and node.value is not None:
                yield from texts(node.value)


def reasons(file: Path) -> Iterator[str]:
    """Every reason why not that stands in a module."""
    for node in ast.walk(ast.parse(file.read_bytes())):
        if isinstance(node, ast.keyword) and node.arg in ("skip_reason", "why_not"):
            yield from texts(node.value)
        elif isinstance(node, ast.Assign):
            yield from assigned(node)
        elif isinstance(node, ast.FunctionDef):
            yield from answers(node)


def stored() -> set[str]:
    """Every reason the code can store: read from the code itself."""
    rooms = [file for file in FORUM.rglob("*.py") if file.relative_to(FORUM).parts[0] not in ("explain", "migrations")]
    found = {text for file in rooms for text in reasons(file)}
    return {f"{text}{case}" for text in found for case in CASES.get(text, ("",))}


def test_the_code_is_read_well() -> None:
    """The reasons found in the code are there, of every kind in which they are written."""
    assert {
        "self",
        "suppressed:refused",
        "limit:site",
        "address_confirmed",
        "stale",
        "expired",
        "access",
        "empty",
    } <= stored()


@pytest.mark.parametrize("reason", sorted(stored()))
def test_every_stored_reason_has_a_sentence(reason: str) -> None:
    """Whatever the code stores as a reason, there are words for it."""
    assert reason in known()


def test_no_sentence_is_left_over() -> None:
    """Each sentence belongs to a reason that is still stored."""
    assert known() <= stored()


def test_every_limit_has_a_sentence() -> None:
    """Each scope of FORUM_MAIL_CONFIRM_LIMITS can be explained."""
    assert {f"limit:{scope}" for scope in SCOPES} <= known()


def test_an_unknown_reason_is_shown_as_it_is() -> None:
    """A reason from a newer release is not hidden, and breaks nothing."""
    assert "'moon_phase'" in explain.because("moon_phase")


def said_of(site: Site, comment: int) -> list[str]:
    """The lines about a comment, as people read them."""
    with site.session() as session:
        lines = explain.told(session, session.get_one(Comment, comment), site.state.settings, site.clock())
        return [str(line) for line in lines]


def change(site: Site, what: Any, **values: Any) -> None:
    """Set columns of all rows of a table."""
    with site.session() as session:
        session.execute(update(what).values(**values))
        session.commit()


@pytest.fixture
def answered(site: Site) -> tuple[Site, int]:
    """A site where Ben has answered Ann, who is told."""
    mine = site.follower("Ann")
    return site, site.comment("An answer.", parent=mine)


def test_whoever_was_mailed(answered: tuple[Site, int]) -> None:
    """A mail that left is told with its time; what the development mailbox took is not called accepted by a server."""
    site, answer = answered
    site.deliver()
    assert said_of(site, answer) == ["a•••@reader.example: mailed 22 Nov 2026 12:00, kept in the development mailbox"]
    change(site, Message, smtp_code=250)
    assert said_of(site, answer) == ["a•••@reader.example: mailed 22 Nov 2026 12:00, accepted by the mail server (250)"]


def test_before_the_first_delivery(answered: tuple[Site, int]) -> None:
    """Until a worker has looked at the comment, nobody knows whom it reaches, and the line says so."""
    site, answer = answered
    assert said_of(site, answer) == ["the next delivery finds out who else is to be told"]


def test_a_held_comment_tells_nobody(make_site: Callable[..., Site]) -> None:
    """While a comment waits for a moderator there is nothing to mail, and that is said."""
    site = make_site(FORUM_MODERATION="all")
    site.add_article()
    assert said_of(site, site.comment()) == ["nobody is told while the comment is held"]


def test_nobody_follows(site: Site) -> None:
    """A comment that reaches nobody says so rather than nothing."""
    posted = site.comment()
    site.deliver()
    assert said_of(site, posted) == [
        "there was nobody to tell: nobody followed it, or it was brought in and is no news"
    ]


def test_who_did_not_ask(site: Site) -> None:
    """The author of the parent who left the box unticked gets a line with that reason."""
    mine = site.comment(name="Ann", email="ann@reader.example")
    answer = site.comment("An answer.", parent=mine)
    site.deliver()
    assert said_of(site, answer) == ["a•••@reader.example: not mailed: they did not ask to be told"]


def test_who_has_not_confirmed(site: Site) -> None:
    """Somebody who has not pressed the button yet waits, and the mails that asked them are told beside it."""
    mine = site.comment(name="Ann", email="ann@reader.example", notify="direct")
    answer = site.comment("An answer.", parent=mine)
    site.deliver()
    assert said_of(site, answer) == ["a•••@reader.example: waits: they have not confirmed their address yet"]
    with site.session() as session:
        lines = explain.asked(session, session.scalars(select(Address)).one(), site.state.settings, site.clock())
    assert [str(line) for line in lines] == [
        "a•••@reader.example: asked to confirm: mailed 22 Nov 2026 12:00, kept in the development mailbox"
    ]


def test_the_hold_and_the_cooldown(make_site: Callable[..., Site]) -> None:
    """Who waits is told until when and for what: the hold first, the cooldown after a recent mail."""
    site = make_site(FORUM_MAIL_HOLD_SECONDS=120, FORUM_MAIL_COOLDOWN_SECONDS=900)
    site.add_article()
    mine = site.follower("Ann")
    first = site.comment("One.", parent=mine)
    site.deliver()
    hold = "the hold, in which a slip can be edited or removed"
    assert said_of(site, first) == [f"a•••@reader.example: waits until 22 Nov 2026 12:02: {hold}"]
    site.deliver(130)
    second = site.comment("Two.", parent=mine)
    site.deliver()
    site.deliver(130)
    cooldown = "they had a mail about this conversation a short while ago"
    assert said_of(site, second) == [f"a•••@reader.example: waits until 22 Nov 2026 12:17: {cooldown}"]


@pytest.mark.parametrize(
    ("item", "sentence"),
    [
        ({"cadence": "daily"}, "the digest they get once a day"),
        ({"cadence": "rolled"}, "one digest, since they got as many mails as one gets in a day"),
    ],
)
def test_digests(answered: tuple[Site, int], item: dict[str, str], sentence: str) -> None:
    """Who waits for a digest is told for which."""
    site, answer = answered
    site.deliver()
    later = site.clock() + dt.timedelta(hours=5)
    change(site, Item, state="waiting", message_id=None, due_at=later, **item)
    assert said_of(site, answer) == [f"a•••@reader.example: waits until 22 Nov 2026 17:00: {sentence}"]


def test_a_pause(answered: tuple[Site, int]) -> None:
    """Who paused all mail waits until the pause ends."""
    site, answer = answered
    site.deliver()
    later = site.clock() + dt.timedelta(days=5)
    change(site, Address, paused_until=later)
    change(site, Item, state="waiting", message_id=None, due_at=later)
    assert said_of(site, answer)[0].endswith(
        "waits until 27 Nov 2026 12:00: they paused all mail until 27 Nov 2026 12:00"
    )


REFUSED = {"last_error": "rcpt: no such user", "smtp_code": 550, "enhanced_code": "5.1.1"}


@pytest.mark.parametrize(
    ("message", "sentence"),
    [
        ({"state": "claimed"}, "waits: a worker has taken it to send it"),
        ({"state": "sending"}, "waits: it is being handed to the mail server, or the worker died doing that"),
        (
            {"state": "failed", **REFUSED},
            "not mailed: the mail server refused it for good, rcpt: no such user (550 5.1.1)",
        ),
        (
            {"state": "dead", "attempts": 12, "last_error": "data: busy", "smtp_code": 451},
            "not mailed: given up after 12 tries, data: busy (451)",
        ),
        (
            {"state": "dead", "attempts": 2, "ambiguous": 2, "last_error": "dot: timeout"},
            "perhaps mailed, and not tried again, dot: timeout",
        ),
        ({"state": "expired", "skip_reason": "expired"}, "not mailed: it could not be sent before its time was over"),
        (
            {"state": "cancelled", "skip_reason": "sending_suppressed"},
            "not mailed: sending is switched off (TESTING or MAIL_SUPPRESS_SEND)",
        ),
        (
            {"state": "ready", "attempts": 1, "last_error": "rcpt: greylisted", "smtp_code": 450, "minutes": 5},
            "waits until 22 Nov 2026 12:05: try 2, after rcpt: greylisted (450)",
        ),
        ({"state": "ready", "minutes": 0}, "waits for the next delivery, since 22 Nov 2026 12:00"),
    ],
)
def test_every_state_of_a_message(answered: tuple[Site, int], message: dict[str, Any], sentence: str) -> None:
    """A message in any state is told in a sentence, with the server's last answer where there was one."""
    site, answer = answered
    site.deliver()
    wait = dt.timedelta(minutes=message.get("minutes", 0))
    values = {key: value for key, value in message.items() if key != "minutes"}
    given = {"smtp_code": None, "not_before": site.clock() + wait, **values}
    with site.session() as session:
        session.execute(update(Message).where(Message.kind == "reply").values(given))
        session.commit()
    assert said_of(site, answer) == [f"a•••@reader.example: {sentence}"]


@pytest.fixture
def due(answered: tuple[Site, int]) -> tuple[Site, int]:
    """A site where the mail to Ann is due and has not left."""
    site, answer = answered
    site.deliver()
    waits = {"state": "ready", "not_before": site.clock(), "accepted_at": None, "smtp_code": None}
    with site.session() as session:
        session.execute(update(Message).where(Message.kind == "reply").values(waits))
        session.commit()
    return site, answer


def hold_back(site: Site, scope: str, key: str, minutes: int) -> None:
    """Have the mail server or a domain hold mail back since some minutes, and be tried again in one."""
    now = site.clock()
    since = now - dt.timedelta(minutes=minutes)
    row = Throttle(scope=scope, key=key, failures=2, rate=10.0, since=since, changed_at=since)
    row.open_until, row.last_error = now + dt.timedelta(minutes=1), "connect: refused ann@reader.example"
    with site.session() as session:
        session.add(row)
        session.commit()


def test_a_mail_server_that_is_away(due: tuple[Site, int]) -> None:
    """Who waits for the mail server is told since when it is away, when it is tried again, and its words, masked."""
    hold_back(due[0], "transport", "mx.host.example:25:", 4)
    assert said_of(*due) == [
        "a•••@reader.example: waits since 22 Nov 2026 12:00: the mail server cannot be used since 22 Nov 2026 11:56 "
        "and is tried again at 22 Nov 2026 12:01: connect: refused a•••@reader.example"
    ]
    due[0].clock.advance(90)
    assert "and is tried again with the next delivery" in said_of(*due)[0]


def test_a_domain_that_asked_for_less(due: tuple[Site, int]) -> None:
    """Who waits for their own domain is told that, and another domain holds nobody up."""
    hold_back(due[0], "domain", "other.example", 4)
    assert said_of(*due)[0].endswith("waits for the next delivery, since 22 Nov 2026 12:00")
    hold_back(due[0], "domain", "reader.example", 4)
    slow = "reader.example asked for less mail at 22 Nov 2026 11:56, and gets it slowly"
    assert said_of(*due) == [f"a•••@reader.example: waits since 22 Nov 2026 12:00: {slow}"]


def test_a_domain_that_had_its_minute(make_site: Callable[..., Site]) -> None:
    """Where a domain got all the mails of a minute, the next one says which setting it waits for."""
    site = make_site(FORUM_MAIL_DOMAIN_RATE=1)
    site.add_article()
    answer = site.comment("An answer.", parent=site.follower("Ann"))
    site.deliver()
    assert said_of(site, answer)[0].endswith(
        "reader.example got as many mails within this minute as FORUM_MAIL_DOMAIN_RATE says"
    )
    site.deliver(61)
    assert ": mailed " in said_of(site, answer)[0]


@pytest.mark.parametrize("first", [{"state": "sending"}, {"state": "claimed"}, {"state": "ready"}])
def test_another_mail_goes_first(due: tuple[Site, int], first: dict[str, str]) -> None:
    """A mail on its way to the same address, or due before, is named as what is waited for; one that left is not."""
    site, answer = due
    assert said_of(site, answer)[0].endswith("waits for the next delivery, since 22 Nov 2026 12:00")
    with site.session() as session:
        session.execute(update(Message).where(Message.kind == "confirm").values(first))
        session.commit()
    assert said_of(site, answer)[0].endswith("message 1, to the same address, goes first")


@pytest.mark.parametrize(
    ("what", "values"),
    [
        (Event, {"state": "dead", "last_error": "restored"}),
        (Item, {"state": "skipped", "skip_reason": "restored"}),
        (Message, {"state": "dead", "skip_reason": "restored"}),
    ],
)
def test_what_a_restored_backup_laid_aside(due: tuple[Site, int], what: Any, values: dict[str, str]) -> None:
    """What was laid aside waits for a decision, and the line names the command that makes it."""
    change(due[0], what, **values)
    aside = "laid aside after a backup was restored, until `flask forum mail restored --send` or `--drop` decides"
    assert f"waits: {aside}" in said_of(*due)[0]


def test_whom_to_tell_could_not_be_found_out(answered: tuple[Site, int]) -> None:
    """An event that failed too often says so with its error, in which addresses are masked."""
    change(answered[0], Event, state="dead", last_error="ValueError: no page for ann@reader.example")
    why = "whom to tell could not be found out, ValueError: no page for a•••@reader.example"
    assert said_of(*answered) == [f"not mailed: {why}"]


def test_a_comment_taken_away_before_its_turn(site: Site) -> None:
    """An event whose comment was gone says so for everybody at once."""
    posted = site.comment()
    change(site, Event, state="skipped")
    assert said_of(site, posted) == ["not mailed: the comment was no longer published when its turn came"]


def test_somebody_it_does_not_reach(answered: tuple[Site, int]) -> None:
    """Asked for one person whom nothing connects with the comment, the answer is that, and not silence."""
    site, answer = answered
    site.comment(name="Cy", email="cy@reader.example")
    site.deliver()
    with site.session() as session:
        cy = session.scalars(select(Address).where(Address.key == "cy@reader.example")).one()
        lines = explain.told_one(session, session.get_one(Comment, answer), cy, site.state.settings, site.clock())
    assert [str(line) for line in lines] == [
        "c•••@reader.example: not mailed: nothing they follow reaches this comment"
    ]
