"""What can go wrong, in one family. Views map members to pages; nothing here knows a status code."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence


class ForumError(Exception):
    """The root of everything Forum raises on purpose.

    ``message`` is a full sentence that may be shown to the person who caused it.
    """

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class SettingsError(ForumError):
    """The configuration cannot be used; ``problems`` holds one line for each wrong key."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("Forum cannot start with this configuration:\n" + "\n".join(f"  {line}" for line in problems))
        self.problems = tuple(problems)


class InvalidDraft(ForumError):
    """A draft that must be put right by its author; ``field`` names the form field the message belongs to."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


class Refused(InvalidDraft):
    """A draft that rules turned away; ``reasons`` are for moderators and never shown to its author."""

    def __init__(self, field: str, message: str, reasons: Sequence[str]) -> None:
        super().__init__(field, message)
        self.reasons = tuple(reasons)


class BadStamp(ForumError):
    """The stamp of a form is missing, forged, foreign or older than it may be."""


class TooFast(ForumError):
    """A limit was reached; ``retry_after`` says in seconds when the next try is welcome."""

    def __init__(self, message: str, retry_after: int) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class NotFound(ForumError):
    """The thing named does not exist, or must look to the asker as if it did not."""


class Conflict(ForumError):
    """Somebody else was faster, or the thing is no longer in a state that allows the act.

    ``by``, ``act`` and ``at`` say who did what when, as the row ``entry`` of the audit log has it; None where that
    does not know.
    """

    def __init__(
        self,
        message: str,
        *,
        by: str | None = None,
        act: str | None = None,
        at: dt.datetime | None = None,
        entry: int | None = None,
    ) -> None:
        super().__init__(message)
        self.by, self.act, self.at, self.entry = by, act, at, entry


class BadToken(ForumError):
    """A mail token that is malformed, forged or made for another purpose."""


class ExpiredToken(BadToken):
    """A genuine mail token whose time is over; a new one may be offered."""


class MailNotConfigured(ForumError):
    """Mail cannot be sent because settings are missing; the message names them."""
