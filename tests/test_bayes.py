"""What the spam filter sees, what it concludes, and how well: pure functions and the corpus."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from forum.screening import Draft
from forum.screening.bayes import COMMENTS, WORDS, Seen, lesson, odds, tokens
from forum.settings import Settings
from tests import confusion

DOCS = Path(__file__).parent.parent / "docs" / "moderation.md"
DRAFT = Draft("post:1", None, "Bob", "bob@Mail.example", "https://www.shop.example/x", "Hi, see http://pills.example/a")
HUNDRED = {COMMENTS: Seen(100, 100)}


def test_the_filter_sees_words_and_where_they_point() -> None:
    """Names, domains and links are told from words of the text, and two words in a row are seen together."""
    around = {"name:bob", "email-domain:mail.example", "website:shop.example", "link:pills.example"}
    assert set(tokens(DRAFT)) == around | {"links:some", "links:1", "hi", "see", "hi see"}


@pytest.mark.parametrize(
    ("body", "token"),
    [
        ("come to pills.com", "link:pills.com"),
        ("come to pills.example/now", "link:pills.example"),
        ("only $ 5", "number:money"),
        ("only 5€", "number:money"),
        ("call +49 (30) 1234-567", "number:phone"),
        ("subscribing", "subscr…"),
    ],
)
def test_some_kinds_are_seen_whatever_they_say(body: str, token: str) -> None:
    """A site without its scheme, a sum, a telephone number and a long word's beginning are told as what they are."""
    assert token in tokens(Draft("post:1", None, "", None, None, body))


@pytest.mark.parametrize("body", ["The end.Thanks", "ann@pills.com", "3.14", "1999-2001", "and/or"])
def test_not_everything_with_a_dot_is_a_site(body: str) -> None:
    """Sentences without a space, addresses of people, decimals and years are no links and no telephone numbers."""
    seen = tokens(Draft("post:1", None, "", None, None, body))
    assert "links:0" in seen
    assert "number:phone" not in seen


def test_a_word_counts_once_however_it_is_spelled() -> None:
    """Case, accents, width and letters that look alike make no other word."""
    draft = Draft("post:1", None, "", None, None, "Casino CASINO cásino ｃａｓｉｎｏ саsinо")
    assert tokens(draft) == ("links:0", "casino", "casino casino")


def test_scripts_without_spaces_are_seen_in_pairs() -> None:
    """A line of Chinese or Japanese gives pairs of neighbours."""
    assert tokens(Draft("post:1", None, "", None, None, "在线赌场")) == ("links:0", "在线", "线赌", "赌场")


def test_a_long_text_stays_small() -> None:
    """At most a hundred of each kind are looked at, and none is longer than its column."""
    body = " ".join(f"word{number}" for number in range(500)) + " https://" + "x" * 90 + ".example"
    found = tokens(Draft("post:1", None, "n" * 90, None, None, body))
    assert [sum(map(kind, found)) for kind in (str.isalnum, lambda token: " " in token)] == [100, 100]
    assert len(found) <= 400
    assert max(map(len, found)) == 40


def test_a_filter_that_knows_little_keeps_silent() -> None:
    """Before twenty comments of each kind there is no opinion."""
    assert odds(("casino",), {COMMENTS: Seen(100, 19), "casino": Seen(50, 0)}) is None
    assert odds(("casino",), {}) is None
    assert odds(("casino",), {COMMENTS: Seen(20, 20), "casino": Seen(15, 0)}) is not None


def test_words_nobody_knows_decide_nothing() -> None:
    """A draft of new words is as likely spam as not."""
    opinion = odds(("never", "seen"), HUNDRED)
    assert opinion is not None
    assert (opinion.odds, opinion.words) == (0.5, ())


def test_the_opinion_names_the_words_that_decided() -> None:
    """Words speak for or against spam by their weight, and the strongest comes first."""
    counts = HUNDRED | {"casino": Seen(60, 0), "bonus": Seen(30, 3), "thanks": Seen(2, 30)}
    opinion = odds(("thanks", "bonus", "casino"), counts)
    assert opinion is not None
    assert [word for word, _ in opinion.words] == ["casino", "thanks", "bonus"]
    assert opinion.telling == ("casino", "bonus")
    assert opinion.odds > 0.8


def test_much_spam_does_not_make_every_word_suspicious() -> None:
    """A word that stands in half of all comments of either kind tells nothing, however much spam there was."""
    opinion = odds(("bread",), {COMMENTS: Seen(1_000, 40), "bread": Seen(500, 20)})
    assert opinion is not None
    assert opinion.odds == 0.5


def test_long_spam_does_not_make_usual_words_suspicious() -> None:
    """Where spam is three times as long as comments are, words that every text needs tell nothing."""
    long = {COMMENTS: Seen(100, 100), WORDS: Seen(6_000, 2_000)} | dict.fromkeys(("this", "with", "have"), Seen(90, 30))
    opinion = odds(("this", "with", "have"), long)
    assert opinion is not None
    assert (opinion.odds, opinion.words) == (0.5, ())


def test_a_lesson_counts_the_words_of_the_text() -> None:
    """Of names, links and addresses nobody is longer: only what stands in the text counts as its length."""
    assert lesson(DRAFT)[COMMENTS] == 1
    assert lesson(DRAFT)[WORDS] == len(["hi", "see", "hi see"])


def test_one_word_alone_does_not_convince() -> None:
    """A word that two spam comments had is not enough to be held by default."""
    opinion = odds(("pharmacy",), HUNDRED | {"pharmacy": Seen(2, 0)})
    assert opinion is not None
    assert 0.5 < opinion.odds < 0.8


def test_the_corpus_is_large_and_even() -> None:
    """There are at least a hundred original drafts of each kind, each once."""
    corpus = confusion.samples()
    assert len({sample.draft.body for sample in corpus}) == len(corpus)
    assert min(sum(sample.truth == truth for sample in corpus) for truth in ("spam", "ham")) >= 100


def test_the_table_in_the_documentation_is_true() -> None:
    """The published confusion is what the code gives."""
    assert confusion.table(confusion.judged(confusion.samples())) in DOCS.read_text(encoding="utf-8")


@pytest.mark.parametrize("judge", confusion.JUDGES)
def test_nobody_s_comment_is_rejected(judge: str) -> None:
    """By default settings no comment of the corpus is refused, and few are held."""
    counts = confusion.confusion(confusion.JUDGES[judge], confusion.judged(confusion.samples()), Settings())
    assert counts["ham", "reject"] == 0
    assert counts["ham", "hold"] <= 3


def test_rules_and_filter_together_stop_most_spam() -> None:
    """Nine of ten spam drafts do not appear, although their authors are no longer new."""
    counts = confusion.confusion(confusion.by_both, confusion.judged(confusion.samples()), Settings())
    assert counts["spam", "publish"] * 10 <= sum(counts["spam", word] for word in ("reject", "hold", "publish"))


def test_the_size_of_the_corpus_is_told() -> None:
    """The documentation says how many drafts there are."""
    numbers = re.search(r"(\d+) comments and (\d+) spam", DOCS.read_text(encoding="utf-8"))
    corpus = confusion.samples()
    assert numbers is not None
    assert [int(number) for number in numbers.groups()] == [
        sum(sample.truth == truth for sample in corpus) for truth in ("ham", "spam")
    ]
