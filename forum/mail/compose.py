"""What each mail says: answers one by one or in a digest, and the few mails that are about an address or a comment.

Each function makes a `Pattern`, to be filled in for everybody who is told the same; the links in it may hold marks.
Three files make a mail, `forum/mail/<kind>/{subject.txt,body.txt,body.html}`, and a host may override each of them.
Their words are in our catalogs; for a language we do not speak a host puts the same files into a folder named by it:
`forum/mail/<kind>/it/body.txt`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Literal

from jinja2 import Environment

from .. import sanitize
from ..language import OURS
from ..settings import Settings
from . import digests
from .answers import Answer, preheader, show
from .cases import Case, show_cases
from .digests import DigestThread, show_threads
from .names import display_name, one_line
from .render import domain, fitting, render, speaking
from .wire import Envelope, Pattern, list_id

__all__ = [
    "Answer",
    "Case",
    "DigestThread",
    "Envelope",
    "Links",
    "confirm",
    "digest",
    "display_name",
    "link",
    "notice",
    "queue",
    "reply",
    "sign_in",
    "subject_of",
]

_SUBJECT: Final = 120
_PREFIXES: Final = re.compile(r"(?:\s*(?:re|fwd?|aw|wg|sv|antw)(?:\[\d+\])?\s*:\s*)+", re.IGNORECASE)
_AUTOMATIC: Final = (
    ("Auto-Submitted", "auto-generated"),
    # Not "All": that would ask Exchange to keep back the bounces as well.
    ("X-Auto-Response-Suppress", "OOF, AutoReply, DR, RN, NRN"),
)


@dataclass(frozen=True)
class Links:
    """Where the recipient stops all mail of the site, silences this conversation, and chooses what comes how often.

    A digest does not use ``mute``: each of its threads brings its own.
    """

    unsubscribe: str
    mute: str
    preferences: str


@speaking
def reply(
    env: Environment,
    settings: Settings,
    *,
    thread_id: int,
    title: str,
    thread_url: str,
    answers: Sequence[Answer],
    links: Links,
    reason: str,
    language: str = OURS,
    subject: str | None = None,
    hourly: bool = False,
    still_there: bool = False,
    last: bool = False,
) -> Pattern:
    """Return the mail that brings one or more answers of one thread, in the order given, in at most 60 KB.

    ``reason`` is ``reply``, ``branch`` or ``thread``; ``subject`` is the one frozen with the thread's first mail and
    is made from ``title`` when there is none. ``hourly`` tells that a lively thread is mailed once an hour for a day;
    ``still_there`` asks a reader nobody has seen for a year whether to go on, and ``last`` that this was the last mail
    unless they say so. Raises ``ValueError`` when a header could change its meaning.
    """
    # The newest one: a mail of several answers is filed where the conversation now stands.
    headers = [*_list_headers(settings, thread_url, links.unsubscribe, reason), *_about(thread_id, answers[-1])]
    context = {
        "subject": subject or subject_of(title, settings.site_name),
        "title": sanitize.excerpt(one_line(title), _SUBJECT) or settings.site_name,
        "thread_url": thread_url,
        "links": links,
        "reason": reason,
        "hourly": hourly,
        "still_there": still_there,
        "last": last,
    }

    def write(share: float) -> Pattern:
        told = show(answers, settings, share)
        words = {"answers": told, "more": len(answers) - len(told), "preheader": preheader(told[0])}
        return render(env, settings, "reply", headers, context | words, language)

    return fitting(write)


@speaking
def digest(
    env: Environment,
    settings: Settings,
    *,
    threads: Sequence[DigestThread],
    links: Links,
    cadence: str,
    rolled: bool,
    language: str = OURS,
    still_there: bool = False,
    last: bool = False,
) -> Pattern:
    """Return the mail that brings the news of one or more threads together, in at most 60 KB.

    ``cadence`` is ``instant``, ``hourly``, ``daily`` or ``weekly``; ``rolled`` says that the mail holds what went
    beyond the most mails of one day. ``still_there`` and ``last`` are as for `reply`. At most 20 threads and 40
    answers are shown, the others are counted.
    """
    alone = threads[0] if len(threads) == 1 else None
    archive = alone.url if alone else settings.base_url or ""
    headers = _list_headers(settings, archive, links.unsubscribe, "digest")
    if alone:
        headers += _about(alone.thread_id, alone.answers[-1])
    replies = sum(len(thread.answers) for thread in threads)
    context = {"links": links, "cadence": cadence, "rolled": rolled, "still_there": still_there, "last": last}
    context |= {"replies": replies, "discussions": len(threads)}

    def write(share: float) -> Pattern:
        told = show_threads(threads, settings, share)
        words = {"threads": told, "more_threads": len(threads) - len(told), "preheader": digests.preheader(told)}
        return render(env, settings, "digest", headers, context | words, language)

    return fitting(write)


def confirm(
    env: Environment,
    settings: Settings,
    *,
    confirm_url: str,
    refuse_url: str,
    language: str = OURS,
) -> Pattern:
    """Return the mail that asks whether an address wants to hear from the site; it holds nobody's words."""
    context = {"confirm_url": confirm_url, "refuse_url": refuse_url}
    headers = [*_AUTOMATIC, ("X-Forum-Reason", "confirm")]
    return render(env, settings, "confirm", headers, context, language)


