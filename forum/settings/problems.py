"""Why a configuration cannot be used: each wrong key in one line that names it, its value and what is allowed."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import BaseModel, ValidationError

from ..language import gettext as _
from .foreign import FOREIGN, RULES
from .reference import allowed, choices, key_of

PREFIX = "FORUM_"
# They steer how the reference site starts and how tests break it; no Settings could hold them.
IGNORED = frozenset({"FORUM_ENV", "FORUM_CONFIG", "FORUM_FAULT"})

_SECRET_NAME = re.compile(r"SECRET|PASSWORD|PASSWD|TOKEN|CREDENTIAL|PRIVATE|_KEYS?$", re.IGNORECASE)
# Up to the last @: a password may hold any character that its owner forgot to quote, and so may the user's name.
_URL_PASSWORD = re.compile(r"(://[^:]*):.*@", re.DOTALL)
_QUERY_PASSWORD = re.compile(r"((?:password|passwd|pwd|secret|token)=)[^&;]*", re.IGNORECASE)
_HIDDEN = "***"
_MUST_BE = " is not allowed: it must be "


def pick(model: type[BaseModel], config: Mapping[str, Any]) -> dict[str, Any]:
    """The values of ``config`` that ``model`` knows, by field name."""
    return {name: config[key_of(name)] for name in model.model_fields if key_of(name) in config}


def check(model: type[BaseModel], config: Mapping[str, Any]) -> dict[str, str]:
    """Every FORUM_* key of ``config`` that is wrong or unknown, with the sentence that says so."""
    known = [key_of(name) for name in model.model_fields]
    strangers = [key for key in config if _ours(key) and key not in known]
    wrong = {key: unknown(key, config[key], [*FOREIGN, *known]) for key in strangers}
    try:
        model.model_validate(pick(model, config))
    except ValidationError as error:
        wrong |= _explain(model, config, error)
    return wrong


def check_foreign(config: Mapping[str, Any]) -> dict[str, str]:
    """Every key of Flask or its mail and database extensions whose type is wrong, and every misspelt MAIL_* key.

    Keys nobody here knows are somebody else's and may hold anything.
    """
    wrong = {}
    for key, value in config.items():
        if key in FOREIGN and type(value) is not FOREIGN[key]:
            wrong[key] = wrong_value(key, value, RULES[FOREIGN[key]])
        elif key.startswith("MAIL_") and key not in FOREIGN and nearest(key, FOREIGN):
            wrong[key] = unknown(key, value, FOREIGN)
    return wrong


def ignored(key: str) -> bool:
    """Whether ``key`` begins like a setting and is none."""
    return key in IGNORED or key.startswith("FORUM_TEST_")


def unknown(key: str, value: Any, known: Iterable[str]) -> str:
    """The sentence for a key nobody reads, with the nearest right spelling when there is one."""
    near = nearest(key, known)
    hint = f"Did you mean {near}?" if near else "`flask forum config reference` lists all there are."
    return f"{key} = {_shown(key, value)} is not a setting. {hint}"


def nearest(key: str, known: Iterable[str]) -> str | None:
    """The known key that ``key`` was probably meant to be."""
    # The prefix all have in common would make any two of them look alike.
    bare = {one.removeprefix(PREFIX): one for one in known}
    found = difflib.get_close_matches(key.upper().removeprefix(PREFIX), bare, n=1, cutoff=0.75)
    return bare[found[0]] if found else None


def beside_the_field(sentence: str) -> str:
    """The sentence of a wrong value for a page that shows key and value already."""
    return _("It must be %(rule)s", rule=sentence.partition(_MUST_BE)[2])


def wrong_value(key: str, value: Any, rule: str, details: Iterable[str] = ()) -> str:
    """The sentence for a value outside ``rule``, with what exactly is wrong about it where that is known."""
    return " ".join([f"{key} = {_shown(key, value)}{_MUST_BE}{rule}.", *details])


def mask(key: str, value: Any) -> Any:
    """``value`` as it may be shown: what ``key`` calls a secret and passwords inside URLs become three stars."""
    if value in (None, ""):
        return value
    if _SECRET_NAME.search(key):
        return _HIDDEN
    if isinstance(value, str):
        return _QUERY_PASSWORD.sub(rf"\1{_HIDDEN}", _URL_PASSWORD.sub(rf"\1:{_HIDDEN}@", value))
    if isinstance(value, list | tuple):
        return [mask(key, one) for one in value]
    return value


def _ours(key: str) -> bool:
    return key.startswith(PREFIX) and not ignored(key)


def _shown(key: str, value: Any) -> str:
    text = repr(mask(key, value))
    return text if len(text) <= 120 else f"{text[:120]}…"


def _explain(model: type[BaseModel], config: Mapping[str, Any], error: ValidationError) -> dict[str, str]:
    details: dict[str, list[str]] = {}
    for one in error.errors():
        name, *index = one["loc"]
        reason = one.get("ctx", {}).get("error")
        # Only our own validators explain more than the rule does already.
        sentences = [_detail(key_of(str(name)), config, index, str(reason))] if isinstance(reason, ValueError) else []
        details.setdefault(str(name), []).extend(sentences)
    return {key_of(name): _sentence(model, config, name, found) for name, found in details.items()}


def _detail(key: str, config: Mapping[str, Any], index: list[int | str], sentence: str) -> str:
    if not index or len(config[key]) == 1:
        return sentence
    # The line shows the whole list: which of its values is meant must be said. No other language says "It".
    meant = _shown(key, config[key][index[0]])
    return sentence.replace("It", meant, 1) if sentence.startswith("It ") else f"{meant}: {sentence}"


def _sentence(model: type[BaseModel], config: Mapping[str, Any], name: str, details: list[str]) -> str:
    key, field = key_of(name), model.model_fields[name]
    meant = _meant(config.get(key), choices(field))
    hint = [_('Did you mean "%(word)s"?', word=meant)] if meant else []
    return wrong_value(key, config.get(key), allowed(field), [*details, *hint])


def _meant(value: Any, among: Iterable[str]) -> str | None:
    found = difflib.get_close_matches(value.strip().lower(), among, n=1) if isinstance(value, str) else []
    return found[0] if found else None
