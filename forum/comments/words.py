"""What the states of a comment are called."""

from __future__ import annotations

from typing import Final

from ..language import N_
from ..language import gettext as _

_STATES: Final = {
    "published": N_("published"),
    "held": N_("held"),
    "rejected": N_("rejected"),
    "spam": N_("spam"),
    "removed": N_("removed"),
}


def state_word(state: str) -> str:
    """The state in the reader's language; what is no state of a comment stays as it is."""
    return _(_STATES[state]) if state in _STATES else state
