"""Signed texts: mail tokens, form stamps, keyed hashes and Message-IDs pass through here.

Every purpose has a key of its own, derived from the site's secrets, so nothing signed for one use passes for another.
New things are signed with the newest secret; what comes back is checked against all of them.
"""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import hmac
import json
import re
import secrets as random
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from .errors import BadStamp, BadToken, ExpiredToken
from .language import gettext as _

_DIGITS: Final = "0123456789abcdefghijklmnopqrstuvwxyz"
_SALT: Final = b"flask-forum/v1"
# What each kind binds: confirm (address, generation, day), refuse (address, day), unsubscribe (address, thread),
# mute (address, thread), preferences (address, day), own comment (address, comment, day), change of address (old, new,
# day), sign-in of a moderator (its row), decision on a held comment (comment, version, address, day, act).
_NUMBERS: Final = {"c": 3, "x": 2, "u": 2, "t": 2, "p": 2, "o": 3, "n": 3, "s": 1, "a": 5}
_TOKEN: Final = re.compile(r"([a-z])([0-9a-z]{1,13}(?:\.[0-9a-z]{1,13}){0,4})\.([A-Za-z0-9_-]{22})", re.ASCII)
_STAMP: Final = re.compile(r"([A-Za-z0-9_-]+)\.([0-9a-z]{1,13})\.([A-Za-z0-9_-]{22})", re.ASCII)
_LARGEST: Final = 2**63 - 1


class Keys:
    """The site's secrets, newest first: `SECRET_KEY`, then what `SECRET_KEY_FALLBACKS` holds.

    Raises ``ValueError`` when there is no secret or an empty one.
    """

    def __init__(self, secrets: Sequence[str | bytes]) -> None:
        masters = [secret.encode() if isinstance(secret, str) else bytes(secret) for secret in secrets]
        if not masters or not all(masters):
            raise ValueError("Forum needs a SECRET_KEY that is not empty.")
        self._roots = [hmac.digest(_SALT, master, "sha256") for master in masters]
        self._derived: dict[str, tuple[bytes, ...]] = {}

    def sign(self, purpose: str, text: str) -> str:
        """Return the 22 characters that vouch for ``text`` in this purpose, made with the newest secret."""
        return _mac(self.derive(purpose)[0], text)

    def verify(self, purpose: str, text: str, mac: str) -> bool:
        """Say whether any of the secrets made ``mac`` for exactly this purpose and text."""
        given = mac.encode("utf-8", "replace")
        # Every key is tried, so the time taken does not tell which one matched.
        matches = [hmac.compare_digest(_mac(key, text).encode(), given) for key in self.derive(purpose)]
        return any(matches)

    def derive(self, purpose: str) -> tuple[bytes, ...]:
        """Return the keys of one purpose, newest first (HKDF with SHA-256, one block)."""
        keys = self._derived.get(purpose)
        if keys is None:
            info = f"forum/{purpose}/v1".encode() + b"\x01"
            keys = self._derived[purpose] = tuple(hmac.digest(root, info, "sha256") for root in self._roots)
        return keys

    def __repr__(self) -> str:
        return f"<Keys: {len(self._roots)}>"


def _mac(key: bytes, text: str) -> str:
    digest = hmac.digest(key, text.encode("utf-8", "replace"), "sha256")
    return base64.urlsafe_b64encode(digest[:16])[:22].decode()


def make_token(keys: Keys, kind: str, *numbers: int) -> str:
    """Make the token of a mail link: its kind, the numbers it binds in base 36, and 22 characters of MAC.

    Raises ``ValueError`` for an unknown kind, a wrong count of numbers, or one that is not in 0..2**63-1.
    """
    if len(numbers) != _NUMBERS.get(kind) or not all(0 <= number <= _LARGEST for number in numbers):
        raise ValueError(f"No token of kind {kind!r} binds {numbers!r}.")
    text = kind + ".".join(map(_base36, numbers))
    return f"{text}.{keys.sign('mail/' + kind, text)}"


def read_token(keys: Keys, kind: str, token: str) -> tuple[int, ...]:
    """Return the numbers a token of this kind binds.

    Raises :class:`BadToken`, always with the same words, when it is malformed, forged or of another kind.
    """
    parts = _TOKEN.fullmatch(token)
    if parts is None or parts[1] != kind or not keys.verify("mail/" + kind, parts[1] + parts[2], parts[3]):
        raise BadToken(_("This link is not one of ours, or it was cut off on its way."))
    return tuple(int(number, 36) for number in parts[2].split("."))


