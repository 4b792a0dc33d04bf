"""What the spam filter knows: learned from each decision of a moderator, taken back with its undoing.

Whoever learns changes the row of the empty word first and keeps it until the commit: those who learn wait for each
other there, in one order, and meet nowhere else. So lock every comment of a transaction before it learns the first.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Literal

from sqlalchemy import Executable, Integer, bindparam, case, delete, select, update
from sqlalchemy.dialects import mysql, postgresql, sqlite
from sqlalchemy.orm import Session
from sqlalchemy.orm.attributes import set_committed_value

from .models import Comment, Word
from .models.base import columns
from .screening import Draft, bayes
from .screening.bayes import COMMENTS, WORDS, Opinion, Seen

Kind = Literal["spam", "ham"]
_WORD = columns(Word)
# Every database takes a statement of so many words.
_AT_ONCE = 1_000


def learn(session: Session, comment: Comment, kind: Kind) -> None:
    """Teach the filter that a comment is spam or ham; a comment it knows as the other is learned anew.

    Learning the same twice changes nothing. Whoever changes or erases the text of a learned comment calls
    :func:`unlearn` before that, since the words are counted by the text.
    """
    learn_all(session, [comment], kind)


def unlearn(session: Session, comment: Comment) -> None:
    """Take back what was learned from a comment; nothing happens where nothing was."""
    learn_all(session, [comment], None)


def learn_all(session: Session, comments: Sequence[Comment], kind: Kind | None) -> None:
    """Learn or, with None, unlearn many comments in as few statements as one. Load their addresses with them."""
    session.flush()
    known = _locked(session, comments)
    changed = [comment for comment in comments if comment.id in known and known[comment.id] != kind]
    if not changed:
        return
    gained: Counter[str] = Counter()
    lost: dict[str, Counter[str]] = {"spam": Counter(), "ham": Counter()}
    for comment in changed:
        words = bayes.lesson(_draft(comment))
        gained.update(words)
        if before := known[comment.id]:
            lost[before].update(words)
    if kind is not None:
        _add(session, kind, gained)
    for before, words_lost in lost.items():
        _take(session, before, words_lost)
    _mark(session, changed, kind)


def _mark(session: Session, comments: Sequence[Comment], kind: Kind | None) -> None:
    ids = [comment.id for comment in comments]
    marking = update(Comment).where(Comment.id.in_(ids)).values(learned=kind)
    # Not by assignment: a comment whose stale copy here agrees by chance would not be written.
    session.execute(marking, execution_options={"synchronize_session": False})
    for comment in comments:
        set_committed_value(comment, "learned", kind)


def _locked(session: Session, comments: Sequence[Comment]) -> dict[int, str | None]:
    """As what each of the comments is known, asked of the database: somebody else may have taught it meanwhile."""
    query = select(Comment.id, Comment.learned).where(Comment.id.in_([comment.id for comment in comments]))
    rows = session.execute(query.order_by(Comment.id).with_for_update(key_share=True))
    return dict(rows.all())


def _add(session: Session, kind: Kind, words: Counter[str]) -> None:
    rows = [{"word": word, "spam": 0, "ham": 0} | {kind: number} for word, number in sorted(words.items())]
    if rows:
        session.execute(_adding(session.get_bind().dialect.name), rows)


@cache
def _adding(database: str) -> Executable:
    """One statement that makes a word or adds to it, so that two who meet a new word both count."""
    if database in ("mysql", "mariadb"):
        mariadb = mysql.insert(_WORD)
        new = mariadb.inserted
        return mariadb.on_duplicate_key_update(spam=_WORD.c.spam + new.spam, ham=_WORD.c.ham + new.ham)
    insert = postgresql.insert(_WORD) if database == "postgresql" else sqlite.insert(_WORD)
    sums = {name: _WORD.c[name] + insert.excluded[name] for name in ("spam", "ham")}
    return insert.on_conflict_do_update(index_elements=["word"], set_=sums)


def _take(session: Session, kind: str, words: Counter[str]) -> None:
    # A text that changed since has words that were never counted: no number falls below zero.
    number, left = bindparam("number", type_=Integer()), _WORD.c[kind]
    fewer = case((left > number, left - number), else_=0)
    taking = update(_WORD).where(_WORD.c.word == bindparam("gone")).values({kind: fewer})
    rows = [{"gone": word, "number": times} for word, times in sorted(words.items())]
    if rows:
        session.execute(taking, rows)
        _drop_unseen(session, [row["gone"] for row in rows])


def _drop_unseen(session: Session, words: Sequence[object]) -> None:
    unseen = (_WORD.c.spam == 0, _WORD.c.ham == 0, _WORD.c.word != COMMENTS)
    for start in range(0, len(words), _AT_ONCE):
        session.execute(delete(_WORD).where(_WORD.c.word.in_(words[start : start + _AT_ONCE]), *unseen))


def _draft(comment: Comment) -> Draft:
    email = comment.address.email if comment.address else None
    return Draft("", None, comment.name, email, comment.website, comment.source)


def opinion(session: Session, draft: Draft) -> Opinion | None:
    """What the filter thinks of a draft, by one SELECT; None while it knows too little."""
    tokens = bayes.tokens(draft)
    return bayes.odds(tokens, known(session, tokens))


def known(session: Session, tokens: Sequence[str]) -> dict[str, Seen]:
    """How often each of ``tokens`` was seen, and how many comments and words were learned."""
    query = select(_WORD.c.word, _WORD.c.spam, _WORD.c.ham).where(_WORD.c.word.in_([COMMENTS, WORDS, *tokens]))
    return {word: Seen(spam, ham) for word, spam, ham in session.execute(query)}


def export(session: Session) -> Iterator[tuple[str, Seen]]:
    """Everything the filter has learned, in the order of its words."""
    query = select(_WORD.c.word, _WORD.c.spam, _WORD.c.ham).order_by(_WORD.c.word)
    yield from ((word, Seen(spam, ham)) for word, spam, ham in session.execute(query))


def forget_all(session: Session) -> None:
    """Begin anew: the filter knows no word, and every comment can be learned again."""
    session.execute(update(Comment).where(Comment.learned.is_not(None)).values(learned=None))
    session.execute(delete(Word))
