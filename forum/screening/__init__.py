"""A draft and what is known about it in, a verdict with its reasons out. Pure: nothing is looked up here.

Each rule looks at one thing. The strongest verdict wins and every reason is kept for the moderator.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

from .facts import STRENGTH, Context, Draft, Effect, Listed, Verdict, Word
from .rules import LAID_DOWN, RULES
from .words import matches

__all__ = ["Context", "Draft", "Effect", "Listed", "Rule", "Verdict", "Word", "matches", "screen"]

Rule = Callable[[Draft, Context], Verdict | None]
# As long as a moderator reads at a glance, and as a queue can be filtered by.
REASON_LENGTH = 190

log = logging.getLogger("forum")


def screen(draft: Draft, context: Context, extra: Sequence[Rule] = ()) -> Verdict:
    """The strongest verdict of our rules and the host's ``extra`` ones, with all their reasons.

    Moderators are never screened. With moderation ``none`` only rejections, shadows and what moderators themselves
    have laid down count. A rule of the host's that raises, or returns anything but a verdict or None, counts as a
    hold, and is logged.
    """
    if context.is_moderator:
        return Verdict("publish")
    said = [(rule, rule(draft, context)) for rule in RULES] + [(rule, _ask(rule, draft, context)) for rule in extra]
    return _strongest([verdict for rule, verdict in said if verdict is not None and _counts(rule, verdict, context)])


def _counts(rule: Rule, verdict: Verdict, context: Context) -> bool:
    always = verdict.word == "reject" or verdict.shadow or rule in LAID_DOWN
    return always or context.settings.moderation != "none"


def _ask(rule: Rule, draft: Draft, context: Context) -> Verdict | None:
    """What a host's rule says; its failure must not lose the comment."""
    name = getattr(rule, "__name__", type(rule).__name__)
    try:
        verdict = rule(draft, context)
    except Exception:
        log.exception("The screening rule %s failed; the comment waits for a moderator.", name)
        return Verdict("hold", (f"rule_failed:{name}",))
    if verdict is None or isinstance(verdict, Verdict):
        return verdict
    log.error("The screening rule %s returned no verdict; the comment waits for a moderator.", name)
    return Verdict("hold", (f"rule_failed:{name}",))


def _strongest(verdicts: Sequence[Verdict]) -> Verdict:
    words: list[Word] = ["publish", *(verdict.word for verdict in verdicts)]
    word = max(words, key=STRENGTH.__getitem__)
    # A rejection is explained by one that can be: what else spoke against the draft is not told.
    told = next((verdict for verdict in verdicts if verdict.word == word and verdict.advice), Verdict(word))
    return Verdict(
        word,
        tuple(reason[:REASON_LENGTH] for verdict in verdicts for reason in verdict.reasons),
        field=told.field,
        advice=told.advice,
        shadow=word == "hold" and any(verdict.shadow for verdict in verdicts),
    )
