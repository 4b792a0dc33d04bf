"""What moderators do: they look at comments, act on them, one or many at once, take that back, and decide about pages.

Each noun is a module: `acts`, `bulk`, `undo`, `queue`, `reports`, `pages`, `moving`.
"""

from . import acts, bulk, moving, pages, queue, reports, undo
from .sign_in import LINK_LIFE, mail_link, new_link, open_link

__all__ = [
    "LINK_LIFE",
    "acts",
    "bulk",
    "mail_link",
    "moving",
    "new_link",
    "open_link",
    "pages",
    "queue",
    "reports",
    "undo",
]
