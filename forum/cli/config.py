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

from ..errors import SettingsError
from ..settings import FOREIGN, Settings, ignored, key_of, mask, reference
from ..siteconfig import NEEDED, check, read_toml


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
    settings = Settings.from_config(current_app.config)
    values = {key_of(name): value for name, value in settings} | {
        key: current_app.config[key] for key in FOREIGN if key in current_app.config
    }
    sources: dict[str, str] = getattr(current_app.extensions.get("forum"), "sources", {})
    return {key: {"value": mask(key, value), "source": _source(key, sources)} for key, value in values.items()}


def _source(key: str, sources: dict[str, str]) -> str:
    return sources.get(key) or ("app.config" if key in current_app.config else "default")


def _fail(lines: Iterable[str]) -> NoReturn:
    for line in lines:
        click.echo(line, err=True)
    raise SystemExit(1)
