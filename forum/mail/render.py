"""Three templates and their values become one mail; who sends it and how big it may be is known here."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any, Final

from jinja2 import Environment

from ..errors import MailNotConfigured
from ..settings import Settings
from .answers import wrapped
from .languages import OURS, direction, folders
from .names import one_line
from .wire import Envelope, build

_BYTES: Final = 60_000  # Gmail clips a message at about 100 KB
_SHARES: Final = (1, 1.25, 1.5, 2, 3, 5, 10, 40)


def render(
    env: Environment,
    settings: Settings,
    kind: str,
    envelope: Envelope,
    headers: Sequence[tuple[str, str]],
    context: dict[str, Any],
    language: str,
) -> bytes:
    """Return the mail of this ``kind``, each part in ``language`` where there is a template for it, else in English.

    A part is looked for in `forum/mail/<kind>/<language>/`, then in the same place without the region, then in
    `forum/mail/<kind>/`. Raises ``ValueError`` when a header could change its meaning.
    """
    values = {**context, "site_name": one_line(settings.site_name), "site_url": settings.base_url}
    values |= {"contact": settings.mail_contact, "indent": wrapped}

    def part(name: str) -> tuple[str, str]:
        places = {f"forum/mail/{kind}/{tag}/{name}": tag for tag in folders(language)}
        template = env.select_template([*places, f"forum/mail/{kind}/{name}"])
        spoken = places.get(template.name or "", OURS)
        return template.render(values | {"language": spoken, "direction": direction(spoken)}), spoken

    (subject, _), (text, in_text), (html, in_html) = map(part, ("subject.txt", "body.txt", "body.html"))
    return build(
        envelope,
        sender=sender(settings),
        subject=one_line(subject),
        headers=[*headers, ("Content-Language", ", ".join(dict.fromkeys([in_text, in_html])))],
        text=re.sub(r"\n{3,}", "\n\n", text),
        html=html,
    )


def fitting(write: Callable[[float], bytes]) -> bytes:
    """Return the first mail of at most 60 KB that ``write`` makes when its room is divided by 1, 1.25, 1.5, 2 …

    How many octets a letter takes depends on its script: bounds that are safe for emoji would starve everybody else.
    """
    for share in _SHARES:
        raw = write(share)
        if len(raw) <= _BYTES:
            break
    return raw


def domain(settings: Settings) -> str:
    """Return the domain of our lists and message ids; raises ``MailNotConfigured`` when there is no sender."""
    return settings.mail_domain or sender(settings)[1].rpartition("@")[2]


def sender(settings: Settings) -> tuple[str, str]:
    """Return the name and address every mail comes from; raises ``MailNotConfigured`` without an address."""
    if not settings.mail_from:
        raise MailNotConfigured("FORUM_MAIL_FROM is missing: mail needs an address to come from.")
    return one_line(settings.site_name), settings.mail_from
