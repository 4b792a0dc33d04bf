"""`flask forum config`: is this file right, what is set and by whom, and what may be set at all."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NoReturn

import click
from flask import current_app
from flask.cli import with_appcontext
from sqlalchemy.exc import SQLAlchemyError

from .. import overrides
from ..errors import SettingsError
from ..overrides import Override
from ..settings import FOREIGN, Settings, ignored, key_of, mask, reference
from ..siteconfig import NEEDED, check, read_toml, source_of
from ..sqlite import begin_writing
from ..state import EXTENSION, ForumState, get


@click.group()
def config() -> None:
    """Look at the settings and check files of them."""


@config.command("check")
@click.argument("file", type=click.Path(path_type=Path))
def check_file(file: Path) -> None:
    """Say everything that is wrong in FILE, a TOML file of settings, at once."""
    try:
        found = read_toml(file)
    except SettingsError as error:
        _fail(error.problems)
    wrong = check(found)
    if wrong:
        _fail(wrong.values())
    click.echo(f"{file} is right: {len(found)} {'key' if len(found) == 1 else 'keys'} set.")
    if file.stem != "development":
        _say_what_else(found)


@config.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON object: key to value and source.")
@with_appcontext
def show(as_json: bool) -> None:
    """List every key with its value and where that comes from; secrets are masked."""
    try:
        rows = _rows()
    except SettingsError as error:
        _fail(error.problems)
    if as_json:
        click.echo(json.dumps(rows, indent=2, default=str))
        return
    _warn_of_deaf_ears(os.environ)
    for key, row in rows.items():
        click.echo(f"{key} = {json.dumps(row['value'], ensure_ascii=False, default=str)}  ({row['source']})")


@config.command()
@click.argument("key")
@with_appcontext
def reset(key: str) -> None:
    """Forget what an admin has set for KEY on the settings page: file and environment count again."""
    state = get()
    begin_writing(state.session)
    if not overrides.reset(state.session, state.base, [key], "command line", state.clock()):
        _fail([f"No admin has changed {key}."])
    state.session.commit()
    state.follow_admins(at_once=True)
    # A key that is no longer a setting has no value.
    now = {key_of(name): value for name, value in state.settings}.get(key)
    source = source_of(key, current_app.config, state.sources)
    click.echo(f"{key} = {json.dumps(now, ensure_ascii=False)}  ({source})")


@config.command("reference")
def print_reference() -> None:
    """Print what every setting does, as Markdown."""
    click.echo(reference(Settings), nl=False)


def _say_what_else(found: Mapping[str, Any]) -> None:
    """What a site that runs on this file must still be told by its environment."""
    needed = [key for key in NEEDED if not found.get(key)]
    for_mail = [key for key in Settings.from_config(found).mail_missing if not found.get(key)]
    if needed:
        click.echo(f"The environment must also give: {', '.join(needed)}.")
    if for_mail:
        click.echo(f"Before mail can be sent also: {', '.join(for_mail)}.")


def _warn_of_deaf_ears(environ: Mapping[str, str]) -> None:
    for key in sorted(environ):
        if key.startswith("FORUM_") and not ignored(key) and key not in current_app.config:
            why = f"only app.config counts, and Flask's from_prefixed_env() wants it as FLASK_{key}."
            click.echo(f"{key} in the environment has no effect here: {why}", err=True)


def _rows() -> dict[str, dict[str, Any]]:
    base = Settings.from_config(current_app.config)
    found = _overrides()
    values = {key_of(name): value for name, value in overrides.effective(base, found)} | {
        key: current_app.config[key] for key in FOREIGN if key in current_app.config
    }
    sources = _sources() | _admins(found)
    return {
        key: {"value": mask(key, value), "source": source_of(key, current_app.config, sources)}
        for key, value in values.items()
    }


def _sources() -> dict[str, str]:
    return getattr(current_app.extensions.get(EXTENSION), "sources", {})


def _overrides() -> dict[str, Override]:
    """What admins have changed; before there is a database nobody has."""
    state = current_app.extensions.get(EXTENSION)
    if not isinstance(state, ForumState):
        return {}
    try:
        return overrides.load(state.session)
    except SQLAlchemyError:
        click.echo("The database cannot be asked what admins have changed: that is missing here.", err=True)
        return {}


def _admins(found: Mapping[str, Override]) -> dict[str, str]:
    """Who is the source of what counts; what does not is said on stderr."""
    wrong = overrides.wrong(found)
    for key, line in wrong.items():
        click.echo(f"What {found[key].by} has set does not count: {line}", err=True)
    return {
        key: f"admin ({override.by}, {override.at:%Y-%m-%d %H:%M} UTC)"
        for key, override in found.items()
        if key not in wrong
    }


def _fail(lines: Iterable[str]) -> NoReturn:
    for line in lines:
        click.echo(line, err=True)
    raise SystemExit(1)
