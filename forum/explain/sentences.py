"""One sentence for each reason that is ever stored beside an item or a message; pure."""

from __future__ import annotations

import datetime as dt
from typing import Final

# Each goes on after "not mailed: ". What the rules decide, at fan-out and right before the mail.
_RULES: Final = {
    "comment_gone": "the comment was no longer published when its turn came",
    "self": "they wrote the comment themselves",
    "actor_blocked": "its author is blocked",
    "not_subscribed": "they did not ask to be told",
    "parent_gone": "the comment it answers is gone",
    "recipient_blocked": "their address is blocked here",
    "article_gone": "the page of the conversation is gone",
    "article_silent": "a moderator has switched mail off for the page of the conversation",
    "moved": "the comment was moved to another place, where it no longer concerns them",
    "muted": "they muted this conversation",
    "actor_muted": "they muted the author of the comment",
    "off": "they switched mail off for all they follow here",
    "dormant": "they have shown no sign of life for a year and did not answer when we asked",
    "stale": "it was too old to be news",
    "access": "the site says that they may not read the page",
    "seen": "they were on the page after the comment appeared",
    "address_unconfirmed": "their address is no longer confirmed",
    "address_changed": "they gave up this address for another one",
}
# What ends a message after it was made.
_MESSAGES: Final = {
    "expired": "it could not be sent before its time was over",
    "empty": "nothing was left to tell",
    "erased": "they had everything about them erased",
    "link_used": "the link in it had been used, or its time was over",
    "queue_clear": "everything it was to tell a moderator of had been decided",
    "queue_off": "moderators are not told of comments that wait (FORUM_MAIL_MODERATORS is off)",
    "not_moderator": "their address is no longer in FORUM_MODERATORS",
    "undone": "the decision it told of was taken back",
    "called_off": "an admin of this site has cancelled it",
    "dropped": "the database came back from a backup, and it may have been mailed before that",
    # The one that goes on after "waits: ".
    "restored": "laid aside after a backup was restored, until `flask forum mail restored --send` or `--drop` decides",
    "sending_suppressed": "sending is switched off (TESTING or MAIL_SUPPRESS_SEND)",
}
# Reasons that name a kind and, behind it, which of its cases: `suppressed:bounced`, `limit:site`, `address_confirmed`.
_SUPPRESSED: Final = {
    "refused": "they asked never to be written to again",
    "unsubscribed": "they unsubscribed from all mail of this site",
    "bounced": "mail to their address comes back",
    "complained": "they reported our mail as spam",
    "admin": "an admin of this site has stopped all mail to their address",
}
_LIMITS: Final = {
    "address": "the address had been sent as many mails with such links as one may get for now",
    "network": "the network it was asked from had caused as many mails as FORUM_MAIL_CONFIRM_LIMITS allows",
    "domain": "the domain of the address had been sent as many mails as FORUM_MAIL_CONFIRM_LIMITS allows",
    "site": "the whole site had sent as many such mails as FORUM_MAIL_CONFIRM_LIMITS allows",
}
_ADDRESS: Final = {
    "none": "a newer mail asks the same",
    "pending": "a newer mail asks the same",
    "confirmed": "the address was confirmed meanwhile",
    "unsubscribed": "a newer mail asks the same",
    "refused": _SUPPRESSED["refused"],
    "bounced": _SUPPRESSED["bounced"],
    "complained": _SUPPRESSED["complained"],
    "blocked": _RULES["recipient_blocked"],
}
_REASONS: Final = {
    **_RULES,
    **_MESSAGES,
    **{f"suppressed:{why}": sentence for why, sentence in _SUPPRESSED.items()},
    **{f"limit:{scope}": sentence for scope, sentence in _LIMITS.items()},
    **{f"address_{state}": sentence for state, sentence in _ADDRESS.items()},
}


def because(reason: str | None) -> str:
    """The sentence for a stored reason; one of a newer release, which is not known here, is shown as it is."""
    if reason is None:
        return "no reason was stored"
    return _REASONS.get(reason, f"the stored reason is {reason!r}")


def known() -> frozenset[str]:
    """Every reason that has a sentence."""
    return frozenset(_REASONS)


def when(time: dt.datetime) -> str:
    """A UTC time to the minute, the month in a word so that nobody takes it for the day."""
    return f"{time.day} {time:%b %Y %H:%M}"
