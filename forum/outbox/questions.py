"""Events that ask for an opinion of a comment, or pass on what became of it: neither is mail."""

from __future__ import annotations

from typing import Final

# An opinion is asked of a comment that would be published or held otherwise; what a moderator said of it is passed on.
CHECK_PUBLISHED, CHECK_HELD, TEACH = "check:publish", "check:hold", "teach"
CHECKS: Final = (CHECK_PUBLISHED, CHECK_HELD)
