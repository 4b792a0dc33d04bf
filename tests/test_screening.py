"""Verdicts over drafts: each rule, and how they come together."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from forum.screening import Context, Draft, Listed, Verdict, matches, screen
from forum.settings import Settings

DRAFT = Draft("post:1", None, "Ann", None, None, "Hello.")
KNOWN = Context(Settings(), approved=1)
ACTS = [
    ("hold", Listed("address", "a…@mail.example", "hold"), Verdict("hold", ("listed:hold address a…@mail.example",))),
    ("shadow", Listed("visitor", "Bob", "shadow"), Verdict("hold", ("listed:shadow visitor Bob",), shadow=True)),
    ("block", Listed("domain", "spam.example", "block"), Verdict("reject", ("listed:block domain spam.example",))),
]


def context(**policy: Any) -> Context:
    """Somebody with an approved comment, on a site with this policy."""
    return replace(KNOWN, settings=Settings(**policy))


def reasons(draft: Draft, known: Context) -> tuple[str, ...]:
    """Why a draft does not appear."""
    return screen(draft, known).reasons


def test_first_comments_are_held() -> None:
    """With moderation `first` somebody without an approved comment waits, and the moderator reads why."""
    assert screen(DRAFT, replace(KNOWN, approved=0)) == Verdict("hold", ("first",))


def test_trusted_people_are_published() -> None:
    """With moderation `first` an approved comment opens the door."""
    assert screen(DRAFT, KNOWN) == Verdict("publish")


def test_a_site_may_ask_for_more_approvals() -> None:
    """With three approvals asked for, somebody with two is still new."""
    strict = context(first_approvals=3)
    assert reasons(DRAFT, replace(strict, approved=2)) == ("first",)
    assert screen(DRAFT, replace(strict, approved=3)).word == "publish"


def test_approvals_of_an_unproved_address_may_count_for_nothing() -> None:
    """Without trust in unconfirmed addresses, only a confirmed mailbox or an identity passes unread."""
    strict = context(trust_unconfirmed=False)
    assert reasons(DRAFT, strict) == ("first",)
    assert screen(DRAFT, replace(strict, confirmed=True)).word == "publish"
    assert screen(DRAFT, replace(strict, is_identity=True)).word == "publish"


def test_everything_is_held_where_everything_is_read() -> None:
    """With moderation `all` trusted people wait too."""
    assert screen(DRAFT, context(moderation="all")) == Verdict("hold", ("all",))


def test_the_hidden_field_gives_machines_away() -> None:
    """A filled honeypot is rejected under every policy, and the machine is not told why."""
    assert screen(DRAFT, replace(context(moderation="none"), honeypot=True)) == Verdict("reject", ("honeypot",))


def test_haste_gives_machines_away() -> None:
    """A form sent back sooner than a person can type is rejected; a person learns that nothing is lost."""
    verdict = screen(DRAFT, replace(KNOWN, seconds=0.4))
    assert (verdict.word, verdict.reasons) == ("reject", ("too_fast:0.4",))
    assert verdict.advice is not None
    assert "Nothing is lost" in verdict.advice


def test_moderators_are_not_screened() -> None:
    """Somebody who could approve the comment need not wait for it."""
    assert screen(DRAFT, replace(context(moderation="all"), is_moderator=True, seconds=0)) == Verdict("publish")


@pytest.mark.parametrize(("effect", "entry", "verdict"), ACTS, ids=[act[0] for act in ACTS])
def test_lists_of_people_act(effect: str, entry: Listed, verdict: Verdict) -> None:
    """Whom a moderator has listed is held, shadowed or blocked as the list says."""
    assert screen(DRAFT, replace(KNOWN, listed=(entry,))) == verdict


def test_a_block_beats_a_shadow_and_a_shadow_a_hold() -> None:
    """Somebody on several lists meets the hardest of them."""
    entries = tuple(entry for _, entry, _ in ACTS)
    assert screen(DRAFT, replace(KNOWN, listed=entries)).reasons == ("listed:block domain spam.example",)
    assert screen(DRAFT, replace(KNOWN, listed=entries[:2])).shadow


def test_a_shadow_stands_where_nothing_is_held() -> None:
    """With moderation `none` a shadow is still one: it does not wait for anybody."""
    shadowed = replace(context(moderation="none"), listed=(Listed("name", "Bob", "shadow"),))
    assert screen(DRAFT, shadowed).shadow


def test_what_moderators_laid_down_stands_where_nothing_else_is_held() -> None:
    """With moderation `none` their lists and their pages hold, and no other rule adds its reason."""
    entry = Listed("name", "Bob", "hold")
    known = replace(context(moderation="none", hold_words=["casino"]), listed=(entry,), thread_held=True, copies=2)
    draft = replace(DRAFT, body="My casino")
    assert screen(draft, known) == Verdict("hold", ("listed:hold name Bob", "thread_held"))


def test_whom_a_moderator_trusts_passes() -> None:
    """A trusted author passes as a newcomer, with links, with copies and in the filter's eyes."""
    draft = replace(DRAFT, body="https://a.example https://b.example https://c.example")
    known = replace(KNOWN, approved=0, copies=2, odds=0.99)
    assert len(reasons(draft, known)) == 4
    assert screen(draft, replace(known, listed=(Listed("address", "Ann", "trust"),))) == Verdict("publish")


