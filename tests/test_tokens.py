"""Tokens, stamps, hashes and Message-IDs: what is signed for one purpose is good for nothing else."""

from __future__ import annotations

import datetime as dt
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forum.errors import BadStamp, BadToken, ExpiredToken
from forum.tokens import (
    ExpiredStamp,
    Keys,
    Stamp,
    check_age,
    day_number,
    keyed_hash,
    keyed_hashes,
    make_stamp,
    make_token,
    message_id,
    new_nonce,
    read_stamp,
    read_token,
    unverified_key,
)

KEYS = Keys(["a secret of the site"])
NOW = dt.datetime(2026, 11, 22, 13, 31, 3, tzinfo=dt.UTC)
COUNTS = {"c": 3, "x": 2, "u": 2, "t": 2, "p": 2, "o": 3, "n": 3, "s": 1}
ids = st.integers(min_value=0, max_value=2**63 - 1)


@given(st.sampled_from(sorted(COUNTS)).flatmap(lambda kind: st.tuples(st.just(kind), st.tuples(*[ids] * COUNTS[kind]))))
def test_a_token_gives_back_the_numbers_it_was_made_of(made: tuple[str, tuple[int, ...]]) -> None:
    """Every kind carries its numbers there and back, whatever they are."""
    kind, numbers = made
    assert read_token(KEYS, kind, make_token(KEYS, kind, *numbers)) == numbers


def test_a_token_stays_short_for_large_sites() -> None:
    """With twelve million addresses the longest token still has fewer than 40 characters."""
    token = make_token(KEYS, "c", 12_000_000, 9, day_number(NOW))
    assert len(token) < 40
    assert token.startswith("c7579c.9.g17.")


def test_a_token_opens_only_its_own_kind_of_page() -> None:
    """Of all pairs of kinds only the diagonal passes, also when the letter in front is exchanged."""
    for made, asked in itertools.product(COUNTS, COUNTS):
        token = make_token(KEYS, made, *range(7, 7 + COUNTS[made]))
        if made == asked:
            assert read_token(KEYS, asked, token)
            continue
        for attempt in (token, asked + token[1:]):
            with pytest.raises(BadToken):
                read_token(KEYS, asked, attempt)


def test_every_single_changed_character_breaks_a_token() -> None:
    """No position of a token may hold another character, the last one included."""
    token = make_token(KEYS, "t", 1234, 42)
    for place, char in itertools.product(range(len(token)), "aA0_-."):
        changed = token[:place] + char + token[place + 1 :]
        if changed != token:
            with pytest.raises(BadToken):
                read_token(KEYS, "t", changed)


@pytest.mark.parametrize(
    "text", ["", "u", "u1", "u1.", "u-1.AAAA", "u1.äöüäöüäöüäöüäöüäöüäöü1", "u1\n", "u" + "9" * 5000, "\ud800", "u１.x"]
)
def test_malformed_and_forged_tokens_sound_the_same(text: str) -> None:
    """Whatever is wrong, the message is one and the same."""
    with pytest.raises(BadToken) as malformed:
        read_token(KEYS, "u", text)
    with pytest.raises(BadToken) as forged:
        read_token(KEYS, "u", "u1." + "A" * 22)
    assert malformed.value.message == forged.value.message


@pytest.mark.parametrize(("kind", "numbers"), [("s", (1, 2)), ("z", (1,)), ("s", (-1,)), ("s", (2**63,)), ("c", ())])
def test_a_token_that_could_not_be_read_is_not_made(kind: str, numbers: tuple[int, ...]) -> None:
    """Wrong kinds, counts and numbers are errors of the program, found where they happen."""
    with pytest.raises(ValueError, match="No token"):
        make_token(KEYS, kind, *numbers)


