"""From the text of an environment variable or a form field to a value of the type its key has."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, get_origin

_SWITCHES = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}


def parse(annotation: Any, text: str) -> Any:
    """Read ``text`` as ``annotation`` asks: int, bool (true/false/1/0/yes/no), a tuple or list as JSON, else text.

    Text that does not fit is returned unchanged, so that validation reports it in the same words as any wrong value.
    """
    read = _READERS.get(get_origin(annotation) or annotation, str)
    try:
        return read(text)
    except (ValueError, KeyError, RecursionError):
        return text


def _switch(text: str) -> bool:
    return _SWITCHES[text.strip().casefold()]


def _list(text: str) -> list[Any]:
    found = json.loads(text)
    if not isinstance(found, list):
        raise ValueError(text)
    return found


_READERS: dict[Any, Callable[[str], Any]] = {int: int, bool: _switch, tuple: _list, list: _list}
