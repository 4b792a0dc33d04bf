"""Settings: what a site may decide, and what it is told when it decided wrongly."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from forum.errors import SettingsError
from forum.settings import Settings, allowed, default, is_policy, key_of, mask, parse, reference

MAIL = {
    "FORUM_BASE_URL": "https://forum.example",
    "FORUM_MAIL_FROM": "notify@forum.example",
    "FORUM_MAIL_TRANSPORT": "smtp",
}
KEYS = [key_of(name) for name in Settings.model_fields]


def problem(key: str, value: Any) -> str:
    """The one sentence that ``value`` earns."""
    (line,) = Settings.check({key: value}).values()
    return line


def test_defaults() -> None:
    """A site that sets nothing gets the documented defaults."""
    settings = Settings.from_config({})
    assert settings == Settings()
    assert (settings.moderation, settings.min_seconds, settings.max_length) == ("first", 3, 10_000)
    assert (settings.max_depth, settings.per_page, settings.edit_seconds) == (6, 50, 900)
    assert (settings.mail_hold_seconds, settings.mail_cooldown_seconds, settings.delivery) == (120, 900, "off")
    assert settings.rate_limits == ("10 per minute", "100 per hour")


def test_other_keys_are_left_alone() -> None:
    """Keys of the host, and those that only steer the start, are no settings."""
    config = {"SECRET_KEY": "x", "FORUM_ENV": "x", "FORUM_CONFIG": "x", "FORUM_TEST_PG_URL": "x", "FORUM_FAULT": "x"}
    assert Settings.from_config(config) == Settings()


def test_all_problems_at_once() -> None:
    """One start tells everything that is wrong, each with key, value and what is allowed."""
    with pytest.raises(SettingsError) as caught:
        Settings.from_config({"FORUM_MAX_LENGTH": "10", "FORUM_CSS": "pretty", "FORUM_MODERATON": "all"})
    assert sorted(caught.value.problems) == [
        'FORUM_CSS = \'pretty\' is not allowed: it must be "full", "layered" or "none".',
        "FORUM_MAX_LENGTH = '10' is not allowed: it must be a whole number from 1 to 50000.",
        "FORUM_MODERATON = 'all' is not a setting. Did you mean FORUM_MODERATION?",
    ]


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ("FORUM_MODERATOR", "FORUM_MODERATORS"),
        ("FORUM_BASEURL", "FORUM_BASE_URL"),
        ("FORUM_moderation", "FORUM_MODERATION"),
        ("FORUM_MAIL_PASSWORD", "MAIL_PASSWORD"),
        ("FORUM_SECRET_KEY", "SECRET_KEY"),
    ],
)
def test_the_nearest_spelling(wrong: str, right: str) -> None:
    """A misspelt key is answered with the key that was meant, Flask's own included."""
    assert problem(wrong, "x").endswith(f"Did you mean {right}?")


@pytest.mark.parametrize(
    ("key", "wrong", "right"),
    [
        ("FORUM_MODERATION", "First", "first"),
        ("FORUM_MODERATION", " all ", "all"),
        ("FORUM_MAIL_TRANSPORT", "SMTP", "smtp"),
        ("FORUM_SANITIZER", "bleech", "bleach"),
        ("FORUM_DELIVERY", "in_process", "in-process"),
    ],
)
def test_the_nearest_choice(key: str, wrong: str, right: str) -> None:
    """A choice in another case or slightly misspelt is answered with the one that was meant."""
    assert problem(key, wrong).endswith(f'Did you mean "{right}"?')


def test_a_choice_like_no_other() -> None:
    """Where no choice is near, none is guessed."""
    assert "Did you mean" not in problem("FORUM_MODERATION", "strict")


def test_a_key_like_no_other() -> None:
    """Where nothing is near, nothing is guessed."""
    assert "forum config reference" in problem("FORUM_XYZZY", 1)


