"""Who is told of a comment, and who is not, and why."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import Any

import pytest

from forum.outbox import Facts, decide

WEEK = dt.timedelta(days=7)
TOLD = Facts(
    comment_state="published",
    parent_state="published",
    actor_state="confirmed",
    is_actor=False,
    scopes=frozenset({"direct"}),
    on_parent=True,
    address_state="confirmed",
    suppressed=None,
    muted=False,
    delay=dt.timedelta(0),
)


def test_the_answered_person_is_told() -> None:
    """A confirmed author who asked for answers gets a reply."""
    assert (decide(TOLD, WEEK).word, decide(TOLD, WEEK).reason) == ("send", "reply")


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"comment_state": "removed"}, "comment_gone"),
        ({"comment_state": "spam"}, "comment_gone"),
        ({"is_actor": True}, "self"),
        ({"actor_state": "blocked"}, "actor_blocked"),
        ({"scopes": frozenset()}, "not_subscribed"),
        ({"parent_state": "removed"}, "parent_gone"),
        ({"address_state": "blocked"}, "recipient_blocked"),
        ({"suppressed": "refused"}, "suppressed:refused"),
        ({"address_state": "unsubscribed"}, "suppressed:unsubscribed"),
        ({"address_state": "bounced"}, "suppressed:bounced"),
        ({"muted": True}, "muted"),
        ({"delay": dt.timedelta(days=8)}, "stale"),
        ({"may_read": False}, "access"),
    ],
)
def test_every_no_has_a_reason(change: dict[str, Any], why: str) -> None:
    """One fact that speaks against a mail is enough, and it is named."""
    decision = decide(replace(TOLD, **change), WEEK)
    assert (decision.word, decision.why_not) == ("skip", why)


def test_an_unconfirmed_address_waits() -> None:
    """Somebody who has not confirmed gets nothing yet, and it is not lost."""
    assert decide(replace(TOLD, address_state="pending"), WEEK).word == "wait"


@pytest.mark.parametrize(
    ("on_parent", "scopes", "reason"),
    [
        (True, {"thread", "branch"}, "reply"),
        (False, {"thread", "branch"}, "branch"),
        (False, {"thread"}, "thread"),
    ],
)
def test_the_strongest_reason_is_given(on_parent: bool, scopes: set[str], reason: str) -> None:
    """Reached by several paths, somebody hears of the comment once, for the strongest of them."""
    assert decide(replace(TOLD, on_parent=on_parent, scopes=frozenset(scopes)), WEEK).reason == reason


def test_a_removed_parent_silences_the_reply_only() -> None:
    """Whoever follows the whole thread still hears of an answer to a comment that is gone."""
    follower = replace(TOLD, on_parent=False, scopes=frozenset({"thread"}), parent_state="removed")
    assert decide(follower, WEEK).word == "send"
