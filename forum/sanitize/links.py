"""Web addresses: one rule of our own decides every link, whatever a library thought of it before."""

from __future__ import annotations

import re
import unicodedata
from urllib.parse import unquote, urlsplit

from ..errors import InvalidDraft
from ..language import gettext as _

HREF_LENGTH = 2000
WEBSITE_LENGTH = 500

_BARRED = re.compile(r"[\s`'\"<>\\\u115f\u1160\u2800\u3164\uffa0\ufffd]")
_LINK = re.compile(r"https?://[^/?#]+(?:[/?#].*)?", re.IGNORECASE)
_MAILTO = re.compile(r"mailto:[\w.+-]+@[\w-]+(?:\.[\w-]+)+", re.IGNORECASE)
_IPV6 = re.compile(r"[0-9a-f:.]+")
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*:(?!\d+(?:[/?#]|\Z))", re.IGNORECASE)
_HOST = re.compile(r"(https?://)([^/?#]*)(.*)", re.IGNORECASE | re.DOTALL)


def href(value: str) -> bool:
    """Tell whether ``value`` may stand in a link: http(s) to a host without user-info, or a plain mailto.

    Bleach alone lets `javascript:` followed by digits pass for a host with a port; this rule does not.
    """
    if len(value) > HREF_LENGTH or _BARRED.search(value) or not value.isprintable():
        return False
    if _MAILTO.fullmatch(value):
        return True
    return _LINK.fullmatch(value) is not None and _has_host(value)


def website(text: str) -> str | None:
    """Return the address of a visitor's site with its scheme, or ``None`` when the field was left empty.

    Raises ``InvalidDraft("website", …)`` unless it is an http(s) address of at most 500 characters.
    """
    text = unicodedata.normalize("NFC", text.strip())
    if not text:
        return None
    address = text if _SCHEME.match(text) else f"https://{text.removeprefix('//')}"
    if len(address) > WEBSITE_LENGTH:
        raise InvalidDraft(
            "website", _("This web address is too long; it may have up to %(most)s characters.", most=WEBSITE_LENGTH)
        )
    if address[:4].lower() != "http" or not href(address) or "." not in host(address):
        raise InvalidDraft("website", _("This web address does not look right. It should be like https://example.com."))
    return address


def browser_form(address: str) -> str:
    """Undo percent-encoding in the host of ``address``, where international names stand as letters."""
    parts = _HOST.fullmatch(address)
    return f"{parts[1]}{unquote(parts[2])}{parts[3]}" if parts else address


def host(address: str) -> str:
    """Return the host that ``address`` leads to, or "" when it has none."""
    try:
        return urlsplit(address).hostname or address.partition("@")[2]
    except ValueError:
        return ""


def _has_host(value: str) -> bool:
    try:
        parts = urlsplit(value)
        port, name = parts.port, parts.hostname
    except ValueError:
        return False
    if "@" in parts.netloc or not name or port == 0 or parts.netloc.endswith(":"):
        return False
    if parts.netloc.startswith("["):
        return _IPV6.fullmatch(name) is not None
    return len(name) <= 253 and all(map(_is_label, name.removesuffix(".").split(".")))


def _is_label(label: str) -> bool:
    if not label or "-" in (label[0], label[-1]):
        return False
    return all(char.isalnum() or char in "-_" or unicodedata.category(char)[0] == "M" for char in label)
