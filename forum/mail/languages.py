"""The languages there is mail in: those of our catalogs, and those a host has written templates for."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from ..language import LANGUAGES

_TRANSLATED: Final = re.compile(r"forum/mail/[a-z_]+/([A-Za-z-]+)/[a-z]+\.[a-z]+")


def offered(templates: Iterable[str]) -> list[str]:
    """Return the languages there are mails in, ours first, from the names of all ``templates`` of the site."""
    found = {match[1] for name in templates if (match := _TRANSLATED.fullmatch(name))}
    return [*LANGUAGES, *sorted(found - LANGUAGES.keys())]
