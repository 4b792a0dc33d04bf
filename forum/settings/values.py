"""The kinds of values a setting can have; each validator returns the one right spelling or says what is wrong.

What is wrong is one sentence that begins with "It" where it speaks of the value; who shows it may put the value there.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Annotated, Any, Literal, get_args
from urllib.parse import urlsplit

from email_validator import EmailNotValidError, validate_email
from limits import RateLimitItem, parse_many
from pydantic import AfterValidator, BeforeValidator, StringConstraints

from ..language import gettext as _

Scope = Literal["address", "network", "domain", "site"]
SCOPES: tuple[Scope, ...] = get_args(Scope)
_ZERO_PERIOD = re.compile(r"(?<!\d)0+\s*[a-z]", re.IGNORECASE)
_DEFAULT_PORTS = {"http": 80, "https": 443}


def limits_of(text: str) -> list[RateLimitItem]:
    """The limits that ``text`` names, such as "10 per minute". Raises ValueError for zero and for no limit at all."""
    try:
        items = parse_many(text)
    except ValueError:
        raise ValueError(_("It cannot be read as a number and a time, such as 10 per minute.")) from None
    # `limits` reads "0 per minute" as "never" and "1 per 0 days" as "1 per day": neither can be what was meant.
    if any(item.amount < 1 for item in items) or _ZERO_PERIOD.search(text):
        raise ValueError(_("It counts to zero; an empty list switches limits off."))
    return items


def confirm_limits_of(text: str) -> list[tuple[Scope, RateLimitItem]]:
    """The scope and limits of a line such as "network: 5 per hour". Raises ValueError for any other form."""
    word, _colon, limit = text.partition(":")
    scope = next((name for name in SCOPES if name == word.strip()), None)
    if scope is None:
        raise ValueError(f"It does not begin with one of {', '.join(f'{name}:' for name in SCOPES)}.")
    return [(scope, item) for item in limits_of(limit.strip())]


def _address(text: str) -> str:
    try:
        found = validate_email(text, check_deliverability=False, allow_smtputf8=False)
    except EmailNotValidError as error:
        raise ValueError(f"It is not a mail address: {error}") from None
    return f"{found.local_part}@{found.ascii_domain}"


def _domain(text: str) -> str:
    try:
        return validate_email(f"x@{text}", check_deliverability=False).ascii_domain.lower()
    except EmailNotValidError:
        raise ValueError("It is not the name of a mail domain.") from None


def _base_url(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in _DEFAULT_PORTS or not parts.hostname:
        raise ValueError("It does not begin with http:// or https:// and a host.")
    if not text.isascii() or any(char <= " " or char in '\\"<>\x7f' for char in text):
        raise ValueError("It holds a character that does not belong into a URL; write other alphabets as xn--.")
    if "@" in parts.netloc or "?" in text or "#" in text:
        raise ValueError("It holds a user, a query or a fragment.")
    if text.endswith("/"):
        raise ValueError("Leave out the slash at the end.")
    return f"{parts.scheme}://{_host(parts.hostname, parts.port, parts.scheme)}{parts.path}"


def _host(name: str, port: int | None, scheme: str) -> str:
    # Browsers send an origin in lower case and without the usual port; ours is compared with theirs.
    host = f"[{name}]" if ":" in name else name
    return host if port in (None, _DEFAULT_PORTS[scheme]) else f"{host}:{port}"


def _line(text: str) -> str:
    if not text.isprintable() and any(unicodedata.category(char) in ("Cc", "Cs", "Zl", "Zp") for char in text):
        raise ValueError(_("It holds a line break or another control character."))
    return text


def _not_blank(text: str) -> str:
    if not text.strip():
        raise ValueError(_("It is empty."))
    return text


def _limit(text: str) -> str:
    limits_of(text)
    return text


def _confirm_limit(text: str) -> str:
    confirm_limits_of(text)
    return text


def _unset(value: Any) -> Any:
    # TOML has no null and an environment variable is easier emptied than removed.
    return None if value == "" else value


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


Optional = BeforeValidator(_unset)
Listed = BeforeValidator(_frozen)

Address = Annotated[str, AfterValidator(_address)]
# A moderator signs in by whatever case they type their address in.
AddressKey = Annotated[str, AfterValidator(_address), AfterValidator(str.casefold)]
Domain = Annotated[str, AfterValidator(_domain)]
BaseUrl = Annotated[str, AfterValidator(_base_url)]
Line = Annotated[str, AfterValidator(_line)]
FilledLine = Annotated[str, AfterValidator(_not_blank), AfterValidator(_line)]
Storage = Annotated[str, StringConstraints(pattern=r"^(memory://|rediss?://\S+|redis\+unix://\S+)$")]
Broker = Annotated[str, StringConstraints(pattern=r"^(rediss?|amqps?)://\S+$")]
Word = Annotated[str, StringConstraints(max_length=100), AfterValidator(_not_blank), AfterValidator(_line)]
Limit = Annotated[str, AfterValidator(_limit)]
ConfirmLimit = Annotated[str, AfterValidator(_confirm_limit)]
