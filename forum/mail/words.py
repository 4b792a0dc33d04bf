"""What a mail says, before it is written out: plain values that need no database any more."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..models import Message
from ..settings import Settings
from .wire import Pattern


@dataclass(frozen=True)
class Words:
    """The arguments of one function of :mod:`forum.mail.compose`.

    ``values`` are the recipient's own, which stand for the marks in ``arguments``: what is equal for several people
    is composed once. ``in_reply_to`` and ``references`` are the mails it follows.
    """

    compose: Callable[..., Pattern]
    arguments: Mapping[str, Any]
    values: Mapping[str, str] = field(default_factory=dict)
    in_reply_to: str | None = None
    references: tuple[str, ...] = ()


def language_of(settings: Settings, message: Message) -> str:
    """The language the owner of the address has chosen or wrote in, or the site's."""
    return message.address.locale or settings.language
