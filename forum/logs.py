"""Keeping mail tokens out of access logs: whoever reads a log must not be able to act for its readers."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable

_TOKEN = re.compile(r"(/m/[cxutpon]/|/sign-in/)[^\s\"'?]+")
_SERVERS = ("werkzeug", "gunicorn.access", "waitress", "waitress.queue")


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


def redact_tokens(loggers: Iterable[str] = _SERVERS) -> None:
    """Put the filter on the access logs of the usual servers."""
    for name in loggers:
        logger = logging.getLogger(name)
        if not any(isinstance(known, TokenFilter) for known in logger.filters):
            logger.addFilter(TokenFilter())


def _hide(value: object) -> object:
    return _TOKEN.sub(r"\1…", value) if isinstance(value, str) else value
