"""Mails taken apart again, and compared with those that were kept."""

from __future__ import annotations

import email
import email.policy
import os
import re
from email.message import EmailMessage
from pathlib import Path

SNAPSHOTS = Path(__file__).parent / "snapshots"


def parsed(raw: bytes) -> EmailMessage:
    mail = email.message_from_bytes(raw, policy=email.policy.default)
    assert isinstance(mail, EmailMessage)
    return mail


def part(raw: bytes, kind: str) -> str:
    """The `plain` or `html` part as people read it."""
    body = parsed(raw).get_body((kind,))
    assert body is not None
    return str(body.get_content()).replace("\r\n", "\n")


def header_lines(raw: bytes) -> list[str]:
    """The header's lines, unfolded."""
    return re.sub(r"\r\n(?=[ \t])", "", raw.partition(b"\r\n\r\n")[0].decode("ascii")).split("\r\n")


def header_names(raw: bytes) -> list[str]:
    return [line.partition(":")[0] for line in header_lines(raw)]


def snapshot(name: str, raw: bytes) -> tuple[bytes, bytes]:
    """What is kept under ``name``, and ``raw`` as it would be kept; with UPDATE_SNAPSHOTS=1 it is kept from now on.

    Line ends are kept as the checkout likes them: that they are right on the wire is tested elsewhere.
    """
    file = SNAPSHOTS / f"{name}.eml"
    now = raw.replace(b"\r\n", b"\n")
    if os.environ.get("UPDATE_SNAPSHOTS") == "1":
        file.write_bytes(now)
    return file.read_bytes().replace(b"\r\n", b"\n"), now
