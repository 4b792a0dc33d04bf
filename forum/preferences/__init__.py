"""What an address may do with itself: see and change its wishes, move, take its data along, and be forgotten.

Functions take a session, flush and never commit. Whoever calls has proved that the mailbox is theirs.
"""

from .erasing import NOBODY, anonymise, forget, forget_author, is_forgotten, unsign
from .export import export, export_comments
from .links import mail_link, own_comment
from .moving import has_moved, may_move, move, request_move
from .people import MutedPerson, Person, mute_person, unmute_person
from .wishes import CADENCES, MutedThread, Wish, Wishes, change, change_all, come_back, end, pause, resume, wishes

__all__ = [
    "CADENCES",
    "NOBODY",
    "MutedPerson",
    "MutedThread",
    "Person",
    "Wish",
    "Wishes",
    "anonymise",
    "change",
    "change_all",
    "come_back",
    "end",
    "export",
    "export_comments",
    "forget",
    "forget_author",
    "has_moved",
    "is_forgotten",
    "mail_link",
    "may_move",
    "move",
    "mute_person",
    "own_comment",
    "pause",
    "request_move",
    "resume",
    "unmute_person",
    "unsign",
    "wishes",
]