def test_old_tokens_outlive_a_change_of_the_secret() -> None:
    """With the old secret as a fallback old links work, and new ones are made with the new secret alone."""
    rotated = Keys(["the new secret", "a secret of the site"])
    assert read_token(rotated, "u", make_token(KEYS, "u", 7, 1)) == (7, 1)
    assert read_token(Keys(["the new secret"]), "u", make_token(rotated, "u", 7, 1)) == (7, 1)
    with pytest.raises(BadToken):
        read_token(Keys(["the new secret"]), "u", make_token(KEYS, "u", 7, 1))


def test_a_token_ages_by_whole_days() -> None:
    """After seven days it is good, after eight it is too old, and a clock that ran ahead hurts nobody."""
    day = day_number(NOW)
    check_age(day, NOW + dt.timedelta(days=7), 7)
    check_age(day + 1, NOW, 7)
    with pytest.raises(ExpiredToken):
        check_age(day, NOW + dt.timedelta(days=8), 7)


def test_days_are_counted_in_utc() -> None:
    """The same moment has the same day number in every zone."""
    late = dt.datetime(2026, 11, 22, 23, 30, tzinfo=dt.timezone(dt.timedelta(hours=-5)))
    assert day_number(late) == day_number(late.astimezone(dt.UTC)) == 20780


@pytest.mark.parametrize("secrets", [[], [""], ["good", b""]])
def test_keys_without_a_secret_are_refused(secrets: list[str | bytes]) -> None:
    """An empty secret signs for everybody, so there is none."""
    with pytest.raises(ValueError, match="SECRET_KEY"):
        Keys(secrets)


def test_keys_do_not_show_their_secrets() -> None:
    """What ends in a log or traceback says how many secrets there are, not which."""
    assert repr(Keys(["one", b"two"])) == "<Keys: 2>"


def test_a_signature_belongs_to_its_purpose_and_text() -> None:
    """The same MAC passes for nothing else."""
    mac = KEYS.sign("stamp", "text")
    assert KEYS.verify("stamp", "text", mac)
    assert not KEYS.verify("mail/u", "text", mac)
    assert not KEYS.verify("stamp", "texts", mac)
    assert not KEYS.verify("stamp", "text", "höchst falsch")


def test_a_hash_finds_an_address_again_without_holding_it() -> None:
    """The same text has the same hash, another purpose or site another one."""
    found = keyed_hash(KEYS, "suppression", "ann@example.net")
    assert found == keyed_hash(KEYS, "suppression", "ann@example.net")
    assert len(found) == 64
    assert found != keyed_hash(KEYS, "visitor", "ann@example.net")
    assert found != keyed_hash(Keys(["another site"]), "suppression", "ann@example.net")


def test_hashes_under_all_secrets_find_what_was_stored_before_a_rotation() -> None:
    """The newest comes first, the old one is still among them."""
    rotated = Keys(["the new secret", "a secret of the site"])
    hashes = keyed_hashes(rotated, "suppression", "ann@example.net")
    assert hashes == (
        keyed_hash(Keys(["the new secret"]), "suppression", "ann@example.net"),
        keyed_hash(KEYS, "suppression", "ann@example.net"),
    )


STAMP = Stamp("post:42", "Why trees need leases", "https://forum.example/articles/trees", "n" * 22)


@given(st.builds(Stamp, *[st.text(st.characters(codec="utf-8"))] * 4, closed=st.booleans()))
def test_a_stamp_gives_back_what_it_was_made_of(stamp: Stamp) -> None:
    """Any text of a host travels there and back, in URL-safe characters."""
    text = make_stamp(KEYS, stamp, NOW)
    assert read_stamp(KEYS, text, NOW, 60) == stamp
    assert set(text) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-.")


def test_a_stamp_knows_when_it_was_made() -> None:
    """The time comes back to the millisecond, so that a form filled in too fast is noticed."""
    moment = NOW.replace(microsecond=250_000)
    assert read_stamp(KEYS, make_stamp(KEYS, STAMP, moment), NOW, 60).made_at == moment