def test_trust_does_not_excuse_refused_words() -> None:
    """What the site refuses, it refuses from a trusted author too."""
    trusted = replace(context(reject_words=["casino"]), listed=(Listed("address", "Ann", "trust"),))
    assert screen(replace(DRAFT, body="My casino"), trusted).word == "reject"


def test_trust_in_a_typed_address_needs_a_proof_where_the_site_asks_for_one() -> None:
    """Where unconfirmed addresses count for nothing, writing under a trusted one is not enough."""
    listed = replace(context(trust_unconfirmed=False), listed=(Listed("address", "Ann", "trust"),))
    assert reasons(DRAFT, listed) == ("first",)
    assert screen(DRAFT, replace(listed, confirmed=True)).word == "publish"
    assert screen(DRAFT, replace(listed, listed=(Listed("visitor", "Ann", "trust"),))).word == "publish"


@pytest.mark.parametrize(
    "name", ["admin", "ADMIN", "Α d m і n", "Adm1n ✔", "аdmin", "adrnin", "🅰🅳🅼🅸🅽", "ᴀᴅᴍɪɴ", "ádmin."]
)
def test_nobody_is_taken_for_the_site(name: str) -> None:
    """A reserved name is refused however it is spelled, with advice at the field of the name."""
    verdict = screen(replace(DRAFT, name=name), KNOWN)
    assert (verdict.word, verdict.reasons, verdict.field) == ("reject", ("reserved_name:admin",), "name")
    assert verdict.advice is not None


@pytest.mark.parametrize("name", ["Adam", "Admira", "Админка", "Ann Admin", "✔"])
def test_names_that_only_remind_of_a_reserved_one_are_free(name: str) -> None:
    """Only the whole name counts."""
    assert screen(replace(DRAFT, name=name), KNOWN).word == "publish"


def test_nobody_is_taken_for_a_moderator() -> None:
    """A name like that of somebody who moderates is refused, unless the host vouches for its bearer."""
    staffed = replace(KNOWN, staff=("Moritz Bell",))
    draft = replace(DRAFT, name="Мoritz  Вell")
    assert screen(draft, staffed).reasons == ("staff_name:Moritz Bell",)
    assert screen(draft, replace(staffed, is_identity=True)).word == "publish"


@pytest.mark.parametrize(
    "fields",
    [
        {"body": "Play CASINO now"},
        {"body": "a ca\u200bsi\u00adno"},
        {"body": "Çâsínó!"},
        {"body": "ｃａｓｉｎｏ, 𝗰𝗮𝘀𝗶𝗻𝗼"},
        {"body": "саsіnо"},
        {"name": "Casino"},
        {"email": "info@casino.example"},
        {"website": "https://best-casino.example"},
    ],
    ids=str,
)
def test_words_are_found_wherever_they_hide(fields: dict[str, str]) -> None:
    """A listed word is found in every field, whatever its case, accents, width and invisible letters."""
    assert reasons(replace(DRAFT, **fields), context(hold_words=["casino"])) == ("word:casino",)


@pytest.mark.parametrize("body", ["casinos", "occasino", "cas ino"])
def test_parts_of_words_are_not_words(body: str) -> None:
    """A listed word is a whole word: what merely holds it is free."""
    assert screen(replace(DRAFT, body=body), context(hold_words=["casino"])).word == "publish"


def test_phrases_are_found_whatever_parts_their_words() -> None:
    """A phrase matches over line breaks and punctuation, and not across fields."""
    known = context(hold_words=["free money"])
    assert reasons(replace(DRAFT, body="It is FREE:\n\nmoney!"), known) == ("word:free money",)
    assert screen(replace(DRAFT, body="All for free", name="Money"), known).word == "publish"


def test_scripts_without_spaces_have_words_too() -> None:
    """In Chinese or Japanese a listed word is found within the line."""
    assert reasons(replace(DRAFT, body="欢迎来在线赌场玩"), context(hold_words=["赌场"])) == ("word:赌场",)


def test_a_list_can_be_tried() -> None:
    """Whoever tries a list against texts hears which of its entries hit, in the order of the list, each once."""
    words = ["pills", "free money", "bread", "casino"]
    assert matches(words, ["Casino, casino!", "free  money, pills"]) == ("pills", "free money", "casino")
    assert matches(words, []) == matches([], ["casino"]) == ()


