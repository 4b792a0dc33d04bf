"""Names of languages: which ones we speak, how each is spelled, and which way its script runs."""

from __future__ import annotations

import re
from typing import Final

OURS: Final = "en"  # what stands in the code and in the templates
# Each by the name its speakers give it.
LANGUAGES: Final = {"en": "English", "de": "Deutsch", "es": "Español", "fr": "Français", "ar": "العربية"}
_TAG: Final = re.compile(r"[A-Za-z]{2,3}(?:[-_][A-Za-z0-9]{2,8}){0,3}")
_RIGHT_TO_LEFT: Final = frozenset(
    ["ar", "arc", "ckb", "dv", "fa", "he", "iw", "ji", "ks", "nqo", "ps", "sd", "syr", "ug", "ur", "yi"]
)
_SCRIPTS: Final = frozenset({"Adlm", "Arab", "Hebr", "Nkoo", "Syrc", "Thaa"})


def folders(language: str) -> list[str]:
    """Return the names to look under, the closest first: `de_at` → `de-AT`, `de`; nothing for what is no tag."""
    if not _TAG.fullmatch(language):
        return []
    first, *rest = re.split("[-_]", language)
    parts = [first.lower(), *map(_spelled, rest)]
    return ["-".join(parts[:end]) for end in range(len(parts), 0, -1)]


def closest(language: str) -> str | None:
    """Return the language we speak that is nearest to ``language``: `de` for `de_AT`, None for one we do not speak."""
    return next((tag for tag in folders(language) if tag in LANGUAGES), None)


def direction(language: str) -> str:
    """Return `rtl` for a language that is written from right to left, else `ltr`."""
    script = next((part for part in language.split("-")[1:] if len(part) == 4), None)
    if script is not None:
        return "rtl" if script in _SCRIPTS else "ltr"
    return "rtl" if language.split("-")[0] in _RIGHT_TO_LEFT else "ltr"


def _spelled(subtag: str) -> str:
    """`Latn` for scripts, `AT` for regions, small letters for the others: folders have one spelling."""
    if len(subtag) == 4 and subtag.isalpha():
        return subtag.title()
    return subtag.upper() if len(subtag) == 2 else subtag.lower()
