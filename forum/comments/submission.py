"""A draft with everything the request said about it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Literal

from ..addresses import Mailbox
from ..screening import Draft
from ..tokens import Stamp
from .gathering import Author


@dataclass(frozen=True)
class Submission:
    """A draft with everything the request said about it; whatever a visitor may not choose is set by us.

    ``mailbox`` is the parsed address, ``vouched`` that the host has proved it; ``seconds`` passed since the form
    was made; ``visitor_hash`` and ``network`` recognise an anonymous author without naming anybody. ``proof`` says
    that the browser did the arithmetic that belongs to this form.
    """

    stamp: Stamp
    draft: Draft
    mailbox: Mailbox | None
    notify: Literal["", "direct", "branch", "thread"]
    seconds: float
    honeypot: bool
    visitor_hash: str | None = None
    network: str | None = None
    identity_ref: str | None = None
    vouched: bool = False
    is_moderator: bool = False
    proof: bool = False

    @property
    def author(self) -> Author:
        """By what the author can be recognised."""
        return Author(self.draft.name, self.mailbox, self.network, self.identity_ref, self.visitor_hash)

    @property
    def digest(self) -> str:
        """What makes two submissions of one form the same: address, parent and text."""
        parts = (self.mailbox.key if self.mailbox else "", str(self.draft.parent_id or ""), self.draft.body)
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()
