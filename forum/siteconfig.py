"""The reference site's configuration: files and environment in, one checked dict out that knows its sources."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any

from .errors import SettingsError
from .settings import FOREIGN, Settings, check_foreign, ignored, key_of, nearest, parse

# What a bare `create_app()` runs on where there is no checkout; config/development.toml says the same, and why.
DEVELOPMENT: dict[str, Any] = {
    "SQLALCHEMY_DATABASE_URI": "sqlite:///forum.db",
    "FORUM_SITE_NAME": "Forum",
    "FORUM_MODERATION": "none",
    "FORUM_RATE_LIMITS": [],
    "FORUM_MIN_SECONDS": 0,
    "FORUM_MAIL_HOLD_SECONDS": 0,
    "FORUM_MAIL_COOLDOWN_SECONDS": 0,
    "FORUM_BASE_URL": "http://127.0.0.1:5000",
    "FORUM_MODERATORS": ["moderator@forum.example"],
    "FORUM_DELIVERY": "in-process",
    "FORUM_MAIL_TRANSPORT": "mailbox",
    "FORUM_MAIL_FROM": "notify@forum.example",
    "FORUM_MAIL_CONFIRM_LIMITS": [],
    "FORUM_MAIL_DOMAIN_RATE": 0,
}
# Shorter ones are words, and who finds the word signs in as a moderator.
SECRET_LENGTH = 16
NEEDED = {
    "SECRET_KEY": "forms, sessions and mail links are signed with it. Give a long random text and keep it for good: "
    'python -c "import secrets; print(secrets.token_hex(32))"',
    "SQLALCHEMY_DATABASE_URI": "it says where the database is, "
    "such as postgresql+psycopg://forum:password@localhost/forum.",
}
_TYPES: dict[str, Any] = FOREIGN | {key_of(name): field.annotation for name, field in Settings.model_fields.items()}


class SiteConfig(dict[str, Any]):
    """A configuration whose ``sources`` say of each key where its value comes from."""

    def __init__(self) -> None:
        """Begin empty."""
        super().__init__()
        self.sources: dict[str, str] = {}

    def lay(self, source: str, values: Mapping[str, Any]) -> None:
        """Put ``values`` over what is there."""
        self.update(values)
        self.sources.update(dict.fromkeys(values, source))


def load_config(environ: Mapping[str, str], root: Path | None) -> SiteConfig:
    """Files below ``root`` and then ``environ``, the later over the earlier; FORUM_ENV says which file.

    Without ``root`` the built-in development values stand in for the files. Sources are "default", the name of a
    file, "development" for the built-in values, and "environment". The result also holds FORUM_ENV, which is
    "production" where FORUM_CONFIG names a file and nothing else was said. Raises SettingsError with all that is wrong.
    """
    config = SiteConfig()
    for source, values in _files(environ, root):
        config.lay(source, values)
    config.lay("environment", _from_environment(environ))
    wrong = check(config)
    if wrong:
        raise SettingsError([f"{line} It comes from: {config.sources[key]}." for key, line in wrong.items()])
    config.lay("environment" if environ.get("FORUM_ENV") else "default", {"FORUM_ENV": _name(environ)})
    return config


def read_toml(path: Path, name: str = "") -> dict[str, Any]:
    """The keys of a configuration file. Raises SettingsError that calls it ``name`` when it cannot be read."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError([f"{name or path} cannot be read: {error.strerror}."]) from None
    except UnicodeDecodeError:
        raise SettingsError([f"{name or path} is not written in UTF-8."]) from None
    except tomllib.TOMLDecodeError as error:
        raise SettingsError([f"{name or path} is not TOML: {error}."]) from None


def check(config: Mapping[str, Any]) -> dict[str, str]:
    """Every key of a site's configuration that is wrong, misspelt or without effect, with the sentence that says so."""
    return Settings.check(config) | check_foreign(config) | _without_effect(config)


def source_of(key: str, config: Mapping[str, Any], sources: Mapping[str, str]) -> str:
    """Where the value of ``key`` comes from: as :class:`SiteConfig` says it, else "app.config" or "default"."""
    return sources.get(key) or ("app.config" if key in config else "default")


def missing(config: Mapping[str, Any]) -> list[str]:
    """A sentence for each key without which the site cannot start, or not be in public.

    Outside development SECRET_KEY must be long enough that nobody guesses it.
    """
    lines = [f"{key} is not set: {why}" for key, why in NEEDED.items() if not config.get(key)]
    secret = config.get("SECRET_KEY")
    if secret and len(secret) < SECRET_LENGTH and config.get("FORUM_ENV") != "development":
        lines.append(f"SECRET_KEY has fewer than {SECRET_LENGTH} characters: {NEEDED['SECRET_KEY']}")
    return lines


def _without_effect(config: Mapping[str, Any]) -> dict[str, str]:
    wrong = {key: f"{key} is read from the environment only." for key in config if ignored(key)}
    for key in config:
        if key != key.upper():
            near = nearest(key, _TYPES)
            wrong[key] = f"{key} has no effect: keys are written in capitals{f', as in {near}' if near else ''}."
    return wrong


def _files(environ: Mapping[str, str], root: Path | None) -> list[tuple[str, dict[str, Any]]]:
    layers = [("default", read_toml(root / "config" / "default.toml", "config/default.toml"))] if root else []
    if environ.get("FORUM_CONFIG"):
        chosen = environ["FORUM_CONFIG"]
        return [*layers, (chosen, read_toml(Path(chosen)))]
    name = _name(environ)
    if root is None and name == "development":
        return [("development", deepcopy(DEVELOPMENT))]
    known = _names(root)
    if name not in known:
        found = ", ".join(known) or "none"
        hint = "FORUM_CONFIG names a file elsewhere."
        raise SettingsError([f"FORUM_ENV = {name!r} names no file in config/; there are: {found}. {hint}"])
    source = f"config/{name}.toml"
    return [*layers, (source, read_toml((root or Path()) / source, source))]


def _name(environ: Mapping[str, str]) -> str:
    # A file of one's own is hardly ever for development, and taking it for that would open the mailbox.
    return environ.get("FORUM_ENV") or ("production" if environ.get("FORUM_CONFIG") else "development")


def _names(root: Path | None) -> list[str]:
    found = sorted(path.stem for path in (root / "config").glob("*.toml")) if root else []
    return [name for name in found if name != "default"]


def _from_environment(environ: Mapping[str, str]) -> dict[str, Any]:
    return {key: parse(_TYPES.get(key, str), text) for key, text in environ.items() if _taken(key)}


def _taken(key: str) -> bool:
    return key in FOREIGN or (key.startswith(("FORUM_", "MAIL_")) and not ignored(key))