def test_a_sign_can_be_listed() -> None:
    """An entry without letters is found wherever it stands."""
    assert reasons(replace(DRAFT, body="cheap💊here"), context(hold_words=["💊"])) == ("word:💊",)


def test_refused_words_are_not_told() -> None:
    """A draft with a refused word is rejected, and whoever wrote it does not learn which word it was."""
    verdict = screen(replace(DRAFT, body="Cheap pills"), context(reject_words=["pills"]))
    assert verdict == Verdict("reject", ("reject_word:pills",))


def test_many_links_wait() -> None:
    """From the number of links that the site names on, a comment waits; one that labels itself is one."""
    two = "[https://a.example](https://a.example) and www.b.example."
    assert screen(replace(DRAFT, body=two), KNOWN).word == "publish"
    assert reasons(replace(DRAFT, body=two + " https://c.example"), KNOWN) == ("links:3",)
    assert screen(replace(DRAFT, body=two), context(max_links=0)).word == "publish"


def test_copies_wait() -> None:
    """A text that was posted on other pages waits, unless the site does not mind."""
    assert reasons(DRAFT, replace(KNOWN, copies=2)) == ("duplicate:2",)
    assert screen(DRAFT, replace(context(duplicate_hours=0), copies=2)).word == "publish"


def test_the_filter_s_opinion_counts_from_the_percentage_on() -> None:
    """What is as likely spam as the site names waits, and the moderator reads by which words."""
    doubtful = replace(KNOWN, odds=0.934, telling=("casino", "pills"))
    assert reasons(DRAFT, doubtful) == ("score:0.93 casino, pills",)
    assert screen(DRAFT, replace(doubtful, odds=0.79)).word == "publish"
    assert screen(DRAFT, replace(doubtful, settings=Settings(spam_hold_percent=0))).word == "publish"


def test_old_conversations_wait() -> None:
    """Where the site wants it, a comment on a page that went quiet long ago waits."""
    assert reasons(DRAFT, replace(context(old_thread_days=90), age_days=400.5)) == ("old_thread:400",)
    assert screen(DRAFT, replace(KNOWN, age_days=400.5)).word == "publish"


def test_a_page_can_be_read_first() -> None:
    """On a page that a moderator holds everybody waits."""
    assert reasons(DRAFT, replace(KNOWN, thread_held=True)) == ("thread_held",)


def test_work_that_was_not_done_waits() -> None:
    """Where browsers are asked for arithmetic, a visitor's comment without it waits; a host's people are not asked."""
    asking = context(proof_of_work=True)
    assert reasons(DRAFT, asking) == ("proof",)
    assert screen(DRAFT, replace(asking, proof=True)).word == "publish"
    assert screen(DRAFT, replace(asking, is_identity=True)).word == "publish"


def test_the_strongest_verdict_wins_and_all_reasons_stay() -> None:
    """A host's rejection beats our hold, both reasons are kept, and the author reads the host's advice."""
    host = lambda draft, context: Verdict("reject", ("gone",), "website", "Leave it out.")  # noqa: E731  # a rule
    verdict = screen(DRAFT, replace(KNOWN, approved=0), [host])
    assert verdict == Verdict("reject", ("first", "gone"), "website", "Leave it out.")


def test_nothing_is_held_where_nobody_moderates() -> None:
    """With moderation `none` a hold of ours or of the host's has no effect."""
    hold = lambda draft, context: Verdict("hold", ("odd",))  # noqa: E731  # a rule is a function
    assert screen(DRAFT, replace(context(moderation="none"), copies=3), [hold]) == Verdict("publish")


def test_a_rule_that_breaks_loses_no_comment(caplog: pytest.LogCaptureFixture) -> None:
    """A host's rule that raises makes the comment wait, and the log says which one it was."""

    def divided(draft: Draft, context: Context) -> Verdict:
        raise ZeroDivisionError

    assert screen(DRAFT, KNOWN, [divided]) == Verdict("hold", ("rule_failed:divided",))
    assert "divided failed" in caplog.text
    assert "ZeroDivisionError" in caplog.text


def test_a_rule_that_answers_nonsense_loses_no_comment(caplog: pytest.LogCaptureFixture) -> None:
    """A host's rule that returns another thing than a verdict, or an unknown word, makes the comment wait."""

    def mute(draft: Draft, context: Context) -> Any:
        return "reject"

    def unknown(draft: Draft, context: Context) -> Verdict:
        word: Any = "maybe"
        return Verdict(word)

    assert screen(DRAFT, KNOWN, [mute, unknown]) == Verdict("hold", ("rule_failed:mute", "rule_failed:unknown"))
    assert "publish, hold or reject, not 'maybe'" in caplog.text


def test_reasons_fit_their_column() -> None:
    """A reason is cut at 190 characters, whoever gave it."""
    host = lambda draft, context: Verdict("hold", ("x" * 300,))  # noqa: E731  # a rule is a function
    assert screen(DRAFT, KNOWN, [host]).reasons == ("x" * 190,)
