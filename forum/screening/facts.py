"""What screening goes by, and what it says: the draft, what is known about it, and the verdict."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ..settings import Settings

Word = Literal["publish", "hold", "reject"]
STRENGTH: dict[Word, int] = {"publish": 0, "hold": 1, "reject": 2}
Effect = Literal["trust", "hold", "shadow", "block"]
# What anybody may type into a form: only a proof makes it somebody's own.
_TYPED = ("address", "domain", "name")


@dataclass(frozen=True)
class Verdict:
    """What happens to a draft, and why.

    ``reasons`` are for moderators and never shown to the author: ours are ``rule`` or ``rule:detail``, a host's may be
    any short phrase. ``advice`` is shown to the author of a rejected draft, at ``field`` of the form: a sentence that
    somebody in good faith can act on, or None for what a spammer must not learn. With ``shadow`` a held comment is
    stored as spam, does not wait for a moderator, and its author sees what everybody sees whose comment waits.

    Raises ValueError for another word than ``publish``, ``hold`` and ``reject``.
    """

    word: Word
    reasons: tuple[str, ...] = ()
    field: str = "body"
    advice: str | None = None
    shadow: bool = False

    def __post_init__(self) -> None:
        if self.word not in STRENGTH:
            raise ValueError(f"A verdict is publish, hold or reject, not {self.word!r}.")


@dataclass(frozen=True)
class Draft:
    """What a visitor submitted, already normalised, not yet a comment."""

    thread_key: str
    parent_id: int | None
    name: str
    email: str | None
    website: str | None
    body: str

    @property
    def texts(self) -> tuple[str, ...]:
        """Everything in it that its author has written, the text first."""
        return tuple(text for text in (self.body, self.name, self.email, self.website) if text)


@dataclass(frozen=True)
class Listed:
    """Somebody a moderator has listed, as far as it fits the author of a draft: ``shown`` is what the list says."""

    kind: str
    shown: str
    effect: Effect


@dataclass(frozen=True)
class Context:
    """What is known about the author of a draft, about the way it came and about where it goes.

    ``settings`` is the site's policy. ``approved`` counts the approved comments of the address or identity;
    ``confirmed`` says that the mailbox was proved, ``is_identity`` that the host has signed the author in.
    ``seconds`` passed between form and submission; ``honeypot`` says that the field no person sees was filled in;
    ``proof`` that the browser did the arithmetic it was given. ``listed`` are the entries of the moderators' lists
    that fit, ``staff`` the names of those who moderate here. ``copies`` counts comments with the same text on other
    pages, ``age_days`` how long ago the conversation began (None for a new one); ``thread_held`` says that a
    moderator wants to read everything there. ``odds`` is the filter's probability of spam, None where it does not
    know enough, and ``telling`` the words that decided it.
    """

    settings: Settings
    approved: int = 0
    confirmed: bool = False
    is_identity: bool = False
    is_moderator: bool = False
    seconds: float = 3_600.0
    honeypot: bool = False
    proof: bool = False
    listed: tuple[Listed, ...] = ()
    staff: tuple[str, ...] = ()
    copies: int = 0
    age_days: float | None = None
    thread_held: bool = False
    odds: float | None = None
    telling: tuple[str, ...] = ()

    @property
    def proved(self) -> bool:
        """Whether the author is taken for whom the form names."""
        return self.is_identity or self.confirmed or self.settings.trust_unconfirmed

    @property
    def trusted(self) -> bool:
        """Whether enough comments of the author were approved for this one to pass unread."""
        return self.proved and self.approved >= self.settings.first_approvals

    @property
    def vouched_for(self) -> bool:
        """Whether a moderator has listed the author as trusted, by something that is the author's own."""
        trusts = [entry for entry in self.listed if entry.effect == "trust"]
        return any(self.proved or entry.kind not in _TYPED for entry in trusts)
