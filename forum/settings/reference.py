"""The settings in words: what they do, what is allowed, what is the default; drawn from the model alone."""

from __future__ import annotations

import json
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from ..language import gettext as _
from .groups import GROUPS

_TOPICS = GROUPS | {
    "The site": "Where the site is, how it looks and what it runs on.",
    "Mail": "How mail leaves, and how much of it.",
}


def key_of(name: str) -> str:
    """The configuration key of a field: ``max_length`` is FORUM_MAX_LENGTH."""
    return f"FORUM_{name.upper()}"


def is_policy(field: FieldInfo) -> bool:
    """Whether the setting is a policy key: how people talk here, rather than infrastructure."""
    return bool(group(field))


def group(field: FieldInfo) -> str:
    """The group of a policy key; empty for infrastructure."""
    return str(_extra(field).get("group", ""))


def label(field: FieldInfo) -> str:
    """What a policy key is called on the settings page."""
    return str(_extra(field).get("label", ""))


def allowed(field: FieldInfo) -> str:
    """What the setting may be, as the end of a sentence that begins with "it must be"."""
    if _extra(field).get("allowed"):
        return _(str(_extra(field)["allowed"]))
    if field.annotation is bool:
        return _("true or false")
    if field.annotation is int:
        least, most = bounds(field)
        return _("a whole number from %(least)s to %(most)s", least=least, most=most)
    return _one_of(choices(field))


def choices(field: FieldInfo) -> tuple[str, ...]:
    """The words among which the setting must choose; none when it is no choice."""
    kinds = (field.annotation, *get_args(field.annotation))
    return next((get_args(kind) for kind in kinds if get_origin(kind) is Literal), ())


def bounds(field: FieldInfo) -> tuple[int, int]:
    """The least and the greatest number the setting may be."""
    return _bound(field, "ge"), _bound(field, "le")


def default(field: FieldInfo) -> str:
    """The default as one would write it in a TOML file; an empty text is an unset key."""
    return json.dumps("" if field.default is None else field.default, ensure_ascii=False)


def reference(model: type[BaseModel]) -> str:
    """Every setting of ``model`` as a page of Markdown, by topic."""
    return "\n".join(_section(model, topic, note) for topic, note in _TOPICS.items())


def _section(model: type[BaseModel], topic: str, note: str) -> str:
    chosen = {name: field for name, field in model.model_fields.items() if _topic(name, field) == topic}
    return "\n".join([f"## {topic}", "", note, "", *(_entry(name, field) for name, field in chosen.items())])


def _topic(name: str, field: FieldInfo) -> str:
    return group(field) or ("Mail" if name.startswith("mail_") else "The site")


def _entry(name: str, field: FieldInfo) -> str:
    shown = "unset" if field.default is None else f"`{default(field)}`"
    return f"### `{key_of(name)}`\n\n{field.description}\n\nAllowed: {allowed(field)}. Default: {shown}.\n"


def _extra(field: FieldInfo) -> dict[str, Any]:
    return field.json_schema_extra if isinstance(field.json_schema_extra, dict) else {}


def _bound(field: FieldInfo, side: Literal["ge", "le"]) -> int:
    return next(int(getattr(rule, side)) for rule in field.metadata if hasattr(rule, side))


def _one_of(words: tuple[str, ...]) -> str:
    *most, last = (json.dumps(word) for word in words)
    return _("%(words)s or %(last)s", words=", ".join(most), last=last) if most else last
