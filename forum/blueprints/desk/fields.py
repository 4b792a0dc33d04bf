"""The policy keys as fields of a form, drawn from the model: what they are called, hold, may hold, and who says so."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from pydantic.fields import FieldInfo
from werkzeug.datastructures import MultiDict

from ... import altcha, overrides
from ...audit import name_of
from ...language import N_
from ...language import gettext as _
from ...overrides import Override
from ...settings import (
    FOREIGN,
    GROUPS,
    Settings,
    beside_the_field,
    bounds,
    choices,
    group,
    is_policy,
    key_of,
    label,
    mask,
    parse,
)
from ...siteconfig import source_of
from ...state import ForumState

Kind = Literal["switch", "choice", "number", "list", "text"]
POLICY = {key_of(name): field for name, field in Settings.model_fields.items() if is_policy(field)}
_INFRASTRUCTURE = {key_of(name): field for name, field in Settings.model_fields.items() if not is_policy(field)}
# Other sources are files, and are called what they are called.
_SOURCES = {
    "default": N_("default"),
    "development": N_("development"),
    "environment": N_("environment"),
    "override": N_("override"),
}


@dataclass(frozen=True)
class Field:
    """One policy key on the page. ``text`` is what the field holds, as it is typed; ``by`` and ``at`` are set where an
    admin is the source, ``broken`` where what an admin has stored does not count.
    """

    key: str
    label: str
    effect: str
    kind: Kind
    text: str
    default: str
    source: str
    choices: tuple[str, ...] = ()
    bounds: tuple[int, int] | None = None
    by: str | None = None
    at: dt.datetime | None = None
    error: str | None = None
    broken: str | None = None


@dataclass(frozen=True)
class Change:
    """What saving would do to one key: its label, the texts before and after, and what travels in the form."""

    key: str
    label: str
    before: str
    after: str
    text: str


def label_of(key: str) -> str:
    """What the field of a policy key is called; a key that is none is its own name."""
    return _(label(POLICY[key])) if key in POLICY else key


def typed(form: MultiDict[str, str]) -> dict[str, str]:
    """The text of each policy key that came with a form. A switch sends "false" before its "true"."""
    return {key: form.getlist(key)[-1] for key in POLICY if key in form}


def read(texts: Mapping[str, str]) -> dict[str, Any]:
    """The values that ``texts`` stand for; text that does not fit is left for the validation to name."""
    return {key: _read(POLICY[key], text) for key, text in texts.items()}


def changes(settings: Settings, texts: Mapping[str, str]) -> list[Change]:
    """What in ``texts`` differs from ``settings``; both are valid."""
    wanted = Settings.from_config(read(texts))
    found = []
    for key, text in texts.items():
        before, after = _value(settings, key), _value(wanted, key)
        if before != after:
            found.append(Change(key, label_of(key), _text(before), _text(after), text))
    return found


def problems(texts: Mapping[str, str]) -> dict[str, str]:
    """Every key of ``texts`` that cannot be saved, with a sentence to stand beside its field."""
    wrong = {key: beside_the_field(line) for key, line in overrides.check(read(texts)).items()}
    return wrong if altcha.is_installed() else _without_altcha(texts) | wrong


def _without_altcha(texts: Mapping[str, str]) -> dict[str, str]:
    key = key_of("proof_of_work")
    asked = read(texts).get(key)
    return (
        {key: _("Its package is missing: %(command)s.", command="pip install 'flask-forum[altcha]'")} if asked else {}
    )


def groups(
    state: ForumState, found: Mapping[str, Override], texts: Mapping[str, str], errors: Mapping[str, str]
) -> list[tuple[str, str, list[Field]]]:
    """Name, note and fields of each group; ``texts`` are shown in place of what counts now."""
    settings, wrong = overrides.effective(state.base, found), overrides.wrong(found)
    drawn = {key: _draw(state, settings, key) for key in POLICY}
    for key, field in drawn.items():
        admin = found.get(key) if key not in wrong else None
        drawn[key] = replace(
            field,
            text=texts.get(key, field.text),
            by=name_of(admin.by) if admin else None,
            at=admin.at if admin else None,
            error=errors.get(key),
            broken=beside_the_field(wrong[key]) if key in wrong else None,
        )
    return [
        (_(name), _(note), [drawn[key] for key in POLICY if group(POLICY[key]) == name])
        for name, note in GROUPS.items()
    ]


def infrastructure(state: ForumState) -> list[tuple[str, str, str]]:
    """Key, value (secrets masked) and source of all that only the configuration decides."""
    config = state.app.config
    rows = {key: _value(state.base, key) for key in _INFRASTRUCTURE} | {
        key: config[key] for key in FOREIGN if key in config
    }
    return [(key, _text(mask(key, value)), _source(state, key)) for key, value in rows.items()]


def _source(state: ForumState, key: str) -> str:
    """Where a value comes from, which is a word, or a name as it is written: that of a file."""
    source = source_of(key, state.app.config, state.sources)
    return _(_SOURCES[source]) if source in _SOURCES else source


def _draw(state: ForumState, settings: Settings, key: str) -> Field:
    field = POLICY[key]
    kind = _kind(field)
    return Field(
        key=key,
        label=label_of(key),
        effect=_(str(field.description)),
        kind=kind,
        text=_text(_value(settings, key)),
        default=_text(field.default).replace("\n", ", "),
        source=_source(state, key),
        choices=choices(field),
        bounds=bounds(field) if kind == "number" else None,
    )


def _kind(field: FieldInfo) -> Kind:
    if choices(field):
        return "choice"
    kinds: dict[Any, Kind] = {bool: "switch", int: "number", str: "text"}
    return kinds.get(field.annotation, "list")


def _read(field: FieldInfo, text: str) -> Any:
    if _kind(field) == "list":
        return [line.strip() for line in text.splitlines() if line.strip()]
    return parse(field.annotation, text.strip())


def _value(settings: Settings, key: str) -> Any:
    return getattr(settings, key.removeprefix("FORUM_").lower())


def _text(value: Any) -> str:
    if isinstance(value, list | tuple):
        return "\n".join(str(one) for one in value)
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)
