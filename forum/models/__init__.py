"""The tables. They stand on their own declarative base and travel on the host's session.

All names begin with ``forum_``, no foreign key leaves them, all times are UTC. What must not happen twice is a
unique constraint here, with the reason beside it.
"""

from .base import Base, UtcDateTime, columns, from_now
from .conversation import Article, Comment, Thread
from .desk import Audit, SignIn
from .outbox import Attempt, Captured, Event, Item, Message, Tally, Throttle, Worker
from .people import ActorMute, Address, Mute, Pace, Subscription, Suppression

__all__ = [
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
    "Message",
    "Mute",
    "Pace",
    "SignIn",
    "Subscription",
    "Suppression",
    "Tally",
    "Thread",
    "Throttle",
    "UtcDateTime",
    "Worker",
    "columns",
    "from_now",
]
