"""A thread's rows in, its markup out: fragments from memory, one frame, the visitor's part last.

What every reader sees alike is kept as bytes keyed by the thread's version; only the stamp is put in each time.
"""

from .blank import blank_form, fresh_stamp
from .branches import comment_list
from .frame import POLL, fit, public_pieces, thread
from .places import Place, View, is_over, nearest, page_url, since, view_of
from .shown import Scene, Shown, shown

__all__ = [
    "POLL",
    "Place",
    "Scene",
    "Shown",
    "View",
    "blank_form",
    "comment_list",
    "fit",
    "fresh_stamp",
    "is_over",
    "nearest",
    "page_url",
    "public_pieces",
    "shown",
    "since",
    "thread",
    "view_of",
]
