"""May this comment be mailed to this person? Every rule on one screen, each outcome a word with a reason.

The same function answers at fan-out and once more right before the mail leaves; the second answer wins.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Literal

_SILENT_FOR_EVER = frozenset({"refused", "unsubscribed", "bounced", "complained"})


@dataclass(frozen=True)
class Facts:
    """How a person stands to a comment, and how both stand now.

    ``scopes`` are the person's active subscriptions that reach the comment; ``on_parent`` says that one of them
    hangs on the very comment that was answered, or that the person wrote it. ``delay`` passed between writing and
    publication. ``suppressed`` names why the address must not be written to, if it must not. ``off`` says that every
    one of these subscriptions is switched off. What the host knows, ``may_read`` and ``seen``, is asked right before
    the mail only.
    """

    comment_state: str
    parent_state: str | None
    actor_state: str
    is_actor: bool
    scopes: frozenset[str]
    on_parent: bool
    address_state: str
    suppressed: str | None
    muted: bool
    delay: dt.timedelta
    off: bool = False
    actor_muted: bool = False
    dormant: bool = False
    page_gone: bool = False
    page_silent: bool = False
    may_read: bool = True
    seen: bool = False


@dataclass(frozen=True)
class Decision:
    """``send``, ``wait`` for the address to be confirmed, or ``skip`` with ``why_not``.

    ``reason`` is the strongest of the ways by which the comment reaches this person: reply, branch or thread.
    """

    word: Literal["send", "wait", "skip"]
    reason: str
    why_not: str | None = None


def decide(facts: Facts, max_age: dt.timedelta) -> Decision:
    """Judge one (comment, address) pair; nothing about a person is looked up here."""
    reason = _reason(facts)
    refusal = _refusal(facts, reason, max_age)
    if refusal is not None:
        return Decision("skip", reason, refusal)
    if facts.address_state != "confirmed":
        return Decision("wait", reason)
    return Decision("send", reason)


def _reason(facts: Facts) -> str:
    if facts.on_parent:
        return "reply"
    return "branch" if "branch" in facts.scopes else "thread"


def _refusal(facts: Facts, reason: str, max_age: dt.timedelta) -> str | None:
    if facts.comment_state != "published":
        return "comment_gone"
    if facts.is_actor:
        return "self"
    if facts.actor_state == "blocked":
        return "actor_blocked"
    if not facts.scopes:
        return "not_subscribed"
    if reason == "reply" and facts.parent_state != "published":
        return "parent_gone"
    if facts.address_state == "blocked":
        return "recipient_blocked"
    if facts.suppressed is not None:
        return f"suppressed:{facts.suppressed}"
    if facts.address_state in _SILENT_FOR_EVER:
        return f"suppressed:{facts.address_state}"
    if facts.page_gone:
        return "article_gone"
    if facts.page_silent:
        return "article_silent"
    if facts.muted:
        return "muted"
    if facts.actor_muted:
        return "actor_muted"
    if facts.off:
        return "off"
    if facts.dormant:
        return "dormant"
    # Somebody who approves a month's queue must not send a month's mail.
    if facts.delay > max_age:
        return "stale"
    if not facts.may_read:
        return "access"
    return "seen" if facts.seen else None