def test_half_a_letter_in_a_title_does_not_break_the_page() -> None:
    """A lone surrogate becomes a question mark."""
    stamp = Stamp("k", "broken \ud83d title", "/", "n")
    assert read_stamp(KEYS, make_stamp(KEYS, stamp, NOW), NOW, 60).title == "broken ? title"


def test_an_old_stamp_says_so_and_still_tells_its_page() -> None:
    """One second too old is expired; the form can be shown again from what the error holds."""
    text = make_stamp(KEYS, STAMP, NOW)
    read_stamp(KEYS, text, NOW + dt.timedelta(hours=24), 86400)
    with pytest.raises(ExpiredStamp) as expired:
        read_stamp(KEYS, text, NOW + dt.timedelta(hours=24, seconds=1), 86400)
    assert expired.value.stamp == STAMP


@pytest.mark.parametrize("text", ["", "...", "x.y.z", "e30.0." + "A" * 22, "A" * 9000, "ä.0." + "A" * 22])
def test_a_stamp_that_is_not_ours_is_bad(text: str) -> None:
    """Missing, malformed and forged stamps are refused, and not as expired ones."""
    with pytest.raises(BadStamp) as bad:
        read_stamp(KEYS, text, NOW, 60)
    assert not isinstance(bad.value, ExpiredStamp)


def test_every_changed_part_breaks_a_stamp() -> None:
    """Content, time and MAC are bound to each other."""
    content, made, mac = make_stamp(KEYS, STAMP, NOW).split(".")
    other, later, foreign = make_stamp(KEYS, Stamp("post:43", "", "", ""), NOW + dt.timedelta(days=1)).split(".")
    for parts in ((other, made, mac), (content, later, mac), (content, made, foreign)):
        with pytest.raises(BadStamp):
            read_stamp(KEYS, ".".join(parts), NOW, 60)


def test_a_stamp_survives_a_change_of_the_secret() -> None:
    """A form opened before the rotation can be sent after it."""
    rotated = Keys(["the new secret", "a secret of the site"])
    assert read_stamp(rotated, make_stamp(KEYS, STAMP, NOW), NOW, 60) == STAMP


def test_the_page_of_an_unverified_stamp_can_be_named() -> None:
    """After a lost secret the form can still be shown again for its thread."""
    text = make_stamp(Keys(["forgotten"]), STAMP, NOW)
    assert unverified_key(text) == "post:42"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "AAAA.0." + "A" * 22,
        "W10.0." + "A" * 22,
        "WzFd.0." + "A" * 22,
        make_stamp(KEYS, Stamp("a\x00b", "", "", ""), NOW),
        make_stamp(KEYS, Stamp("k" * 191, "", "", ""), NOW),
        make_stamp(KEYS, Stamp("", "", "", ""), NOW),
        "W1tb" * 20000 + ".0." + "A" * 22,
    ],
)
def test_nonsense_names_no_page(text: str) -> None:
    """What cannot be the key of a thread is not given to the database."""
    assert unverified_key(text) is None


def test_nonces_differ() -> None:
    """A thousand forms have a thousand nonces of 22 characters."""
    nonces = {new_nonce() for _ in range(1000)}
    assert len(nonces) == 1000
    assert {len(nonce) for nonce in nonces} == {22}


def test_a_message_id_is_the_same_for_the_same_mail_and_different_for_every_other() -> None:
    """Retries carry one id; another address, comment or kind has another."""
    made = message_id(KEYS, "forum.example", "c", 1337, "reply", 7)
    assert made == message_id(KEYS, "forum.example", "c", 1337, "reply", 7)
    assert made.startswith("<c1337.")
    assert made.endswith("@forum.example>")
    assert len(made) <= 76
    others = {
        message_id(KEYS, "forum.example", "c", 1337, "reply", 8),
        message_id(KEYS, "forum.example", "c", 1338, "reply", 7),
        message_id(KEYS, "forum.example", "s", 1337, "confirm", 7),
        message_id(Keys(["another"]), "forum.example", "c", 1337, "reply", 7),
    }
    assert made not in others
    assert len(others) == 4
