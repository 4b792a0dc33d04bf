"""How long each part of an attempt to send may take, and how long a connection is used again."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """Seconds each part of an attempt may take, and how long a connection is used again."""

    connect: float = 10
    reply: float = 30
    block: float = 60
    # Long on purpose: giving up early makes duplicates (RFC 5321, 4.5.3.2.6).
    dot: float = 600
    quit: float = 5
    attempt: float = 700
    messages: int = 50
    age: float = 60
    idle: float = 10
