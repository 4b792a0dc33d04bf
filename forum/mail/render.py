"""Three templates and their values become one pattern; who sends it and how big it may be is known here."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any, Final, ParamSpec
from weakref import WeakKeyDictionary

from jinja2 import Environment

from ..errors import MailNotConfigured
from ..language import FUNCTIONS, OURS, closest, direction, folders, using
from ..settings import Settings
from .answers import wrapped
from .names import one_line
from .wire import Pattern

_BYTES: Final = 59_000  # beside the envelope; Gmail clips a message at about 100 KB
_SHARES: Final = (1, 1.25, 1.5, 2, 3, 5, 10, 40)
P = ParamSpec("P")
# Asking all loaders for templates that are not there takes longer than the text of a mail.
_chosen: WeakKeyDictionary[Environment, dict[tuple[str, str, str], tuple[str, str]]] = WeakKeyDictionary()


def render(
    env: Environment,
    settings: Settings,
    kind: str,
    headers: Sequence[tuple[str, str]],
    context: dict[str, Any],
    language: str,
) -> Pattern:
    """Return the mail of this ``kind`` in ``language`` where we or the host speak it, else in English.

    A part is looked for in `forum/mail/<kind>/<language>/`, then in the same place without the region, then in
    `forum/mail/<kind>/`, whose words are in our catalogs; what was found is remembered, unless ``env`` reloads its
    templates. Raises ``ValueError`` when a header could change its meaning.
    """
    values = {**context, "site_name": one_line(settings.site_name), "site_url": settings.base_url}
    values |= {"contact": settings.mail_contact, "indent": wrapped}

    def part(file: str) -> tuple[str, str]:
        name, spoken = _choice(env, kind, language, file)
        template = env.get_template(name, globals=FUNCTIONS)
        with using(spoken):
            return template.render(values | {"language": spoken, "direction": direction(spoken)}), spoken

    (subject, _), (text, in_text), (html, in_html) = map(part, ("subject.txt", "body.txt", "body.html"))
    return Pattern(
        sender=sender(settings),
        subject=one_line(subject),
        headers=[*headers, ("Content-Language", ", ".join(dict.fromkeys([in_text, in_html])))],
        text=re.sub(r"\n{3,}", "\n\n", text),
        html=html,
    )


def speaking(compose: Callable[P, Pattern]) -> Callable[P, Pattern]:
    """Have ``compose`` speak its argument ``language`` in all that it makes for the templates too."""

    @wraps(compose)
    def spoken(*args: P.args, **kwargs: P.kwargs) -> Pattern:
        with using(str(kwargs.get("language", OURS))):
            return compose(*args, **kwargs)

    return spoken


def fitting(write: Callable[[float], Pattern]) -> Pattern:
    """Return the first mail of about 60 KB at most that ``write`` makes when its room is divided by 1, 1.25, 1.5, 2 …

    How many octets a letter takes depends on its script: bounds that are safe for emoji would starve everybody else.
    """
    for share in _SHARES:
        pattern = write(share)
        if pattern.size() <= _BYTES:
            break
    return pattern


def domain(settings: Settings) -> str:
    """Return the domain of our lists and message ids; raises ``MailNotConfigured`` when there is no sender."""
    return settings.mail_domain or sender(settings)[1].rpartition("@")[2]


def sender(settings: Settings) -> tuple[str, str]:
    """Return the name and address every mail comes from; raises ``MailNotConfigured`` without an address."""
    if not settings.mail_from:
        raise MailNotConfigured("FORUM_MAIL_FROM is missing: mail needs an address to come from.")
    return one_line(settings.site_name), settings.mail_from


def _choice(env: Environment, kind: str, language: str, file: str) -> tuple[str, str]:
    """Return the name of the template to be used, and the language it speaks."""
    if env.auto_reload:
        return _choose(env, kind, language, file)
    known = _chosen.setdefault(env, {})
    key = (kind, language, file)
    if key not in known:
        known[key] = _choose(env, kind, language, file)
    return known[key]


def _choose(env: Environment, kind: str, language: str, file: str) -> tuple[str, str]:
    ours = f"forum/mail/{kind}/{file}"
    places = {f"forum/mail/{kind}/{tag}/{file}": tag for tag in folders(language)}
    found = env.select_template([*places, ours]).name or ours
    return found, places.get(found, closest(language) or OURS)
