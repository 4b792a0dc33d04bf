"""Comments as a mail shows them: names made harmless, words sanitised and cut to what a mailbox can take."""

from __future__ import annotations

import datetime as dt
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from markupsafe import Markup

from .. import sanitize
from ..errors import InvalidDraft
from ..settings import Settings
from .names import display_name

_MOST: Final = 10  # answers told in one mail; the others are a link
_WORDS: Final = 600  # characters of one answer, the rest is read on the site
_ALL_WORDS: Final = 2400  # characters of all answers together
_LINES: Final = 12
_OWN_WORDS: Final = 200  # of the recipient's own comment, enough to remember it by
_ALL_OWN_WORDS: Final = 1000
_WIDTH: Final = 72


@dataclass(frozen=True)
class Answer:
    """One comment as a mail shows it; names and texts are raw, as the visitors wrote them.

    ``trusted`` lets links stay readable as text, ``verified`` (an account the host vouches for, or a moderator) lets
    the name stand as it is. ``your_words`` is the source of the recipient's comment that was answered.
    """

    comment_id: int
    author: str
    trusted: bool
    moderator: bool
    source: str
    created_at: dt.datetime
    url: str
    reply_to_you: bool
    your_words: str | None = None
    parent_author: str | None = None
    verified: bool = False


@dataclass(frozen=True)
class Shown:
    """What the templates get of an answer: ``html`` is sanitised, and missing when it was cut; the time is in UTC."""

    author: str
    moderator: bool
    parent_author: str | None
    reply_to_you: bool
    text: str
    html: Markup | None
    cut: bool
    your_words: str | None
    created_at: dt.datetime
    url: str


def show(answers: Sequence[Answer], settings: Settings, share: float = 1) -> list[Shown]:
    """Return the first ten answers, or ten divided by ``share``; the more there are, the shorter each is cut."""
    told = answers[: max(1, int(_MOST / share))]
    words = min(_WORDS, int(_ALL_WORDS / share / len(told)))
    own_words = min(_OWN_WORDS, int(_ALL_OWN_WORDS / share / len(told)))
    kept: list[Shown] = []
    for place, answer in enumerate(told):
        # Two answers to one comment quote it once.
        again = place > 0 and told[place - 1].your_words == answer.your_words
        kept.append(shown(answer, settings, words=words, own_words=0 if again else own_words))
    return kept


def shown(answer: Answer, settings: Settings, *, words: int, own_words: int = 0) -> Shown:
    """Return an answer as a mail may show it: at most ``words`` characters, and ``own_words`` of what it answers."""
    text, html, cut = _quote(answer, words) if settings.mail_quote else ("", None, False)
    return Shown(
        author=display_name(answer.author, site_name=settings.site_name, verified=answer.verified or answer.moderator),
        moderator=answer.moderator,
        parent_author=_parent(answer, settings.site_name),
        reply_to_you=answer.reply_to_you,
        text=text,
        html=html,
        cut=cut,
        your_words=_reminder(answer.your_words, own_words) if settings.mail_quote else None,
        created_at=answer.created_at.astimezone(dt.UTC),
        url=answer.url,
    )


def preheader(answer: Shown) -> str:
    """Return the line that a mailbox lists beside the subject, at most 110 characters."""
    words = " ".join(answer.text.split())
    return sanitize.excerpt(f"{answer.author}: {words}" if words else answer.author, 110)


def wrapped(text: str, prefix: str) -> str:
    """Wrap ``text`` at 72 columns behind ``prefix``; a long word, such as a link, is never broken."""
    return "\n".join(line for paragraph in text.split("\n") for line in _wrap(paragraph, prefix))


def _wrap(line: str, prefix: str) -> list[str]:
    hanging = prefix + line[: len(line) - len(line.lstrip())]
    lines = textwrap.wrap(
        line,
        _WIDTH,
        initial_indent=prefix,
        subsequent_indent=hanging,
        break_long_words=False,
        break_on_hyphens=False,
        expand_tabs=False,
        replace_whitespace=False,
    )
    return lines or [prefix.rstrip()]


def _parent(answer: Answer, site_name: str) -> str | None:
    if answer.reply_to_you or not answer.parent_author:
        return None
    return display_name(answer.parent_author, site_name=site_name, verified=False)


def _quote(answer: Answer, limit: int) -> tuple[str, Markup | None, bool]:
    """Return an answer as text, as HTML when it is shown whole, and whether it was cut."""
    try:
        text = sanitize.plain_text(answer.source, links=answer.trusted).strip("\n")
        kept = sanitize.excerpt(text, limit, _LINES)
        if kept != text:
            return kept, None, True
        return text, Markup(sanitize.mail_html(answer.source, links=answer.trusted)), False
    except InvalidDraft:
        # Stored under looser bounds than today's: the mail goes out with the link, the words are read on the page.
        return "", None, True


def _reminder(source: str | None, limit: int) -> str | None:
    if not source or not limit:
        return None
    try:
        return sanitize.excerpt(" ".join(sanitize.plain_text(source, links=False).split()), limit)
    except InvalidDraft:
        return None
