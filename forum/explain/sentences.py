"""One sentence for each reason that is ever stored beside an item or a message."""

from __future__ import annotations

import datetime as dt
from typing import Final

from ..language import N_, brief
from ..language import gettext as _

# Each goes on after "not mailed: ". What the rules decide, at fan-out and right before the mail.
_RULES: Final = {
    "comment_gone": N_("the comment was no longer published when its turn came"),
    "self": N_("they wrote the comment themselves"),
    "actor_blocked": N_("its author is blocked"),
    "not_subscribed": N_("they did not ask to be told"),
    "parent_gone": N_("the comment it answers is gone"),
    "recipient_blocked": N_("their address is blocked here"),
    "article_gone": N_("the page of the conversation is gone"),
    "article_silent": N_("a moderator has switched mail off for the page of the conversation"),
    "moved": N_("the comment was moved to another place, where it no longer concerns them"),
    "muted": N_("they muted this conversation"),
    "actor_muted": N_("they muted the author of the comment"),
    "off": N_("they switched mail off for all they follow here"),
    "dormant": N_("they have shown no sign of life for a year and did not answer when we asked"),
    "stale": N_("it was too old to be news"),
    "access": N_("the site says that they may not read the page"),
    "seen": N_("they were on the page after the comment appeared"),
    "address_unconfirmed": N_("their address is no longer confirmed"),
    "address_changed": N_("they gave up this address for another one"),
}
# What ends a message after it was made.
_MESSAGES: Final = {
    "expired": N_("it could not be sent before its time was over"),
    "empty": N_("nothing was left to tell"),
    "erased": N_("they had everything about them erased"),
    "link_used": N_("the link in it had been used, or its time was over"),
    "queue_clear": N_("everything it was to tell a moderator of had been decided"),
    "queue_off": N_("moderators are not told of comments that wait (FORUM_MAIL_MODERATORS is off)"),
    "not_moderator": N_("their address is no longer in FORUM_MODERATORS"),
    "undone": N_("the decision it told of was taken back"),
    "called_off": N_("an admin of this site has cancelled it"),
    "dropped": N_("the database came back from a backup, and it may have been mailed before that"),
    # The one that goes on after "waits: ".
    "restored": N_(
        "laid aside after a backup was restored, until `flask forum mail restored --send` or `--drop` decides"
    ),
    "sending_suppressed": N_("sending is switched off (TESTING or MAIL_SUPPRESS_SEND)"),
}
# Reasons that name a kind and, behind it, which of its cases: `suppressed:bounced`, `limit:site`, `address_confirmed`.
_SUPPRESSED: Final = {
    "refused": N_("they asked never to be written to again"),
    "unsubscribed": N_("they unsubscribed from all mail of this site"),
    "bounced": N_("mail to their address comes back"),
    "complained": N_("they reported our mail as spam"),
    "admin": N_("an admin of this site has stopped all mail to their address"),
}
_LIMITS: Final = {
    "address": N_("the address had been sent as many mails with such links as one may get for now"),
    "network": N_("the network it was asked from had caused as many mails as FORUM_MAIL_CONFIRM_LIMITS allows"),
    "domain": N_("the domain of the address had been sent as many mails as FORUM_MAIL_CONFIRM_LIMITS allows"),
    "site": N_("the whole site had sent as many such mails as FORUM_MAIL_CONFIRM_LIMITS allows"),
}
_ADDRESS: Final = {
    "none": N_("a newer mail asks the same"),
    "pending": N_("a newer mail asks the same"),
    "confirmed": N_("the address was confirmed meanwhile"),
    "unsubscribed": N_("a newer mail asks the same"),
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
        return _("no reason was stored")
    if reason not in _REASONS:
        return _("the stored reason is %(reason)s", reason=repr(reason))
    return _(_REASONS[reason])


def known() -> frozenset[str]:
    """Every reason that has a sentence."""
    return frozenset(_REASONS)


def when(time: dt.datetime) -> str:
    """A UTC time to the minute, the month in a word so that nobody takes it for the day."""
    return brief(time)
