"""Threads as they are read: found by key, counted, paged by whole branches.

Reading uses Core rows, never ORM entities: 200 of those cost half as much again as the page itself.
"""

from .ancestry import above, above_each
from .heads import HEAD, Head, counts, head, raise_version
from .lines import NOBODY, Line, Reader, branch, has_own, pinned
from .pages import CAP, Order, Page, cut_off, last_page, page, page_of

__all__ = [
    "CAP",
    "HEAD",
    "NOBODY",
    "Head",
    "Line",
    "Order",
    "Page",
    "Reader",
    "above",
    "above_each",
    "branch",
    "counts",
    "cut_off",
    "has_own",
    "head",
    "last_page",
    "page",
    "page_of",
    "pinned",
    "raise_version",
]
