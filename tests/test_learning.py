"""What the spam filter keeps: learning and unlearning on each database, and two moderators at one moment."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine, event, select
from sqlalchemy.orm import Session

from forum import learning, sqlite
from forum.models import Address, Base, Comment, Thread, Word
from forum.screening import Draft
from forum.screening.bayes import COMMENTS, WORDS, Seen

NOW = dt.datetime(2026, 3, 1, tzinfo=dt.UTC)


@pytest.fixture
def engine(database: dict[str, str], tmp_path: Path) -> Iterator[Engine]:
    """An empty database with our tables."""
    engine = create_engine(database.get("SQLALCHEMY_DATABASE_URI", f"sqlite:///{tmp_path}/forum.db"))
    sqlite.open_well(engine)
    Base.metadata.create_all(engine)
    yield engine
    engine.dispose()


@pytest.fixture
def session(engine: Engine) -> Iterator[Session]:
    """A session with a thread in it."""
    # What was stored stays loaded, so that statements can be counted.
    with Session(engine, expire_on_commit=False) as session:
        session.add(Thread(id=1, key="post:1", title="Bread", url="/1", created_at=NOW))
        session.commit()
        yield session


def stored(session: Session, body: str, name: str = "Ann") -> Comment:
    """A held comment."""
    number = len(session.scalars(select(Comment.id)).all()) + 1
    comment = Comment(
        **{"thread_id": 1, "depth": 1, "state": "held", "name": name, "source": body, "html": body, "renderer": "x"},
        **{"nonce": f"n{number}", "digest": f"d{number}", "created_at": NOW},
    )
    session.add(comment)
    session.commit()
    return comment


def counted(session: Session) -> dict[str, Seen]:
    """Everything the filter knows."""
    return dict(learning.export(session))


def test_what_is_learned_is_counted(session: Session) -> None:
    """A comment learned as spam counts for itself, for each of its words, and for how many they are."""
    comment = stored(session, "Cheap pills, cheap")
    learning.learn(session, comment, "spam")
    assert comment.learned == "spam"
    once = [COMMENTS, "cheap", "cheap pills", "links:0", "name:ann", "pills", "pills cheap"]
    assert counted(session) == dict.fromkeys(once, Seen(1, 0)) | {WORDS: Seen(4, 0)}


def test_learning_twice_is_learning_once(session: Session) -> None:
    """The same decision about the same comment changes nothing."""
    comment = stored(session, "Cheap pills")
    learning.learn(session, comment, "spam")
    once = counted(session)
    learning.learn(session, comment, "spam")
    assert counted(session) == once


def test_a_second_thought_is_learned_instead(session: Session) -> None:
    """What was learned as spam and is then approved counts as a comment only."""
    comment = stored(session, "Cheap pills")
    learning.learn(session, comment, "spam")
    learning.learn(session, comment, "ham")
    assert comment.learned == "ham"
    assert {seen.spam for seen in counted(session).values()} == {0}
    assert counted(session)["cheap"] == Seen(0, 1)


def test_what_is_unlearned_was_never_there(session: Session) -> None:
    """Taking back leaves other comments' counts and no words that nobody has used."""
    first, second = stored(session, "Good bread"), stored(session, "Good pills")
    learning.learn(session, first, "ham")
    before = counted(session)
    learning.learn(session, second, "spam")
    learning.unlearn(session, second)
    assert second.learned is None
    assert counted(session) == before


def test_unlearning_what_was_not_learned_does_nothing(session: Session) -> None:
    """No count falls because of a comment that was never learned."""
    learning.learn(session, stored(session, "Good bread"), "ham")
    before = counted(session)
    learning.unlearn(session, stored(session, "Good bread"))
    assert counted(session) == before


def test_a_text_that_changed_since_leaves_no_debt(session: Session) -> None:
    """Unlearning words that were never counted takes no number below zero."""
    comment = stored(session, "Good bread")
    learning.learn(session, comment, "ham")
    learning.learn(session, stored(session, "Other words"), "spam")
    comment.source = "Other words"
    learning.unlearn(session, comment)
    seen = counted(session)
    assert (seen["good"], seen["other"], seen[COMMENTS]) == (Seen(0, 1), Seen(1, 0), Seen(1, 0))


def test_many_are_learned_as_one_by_one(session: Session) -> None:
    """Many comments are counted as if each had been decided alone, in as many statements as two."""
    heap = [stored(session, f"Cheap pills number {'x' * number}") for number in range(3, 9)]
    assert statements(session, lambda: learning.learn_all(session, heap[:2], "spam")) == statements(
        session, lambda: learning.learn_all(session, heap, "spam")
    )
    assert counted(session)["cheap"] == Seen(6, 0)
    learning.learn_all(session, heap, None)
    assert counted(session) == {COMMENTS: Seen(0, 0)}


