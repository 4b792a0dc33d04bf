"""Addresses in mail from people not trusted yet: what a mail program would make clickable is named instead."""

from __future__ import annotations

import re

from ..language import gettext as _
from .links import host

# Words are cut at what ends an address for the mail programs; every test below looks at one word, once.
_WORD = re.compile(r"[^\s<>()\[\]{}\"“”«»|`]+")
_SCHEME_LETTERS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*\Z")
_PLAIN_SCHEME = re.compile(
    r"\b(?:mailto|tel|sms|callto|skype|xmpp|sip|sips|magnet|geo|data|javascript|vbscript|file|news|urn|intent):\S",
    re.IGNORECASE,
)
_DOTS = ".\u3002\uff0e\uff61"
# One of these stands within every address; most words have none, and are told from the others at once.
_TELLTALE = re.compile(rf"[:@{_DOTS}].")
_BARE = re.compile(rf"(?<![\w{_DOTS}-])(?:[\w-]+[{_DOTS}])+[^\W\d_]{{2,63}}[{_DOTS}]?(?=/|[?#]\w|:\d)")
_WWW = re.compile(rf"(?<![\w{_DOTS}-])www\d?[{_DOTS}]\w", re.IGNORECASE)
# Names of domains: many scripts write vowels as marks, which are no letters to `\w`, and there are pictures. One set,
# no alternatives: what could be read in two ways would take for ever.
_NAME = rf"[^\x00-,/:-@\[-^`{{-\x7f\s{_DOTS}]"
_ENDING = rf"[^\W\d_][^\x00-@\[-`{{-\x7f\s{_DOTS}]{{1,62}}"
# A dot between words, of which the last one is at least two letters long, or is written as IDNA does.
_BARE_DOMAIN = re.compile(rf"(?<!{_NAME})(?<![{_DOTS}])(?:{_NAME}+[{_DOTS}])+(?:xn--[\w-]+|{_ENDING})(?![^\W_])")
_DOT = re.compile(f"[{_DOTS}]")
# No domain can be had below these: the last one is a country that registers below com.py and the like only.
_FILE = re.compile(r"[\w-]+\.(?:txt|html?|css|js|json|pdf|png|jpe?g|gif|svg|csv|xml|ya?ml|toml|ini|docx?|odt|py)", re.I)
_HOST = re.compile(r"[\w-]+(?:\.[\w-]+)*")
_PATH = re.compile(r"[/?#\\]")
_HOST_END = re.compile(r"[/?#:\\]")
_LONGEST_HOST = 100
_TRAILING = ".,;:!?'*_~…"


def defused(text: str) -> str:
    """Return ``text`` with every address replaced by "[link to example.com]"; the rest is as it was."""
    if not _TELLTALE.search(text):
        return text
    return _WORD.sub(_defused_word, text)


def unlinkable(text: str) -> str:
    """Return ``text`` defused, and every bare domain in it broken up as in "example[.]com".

    Mail programs make links of those too, each by a list of endings of its own that grows every year: whatever could
    be a domain counts as one. Numbers, abbreviations like "e.g." and names of common files are left alone.
    """
    return _BARE_DOMAIN.sub(_broken_up, defused(text))


def _broken_up(found: re.Match[str]) -> str:
    whole = found[0]
    if _FILE.fullmatch(whole):
        return whole
    return _DOT.sub(lambda dot: f"[{dot[0]}]", whole)


def address_text(address: str) -> str:
    """Return the words that stand for ``address``, which is a whole URL."""
    return _named(host(address))


def _defused_word(found: re.Match[str]) -> str:
    word = found[0]
    if not _TELLTALE.search(word):
        return word
    start, address_host = _address(word)
    if start < 0:
        return word
    kept = len(word.rstrip(_TRAILING))
    return word[:start] + _named(address_host) + word[max(kept, start) :]


def _address(word: str) -> tuple[int, str]:
    """Return where an address begins in ``word`` and its host; -1 where there is none."""
    middle = word.find("://")
    if middle > 0 and (scheme := _SCHEME_LETTERS.search(word[max(0, middle - 30) : middle])):
        return middle - len(scheme[0]), _url_host(word[middle + 3 :])
    if scheme := _PLAIN_SCHEME.search(word):
        return scheme.start(), _mail_host(word)
    if "." in _mail_host(word):
        return 0, _mail_host(word)
    if bare := _WWW.search(word) or _BARE.search(word):
        return bare.start(), _HOST_END.split(word[bare.start() :], maxsplit=1)[0]
    return -1, ""


def _url_host(rest: str) -> str:
    authority = _PATH.split(rest, maxsplit=1)[0].rpartition("@")[2]
    return authority.partition(":")[0]


def _mail_host(word: str) -> str:
    local, _, domain = word.partition("@")
    return _HOST_END.split(domain, maxsplit=1)[0].rstrip(_TRAILING) if local else ""


def _named(address_host: str) -> str:
    name = address_host.strip(_TRAILING).lower()
    # "www." is what makes mail programs turn a bare name into a link.
    name = re.sub(r"\A(?:www\d?\.)+", "", name)
    if len(name) > _LONGEST_HOST or not _HOST.fullmatch(name):
        return _("[link]")
    return _("[link to %(host)s]", host=name)
