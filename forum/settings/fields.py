"""How one setting is declared, and what all sections of the settings have in common."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, Field


class Section(BaseModel, frozen=True, extra="forbid", strict=True, validate_default=True):
    """Settings of one kind. Types are strict: the text "10" is no number. Lists are accepted and kept as tuples."""


def about(default: Any, description: str, *, allowed: str = "", group: str = "", label: str = "", **bounds: Any) -> Any:
    """A field; with a ``group`` it is a policy key, which admins may change under its ``label``."""
    extra: dict[str, Any] = {"allowed": allowed, "group": group, "label": label}
    return Field(default, description=description, json_schema_extra=extra, **bounds)