@pytest.mark.parametrize("key", ["FORUM_RATE_STORAGE", "FORUM_BASE_URL"])
def test_passwords_are_masked(key: str) -> None:
    """A problem never repeats a password, whatever is wrong with the URL around it."""
    assert "hunter2" not in problem(key, "ldap://joe:hunter2@x")
    assert "hunter2" not in problem("FORUM_MAIL_PASSWORD", "hunter2")


def test_long_values_are_cut() -> None:
    """A problem stays readable when the value is not."""
    assert len(problem("FORUM_SITE_NAME", "x" * 100_000)) < 250


@pytest.mark.parametrize("value", [True, 3.0, "3", None, -1, 601])
def test_numbers_are_strict(value: object) -> None:
    """Only a whole number within bounds is a number: no switch, no text, no fraction."""
    assert "a whole number from 0 to 600" in problem("FORUM_MIN_SECONDS", value)


@pytest.mark.parametrize("value", ["10 per minute", [3], {"10 per minute": 1}, None])
def test_lists_are_strict(value: object) -> None:
    """Text is not a list, and a list holds text only."""
    assert "a list of limits" in problem("FORUM_RATE_LIMITS", value)


def test_settings_never_change() -> None:
    """A running site keeps the settings it started with."""
    with pytest.raises(ValidationError):
        Settings().max_length = 5  # type: ignore[misc]  # the mistake under test


def test_unknown_names_are_refused() -> None:
    """Code that misspells a field is told so as well."""
    with pytest.raises(ValidationError):
        Settings(max_lenght=5)  # type: ignore[call-arg]  # the mistake under test


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("https://forum.example", "https://forum.example"),
        ("HTTPS://Forum.Example:443/Blog", "https://forum.example/Blog"),
        ("http://127.0.0.1:5000", "http://127.0.0.1:5000"),
        ("http://[::1]:80", "http://[::1]"),
    ],
)
def test_base_url_has_one_spelling(typed: str, kept: str) -> None:
    """The base URL is kept as browsers spell an origin, so that the two can be compared."""
    assert Settings(base_url=typed).base_url == kept


@pytest.mark.parametrize(
    "typed",
    [
        *("forum.example", "//forum.example", "ftp://forum.example", "http://", "https:///x", "javascript:alert(1)"),
        *("https://forum.example/", "https://forum.example?x=1", "https://forum.example?", "https://forum.example#"),
        *("https://joe@forum.example", "https://forum.example\n", "https://a b", "https://é.example", "http://x:99999"),
        *("http://[::1", "http://x:abc", 'https://forum.example/"', "https://forum.example\\x"),
    ],
)
def test_base_url_refused(typed: str) -> None:
    """A base URL is absolute, ends without a slash and holds nothing that would spoil a link made from it."""
    assert "an http or https URL" in problem("FORUM_BASE_URL", typed)


@pytest.mark.parametrize("typed", ['"Forum" <a@forum.example>', "forum", "a@localhost", "a@b@c.example", "ü@x.example"])
def test_mail_from_refused(typed: str) -> None:
    """The sender is a bare address that any mail server takes."""
    assert "a bare mail address" in problem("FORUM_MAIL_FROM", typed)


@pytest.mark.parametrize("name", ["", "  ", "x" * 81, "one\ntwo", "bell\x07", "line\u2028break"])
def test_site_name_refused(name: str) -> None:
    """The name of a site is one visible line: it goes into mail headers."""
    assert "1 to 80 characters in one line" in problem("FORUM_SITE_NAME", name)


def test_site_name_in_any_script() -> None:
    """Names are not only Latin, and an emoji may be joined from several."""
    assert Settings(site_name="Форум 👩‍🌾").site_name == "Форум 👩‍🌾"


def test_moderators_regardless_of_case() -> None:
    """A moderator may sign in by whatever case the address is typed in."""
    assert Settings.from_config({"FORUM_MODERATORS": ["Ada@Forum.Example"]}).moderators == ("ada@forum.example",)


