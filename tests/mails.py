"""One mail of every kind and state, the same octets at every run; for tests of their bytes and of their looks."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader

import forum.mail
from forum.mail import compose
from forum.mail.compose import Answer, Case, DigestThread, Envelope, Links
from forum.settings import Settings

TEMPLATES = Path(forum.mail.__file__).parents[1] / "templates"
# It escapes nothing by itself: our templates must ask for it.
ENV = Environment(loader=FileSystemLoader(TEMPLATES))
NOW = dt.datetime(2026, 11, 22, 13, 31, 3, tzinfo=dt.UTC)
ALONE = Envelope(to="reader@example.net", message_id="<s7.1.0d9a4c11e02b77fe@forum.example>", date=NOW)
ENVELOPE = replace(
    ALONE,
    message_id="<c1337.9f2c41d0a7b35e68@forum.example>",
    in_reply_to="<c1290.5b0e77c3d1a94f20@forum.example>",
    references=("<a42@forum.example>", "<c1290.5b0e77c3d1a94f20@forum.example>"),
)
FILED = replace(ALONE, in_reply_to="<a42@forum.example>", references=("<a42@forum.example>",))
M = "https://forum.example/forum/m"
LINKS = Links(
    unsubscribe=f"{M}/u/uk3x9.Jw6m2QpN7uVbTzYcA4sD1g",
    mute=f"{M}/t/tk3x9.16.Jw6m2QpN7uVbTzYcA4sD1g",
    preferences=f"{M}/p/pk3x9.g2r.Jw6m2QpN7uVbTzYcA4sD1g",
)
ANSWER = Answer(
    comment_id=1337,
    author="Ann",
    trusted=False,
    moderator=False,
    source="Because **birds** rent them.",
    created_at=NOW,
    url="https://forum.example/forum/comments/1337",
    reply_to_you=True,
    your_words="Why would trees ever need a lease?",
)
ASIDE = replace(
    ANSWER,
    comment_id=1340,
    author="Bo",
    reply_to_you=False,
    parent_author="Cy",
    your_words=None,
    url="https://forum.example/forum/comments/1340",
    source="An *owl* in mine pays in mice.",
)
HEBREW = replace(
    ANSWER,
    comment_id=1341,
    author="דנה",
    url="https://forum.example/forum/comments/1341",
    source="שלום, גם אצלנו בגינה יש עץ כזה.\n\n> ולמי הוא שייך?\n\n- לציפורים\n- ולנו",
)
LONG = replace(
    ANSWER,
    comment_id=1342,
    author="admin",
    url="https://forum.example/forum/comments/1342",
    source="See https://evil.example/win?id=7 first. " + "A long word about a long life of trees. " * 30,
)
CODE = replace(
    ASIDE,
    comment_id=1343,
    author="Mo",
    moderator=True,
    parent_author=None,
    url="https://forum.example/forum/comments/1343",
    source="Like this:\n\n```\nfor tree in forest:\n    " + "lease(tree) " * 12 + "\n```\n\nor `rent()`.",
)


CASE = Case(
    author="Ann",
    title="Why trees need leases",
    reasons=("First comment",),
    source=ANSWER.source,
    created_at=NOW,
    approve=f"{M}/a/a115.1.k3x9.g2r.0.Jw6m2QpN7uVbTzYcA4sD1g",
    spam=f"{M}/a/a115.1.k3x9.g2r.1.Jw6m2QpN7uVbTzYcA4sD1g",
)
SPAM = replace(
    CASE,
    author="www.evil.example",
    reasons=("Links: 9", "Score 0.99"),
    source=None,
    approve=f"{M}/a/a116.1.k3x9.g2r.0.Jw6m2QpN7uVbTzYcA4sD1g",
    spam=f"{M}/a/a116.1.k3x9.g2r.1.Jw6m2QpN7uVbTzYcA4sD1g",
)


def site(**more: Any) -> Settings:
    known = {
        "FORUM_BASE_URL": "https://forum.example",
        "FORUM_SITE_NAME": "Example Forum",
        "FORUM_MAIL_FROM": "notify@forum.example",
        "FORUM_MAIL_TRANSPORT": "smtp",
    }
    return Settings.from_config(known | more)


def reply(*answers: Answer, settings: Settings | None = None, env: Environment = ENV, **more: Any) -> bytes:
    known: dict[str, Any] = {
        "thread_id": 42,
        "title": "Why trees need leases",
        "thread_url": "https://forum.example/articles/42",
        "links": LINKS,
        "reason": "reply",
        "answers": answers or [ANSWER],
    }
    envelope = more.pop("envelope", ENVELOPE)
    return compose.reply(env, settings or site(), **(known | more)).fill(envelope, {})


def thread(*answers: Answer, number: int = 42, title: str = "Why trees need leases") -> DigestThread:
    mute = f"{M}/t/tk3x9.{number}.Jw6m2QpN7uVbTzYcA4sD1g"
    return DigestThread(number, title, f"https://forum.example/articles/{number}", answers or (ANSWER,), mute)


def digest(*threads: DigestThread, settings: Settings | None = None, env: Environment = ENV, **more: Any) -> bytes:
    known: dict[str, Any] = {"links": LINKS, "cadence": "daily", "rolled": False}
    known["threads"] = threads or [thread(ANSWER, ASIDE), thread(HEBREW, number=43, title="עצים בעיר")]
    envelope = more.pop("envelope", replace(ALONE, message_id="<d9.77aa41d0a7b35e68@forum.example>"))
    return compose.digest(env, settings or site(), **(known | more)).fill(envelope, {})


def confirm(settings: Settings | None = None, env: Environment = ENV, **more: Any) -> bytes:
    urls = {"confirm_url": f"{M}/c/c1", "refuse_url": f"{M}/x/x1"}
    envelope = more.pop("envelope", ALONE)
    return compose.confirm(env, settings or site(), **(urls | more)).fill(envelope, {})


def notice(settings: Settings | None = None, env: Environment = ENV, **more: Any) -> bytes:
    known: dict[str, Any] = {"decision": "approve", "thread_title": "Why trees need leases", "url": ANSWER.url}
    envelope = more.pop("envelope", ALONE)
    return compose.notice(env, settings or site(), **(known | more)).fill(envelope, {})


def link(settings: Settings | None = None, env: Environment = ENV, **more: Any) -> bytes:
    known: dict[str, Any] = {"page": "p", "url": f"{M}/p/pk3x9.g2r.Jw6m2QpN7uVbTzYcA4sD1g", "days": 30}
    envelope = more.pop("envelope", ALONE)
    return compose.link(env, settings or site(), **(known | more)).fill(envelope, {})


def sign_in(settings: Settings | None = None, env: Environment = ENV, **more: Any) -> bytes:
    known: dict[str, Any] = {"url": "https://forum.example/forum/sign-in/s1.Jw6m2QpN7uVbTzYcA4sD1g", "minutes": 30}
    envelope = more.pop("envelope", ALONE)
    return compose.sign_in(env, settings or site(), **(known | more)).fill(envelope, {})


def queue(*cases: Case, settings: Settings | None = None, env: Environment = ENV, **more: Any) -> bytes:
    known: dict[str, Any] = {"cases": cases or [CASE], "told": len(cases) or 1, "in_all": len(cases) or 1}
    known |= {"queue_url": "https://forum.example/forum/moderation/", "unsubscribe": LINKS.unsubscribe, "daily": False}
    envelope = more.pop("envelope", ALONE)
    return compose.queue(env, settings or site(), **(known | more)).fill(envelope, {})


KINDS: dict[str, Callable[..., bytes]] = {
    "reply": reply,
    "digest": digest,
    "confirm": confirm,
    "notice": notice,
    "link": link,
    "sign_in": sign_in,
    "queue": queue,
}
EVERY: dict[str, Callable[[], bytes]] = {
    "reply": reply,
    "reply-several": lambda: reply(HEBREW, LONG, CODE, reason="branch"),
    "reply-lively": lambda: reply(ASIDE, hourly=True, reason="thread"),
    "reply-still-there": lambda: reply(still_there=True),
    "reply-last": lambda: reply(still_there=True, last=True),
    "digest": digest,
    "digest-one-thread": lambda: digest(thread(ANSWER, CODE), cadence="hourly", envelope=FILED),
    "digest-rolled": lambda: digest(
        *(thread(*[ANSWER, LONG, HEBREW] * 3, number=number, title=f"Tree {number}") for number in range(1, 24)),
        cadence="instant",
        rolled=True,
        still_there=True,
    ),
    "confirm": confirm,
    "notice-approve": notice,
    "notice-reject": lambda: notice(decision="reject", url="https://forum.example/articles/42"),
    "link-p": link,
    "link-o": lambda: link(page="o", url=f"{M}/o/ok3x9.115.g2r.Jw6m2QpN7uVbTzYcA4sD1g", days=1),
    "link-n": lambda: link(page="n", url=f"{M}/n/nk3x9.k4a.g2r.Jw6m2QpN7uVbTzYcA4sD1g", days=7),
    "sign_in": sign_in,
    "queue": queue,
    "queue-daily": lambda: queue(
        CASE, SPAM, replace(CASE, author=HEBREW.author, source=HEBREW.source), told=14, in_all=30, daily=True
    ),
}
