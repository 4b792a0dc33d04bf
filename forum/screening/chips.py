"""Why a comment waits, as its moderator reads it: each stored reason with its explanation and the setting behind it."""

from __future__ import annotations

from typing import NamedTuple


class Chip(NamedTuple):
    """A reason in a few words, what its rule looks at, and the policy setting that governs it, if there is one.

    ``rule`` is empty where a host's own rule gave the reason, which is then shown as it stands.
    """

    rule: str
    text: str
    explanation: str
    setting: str | None


_CHIPS = {
    "honeypot": ("Hidden field", "A field that people do not see was filled in. Only machines do that.", None),
    "too_fast": (
        "Too fast: {} s",
        "The form came back sooner than a person can write. So many seconds passed.",
        "min_seconds",
    ),
    "listed": ("Listed: {}", "The author is on the list that moderators keep of people.", None),
    "reserved_name": (
        "Reserved name: {}",
        "The author's name can be taken for one that is kept for those who run the site.",
        "reserved_names",
    ),
    "staff_name": ("Name of staff: {}", "The author's name can be taken for that of a moderator.", None),
    "reject_word": (
        "Refused word: {}",
        "A word that the site refuses stands in the text, the name, the address or the website.",
        "reject_words",
    ),
    "word": (
        "Word: {}",
        "A word that the site reads first stands in the text, the name, the address or the website.",
        "hold_words",
    ),
    "proof": (
        "No proof of work",
        "It came without the arithmetic that a visitor's browser does unseen; without JavaScript that is usual.",
        "proof_of_work",
    ),
    "duplicate": (
        "Copies: {}",
        "The same text was posted on so many other pages a short time ago.",
        "duplicate_hours",
    ),
    "links": ("Links: {}", "The text holds so many different links.", "max_links"),
    "score": (
        "Score {}",
        "So likely is spam, as far as the filter has learned from moderators, by the words that follow.",
        "spam_hold_percent",
    ),
    "old_thread": ("Old page: {} days", "The conversation began so many days ago.", "old_thread_days"),
    "thread_held": ("Page is read first", "A moderator wants to read every comment on this page first.", None),
    "all": ("Everything is read", "The site reads every comment before it appears.", "moderation"),
    "first": (
        "First comment",
        "Too few comments of this author were approved yet for one to appear unread.",
        "first_approvals",
    ),
    "reported": ("Reports: {}", "So many readers said that something is wrong with it.", "report_hide_after"),
    "akismet": ("Akismet: {}", "The service that the site asks about spam has this opinion of it.", None),
    "rule_failed": (
        "A rule failed: {}",
        "A rule of this site's own could not be asked. Its error is in the site's log.",
        None,
    ),
}
RULES = frozenset(_CHIPS)
_FOREIGN = "A rule of this site's own gave this reason."


def chip(reason: str) -> Chip:
    """The chip of a stored reason; one that no rule of ours gives is shown as it stands."""
    rule, _, detail = reason.partition(":")
    if rule not in _CHIPS:
        return Chip("", reason, _FOREIGN, None)
    text, explanation, setting = _CHIPS[rule]
    return Chip(rule, text.format(detail).rstrip(": "), explanation, setting)
