"""The rules every draft passes, each for one thing. Their order is that of the reasons a moderator reads.

A rule never looks at the site's moderation policy except the last one; what a policy makes of verdicts is decided
where they are put together.
"""

from __future__ import annotations

from collections.abc import Iterable

from ..language import N_
from .facts import Context, Draft, Effect, Verdict
from .links import links
from .lookalikes import skeleton
from .words import matches

_QUICK = N_("That was quick. Nothing is lost: please read your comment over once more, then press Post.")
_RESERVED = N_("This name is kept for those who run the site. Please choose another one.")
_STAFF = N_("Somebody who moderates here goes by this name. Please choose one that cannot be mistaken for it.")
# More would not tell a moderator more.
_MOST_WORDS = 5


def honeypot(draft: Draft, context: Context) -> Verdict | None:
    """Machines fill in the field that no person sees."""
    return Verdict("reject", ("honeypot",)) if context.honeypot else None


def too_fast(draft: Draft, context: Context) -> Verdict | None:
    """Machines send the form back sooner than a person can type."""
    if context.seconds >= context.settings.min_seconds:
        return None
    return Verdict("reject", (f"too_fast:{context.seconds:.1f}",), advice=_QUICK)


def listed(draft: Draft, context: Context) -> Verdict | None:
    """A moderator wants this author blocked, shadowed or read first; a block beats a shadow, a shadow a hold."""
    effects: tuple[Effect, ...] = ("block", "shadow", "hold")
    for effect in effects:
        entries = [entry for entry in context.listed if entry.effect == effect]
        if entries:
            reasons = tuple(f"listed:{effect} {entry.kind} {entry.shown}" for entry in entries)
            return Verdict("reject" if effect == "block" else "hold", reasons, shadow=effect == "shadow")
    return None


def impersonation(draft: Draft, context: Context) -> Verdict | None:
    """Nobody is to be taken for the site or for one of its moderators; whom the host has signed in, it has named."""
    if context.is_identity:
        return None
    bones = skeleton(draft.name)
    if same := _with(bones, context.settings.reserved_names):
        return Verdict("reject", (f"reserved_name:{same}",), field="name", advice=_RESERVED)
    if same := _with(bones, context.staff):
        return Verdict("reject", (f"staff_name:{same}",), field="name", advice=_STAFF)
    return None


def _with(bones: str, names: Iterable[str]) -> str | None:
    return next((name for name in names if bones and skeleton(name) == bones), None)


def reject_words(draft: Draft, context: Context) -> Verdict | None:
    """The site's list of words it will not have."""
    found = matches(context.settings.reject_words, draft.texts)
    return Verdict("reject", tuple(f"reject_word:{word}" for word in found[:_MOST_WORDS])) if found else None


def hold_words(draft: Draft, context: Context) -> Verdict | None:
    """The site's list of words a moderator should see first."""
    found = matches(context.settings.hold_words, draft.texts)
    return Verdict("hold", tuple(f"word:{word}" for word in found[:_MOST_WORDS])) if found else None


def proof(draft: Draft, context: Context) -> Verdict | None:
    """A visitor's browser did the arithmetic it was asked for; whom the host has signed in is not asked."""
    if not context.settings.proof_of_work or context.proof or context.is_identity:
        return None
    return Verdict("hold", ("proof",))


def duplicate(draft: Draft, context: Context) -> Verdict | None:
    """Spam comes in copies."""
    if not context.copies or not context.settings.duplicate_hours or context.vouched_for:
        return None
    return Verdict("hold", (f"duplicate:{context.copies}",))


def many_links(draft: Draft, context: Context) -> Verdict | None:
    """Spam lives by its links."""
    most = context.settings.max_links
    if not most or context.vouched_for:
        return None
    number = len(links(draft.body))
    return Verdict("hold", (f"links:{number}",)) if number >= most else None


def score(draft: Draft, context: Context) -> Verdict | None:
    """The filter finds that it resembles what moderators called spam."""
    least = context.settings.spam_hold_percent
    if not least or context.odds is None or context.vouched_for or context.odds * 100 < least:
        return None
    # Cut, not rounded: 0.998 is not certain.
    shown = int(context.odds * 100) / 100
    return Verdict("hold", (f"score:{shown:.2f} {', '.join(context.telling)}".rstrip(),))


def old_thread(draft: Draft, context: Context) -> Verdict | None:
    """Where people stopped talking long ago, mostly machines still write."""
    days = context.settings.old_thread_days
    if not days or context.age_days is None or context.age_days < days:
        return None
    return Verdict("hold", (f"old_thread:{int(context.age_days)}",))


def thread_held(draft: Draft, context: Context) -> Verdict | None:
    """A moderator reads everything on this page."""
    return Verdict("hold", ("thread_held",)) if context.thread_held else None


def policy(draft: Draft, context: Context) -> Verdict | None:
    """What the site reads before it appears: everything, or what new authors write."""
    if context.settings.moderation == "all":
        return Verdict("hold", ("all",))
    if context.settings.moderation == "first" and not (context.trusted or context.vouched_for):
        return Verdict("hold", ("first",))
    return None


RULES = (
    *(honeypot, too_fast, listed, impersonation, reject_words, hold_words, proof),
    *(duplicate, many_links, score, old_thread, thread_held, policy),
)
# What moderators themselves have laid down: it acts under every policy.
LAID_DOWN = frozenset((listed, thread_held))
