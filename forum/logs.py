"""Keeping out of logs what whoever reads them must not have: the tokens of mail pages, and what errors quote."""

from __future__ import annotations

import logging
import re
import traceback
from collections.abc import Iterable, Iterator

from .mail.outcome import masked

_TOKEN = re.compile(r"(/m/[acxutpon]/|/sign-in/)[^\s\"'?]+")
_SERVERS = ("werkzeug", "gunicorn.access", "waitress", "waitress.queue")
OURS = ("forum", "forum.akismet", "forum.celery", "forum.mail", "forum.outbox", "forum.worker")


class TokenFilter(logging.Filter):
    """Replaces the token in the path of a mail page by three dots, in every record that passes."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Rewrite the record; none is dropped."""
        record.msg = _hide(record.msg)
        if isinstance(record.args, tuple):
            record.args = tuple(_hide(arg) for arg in record.args)
        elif isinstance(record.args, dict):
            record.args = {name: _hide(arg) for name, arg in record.args.items()}
        return True


class FailureFilter(logging.Filter):
    """Keeps of each exception its traceback, its type and the first line of its text, in which addresses are masked.

    Behind that line a database quotes the row it would not take and SQLAlchemy all parameters: addresses, names and
    the words of comments. The exception itself goes, as a formatter of the site's would print it once more.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        """Rewrite the record; none is dropped."""
        if record.exc_info and record.exc_info[1] is not None:
            record.exc_text = "\n\n".join(_told(error) for error in _causes(record.exc_info[1]))
            record.exc_info = None
        return True


def redact_tokens(loggers: Iterable[str] = _SERVERS) -> None:
    """Put the filter on the access logs of the usual servers."""
    _put(TokenFilter, loggers)


def mask_failures() -> None:
    """Put the filter on all loggers of our own."""
    _put(FailureFilter, OURS)


def _put(kind: type[logging.Filter], loggers: Iterable[str]) -> None:
    for name in loggers:
        logger = logging.getLogger(name)
        if not any(isinstance(known, kind) for known in logger.filters):
            logger.addFilter(kind())


def _hide(value: object) -> object:
    return _TOKEN.sub(r"\1…", value) if isinstance(value, str) else value


def _told(error: BaseException) -> str:
    frames = "".join(traceback.format_tb(error.__traceback__))
    said, _, _ = traceback.format_exception_only(error)[0].partition("\n")
    return f"Traceback (most recent call last):\n{frames}{masked(said)}"


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The exception behind what led to it, as Python prints them."""
    before = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if before is not None:
        yield from _causes(before)
    yield error
