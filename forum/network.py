"""Where a request comes from, as far as we may know: its network, never its address, and whose page sent it."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from typing import Literal
from urllib.parse import urlsplit

from flask import Request

from .tokens import Keys, keyed_hash

# One household or office shares these; a single machine can change the rest at will.
_PREFIX = {4: 24, 6: 56}
# The most that one customer is usually given: whoever has it can be many households.
_WIDEST = {4: 24, 6: 48}


def network_of(request: Request, keys: Keys) -> str | None:
    """A keyed hash of the client's network, or None where the server names no address (a unix socket)."""
    return _hashed(request, keys, _PREFIX)


def widest_network_of(request: Request, keys: Keys) -> str | None:
    """The same for all that one customer of a provider may have: for counting voices, not for holding anybody back."""
    return _hashed(request, keys, _WIDEST)


def _hashed(request: Request, keys: Keys, prefix: Mapping[int, int]) -> str | None:
    try:
        address = ipaddress.ip_address(request.remote_addr or "")
    except ValueError:
        return None
    network = ipaddress.ip_network(f"{address}/{prefix[address.version]}", strict=False)
    return keyed_hash(keys, "network", str(network))


def origin_of(request: Request, base_url: str | None) -> Literal["same", "cross", "unknown"]:
    """Whether an unsafe request was sent by one of our own pages, by a foreign one, or does not say.

    Browsers name the sender in Sec-Fetch-Site, older ones in Origin or Referer; pages cannot forge any of them.
    """
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return "same" if site == "same-origin" else "cross"
    for header in ("Origin", "Referer"):
        sender = request.headers.get(header)
        if sender:
            return "same" if _origin(sender) in _ours(request, base_url) else "cross"
    return "unknown"


def _ours(request: Request, base_url: str | None) -> set[str]:
    return {_origin(request.host_url)} | ({_origin(base_url)} if base_url else set())


def _origin(url: str) -> str:
    """Scheme and authority; for "null" and other things that are no origin a text equal to none of ours."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return f"invalid:{url}"
    return f"{parts.scheme}://{parts.netloc}".lower() if parts.scheme and parts.netloc else f"invalid:{url}"