def day_number(now: dt.datetime) -> int:
    """Count the days from 1970-01-01 to ``now`` (aware), in UTC: short enough to travel in a token."""
    return int(now.timestamp() // 86400)


def check_age(day: int, now: dt.datetime, days: int) -> None:
    """Raise :class:`ExpiredToken` when more than ``days`` days have passed since ``day``."""
    # A day in the future is a clock that ran ahead, not an attack: the token is signed.
    if day_number(now) - day > days:
        raise ExpiredToken("This link is too old.")


def keyed_hash(keys: Keys, purpose: str, text: str) -> str:
    """Return 64 hexadecimal digits that find ``text`` again without storing it; made with the newest secret."""
    return keyed_hashes(keys, purpose, text)[0]


def keyed_hashes(keys: Keys, purpose: str, text: str) -> tuple[str, ...]:
    """Return the hash under each secret, newest first, to look up what was stored before a rotation."""
    raw = text.encode("utf-8", "replace")
    return tuple(hmac.digest(key, raw, "sha256").hex() for key in keys.derive("hash/" + purpose))


def message_id(keys: Keys, domain: str, prefix: str, number: int, kind: str, address_id: int) -> str:
    """Return the Message-ID of one mail to one address, angle brackets included.

    The same arguments give the same id as long as the newest secret stays; store it for later attempts.
    """
    key = keys.derive("message-id")[0]
    tag = hmac.digest(key, f"{kind}|{prefix}{number}|{address_id}".encode(), "sha256").hex()[:16]
    return f"<{prefix}{number}.{tag}@{domain}>"


@dataclass(frozen=True)
class Stamp:
    """What a comment form carries about its page; ``made_at`` is filled in when a stamp is read."""

    key: str
    title: str
    url: str
    nonce: str
    closed: bool = False
    made_at: dt.datetime | None = field(default=None, compare=False)


class ExpiredStamp(BadStamp):
    """A genuine stamp that is older than it may be; ``stamp`` holds it, to show the form again."""

    def __init__(self, message: str, stamp: Stamp) -> None:
        super().__init__(message)
        self.stamp = stamp


def new_nonce() -> str:
    """Return 22 random characters, so that a form sent twice can be told from two forms."""
    return random.token_urlsafe(16)


def make_stamp(keys: Keys, stamp: Stamp, now: dt.datetime) -> str:
    """Return the stamp as one signed, URL-safe text, made at ``now`` (aware)."""
    values = [stamp.key, stamp.title, stamp.url, stamp.nonce, int(stamp.closed)]
    # A lone surrogate from a host's title becomes "?": the page must show, and no database would store it.
    payload = _encoder.encode(values).encode("utf-8", "replace")
    text = f"{base64.urlsafe_b64encode(payload).decode().rstrip('=')}.{_base36(int(now.timestamp() * 1000))}"
    return f"{text}.{keys.sign('stamp', text)}"


def read_stamp(keys: Keys, text: str, now: dt.datetime, max_age_seconds: int) -> Stamp:
    """Return the stamp in ``text``.

    Raises :class:`BadStamp` when it is missing, malformed or forged, :class:`ExpiredStamp` when it is only too old.
    """
    parts = _STAMP.fullmatch(text)
    if parts is None or not keys.verify("stamp", f"{parts[1]}.{parts[2]}", parts[3]):
        raise BadStamp("This form could not be recognised. Please send it once more.")
    made_at = dt.datetime.fromtimestamp(int(parts[2], 36) / 1000, dt.UTC)
    key, title, url, nonce, closed = _payload(parts[1])
    stamp = Stamp(key, title, url, nonce, bool(closed), made_at)
    if (now - made_at).total_seconds() > max_age_seconds:
        raise ExpiredStamp("This form was open for a long time. Please send it once more.", stamp)
    return stamp


def unverified_key(text: str) -> str | None:
    """Return the thread key a stamp claims, whatever its signature: good for showing a form again, nothing else."""
    parts = _STAMP.fullmatch(text)
    values = None if parts is None else _payload(parts[1])
    if not isinstance(values, list) or not values or not isinstance(values[0], str):
        return None
    key = values[0]
    return key if 0 < len(key) <= 190 and key.isprintable() else None


_encoder = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))


def _payload(text: str) -> Any:
    try:
        return json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except (binascii.Error, ValueError, RecursionError):
        return None


def _base36(number: int) -> str:
    digits = ""
    while number >= 36:
        number, rest = divmod(number, 36)
        digits = _DIGITS[rest] + digits
    return _DIGITS[number] + digits
