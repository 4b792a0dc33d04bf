"""Mails that many people get are written once: patterns are kept by what they say, until they are filled in."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from functools import lru_cache, partial

from jinja2 import Environment

from ..settings import Settings
from .wire import Pattern, mark

__all__ = ["Patterns", "mark"]


class Patterns:
    """The patterns used last, at most ``size`` of them; any number of threads may ask at once.

    They are found by the whole news they tell, never by a number of it, so that none can be out of date. With an
    ``env`` that reloads its templates every pattern is made anew.
    """

    def __init__(self, env: Environment, settings: Settings, size: int = 64) -> None:
        self._of = lru_cache(0 if env.auto_reload else size)(partial(_made, env, settings))

    def of(self, compose: Callable[..., Pattern], **news: Hashable) -> Pattern:
        """Return what ``compose(env, settings, **news)`` returns, or returned before for equal news.

        Errors are those of ``compose``; they are not remembered.
        """
        return self._of(compose, **news)


def _made(env: Environment, settings: Settings, compose: Callable[..., Pattern], **news: Hashable) -> Pattern:
    return compose(env, settings, **news)
