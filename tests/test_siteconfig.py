"""The reference site's configuration: files, environment, and where each value comes from."""

from __future__ import annotations

import textwrap
import tomllib
from pathlib import Path

import pytest

from forum.errors import SettingsError
from forum.settings import Settings, allowed, key_of
from forum.siteconfig import DEVELOPMENT, load_config, read_toml

ROOT = Path(__file__).parent.parent


def problems(environ: dict[str, str], root: Path | None = ROOT) -> tuple[str, ...]:
    """What a start with this environment complains about."""
    with pytest.raises(SettingsError) as caught:
        load_config(environ, root)
    return caught.value.problems


def test_development_is_the_default() -> None:
    """A checkout starts on its development file, over the defaults."""
    config = load_config({}, ROOT)
    assert config["FORUM_ENV"] == "development"
    assert config["FORUM_MODERATION"] == "none"
    assert config.sources["FORUM_MODERATION"] == "config/development.toml"
    assert config.sources["FORUM_PER_PAGE"] == "default"


def test_the_environment_is_over_the_files() -> None:
    """A variable beats a file, and is read by the type of its key."""
    config = load_config(
        {
            "FORUM_MAX_LENGTH": "4000",
            "FORUM_MAIL_QUOTE": "no",
            "FORUM_MODERATORS": '["ada@forum.example"]',
            "FORUM_SITE_NAME": "12",
            "MAIL_PORT": "587",
            "MAIL_USE_TLS": "true",
            "SECRET_KEY": "123",
        },
        ROOT,
    )
    assert (config["FORUM_MAX_LENGTH"], config["FORUM_MAIL_QUOTE"], config["FORUM_SITE_NAME"]) == (4000, False, "12")
    assert config["FORUM_MODERATORS"] == ["ada@forum.example"]
    assert (config["MAIL_PORT"], config["MAIL_USE_TLS"], config["SECRET_KEY"]) == (587, True, "123")
    assert config.sources["FORUM_MAX_LENGTH"] == "environment"


def test_what_is_not_ours_stays_outside() -> None:
    """Other variables, and those that steer tests, do not get into the configuration."""
    steering = {"PATH": "/bin", "MAIL": "/var/mail/root", "FORUM_TEST_PG_URL": "x", "FORUM_FAULT": "x"}
    assert load_config(steering, ROOT) == load_config({}, ROOT)


def test_production() -> None:
    """In production the careful defaults hold, and mail waits until somebody chooses how."""
    config = load_config({"FORUM_ENV": "production"}, ROOT)
    assert Settings.from_config(config) == Settings()
    assert config["FORUM_ENV"] == "production"
    assert config.sources["FORUM_ENV"] == "environment"


@pytest.mark.parametrize("name", ["prod", "default", "../config/production", "/etc/passwd"])
def test_unknown_environment(name: str) -> None:
    """A name without a file stops the start and tells the names there are."""
    (line,) = problems({"FORUM_ENV": name})
    assert "there are: development, production." in line


def test_a_file_of_ones_own(tmp_path: Path) -> None:
    """FORUM_CONFIG names a file that takes the place of the environment's, and counts as production."""
    file = tmp_path / "mine.toml"
    file.write_text('FORUM_MODERATION = "all"\nSESSION_COOKIE_NAME = "forum"\n', encoding="utf-8")
    config = load_config({"FORUM_CONFIG": str(file)}, ROOT)
    assert (config["FORUM_MODERATION"], config["FORUM_MIN_SECONDS"], config["FORUM_ENV"]) == ("all", 3, "production")
    assert config["SESSION_COOKIE_NAME"] == "forum"
    assert config.sources["FORUM_MODERATION"] == str(file)
    assert load_config({"FORUM_CONFIG": str(file), "FORUM_ENV": "development"}, None)["FORUM_ENV"] == "development"


