"""Web addresses in a text as it was written, before anything is rendered."""

from __future__ import annotations

import re

_LINK = re.compile(r"\bhttps?://[^\s<>()\[\]\"']+|\bwww\.[^\s<>()\[\]\"']+", re.IGNORECASE)
_HOST = re.compile(r"(?:https?://)?(?:[^/?#@]*@)?([^/?#:]*)", re.IGNORECASE)


def links(text: str) -> list[str]:
    """The web addresses in ``text`` that differ, in their order: one that labels itself is one."""
    return list(dict.fromkeys(link.rstrip(".,;:!?*_") for link in _LINK.findall(text)))


def without_links(text: str) -> str:
    """``text`` with its web addresses taken out."""
    return _LINK.sub(" ", text)


def host(link: str) -> str:
    """The host a web address leads to, in lower case and without a leading ``www.``."""
    match = _HOST.match(link)
    return (match[1] if match else "").lower().removeprefix("www.")
