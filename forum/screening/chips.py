"""Why a comment waits, as its moderator reads it: each stored reason with its explanation and the setting behind it."""

from __future__ import annotations

from typing import Final, NamedTuple

from ..language import N_
from ..language import gettext as _


class Chip(NamedTuple):
    """A reason in a few words, what its rule looks at, and the policy setting that governs it, if there is one.

    ``rule`` is empty where a host's own rule gave the reason, which is then shown as it stands.
    """

    rule: str
    text: str
    explanation: str
    setting: str | None


class _Words(NamedTuple):
    """The words of one rule: ``detailed`` is the reason with the detail that was stored with it, ``name`` without."""

    name: str
    detailed: str | None
    explanation: str
    setting: str | None = None


_RULES: Final = {
    "honeypot": _Words(
        N_("Hidden field"), None, N_("A field that people do not see was filled in. Only machines do that.")
    ),
    "too_fast": _Words(
        N_("Too fast"),
        N_("Too fast: %(detail)s s"),
        N_("The form came back sooner than a person can write. So many seconds passed."),
        "min_seconds",
    ),
    "listed": _Words(
        N_("Listed"), N_("Listed: %(detail)s"), N_("The author is on the list that moderators keep of people.")
    ),
    "reserved_name": _Words(
        N_("Reserved name"),
        N_("Reserved name: %(detail)s"),
        N_("The author's name can be taken for one that is kept for those who run the site."),
        "reserved_names",
    ),
    "staff_name": _Words(
        N_("Name of staff"),
        N_("Name of staff: %(detail)s"),
        N_("The author's name can be taken for that of a moderator."),
    ),
    "reject_word": _Words(
        N_("Refused word"),
        N_("Refused word: %(detail)s"),
        N_("A word that the site refuses stands in the text, the name, the address or the website."),
        "reject_words",
    ),
    "word": _Words(
        N_("Word"),
        N_("Word: %(detail)s"),
        N_("A word that the site reads first stands in the text, the name, the address or the website."),
        "hold_words",
    ),
    "proof": _Words(
        N_("No proof of work"),
        None,
        N_("It came without the arithmetic that a visitor's browser does unseen; without JavaScript that is usual."),
        "proof_of_work",
    ),
    "duplicate": _Words(
        N_("Copies"),
        N_("Copies: %(detail)s"),
        N_("The same text was posted on so many other pages a short time ago."),
        "duplicate_hours",
    ),
    "links": _Words(N_("Links"), N_("Links: %(detail)s"), N_("The text holds so many different links."), "max_links"),
    "score": _Words(
        N_("Score"),
        N_("Score %(detail)s"),
        N_("So likely is spam, as far as the filter has learned from moderators, by the words that follow."),
        "spam_hold_percent",
    ),
    "old_thread": _Words(
        N_("Old page"),
        N_("Old page: %(detail)s days"),
        N_("The conversation began so many days ago."),
        "old_thread_days",
    ),
    "thread_held": _Words(
        N_("Page is read first"), None, N_("A moderator wants to read every comment on this page first.")
    ),
    "all": _Words(N_("Everything is read"), None, N_("The site reads every comment before it appears."), "moderation"),
    "first": _Words(
        N_("First comment"),
        None,
        N_("Too few comments of this author were approved yet for one to appear unread."),
        "first_approvals",
    ),
    "reported": _Words(
        N_("Reports"),
        N_("Reports: %(detail)s"),
        N_("So many readers said that something is wrong with it."),
        "report_hide_after",
    ),
    "akismet": _Words(
        N_("Akismet"),
        N_("Akismet: %(detail)s"),
        N_("The service that the site asks about spam has this opinion of it."),
    ),
    "rule_failed": _Words(
        N_("A rule failed"),
        N_("A rule failed: %(detail)s"),
        N_("A rule of this site's own could not be asked. Its error is in the site's log."),
    ),
}
RULES: Final = frozenset(_RULES)
_FOREIGN: Final = N_("A rule of this site's own gave this reason.")


def name(rule: str) -> str:
    """What one of our rules is called."""
    return _(_RULES[rule].name)


def chip(reason: str) -> Chip:
    """The chip of a stored reason; one that no rule of ours gives is shown as it stands."""
    rule, _colon, detail = reason.partition(":")
    if rule not in _RULES:
        return Chip("", reason, _(_FOREIGN), None)
    words = _RULES[rule]
    text = _(words.detailed, detail=detail) if words.detailed and detail else _(words.name)
    return Chip(rule, text, _(words.explanation), words.setting)
