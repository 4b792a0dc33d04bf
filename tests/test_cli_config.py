"""`flask forum config` as an operator types it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from types import SimpleNamespace

import pytest
from click.testing import CliRunner
from flask import Flask

from forum.cli.config import config
from forum.settings import Settings, key_of

ROOT = Path(__file__).parent.parent


@pytest.fixture
def site() -> Flask:
    """A site with a few settings and secrets."""
    app = Flask("site")
    app.config.update(
        SECRET_KEY="hunter2",
        SQLALCHEMY_DATABASE_URI="postgresql://joe:hunter2@db/forum",
        FORUM_RATE_STORAGE="redis://:hunter2@r",
        FORUM_PER_PAGE=7,
    )
    return app


@pytest.mark.parametrize("name", ["default", "development", "production"])
def test_our_own_files_are_right(name: str) -> None:
    """The files that come with the project pass their own check, without a site or a database."""
    result = CliRunner().invoke(config, ["check", str(ROOT / "config" / f"{name}.toml")])
    assert result.exit_code == 0
    assert " is right: " in result.stdout


def test_check_counts(tmp_path: Path) -> None:
    """A right file is told how much it sets."""
    file = tmp_path / "mine.toml"
    file.write_text("FORUM_PER_PAGE = 7\n", encoding="utf-8")
    assert CliRunner().invoke(config, ["check", str(file)]).stdout.startswith(f"{file} is right: 1 key set.\n")


def test_check_says_what_else_is_needed(tmp_path: Path) -> None:
    """A right file is told what the environment must still give, without what stands in it."""
    file = tmp_path / "mine.toml"
    file.write_text('FORUM_MAIL_TRANSPORT = "smtp"\n', encoding="utf-8")
    _, needed, for_mail = CliRunner().invoke(config, ["check", str(file)]).stdout.splitlines()
    assert needed == "The environment must also give: SECRET_KEY, SQLALCHEMY_DATABASE_URI."
    assert for_mail == "Before mail can be sent also: FORUM_BASE_URL, FORUM_MAIL_FROM."
    ours = CliRunner().invoke(config, ["check", str(ROOT / "config" / "development.toml")]).stdout
    assert len(ours.splitlines()) == 1


def test_check_says_everything(tmp_path: Path) -> None:
    """A wrong file is told all that is wrong, a line each on stderr, and the exit says so."""
    file = tmp_path / "mine.toml"
    file.write_text('FORUM_PER_PAGE = 0\nFORUM_MODERATON = "all"\nMAIL_PASSWORD = 12345678\n', encoding="utf-8")
    result = CliRunner().invoke(config, ["check", str(file)])
    assert (result.exit_code, result.stdout) == (1, "")
    assert len(result.stderr.splitlines()) == 3
    assert "Did you mean FORUM_MODERATION?" in result.stderr
    assert "12345678" not in result.stderr


def test_check_without_a_file() -> None:
    """A missing file is one clear line."""
    result = CliRunner().invoke(config, ["check", "/nowhere.toml"])
    assert (result.exit_code, result.stderr) == (1, "/nowhere.toml cannot be read: No such file or directory.\n")


def test_show_masks_secrets(site: Flask) -> None:
    """Every key is listed with value and source, and no secret among them."""
    result = site.test_cli_runner().invoke(config, ["show"])
    assert result.exit_code == 0
    assert "FORUM_PER_PAGE = 7  (app.config)" in result.stdout
    assert "FORUM_MAX_DEPTH = 6  (default)" in result.stdout
    assert 'SECRET_KEY = "***"  (app.config)' in result.stdout
    assert "hunter2" not in result.stdout
    assert all(key_of(name) in result.stdout for name in Settings.model_fields)


def test_show_for_scripts(site: Flask) -> None:
    """With --json a script reads the same, and the site's own sources are believed."""
    site.extensions["forum"] = SimpleNamespace(sources={"FORUM_PER_PAGE": "environment"})
    rows = json.loads(site.test_cli_runner().invoke(config, ["show", "--json"]).stdout)
    assert rows["FORUM_PER_PAGE"] == {"value": 7, "source": "environment"}
    assert rows["FORUM_RATE_LIMITS"] == {"value": ["10 per minute", "100 per hour"], "source": "default"}
    assert rows["SQLALCHEMY_DATABASE_URI"]["value"] == "postgresql://joe:***@db/forum"


def test_show_warns_of_variables_nobody_reads(site: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """A FORUM_* variable that never got into app.config is named on stderr, with the name that would."""
    monkeypatch.setenv("FORUM_MODERATION", "none")
    monkeypatch.setenv("FORUM_PER_PAGE", "7")
    monkeypatch.setenv("FORUM_ENV", "development")
    result = site.test_cli_runner().invoke(config, ["show"])
    assert result.stderr.splitlines() == [
        "FORUM_MODERATION in the environment has no effect here: only app.config counts, "
        "and Flask's from_prefixed_env() wants it as FLASK_FORUM_MODERATION."
    ]


def test_show_of_a_wrong_site(site: Flask) -> None:
    """A wrong configuration is told as by check, not as a traceback."""
    site.config["FORUM_PER_PAGE"] = "7"
    result = site.test_cli_runner().invoke(config, ["show"])
    assert result.exit_code == 1
    assert result.stderr.startswith("FORUM_PER_PAGE = '7' is not allowed")


def test_reference_is_the_docs() -> None:
    """docs/settings.md says what the program says."""
    page = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    found = re.search(r"<!-- reference: begin.*?-->\n(.*)<!-- reference: end -->", page, re.DOTALL)
    assert found
    assert CliRunner().invoke(config, ["reference"]).stdout == found.group(1)
