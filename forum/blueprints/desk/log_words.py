"""What the log of activity has stored, in the reader's language: acts, subjects, states and causes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from ...comments.words import state_word
from ...language import N_, ngettext, number
from ...language import gettext as _
from . import act_words

# What each act is called; what is not named here is shown as it is stored.
ACTS: Final = {act: words.did for act, words in act_words.ACTS.items()}

KINDS: Final = {
    "comment": N_("a comment"),
    "thread": N_("a page"),
    "address": N_("an address"),
    "listing": N_("the list of people"),
    "setting": N_("a setting"),
    "sign_in": N_("a sign-in"),
    "outbox": N_("the mail of the site"),
    "retention": N_("old data"),
}
_MANY: Final[dict[str, Callable[[int], str]]] = {
    "comment": lambda n: ngettext("%(n)s comment", "%(n)s comments", n),
    "thread": lambda n: ngettext("%(n)s page", "%(n)s pages", n),
    "listing": lambda n: ngettext("%(n)s entry", "%(n)s entries", n),
    "address": lambda n: ngettext("%(n)s address", "%(n)s addresses", n),
}
_STATES: Final = {
    # Switches of pages.
    "on": N_("on"),
    "off": N_("off"),
    # Addresses, and why nothing is mailed to them.
    "none": N_("none"),
    "pending": N_("pending"),
    "confirmed": N_("confirmed"),
    "unsubscribed": N_("unsubscribed"),
    "refused": N_("refused"),
    "bounced": N_("bounced"),
    "complained": N_("complained"),
    "blocked": N_("blocked"),
    "forgotten": N_("forgotten"),
    "admin": N_("admin"),
    # Mails.
    "ready": N_("ready"),
    "failed": N_("failed"),
    "dead": N_("dead"),
    "expired": N_("expired"),
    "cancelled": N_("cancelled"),
}
_CAUSES: Final = {
    "no answer": N_("no answer"),
    "page": N_("page"),
    "settings": N_("settings"),
    "moved": N_("moved"),
    "comment": N_("comment"),
    "bounce": N_("bounce"),
    "host": N_("host"),
    "lifted": N_("lifted"),
    "admin": N_("admin"),
}


def act_word(act: str) -> str:
    """What was done, to go before what it was done to."""
    return _(ACTS[act]) if act in ACTS else act


def cause_word(cause: str) -> str:
    """Why it was done: an act of its own, or another stored word."""
    return _(_CAUSES[cause]) if cause in _CAUSES else act_word(cause)


def fact_word(fact: str | None) -> str | None:
    """What something was or has become; numbers and texts are facts of their own."""
    return _(_STATES[fact]) if fact in _STATES else fact and state_word(fact)


def many(n: int, kind: str) -> str:
    """How many subjects of one kind."""
    return _MANY[kind](n) if kind in _MANY else f"{number(n)} {kind}"