def notice(
    env: Environment,
    settings: Settings,
    *,
    decision: Literal["approve", "reject"],
    thread_title: str,
    url: str,
    language: str = OURS,
) -> Pattern:
    """Return the mail that tells writers what became of their comment; it names no moderator and gives no reasons.

    ``url`` leads to the comment when it was approved, to the page it was meant for when not.
    """
    title = sanitize.excerpt(one_line(thread_title), _SUBJECT) or settings.site_name
    context = {"decision": decision, "title": title, "url": url}
    return render(env, settings, "notice", _AUTOMATIC, context, language)


def moved(env: Environment, settings: Settings, *, language: str = OURS) -> Pattern:
    """Return the mail that warns the owner of an address when somebody asks for another one in its place."""
    return render(env, settings, "moved", _AUTOMATIC, {}, language)


def link(
    env: Environment,
    settings: Settings,
    *,
    page: Literal["p", "o", "n"],
    url: str,
    days: int,
    language: str = OURS,
) -> Pattern:
    """Return the mail with one link that was asked for, good for ``days`` days; it holds nobody's words.

    ``page`` is ``p`` for e-mail settings, ``o`` for a comment of one's own, ``n`` for a new address to be confirmed.
    """
    context = {"page": page, "url": url, "days": days}
    return render(env, settings, "link", _AUTOMATIC, context, language)


def sign_in(env: Environment, settings: Settings, *, url: str, minutes: int, language: str = OURS) -> Pattern:
    """Return the mail with a moderator's one-time link, which is good for ``minutes`` minutes."""
    return render(env, settings, "sign_in", _AUTOMATIC, {"url": url, "minutes": minutes}, language)


@speaking
def queue(
    env: Environment,
    settings: Settings,
    *,
    cases: Sequence[Case],
    told: int,
    in_all: int,
    queue_url: str,
    unsubscribe: str,
    daily: bool,
    language: str = OURS,
) -> Pattern:
    """Return the mail that tells a moderator of comments that wait, in at most 60 KB.

    ``cases`` are the first of ``told`` comments it is about, ``in_all`` is how many wait on the whole site; ``daily``
    says that such mail comes once a day. Raises ``ValueError`` when a header could change its meaning.
    """
    headers = _list_headers(settings, queue_url, unsubscribe, "queue")
    context = {"told": told, "in_all": in_all, "queue_url": queue_url, "unsubscribe": unsubscribe, "daily": daily}

    def write(share: float) -> Pattern:
        shown = show_cases(cases, settings, share)
        return render(env, settings, "queue", headers, context | {"cases": shown, "more": told - len(shown)}, language)

    return fitting(write)


@lru_cache(256)
def subject_of(title: str, site_name: str) -> str:
    """Return the subject of all mails about a thread: one "Re: ", the site, the title, at most 120 characters."""
    site = one_line(site_name)
    bare = one_line(_PREFIXES.sub("", one_line(title), count=1) if _PREFIXES.match(one_line(title)) else title)
    return sanitize.excerpt(f"Re: [{site}] {bare or site}", _SUBJECT)


def _list_headers(settings: Settings, archive: str, unsubscribe: str, reason: str) -> list[tuple[str, str]]:
    headers = [
        ("List-Id", list_id(settings.site_name, domain(settings))),
        ("List-Unsubscribe", f"<{unsubscribe}>"),
    ]
    if unsubscribe.startswith("https://"):
        headers.append(("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"))
    headers += [("List-Archive", f"<{archive}>"), ("List-Post", "NO")]
    return [*headers, *_AUTOMATIC, ("Precedence", "list"), ("X-Forum-Reason", reason)]


def _about(thread_id: int, answer: Answer) -> list[tuple[str, str]]:
    return [("X-Forum-Thread", str(thread_id)), ("X-Forum-Comment", str(answer.comment_id))]
