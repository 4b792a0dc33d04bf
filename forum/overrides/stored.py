"""What admins changed: validated by the model of the settings, stored, audited, and laid over the configuration."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from ..errors import Conflict, SettingsError
from ..models import Audit, Setting
from ..settings import Settings, is_policy, key_of

_SHORT = 190
_POLICY = {key_of(name): name for name, field in Settings.model_fields.items() if is_policy(field)}


@dataclass(frozen=True)
class Override:
    """A value an admin gave to a policy key, who that was and when."""

    value: Any
    by: str
    at: dt.datetime


def load(session: Session, *, lock: bool = False) -> dict[str, Override]:
    """Every stored override by its FORUM_* key, also one that is no longer valid; with ``lock`` for who changes them.

    One SELECT.
    """
    if lock:
        return _found(_rows(session))
    query = select(Setting.key, Setting.value, Setting.changed_by, Setting.changed_at)
    return {key: Override(value, by, at) for key, value, by, at in session.execute(query)}


def wrong(found: Mapping[str, Override]) -> dict[str, str]:
    """The overrides that do not count, each with the sentence that says why.

    A release may have taken the key away or given it other bounds, and a site must not stop for that.
    """
    return check({key: override.value for key, override in found.items()})


def effective(base: Settings, found: Mapping[str, Override]) -> Settings:
    """The settings that count: ``base`` with every override that is valid laid over it."""
    out = wrong(found)
    return _over(base, {key: override.value for key, override in found.items() if key not in out})


def version(found: Mapping[str, Override]) -> str:
    """Changes with every change of an override: what a page shows must still be so when it is sent back."""
    rows = sorted((key, override.value, override.by, override.at.isoformat()) for key, override in found.items())
    return hashlib.sha256(json.dumps(rows).encode()).hexdigest()[:16]


def check(changes: Mapping[str, Any]) -> dict[str, str]:
    """Every key of ``changes`` that is no policy key or has a wrong value, with the sentence that says so."""
    alien = {key: f"{key} is not a policy key: only the configuration sets it." for key in changes.keys() - _POLICY}
    return Settings.check({key: value for key, value in changes.items() if key not in alien}) | alien


def change(session: Session, base: Settings, changes: Mapping[str, Any], actor: str, now: dt.datetime) -> list[str]:
    """Store ``changes`` of policy keys, audit each and return the keys whose value is another one now.

    Flushes; the caller commits. Raises SettingsError with everything that is wrong, and then stores nothing; Conflict
    when somebody else changes the same key at this moment.
    """
    problems = check(changes)
    if problems:
        raise SettingsError(list(problems.values()))
    rows = _rows(session)
    before = effective(base, _found(rows))
    after = _over(before, changes)
    changed = [key for key in changes if _value(before, key) != _value(after, key)]
    for key in changed:
        _store(session, rows.get(key), key, _value(after, key), actor, now)
        _audit(session, "setting_changed", key, _value(before, key), _value(after, key), actor, now)
    _flush(session)
    return changed


def reset(session: Session, base: Settings, keys: Iterable[str], actor: str, now: dt.datetime) -> list[str]:
    """Forget the overrides of ``keys``, audit each and return those there were: the configuration counts again.

    Flushes; the caller commits. A key that is no longer a setting can be reset as well.
    """
    rows = _rows(session)
    gone = [key for key in dict.fromkeys(keys) if key in rows]
    for key in gone:
        after = _value(base, key) if key in _POLICY else None
        _audit(session, "setting_reset", key, rows[key].value, after, actor, now)
        session.delete(rows[key])
    _flush(session)
    return gone


def _rows(session: Session) -> dict[str, Setting]:
    query = select(Setting).order_by(Setting.key).with_for_update().execution_options(populate_existing=True)
    return {row.key: row for row in session.scalars(query)}


def _found(rows: Mapping[str, Setting]) -> dict[str, Override]:
    return {key: Override(row.value, row.changed_by, row.changed_at) for key, row in rows.items()}


def _over(base: Settings, values: Mapping[str, Any]) -> Settings:
    # Validated, so that a list becomes the tuple and a text the one spelling that the rest of the program expects.
    valid = Settings.from_config(values)
    return base.model_copy(update={_POLICY[key]: getattr(valid, _POLICY[key]) for key in values})


def _value(settings: Settings, key: str) -> Any:
    value = getattr(settings, _POLICY[key])
    return list(value) if isinstance(value, tuple) else value


def _store(session: Session, row: Setting | None, key: str, value: Any, actor: str, now: dt.datetime) -> None:
    if row is None:
        session.add(Setting(key=key, value=value, changed_by=actor, changed_at=now))
    else:
        row.value, row.changed_by, row.changed_at = value, actor, now


def _audit(session: Session, act: str, key: str, before: Any, after: Any, actor: str, now: dt.datetime) -> None:
    session.add(
        Audit(
            at=now,
            actor=actor,
            act=act,
            cause=key,
            subject_kind="setting",
            subject_id=0,
            before=_short(before),
            after=_short(after),
            data={"key": key, "before": before, "after": after},
        )
    )


def _flush(session: Session) -> None:
    try:
        session.flush()
    except IntegrityError:
        raise Conflict("Somebody else has just changed the same setting.") from None


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _SHORT else f"{text[: _SHORT - 1]}…"