def test_each_wrong_moderator_is_named() -> None:
    """Of a long list, those that are wrong are named."""
    line = problem("FORUM_MODERATORS", ["ada@forum.example", "bob", "eve@"])
    assert "'bob' is not a mail address" in line
    assert "'eve@' is not a mail address" in line


def test_rate_items() -> None:
    """Limits come parsed; several in one text are several limits."""
    settings = Settings(rate_limits=("10/minute; 100/hour", "3 per 30 days"))
    assert [(item.amount, item.get_expiry()) for item in settings.rate_items] == [
        (10, 60),
        (100, 3600),
        (3, 30 * 86400),
    ]


@pytest.mark.parametrize(
    "limit", ["", "often", "-1 per day", "0 per day", "0/day", "1 per 0 days", "1/0day", "9/day x"]
)
def test_limits_refused(limit: str) -> None:
    """A limit that counts to nothing, or nothing, is an error and not a closed site."""
    assert "a list of limits" in problem("FORUM_RATE_LIMITS", [limit])


@pytest.mark.parametrize(
    ("limits", "sentences"),
    [
        (["often"], "It cannot be read as a number and a time, such as 10 per minute."),
        (["1 per day", "0 per day"], "'0 per day' counts to zero; an empty list switches limits off."),
    ],
)
def test_a_wrong_limit_is_told_in_a_sentence(limits: list[str], sentences: str) -> None:
    """What is wrong with a limit is a sentence of ours; the value is named again only if there are several."""
    assert problem("FORUM_RATE_LIMITS", limits).endswith(f"[] for none. {sentences}")


def test_empty_lists_switch_off() -> None:
    """An empty list means no limit."""
    settings = Settings.from_config({"FORUM_RATE_LIMITS": [], "FORUM_MAIL_CONFIRM_LIMITS": []})
    assert settings.rate_items == ()
    assert settings.mail_confirm_items == ()


def test_confirm_items() -> None:
    """The limits of confirmation mail say what they count."""
    found = [(scope, item.amount, item.get_expiry()) for scope, item in Settings().mail_confirm_items]
    assert found == [
        ("address", 1, 86400),
        ("address", 3, 30 * 86400),
        ("network", 5, 3600),
        ("domain", 20, 3600),
        ("site", 60, 3600),
    ]


@pytest.mark.parametrize("line", ["1 per day", "person: 1 per day", "site: often", "site:", "site: 0 per day"])
def test_confirm_limits_refused(line: str) -> None:
    """A limit of confirmation mail without a known scope or a real limit is refused."""
    assert "FORUM_MAIL_CONFIRM_LIMITS" in problem("FORUM_MAIL_CONFIRM_LIMITS", [line])


@pytest.mark.parametrize("url", ["memory://", "redis://:secret@localhost:6379/0", "rediss://r", "redis+unix:///r.sock"])
def test_rate_storage(url: str) -> None:
    """Limits are counted in memory or in Redis."""
    assert Settings(rate_storage=url).rate_storage == url


@pytest.mark.parametrize("url", ["", "memory", "memory://x", "redis://", "file:///tmp/x", "redis://a b"])
def test_rate_storage_refused(url: str) -> None:
    """There is no other place to count limits in."""
    assert "the URL of a Redis" in problem("FORUM_RATE_STORAGE", url)


def test_mail_missing() -> None:
    """A site without mail knows what it lacks, in the words one has to type."""
    assert Settings().mail_missing == ("FORUM_BASE_URL", "FORUM_MAIL_FROM", "FORUM_MAIL_TRANSPORT")
    assert not Settings().mail_enabled
    assert Settings.from_config(MAIL).mail_enabled
    assert Settings.from_config(MAIL | {"FORUM_MAIL_FROM": ""}).mail_missing == ("FORUM_MAIL_FROM",)


