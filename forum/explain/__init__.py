"""What became of a comment's news, in plain words: stored rows in, one line for each person out.

Every "no mail" has a stored reason; here each reason has its sentence.
"""

from .asking import became
from .lines import Line, asked, told, told_one
from .sentences import because

__all__ = ["Line", "asked", "became", "because", "told", "told_one"]
