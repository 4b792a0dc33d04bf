"""The policy keys by what they are about, in the order the settings page and the reference show them."""

from __future__ import annotations

from typing import Final

# Each name with the sentence that stands below it.
GROUPS: Final = {
    "New pages": "Where people may write, and who.",
    "Display": "How a conversation looks to its readers.",
    "Before a comment appears": "What waits for a moderator, and what is turned away.",
    "Mail to moderators": "How the desk is told, and how long it may take something back.",
    "Mail to readers": "When people hear of answers, and what stands in their mail.",
    "Spam": "What machines find hard and people hardly notice.",
    "Privacy": "How long is kept what nobody needs any more.",
}
