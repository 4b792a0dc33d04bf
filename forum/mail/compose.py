"""What each mail says: answers, the confirmation of an address, a sign-in link; rendered from templates to bytes.

Three files make a mail, `forum/mail/<kind>/{subject.txt,body.txt,body.html}`, and a host may override each of them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from jinja2 import Environment

from .. import sanitize
from ..errors import MailNotConfigured
from ..settings import Settings
from .answers import Answer, preheader, show, wrapped
from .names import display_name, one_line
from .wire import Envelope, build, list_id

__all__ = ["Answer", "Envelope", "Links", "confirm", "display_name", "reply", "sign_in", "subject_of"]

_SUBJECT: Final = 120
_PREFIXES: Final = re.compile(r"(?:\s*(?:re|fwd?|aw|wg|sv|antw)(?:\[\d+\])?\s*:\s*)+", re.IGNORECASE)
_AUTOMATIC: Final = (
    ("Auto-Submitted", "auto-generated"),
    # Not "All": that would ask Exchange to keep back the bounces as well.
    ("X-Auto-Response-Suppress", "OOF, AutoReply, DR, RN, NRN"),
)


@dataclass(frozen=True)
class Links:
    """Where the recipient stops all mail of the site, and where only this conversation."""

    unsubscribe: str
    mute: str


def reply(
    env: Environment,
    settings: Settings,
    envelope: Envelope,
    *,
    thread_id: int,
    title: str,
    thread_url: str,
    answers: Sequence[Answer],
    links: Links,
    reason: str,
    language: str = "en",
    subject: str | None = None,
) -> bytes:
    """Return the mail that brings one or more answers of one thread, in the order given.

    ``reason`` is ``reply``, ``branch`` or ``thread``; ``subject`` is the one frozen with the thread's first mail and
    is made from ``title`` when there is none. Raises ``ValueError`` when a header could change its meaning.
    """
    shown = show(answers, settings)
    headers = [
        *_list_headers(settings, thread_url, links),
        *_AUTOMATIC,
        ("Precedence", "list"),
        ("X-Forum-Reason", reason),
        ("X-Forum-Thread", str(thread_id)),
        # The newest one: a mail of several answers is filed where the conversation now stands.
        ("X-Forum-Comment", str(answers[-1].comment_id)),
    ]
    context = {
        "subject": subject or subject_of(title, settings.site_name),
        "title": sanitize.excerpt(one_line(title), _SUBJECT) or settings.site_name,
        "thread_url": thread_url,
        "answers": shown,
        "more": len(answers) - len(shown),
        "links": links,
        "reason": reason,
        "preheader": preheader(shown[0]),
    }
    return _render(env, settings, "reply", envelope, headers, context, language)


def confirm(
    env: Environment,
    settings: Settings,
    envelope: Envelope,
    *,
    confirm_url: str,
    refuse_url: str,
    language: str = "en",
) -> bytes:
    """Return the mail that asks whether an address wants to hear from the site; it holds nobody's words."""
    context = {"confirm_url": confirm_url, "refuse_url": refuse_url}
    headers = [*_AUTOMATIC, ("X-Forum-Reason", "confirm")]
    return _render(env, settings, "confirm", envelope, headers, context, language)


def sign_in(
    env: Environment, settings: Settings, envelope: Envelope, *, url: str, minutes: int, language: str = "en"
) -> bytes:
    """Return the mail with a moderator's one-time link, which is good for ``minutes`` minutes."""
    return _render(env, settings, "sign_in", envelope, _AUTOMATIC, {"url": url, "minutes": minutes}, language)


def subject_of(title: str, site_name: str) -> str:
    """Return the subject of all mails about a thread: one "Re: ", the site, the title, at most 120 characters."""
    site = one_line(site_name)
    bare = one_line(_PREFIXES.sub("", one_line(title), count=1) if _PREFIXES.match(one_line(title)) else title)
    return sanitize.excerpt(f"Re: [{site}] {bare or site}", _SUBJECT)


def _list_headers(settings: Settings, thread_url: str, links: Links) -> list[tuple[str, str]]:
    headers = [
        ("List-Id", list_id(settings.site_name, _domain(settings))),
        ("List-Unsubscribe", f"<{links.unsubscribe}>"),
    ]
    if links.unsubscribe.startswith("https://"):
        headers.append(("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"))
    return [*headers, ("List-Archive", f"<{thread_url}>"), ("List-Post", "NO")]


def _domain(settings: Settings) -> str:
    return settings.mail_domain or _sender(settings)[1].rpartition("@")[2]


def _sender(settings: Settings) -> tuple[str, str]:
    if not settings.mail_from:
        raise MailNotConfigured("FORUM_MAIL_FROM is missing: mail needs an address to come from.")
    return one_line(settings.site_name), settings.mail_from


def _render(
    env: Environment,
    settings: Settings,
    kind: str,
    envelope: Envelope,
    headers: Sequence[tuple[str, str]],
    context: dict[str, Any],
    language: str,
) -> bytes:
    values = {**context, "site_name": settings.site_name, "site_url": settings.base_url, "language": language}
    values |= {"contact": settings.mail_contact, "indent": wrapped}

    def part(name: str) -> str:
        return env.get_template(f"forum/mail/{kind}/{name}").render(values)

    return build(
        envelope,
        sender=_sender(settings),
        subject=one_line(part("subject.txt")),
        headers=[*headers, ("Content-Language", language)],
        text=re.sub(r"\n{3,}", "\n\n", part("body.txt")),
        html=part("body.html"),
    )
