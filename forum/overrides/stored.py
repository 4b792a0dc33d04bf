"""What admins changed: validated by the model of the settings, stored, audited, and laid over the configuration."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from sqlalchemy import Executable, Select, delete, insert, select, update
from sqlalchemy.dialects import mysql, postgresql, sqlite
from sqlalchemy.orm import Session

from .. import audit
from ..errors import SettingsError
from ..language import N_
from ..language import gettext as _
from ..models import Setting
from ..models.base import columns
from ..settings import Settings, is_policy, key_of

_SHORT = 190
# What SQLAlchemy raises for JSON or a time that is none.
_UNREADABLE = (ValueError, TypeError)
_DAMAGED = N_("stored anew, as what is there cannot be read")
_LONG_AGO = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_SETTING = columns(Setting)
# No key of a setting is empty: in this row those who change settings wait for each other.
_TURN = {"key": "", "value": None, "changed_by": "", "changed_at": _LONG_AGO}
_IS_OVERRIDE = Setting.key != ""
_POLICY = {key_of(name): name for name, field in Settings.model_fields.items() if is_policy(field)}


@dataclass(frozen=True)
class Override:
    """A value an admin gave to a policy key, who that was and when; None of these where the row ``is_damaged``."""

    value: Any
    by: str
    at: dt.datetime
    is_damaged: bool = False


def load(session: Session, *, lock: bool = False) -> dict[str, Override]:
    """Every stored override by its FORUM_* key, also one that is no longer valid; with ``lock`` for who changes them:
    others who do wait from then on, and read what was committed.

    One SELECT, unless somebody has damaged a row by hand.
    """
    if lock:
        session.execute(_taking_turns(session.get_bind().dialect.name), _TURN)
    query = select(Setting.key, Setting.value, Setting.changed_by, Setting.changed_at).where(_IS_OVERRIDE)
    query = query.order_by(Setting.key).with_for_update() if lock else query
    try:
        return {key: Override(value, by, at) for key, value, by, at in session.execute(query)}
    except _UNREADABLE:
        return {key: _read(session, query, key) for key in session.scalars(select(Setting.key).where(_IS_OVERRIDE))}


@cache
def _taking_turns(database: str) -> Executable:
    """Lock the row of the empty key, making it if need be: a table that is empty has no other row to lock."""
    if database in ("mysql", "mariadb"):
        mariadb = mysql.insert(_SETTING)
        return mariadb.on_duplicate_key_update(changed_at=mariadb.inserted.changed_at)
    insert = postgresql.insert(_SETTING) if database == "postgresql" else sqlite.insert(_SETTING)
    return insert.on_conflict_do_update(index_elements=["key"], set_={"changed_at": insert.excluded.changed_at})


def _read(session: Session, query: Select[Any], key: str) -> Override:
    try:
        return Override(*session.execute(query.where(Setting.key == key)).one()[1:])
    except _UNREADABLE:
        return Override(None, "somebody", _LONG_AGO, is_damaged=True)


def wrong(found: Mapping[str, Override]) -> dict[str, str]:
    """The overrides that do not count, each with the sentence that says why.

    A release may have taken the key away or given it other bounds, and a site must not stop for that.
    """
    anew = f"is not allowed: it must be {_(_DAMAGED)}."
    damaged = {key: f"{key} {anew}" for key, override in found.items() if override.is_damaged}
    return check({key: override.value for key, override in found.items() if key not in damaged}) | damaged


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

    Flushes; the caller commits. Raises SettingsError with everything that is wrong, and then stores nothing.
    """
    problems = check(changes)
    if problems:
        raise SettingsError(list(problems.values()))
    found = load(session, lock=True)
    before = effective(base, found)
    after = _over(before, changes)
    changed = [key for key in changes if _value(before, key) != _value(after, key)]
    for key in changed:
        about = {"key": key, "value": _value(after, key), "changed_by": actor, "changed_at": now}
        statement = update(Setting).where(Setting.key == key) if key in found else insert(Setting)
        session.execute(statement.values(about).execution_options(synchronize_session=False))
        _audit(session, "setting_changed", key, _value(before, key), _value(after, key), actor, now)
    session.flush()
    return changed


def reset(session: Session, base: Settings, keys: Iterable[str], actor: str, now: dt.datetime) -> list[str]:
    """Forget the overrides of ``keys``, audit each and return those there were: the configuration counts again.

    Flushes; the caller commits. A key that is no longer a setting can be reset as well.
    """
    found = load(session, lock=True)
    gone = [key for key in dict.fromkeys(keys) if key in found]
    for key in gone:
        after = _value(base, key) if key in _POLICY else None
        _audit(session, "setting_reset", key, found[key].value, after, actor, now)
        # By its key: a damaged row cannot be read, and goes all the same.
        session.execute(delete(Setting).where(Setting.key == key).execution_options(synchronize_session=False))
    session.flush()
    return gone


def _over(base: Settings, values: Mapping[str, Any]) -> Settings:
    # Validated, so that a list becomes the tuple and a text the one spelling that the rest of the program expects.
    valid = Settings.from_config(values)
    return base.model_copy(update={_POLICY[key]: getattr(valid, _POLICY[key]) for key in values})


def _value(settings: Settings, key: str) -> Any:
    value = getattr(settings, _POLICY[key])
    return list(value) if isinstance(value, tuple) else value


def _audit(session: Session, act: str, key: str, before: Any, after: Any, actor: str, now: dt.datetime) -> None:
    values: dict[str, Any] = {"before": _short(before), "after": _short(after)}
    whole = {"key": key, "before": before, "after": after}
    audit.record(session, None, act, kind="setting", actor=actor, now=now, cause=key, data=whole, **values)


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _SHORT else f"{text[: _SHORT - 1]}…"