def statements(session: Session, act: Callable[[], None]) -> int:
    """How many statements an act takes."""
    seen: list[str] = []
    note = lambda conn, cursor, statement, *_: seen.append(statement)  # noqa: E731  # a listener is a function
    event.listen(session.get_bind(), "before_cursor_execute", note)
    act()
    event.remove(session.get_bind(), "before_cursor_execute", note)
    return len(seen)


def test_an_opinion_costs_one_statement(session: Session) -> None:
    """What the filter thinks of a draft is found with one SELECT; a filter that knows little thinks nothing."""
    draft = Draft("post:1", None, "Ann", None, None, "Cheap pills for everybody")
    thought: list[object] = []
    assert statements(session, lambda: thought.append(learning.opinion(session, draft))) == 1
    assert thought == [None]


def test_the_filter_learns_to_tell(session: Session) -> None:
    """After twenty decisions of each kind a draft like the refused ones is suspicious, one like the others is not."""
    learning.learn_all(session, [stored(session, f"Cheap pills offer {n}00") for n in range(20)], "spam")
    learning.learn_all(session, [stored(session, f"Lovely bread recipe {n}00") for n in range(20)], "ham")
    spam = learning.opinion(session, Draft("post:1", None, "Bo", None, None, "Cheap pills here"))
    ham = learning.opinion(session, Draft("post:1", None, "Bo", None, None, "A lovely recipe"))
    assert spam is not None
    assert ham is not None
    assert spam.odds > 0.8 > 0.2 > ham.odds
    assert set(spam.telling) == {"cheap", "pills", "cheap pills"}


def test_words_that_only_look_the_same_are_two(session: Session) -> None:
    """No collation takes two words for one: the filter keeps what it was taught."""
    learning.learn(session, stored(session, "はは ハハ"), "ham")
    assert {"はは", "ハハ"} <= counted(session).keys()


def test_the_address_speaks_by_its_domain_alone(session: Session) -> None:
    """Of an address only the domain is kept."""
    comment = stored(session, "Hello there")
    times = {"active_at": NOW, "changed_at": NOW, "created_at": NOW}
    comment.address = Address(email="bob.smith@shop.example", key="bob.smith@shop.example", **times)
    learning.learn(session, comment, "ham")
    assert "email-domain:shop.example" in counted(session)
    assert not [word for word in counted(session) if "smith" in word]


def test_a_filter_can_begin_anew(session: Session) -> None:
    """Forgetting leaves no word, and the same comments can be learned again."""
    comment = stored(session, "Cheap pills")
    learning.learn(session, comment, "spam")
    learning.forget_all(session)
    assert counted(session) == {}
    session.refresh(comment)
    learning.learn(session, comment, "spam")
    assert counted(session)["pills"] == Seen(1, 0)


def together(engine: Engine, *acts: Callable[[Session], None]) -> None:
    """Carry out acts at one moment, each in a transaction of its own."""
    start, failed = threading.Barrier(len(acts)), []

    def run(act: Callable[[Session], None]) -> None:
        try:
            with Session(engine) as session:
                start.wait(30)
                sqlite.begin_writing(session)
                act(session)
                session.commit()
        except Exception as error:
            failed.append(error)

    threads = [threading.Thread(target=run, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []


def learner(comment_id: int, kind: learning.Kind) -> Callable[[Session], None]:
    """The decision of one moderator."""
    return lambda session: learning.learn(session, session.get_one(Comment, comment_id), kind)


def test_two_moderators_learn_at_once(engine: Engine, session: Session) -> None:
    """Decisions about different comments with the same new words are all counted, and nobody waits for ever."""
    words = [f"word{number}" for number in range(100)]
    # Whoever took the words as they come would meet the others head on.
    bodies = [" ".join(words), "https://a.example " + " ".join(reversed(words))] * 3
    ids = [stored(session, body, f"Ann{number}").id for number, body in enumerate(bodies)]
    session.commit()
    together(engine, *(learner(id, "spam") for id in ids))
    assert counted(session)["word50"] == Seen(6, 0)
    assert counted(session)[COMMENTS] == Seen(6, 0)


def test_two_moderators_teach_one_comment(engine: Engine, session: Session) -> None:
    """The same comment decided twice at one moment is counted once."""
    id = stored(session, "Cheap pills").id
    together(engine, *[learner(id, "spam")] * 4)
    assert counted(session)["pills"] == Seen(1, 0)


def test_learning_and_unlearning_cross(engine: Engine, session: Session) -> None:
    """What one moderator takes back while another learns leaves the sum of both."""
    known, new = stored(session, "Cheap pills here"), stored(session, "Pills here cheap")
    learning.learn(session, known, "spam")
    session.commit()
    ids = known.id, new.id
    session.commit()
    together(
        engine,
        lambda other: learning.unlearn(other, other.get_one(Comment, ids[0])),
        learner(ids[1], "spam"),
    )
    assert counted(session)["pills"] == Seen(1, 0)
    assert session.get_one(Word, COMMENTS).spam == 1