def test_mail_domain_follows_the_sender() -> None:
    """Message-IDs carry the sender's domain unless another one is chosen."""
    assert Settings.from_config(MAIL).mail_domain == "forum.example"
    assert Settings.from_config(MAIL | {"FORUM_MAIL_DOMAIN": "Mail.Forum.Example"}).mail_domain == "mail.forum.example"
    assert Settings().mail_domain is None


def test_a_lease_outlives_the_answer() -> None:
    """A lease that may end while the mail server still thinks would send a message twice."""
    assert "FORUM_MAIL_POST_DOT_TIMEOUT" in problem("FORUM_MAIL_LEASE_SECONDS", 600)
    short = {"FORUM_MAIL_LEASE_SECONDS": 90, "FORUM_MAIL_POST_DOT_TIMEOUT": 60}
    assert Settings.from_config(short).mail_lease_seconds == 90


JSONISH = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@given(st.dictionaries(st.sampled_from(KEYS), JSONISH))
def test_any_configuration_is_answered(config: dict[str, Any]) -> None:
    """Whatever a file holds, the answer is settings or a list of problems, each beginning with its key."""
    wrong = Settings.check(config)
    assert all(line.startswith(f"{key} = ") for key, line in wrong.items())
    if not wrong:
        assert Settings.from_config(config)


@given(st.text(), st.sampled_from(["joe", "", "joe@forum.example"]))
def test_mask_hides_url_passwords(password: str, user: str) -> None:
    """No password gets through, not even one whose special characters were never quoted."""
    shown = mask("SQLALCHEMY_DATABASE_URI", f"postgresql://{user}:{password}@db/forum")
    assert shown == f"postgresql://{user}:***@db/forum"


@pytest.mark.parametrize(
    ("key", "value", "shown"),
    [
        ("SECRET_KEY", "k", "***"),
        ("SECRET_KEY", None, None),
        ("FORUM_API_KEY", b"k", "***"),
        ("MAIL_PASSWORD", "k", "***"),
        ("MAIL_USERNAME", "joe", "joe"),
        ("X", "postgresql://db/forum?user=joe&password=k&ssl=1", "postgresql://db/forum?user=joe&password=***&ssl=1"),
        ("X", ("redis://:k@r", 3), ["redis://:***@r", 3]),
    ],
)
def test_mask(key: str, value: object, shown: object) -> None:
    """Secrets are hidden by their name or their place in a URL; the rest stays readable."""
    assert mask(key, value) == shown


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        (int, " 12 ", 12),
        (int, "twelve", "twelve"),
        (bool, "YES", True),
        (bool, "0", False),
        (bool, "perhaps", "perhaps"),
        (tuple[str, ...], '["a", "b"]', ["a", "b"]),
        (tuple[str, ...], "a, b", "a, b"),
        (tuple[str, ...], '"a"', '"a"'),
        (tuple[str, ...], "[" * 100_000, "[" * 100_000),
        (str | None, "12", "12"),
    ],
)
def test_parse(kind: Any, text: str, value: object) -> None:
    """Text becomes a value of its key's type; text that cannot is left for validation to report."""
    assert parse(kind, text) == value


@pytest.mark.parametrize("name", Settings.model_fields)
def test_every_setting_explains_itself(name: str) -> None:
    """No setting comes without a full sentence, a rule and a default."""
    field = Settings.model_fields[name]
    assert field.description
    assert field.description.endswith(".")
    assert allowed(field)
    assert f"### `{key_of(name)}`\n\n{field.description}\n\nAllowed: {allowed(field)}." in reference(Settings)
    assert default(field)


def test_policy_is_only_policy() -> None:
    """Nothing that leads to a machine, a file, a sender or a role can be changed in the browser."""
    policy = {name for name, field in Settings.model_fields.items() if is_policy(field)}
    assert {"moderation", "rate_limits", "max_length", "edit_seconds", "site_name"} <= policy
    assert policy.isdisjoint({"moderators", "base_url", "rate_storage", "mail_from", "mail_ca_file", "base_template"})