def test_everything_wrong_at_once(tmp_path: Path) -> None:
    """File and environment are judged together, and each problem says where it comes from."""
    file = tmp_path / "mine.toml"
    file.write_text(
        'FORUM_MODERATON = "all"\nforum_css = "none"\nFORUM_ENV = "x"\nMAIL_PORT = "25"\n', encoding="utf-8"
    )
    found = problems({"FORUM_CONFIG": str(file), "FORUM_MAX_LENGTH": "many", "MAIL_SERVRE": "x", "MAIL_USE_TLS": "hm"})
    from_file = f"It comes from: {file}."
    from_environment = "It comes from: environment."
    assert set(found) == {
        f"FORUM_MODERATON = 'all' is not a setting. Did you mean FORUM_MODERATION? {from_file}",
        f"forum_css has no effect: keys are written in capitals, as in FORUM_CSS. {from_file}",
        f"FORUM_ENV is read from the environment only. {from_file}",
        f"MAIL_PORT = '25' is not allowed: it must be a whole number. {from_file}",
        f"FORUM_MAX_LENGTH = 'many' is not allowed: it must be a whole number from 1 to 50000. {from_environment}",
        f"MAIL_SERVRE = 'x' is not a setting. Did you mean MAIL_SERVER? {from_environment}",
        f"MAIL_USE_TLS = 'hm' is not allowed: it must be true or false. {from_environment}",
    }


def test_secrets_stay_out_of_problems() -> None:
    """A wrong environment does not print its passwords."""
    found = problems({"FORUM_MAIL_PASSWORD": "hunter2", "FORUM_RATE_STORAGE": "rdis://:hunter2@r"})
    assert "hunter2" not in "".join(found)


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    """Missing, foreign and broken files are told apart, with the line where TOML ends."""
    assert problems({"FORUM_CONFIG": "/nowhere.toml"}) == ("/nowhere.toml cannot be read: No such file or directory.",)
    broken = tmp_path / "broken.toml"
    broken.write_text("FORUM_CSS = none\n", encoding="utf-8")
    assert "line 1" in problems({"FORUM_CONFIG": str(broken)})[0]
    broken.write_bytes(b'FORUM_SITE_NAME = "caf\xe9"\n')
    assert problems({"FORUM_CONFIG": str(broken)}) == (f"{broken} is not written in UTF-8.",)


def test_without_a_checkout() -> None:
    """A bare start runs on built-in development values, under the environment as everywhere."""
    config = load_config({"FORUM_PER_PAGE": "7"}, None)
    assert {key: config[key] for key in DEVELOPMENT} == DEVELOPMENT
    assert (config["FORUM_PER_PAGE"], config["FORUM_ENV"]) == (7, "development")
    assert config.sources["FORUM_MODERATION"] == "development"
    assert "SECRET_KEY" not in config
    assert "FORUM_CONFIG names a file" in problems({"FORUM_ENV": "production"}, None)[0]


def test_two_bare_sites_do_not_share_lists() -> None:
    """What one site does to its configuration never reaches the next one in the same process."""
    load_config({}, None)["FORUM_RATE_LIMITS"].append("1 per day")
    assert load_config({}, None)["FORUM_RATE_LIMITS"] == []


def test_built_in_development_is_the_file() -> None:
    """The values built into the package are those of the checkout's file."""
    assert read_toml(ROOT / "config" / "development.toml") == DEVELOPMENT


def test_default_file_is_complete() -> None:
    """config/default.toml holds every key, and nothing else, with its true default."""
    found = tomllib.loads((ROOT / "config" / "default.toml").read_text(encoding="utf-8"))
    assert set(found) == {key_of(name) for name in Settings.model_fields}
    assert Settings.from_config(found) == Settings()


@pytest.mark.parametrize("name", Settings.model_fields)
def test_default_file_explains_each_key(name: str) -> None:
    """Above each key of config/default.toml stands what it does and what is allowed."""
    field = Settings.model_fields[name]
    text = (ROOT / "config" / "default.toml").read_text(encoding="utf-8")
    above = text.partition(f"\n{key_of(name)} = ")[0].rpartition("\n\n")[2]
    words = " ".join(textwrap.dedent(line.removeprefix("#")) for line in above.splitlines())
    assert words == f"{field.description} Allowed: {allowed(field)}."


@pytest.mark.parametrize("name", ["default", "development", "production"])
def test_no_secret_in_a_file(name: str) -> None:
    """The project's own files hold no key and no password."""
    assert not {"SECRET_KEY", "MAIL_PASSWORD"} & set(read_toml(ROOT / "config" / f"{name}.toml"))
