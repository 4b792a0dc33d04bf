"""Web addresses in a text as it was written, before anything is rendered."""

from __future__ import annotations

import re

_LINK = re.compile(r"\bhttps?://[^\s<>()\[\]\"']+|\bwww\.[^\s<>()\[\]\"']+", re.IGNORECASE)
# What people read as an address although nothing links it: a name below a usual domain, or any before a path. Each
# part is bounded, so that no text is read twice.
_BARE = re.compile(
    r"(?<![@\w.-])(?:[a-z0-9-]{1,63}\.){1,4}"
    r"(?:(?:com|net|org|info|biz|xyz|top|shop|site|online|club|io|tv|co|ru|cn|ly|gl|me)\b(?:/\S*)?|[a-z]{2,20}/\S+)",
    re.IGNORECASE | re.ASCII,
)
_HOST = re.compile(r"(?:https?://)?(?:[^/?#@]*@)?([^/?#:]*)", re.IGNORECASE)


def links(text: str) -> list[str]:
    """The web addresses in ``text`` that differ, in their order: one that labels itself is one."""
    return list(dict.fromkeys(link.rstrip(".,;:!?*_") for link in _LINK.findall(text)))


def addresses(text: str) -> list[str]:
    """The :func:`links` of ``text``, and after them what is written without ``https://`` or ``www.``."""
    return links(text) + list(dict.fromkeys(_BARE.findall(_LINK.sub(" ", text))))


def without_addresses(text: str) -> str:
    """``text`` with its :func:`addresses` taken out."""
    return _BARE.sub(" ", _LINK.sub(" ", text))


def host(link: str) -> str:
    """The host a web address leads to, in lower case and without a leading ``www.``."""
    match = _HOST.match(link)
    return (match[1] if match else "").lower().removeprefix("www.")
