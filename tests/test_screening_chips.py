"""Reasons as moderators read them."""

from __future__ import annotations

import ast
import inspect

import pytest

from forum.screening import chips, rules
from forum.screening.chips import Chip, chip
from forum.settings import Settings, is_policy


@pytest.mark.parametrize(
    ("reason", "text"),
    [
        ("links:4", "Links: 4"),
        ("too_fast:1.2", "Too fast: 1.2 s"),
        ("word:casino", "Word: casino"),
        ("score:0.93 casino, pills", "Score 0.93 casino, pills"),
        ("first", "First comment"),
        ("word:{0}", "Word: {0}"),
        ("links", "Links"),
    ],
)
def test_a_reason_is_read_at_a_glance(reason: str, text: str) -> None:
    """The detail of a reason stands in its chip."""
    assert chip(reason).text == text


def test_a_reason_leads_to_its_setting() -> None:
    """A chip explains its rule and names the setting that governs it."""
    assert chip("links:4").setting == "max_links"
    assert "links" in chip("links:4").explanation


@pytest.mark.parametrize("reason", ["many links", "written in 0.4 seconds", "odd: 3", ""])
def test_the_phrase_of_a_host_is_shown_as_it_is(reason: str) -> None:
    """What no rule of ours says is no rule's, and governed by no setting."""
    assert chip(reason) == Chip("", reason, chip("many links").explanation, None)


@pytest.mark.parametrize("rule", sorted(chips.RULES))
def test_every_setting_behind_a_chip_can_be_changed(rule: str) -> None:
    """A chip's setting is one that the settings page offers."""
    name = chip(rule).setting
    assert name is None or is_policy(Settings.model_fields[name])


def test_every_reason_of_ours_has_a_chip() -> None:
    """No rule gives a reason that would be shown bare."""
    source = ast.parse(inspect.getsource(rules))
    texts = [node.value for node in ast.walk(source) if isinstance(node, ast.Constant) and isinstance(node.value, str)]
    given = {text.removesuffix(":").split(":")[0] for text in texts if text.endswith(":") or text.startswith("listed:")}
    given |= {"honeypot", "proof", "thread_held", "all", "first"}
    assert len(given) >= 14
    assert given <= chips.RULES
