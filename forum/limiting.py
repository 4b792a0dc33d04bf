"""How many submissions there may be: of one network, of one visitor, of the whole site."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence

from limits import RateLimitItem
from limits.strategies import MovingWindowRateLimiter

from .errors import TooFast
from .language import ngettext
from .settings import Settings
from .settings.values import limits_of

# What is counted, and as whose: the three words are the key it is counted under.
_Count = tuple[RateLimitItem, str, str]


def count(
    limiter: MovingWindowRateLimiter, settings: Settings, network: str | None, visitor: str | None, of: str
) -> None:
    """Count one submission. Raises TooFast, with the longest of the waits, when a limit is reached.

    ``visitor`` is the hash of a cookie that came with the request; ``of`` says what is submitted. What one limit
    refuses is not counted by the others: a network that is over its own cannot use up what the site takes from
    everybody. Raises StorageError when the place they are counted in is away.
    """
    counts = list(_counts(settings, network, visitor, of))
    full = [each for each in counts if not limiter.test(*each)]
    # Whoever came in between may have taken the last place.
    full = full or [each for each in counts if not limiter.hit(*each)]
    if full:
        now = dt.datetime.now(dt.UTC).timestamp()
        wait = max(1, *(round(limiter.get_window_stats(*each).reset_time - now) for each in full))
        raise TooFast(_words(wait), wait)


def _counts(settings: Settings, network: str | None, visitor: str | None, of: str) -> Iterator[_Count]:
    yield from ((item, of, network or "unknown") for item in settings.rate_items)
    if visitor is not None:
        yield from ((item, f"{of} of a visitor", visitor) for item in _items(settings.visitor_limits))
    yield from ((item, f"{of} of the site", "all") for item in _items(settings.site_limits))


def _items(lines: Sequence[str]) -> list[RateLimitItem]:
    return [item for line in lines for item in limits_of(line)]


def _words(seconds: int) -> str:
    if seconds < 60:
        return ngettext(
            "That was quick. You can post again in %(n)s second – your text is safe here.",
            "That was quick. You can post again in %(n)s seconds – your text is safe here.",
            seconds,
        )
    return ngettext(
        "That was quick. You can post again in %(n)s minute – your text is safe here.",
        "That was quick. You can post again in %(n)s minutes – your text is safe here.",
        -(-seconds // 60),
    )
