"""What a check has found: a word to act on, and a sentence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

Word = Literal[
    "ok",
    "todo",  # works for now, or was not set up yet
    "wrong",  # mail is lost, refused or says what is not true
]

# Names that no stranger's mail or browser can reach (RFC 2606, RFC 6761).
_RESERVED: Final = ("example", "example.com", "example.net", "example.org", "test", "invalid", "localhost")


@dataclass(frozen=True)
class Finding:
    """The outcome of one check; ``check`` names it for scripts."""

    check: str
    word: Word
    sentence: str


def is_reserved(domain: str) -> bool:
    """Whether ``domain`` is a name for examples or for the machine itself."""
    name = domain.casefold().rstrip(".")
    return any(name == reserved or name.endswith(f".{reserved}") for reserved in _RESERVED)


def domain_of(address: str) -> str:
    """The part behind the @, in lower case."""
    return address.rpartition("@")[2].casefold()
