"""The tables. They stand on their own declarative base and travel on the host's session.

All names begin with ``forum_``, no foreign key leaves them, all times are UTC. What must not happen twice is a
unique constraint here, with the reason beside it.
"""

from .base import Base, UtcDateTime, columns, from_now
from .conversation import SHADOW, Article, Comment, Thread
from .desk import Audit, Listing, Refusal, Report, Revision, Setting, SignIn, Word
from .outbox import Attempt, Captured, Event, Item, Message, Tally, Throttle, Worker
from .people import ActorMute, Address, Mute, Pace, Subscription, Suppression

__all__ = [
    "SHADOW",
    "ActorMute",
    "Address",
    "Article",
    "Attempt",
    "Audit",
    "Base",
    "Captured",
    "Comment",
    "Event",
    "Item",
    "Listing",
    "Message",
    "Mute",
    "Pace",
    "Refusal",
    "Report",
    "Revision",
    "Setting",
    "SignIn",
    "Subscription",
    "Suppression",
    "Tally",
    "Thread",
    "Throttle",
    "UtcDateTime",
    "Word",
    "Worker",
    "columns",
    "from_now",
]
