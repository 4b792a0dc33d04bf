"""The sanitising libraries: Bleach, or nh3 where it is chosen, held to the same allow-lists and the same link rule.

This is the only module that knows either of them.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from html import unescape
from types import MappingProxyType

from bleach.sanitizer import Cleaner

from ..errors import SettingsError
from .links import href

# Raised whenever the same source would give other HTML, so that stored HTML can be told from what is made now.
_VERSION = 1
_DIRECTED = ("p", "blockquote", "ul", "ol", "li", "pre", "h2", "h3", "h4")
_SCHEMES = ("http", "https", "mailto")
_LOCAL = threading.local()


@dataclass(frozen=True)
class Policy:
    """What may stay: ``tags``, and the value that ``rel`` has to have (no links at all when it is empty)."""

    name: str
    tags: frozenset[str]
    rel: str = ""

    def allows(self, tag: str, attribute: str, value: str) -> bool:
        """Tell whether ``attribute`` may stay on ``tag`` with this ``value``."""
        if attribute == "dir":
            return tag in _DIRECTED and value == "auto"
        if tag == "a" and self.rel:
            return href(value) if attribute == "href" else attribute == "rel" and value == self.rel
        return tag == "ol" and attribute == "start" and value.isascii() and value.isdigit() and len(value) < 10


_MAIL_TAGS = frozenset({"p", "br", "b", "strong", "i", "em", "code", "pre", "blockquote", "ul", "ol", "li"})
_COMMENT_TAGS = (_MAIL_TAGS - {"b", "i"}) | {"a", "hr"}
MAIL = Policy("mail", _MAIL_TAGS)
COMMENT = Policy("comment", _COMMENT_TAGS, rel="nofollow ugc noopener")
ARTICLE = Policy("article", _COMMENT_TAGS | {"h2", "h3", "h4"}, rel="noopener")


def renderer(engine: str) -> str:
    """Return the name and version of what ``engine`` makes, to be stored with the HTML.

    Raises ``SettingsError`` for an engine that is unknown or not installed.
    """
    _engine(engine)
    return f"{_VERSION}-{engine}"


def clean(html: str, policy: Policy, *, engine: str) -> str:
    """Return ``html`` with nothing left that ``policy`` does not allow.

    Raises ``SettingsError`` for an engine that is unknown or not installed.
    """
    return _engine(engine)(html, policy)


def _engine(engine: str) -> Callable[[str, Policy], str]:
    if engine not in _ENGINES:
        known = ", ".join(_ENGINES)
        raise SettingsError([f"FORUM_SANITIZER = {engine!r} is unknown; allowed are: {known}."])
    if engine == "nh3":
        _require_nh3()
    return _ENGINES[engine]


def _require_nh3() -> None:
    try:
        import nh3  # noqa: F401 - only asked for; an extra that most sites do without
    except ImportError:
        raise SettingsError(["FORUM_SANITIZER = 'nh3' needs its package: pip install 'flask-forum[nh3]'."]) from None


def _bleach(html: str, policy: Policy) -> str:
    # A Cleaner is slow to build and not safe to share between threads, hence one for each.
    cleaner: Cleaner | None = getattr(_LOCAL, policy.name, None)
    if cleaner is None:
        cleaner = Cleaner(tags=policy.tags, attributes=_seen_by(policy), protocols=_SCHEMES, strip=True)
        setattr(_LOCAL, policy.name, cleaner)
    return str(cleaner.clean(html))


def _seen_by(policy: Policy) -> Callable[[str, str, str], bool]:
    # Bleach hands over values with their entities; the rule has to judge what the browser will make of them.
    return lambda tag, attribute, value: policy.allows(tag, attribute, unescape(value))


def _nh3(html: str, policy: Policy) -> str:
    import nh3

    return nh3.clean(
        html,
        tags=set(policy.tags),
        clean_content_tags=set(),
        attributes={"*": {"dir"}, "a": {"href", "rel"}, "ol": {"start"}},
        attribute_filter=lambda tag, name, value: value if policy.allows(tag, name, value) else None,
        url_schemes=set(_SCHEMES),
        link_rel=None,
    )


_ENGINES: Mapping[str, Callable[[str, Policy], str]] = MappingProxyType({"bleach": _bleach, "nh3": _nh3})
