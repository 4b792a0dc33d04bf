"""Comments: how one is posted, and what happens to it afterwards. Functions take a session and never commit."""

from .gathering import Author, Desk
from .posting import Posted, is_over, post
from .states import AUTHOR, CLOCK, FOR_GOOD, edit, get, is_answered, lock, publish, remove, render, rewrite, set_aside
from .submission import Submission

__all__ = [
    "AUTHOR",
    "CLOCK",
    "FOR_GOOD",
    "Author",
    "Desk",
    "Posted",
    "Submission",
    "edit",
    "get",
    "is_answered",
    "is_over",
    "lock",
    "post",
    "publish",
    "remove",
    "render",
    "rewrite",
    "set_aside",
]
