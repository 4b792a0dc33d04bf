"""Outcomes the database would not take, kept on the disk until it does: an accepted mail must not be sent again.

Each is a file of its own below one directory, so that any number of processes may add and take away at once.
"""

from __future__ import annotations

import datetime as dt
import json
import logging
import os
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from .. import outbox
from ..models import Message
from ..outbox import Claim, Try
from .courier import Courier
from .ledger import Sent
from .outcome import Outcome
from .steps import step

log = logging.getLogger("forum.mail")


def keep(courier: Courier, sent: Sent) -> None:
    """Keep what became of a letter, on the disk when this returns; what the disk refuses is logged."""
    letter = sent.letter
    record = {
        "message_id": letter.claim.message_id,
        "rfc_message_id": letter.rfc_message_id,
        "token": letter.claim.token,
        "attempts": letter.claim.attempts,
        "address_id": letter.address_id,
        "times": [time.isoformat() for time in (sent.started, sent.ended, letter.since)],
        "outcome": asdict(sent.outcome),
    }
    try:
        courier.spool.mkdir(parents=True, exist_ok=True)
        _write(courier.spool / f"{letter.claim.message_id}-{letter.claim.token}.json", json.dumps(record))
    except OSError:
        log.exception("message %s was %s, which could not be kept", letter.claim.message_id, sent.outcome.word)


def replay(courier: Courier) -> None:
    """Write down what the spool holds and empty it; doing so twice, or twice at once, does no harm.

    A file that cannot be read, or not taken away, is logged and keeps nobody from the others.
    """
    for file in sorted(courier.spool.glob("*.json")):
        try:
            _replay(courier, file)
        except FileNotFoundError:
            continue  # Another process was quicker.
        except OSError as error:  # it may be over by itself: the file stays for the next round
            log.warning("%s stays in the spool: %s", file, error)


def _replay(courier: Courier, file: Path) -> None:
    try:
        record = json.loads(file.read_text(encoding="utf-8"))
        known = step(courier, partial(_settle, courier, record))
    # Of another version, damaged, or a directory that somebody made: it must not stop all mail.
    except (ValueError, KeyError, TypeError, IsADirectoryError):
        log.exception("%s cannot be read and is laid aside", file)
        file.replace(file.with_suffix(".unread"))
        return
    if not known:
        return  # Another site that shares the folder may know it.
    file.unlink(missing_ok=True)
    log.warning(
        "message %s: its outcome, which the database had not taken, was read from the spool", record["message_id"]
    )


def _write(file: Path, text: str) -> None:
    unfinished = file.with_suffix(".part")
    with unfinished.open("w", encoding="utf-8") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())
    unfinished.replace(file)


def _settle(courier: Courier, record: dict[str, Any], session: Session, now: dt.datetime) -> bool:
    """Settle what a record tells of; False when this database holds no such message."""
    same = Message.id == record["message_id"], Message.rfc_message_id == record["rfc_message_id"]
    if session.scalar(select(Message.id).where(*same)) is None:
        return False
    started, ended, since = map(dt.datetime.fromisoformat, record["times"])
    claim = Claim(record["message_id"], record["token"], record["attempts"])
    tried = Try(claim, record["address_id"], courier.worker, started, ended, since)
    outbox.settle(session.connection(), courier.settings, tried, Outcome(**record["outcome"]))
    return True
