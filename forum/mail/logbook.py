"""One record for each attempt, for logs that are searched by field: ids, codes and masked addresses, never a text."""

from __future__ import annotations

import logging

from .outcome import Outcome, masked

log = logging.getLogger("forum.mail")


def note_attempt(message_id: int, kind: str, to: str, outcome: Outcome, seconds: float, state: str) -> None:
    """Log what became of an attempt that took ``seconds``, and the ``state`` of its message from now on.

    Each part is a field of the record too: ``message_id``, ``kind``, ``address`` (masked), ``outcome``, ``phase``,
    ``code`` (None without an answer), ``seconds`` and ``state``. What the server said in words is left out: some
    repeat a link or a line of the mail.
    """
    if not log.isEnabledFor(logging.INFO):
        return
    fields = {
        "message_id": message_id,
        "kind": kind,
        "address": masked(to),
        "outcome": outcome.word,
        "phase": outcome.phase,
        "code": outcome.code,
        "seconds": round(seconds, 3),
        "state": state,
    }
    tried = "message %(message_id)s (%(kind)s) to %(address)s: %(outcome)s at %(phase)s"
    log.info(f"{tried} (%(code)s) after %(seconds)s s, now %(state)s", fields, extra=fields)
