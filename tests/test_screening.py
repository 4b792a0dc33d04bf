"""Verdicts over drafts."""

from __future__ import annotations

from dataclasses import replace

from forum.screening import Context, Draft, Verdict, screen

DRAFT = Draft("post:1", None, "Ann", None, None, "Hello.")
CALM = Context(moderation="none", trusted=False, is_moderator=False, honeypot=False, seconds=60, min_seconds=3)


def test_first_comments_are_held() -> None:
    """With moderation `first` somebody without an approved comment waits, and the moderator reads why."""
    assert screen(DRAFT, replace(CALM, moderation="first")) == Verdict("hold", ("first comment",))


def test_trusted_people_are_published() -> None:
    """With moderation `first` an approved comment opens the door."""
    assert screen(DRAFT, replace(CALM, moderation="first", trusted=True)).word == "publish"


def test_everything_is_held_where_everything_is_read() -> None:
    """With moderation `all` trusted people wait too."""
    assert screen(DRAFT, replace(CALM, moderation="all", trusted=True)).word == "hold"


def test_the_hidden_field_gives_machines_away() -> None:
    """A filled honeypot is rejected under every policy."""
    assert screen(DRAFT, replace(CALM, honeypot=True)).word == "reject"


def test_haste_gives_machines_away() -> None:
    """A form sent back sooner than a person can type is rejected."""
    verdict = screen(DRAFT, replace(CALM, seconds=0.4))
    assert verdict == Verdict("reject", ("written in 0.4 seconds",))


def test_moderators_are_not_screened() -> None:
    """Somebody who could approve the comment need not wait for it."""
    assert screen(DRAFT, replace(CALM, moderation="all", is_moderator=True, seconds=0)).word == "publish"


def test_the_strongest_verdict_wins_and_all_reasons_stay() -> None:
    """A host's rejection beats our hold, and both reasons are kept."""
    host = lambda draft, context: Verdict("reject", ("casino",))  # noqa: E731  # a rule is a function
    verdict = screen(DRAFT, replace(CALM, moderation="first"), [host])
    assert verdict == Verdict("reject", ("first comment", "casino"))


def test_nothing_is_held_where_nobody_moderates() -> None:
    """With moderation `none` a hold of the host's has no effect, a rejection has."""
    hold = lambda draft, context: Verdict("hold", ("odd",))  # noqa: E731  # a rule is a function
    assert screen(DRAFT, CALM, [hold]) == Verdict("publish")
