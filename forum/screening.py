"""A draft and what is known about it in, a verdict with its reasons out. Pure: nothing is looked up here.

Each rule looks at one thing. The strongest verdict wins and every reason is kept for the moderator.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

Word = Literal["publish", "hold", "reject"]
_STRENGTH: dict[Word, int] = {"publish": 0, "hold": 1, "reject": 2}


@dataclass(frozen=True)
class Verdict:
    """What happens to a draft, and why: short phrases a moderator reads, never shown to its author."""

    word: Word
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True)
class Draft:
    """What a visitor submitted, already normalised, not yet a comment."""

    thread_key: str
    parent_id: int | None
    name: str
    email: str | None
    website: str | None
    body: str


@dataclass(frozen=True)
class Context:
    """What is known about the author of a draft and the way it came.

    ``moderation`` is the site's policy; ``trusted`` says that the address or identity has an approved comment;
    ``seconds`` passed between form and submission; ``honeypot`` says that the field no person sees was filled in.
    """

    moderation: Literal["none", "first", "all"]
    trusted: bool
    is_moderator: bool
    honeypot: bool
    seconds: float
    min_seconds: float


Rule = Callable[[Draft, Context], Verdict | None]


def screen(draft: Draft, context: Context, extra: Sequence[Rule] = ()) -> Verdict:
    """The strongest verdict of our rules and the host's ``extra`` ones, with all their reasons.

    Moderators are never screened. With moderation ``none`` only rejections count: nothing is held.
    """
    if context.is_moderator:
        return Verdict("publish")
    verdicts = [verdict for rule in (*_RULES, *extra) if (verdict := rule(draft, context)) is not None]
    if context.moderation == "none":
        verdicts = [verdict for verdict in verdicts if verdict.word == "reject"]
    words: list[Word] = [verdict.word for verdict in verdicts]
    word = max(words, key=_STRENGTH.__getitem__, default=None)
    return Verdict(word or "publish", tuple(reason for verdict in verdicts for reason in verdict.reasons))


def _honeypot(draft: Draft, context: Context) -> Verdict | None:
    return Verdict("reject", ("the hidden field was filled in",)) if context.honeypot else None


def _too_fast(draft: Draft, context: Context) -> Verdict | None:
    if context.seconds >= context.min_seconds:
        return None
    return Verdict("reject", (f"written in {context.seconds:.1f} seconds",))


def _policy(draft: Draft, context: Context) -> Verdict | None:
    if context.moderation == "all":
        return Verdict("hold", ("every comment is read first",))
    if context.moderation == "first" and not context.trusted:
        return Verdict("hold", ("first comment",))
    return None


_RULES: tuple[Rule, ...] = (_honeypot, _too_fast, _policy)
