"""Comments: how one is posted, and what happens to it afterwards. Functions take a session and never commit."""

from .posting import Posted, Submission, post
from .states import edit, get, is_answered, publish, remove

__all__ = ["Posted", "Submission", "edit", "get", "is_answered", "post", "publish", "remove"]
