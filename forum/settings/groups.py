"""The policy keys by what they are about, in the order the settings page and the reference show them."""

from __future__ import annotations

from typing import Final

from ..language import N_

# Each name with the sentence that stands below it.
GROUPS: Final = {
    N_("New pages"): N_("Where people may write, and who."),
    N_("Display"): N_("How a conversation looks to its readers."),
    N_("Before a comment appears"): N_("What waits for a moderator, and what is turned away."),
    N_("Mail to moderators"): N_("How the desk is told, and how long it may take something back."),
    N_("Mail to readers"): N_("When people hear of answers, and what stands in their mail."),
    N_("Spam"): N_("What machines find hard and people hardly notice."),
    N_("Privacy"): N_("How long is kept what nobody needs any more."),
}
