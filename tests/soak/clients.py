"""People who answer comments over HTTP, and remember what the site acknowledged."""

from __future__ import annotations

import datetime as dt
import http.client
import random
import re
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlencode

from forum.tokens import Keys, Stamp, make_stamp, new_nonce

from .rooms import REPLIES, Room

_TIMEOUT = 30.0
_PAUSE = 0.2
_ID = re.compile(r"#comment-(\d+)$")


@dataclass
class Reply:
    """One comment somebody wants to post; ``stored`` is its id once the site has said so."""

    room: Room
    parent: int
    author: str
    text: str
    stored: int | None = None


@dataclass
class Client:
    """Somebody who answers in some rooms, one comment after the other, and repeats each until it is acknowledged.

    ``wait`` is asked before each comment and returns while the site is far behind; ``answers`` counts what came back
    by its status, 0 for a connection that broke.
    """

    port: int
    keys: Keys
    rooms: Sequence[Room]
    dice: random.Random
    replies: list[Reply] = field(default_factory=list)
    answers: Counter[int] = field(default_factory=Counter)

    def post_until(self, ended: threading.Event, busy: Callable[[], bool]) -> None:
        """Post in one room after the other until ``ended`` is set; pause while ``busy`` says so."""
        newest = {room: room.root for room in self.rooms}
        for _ in range(REPLIES):
            for room in self.rooms:
                while busy() and not ended.is_set():
                    time.sleep(_PAUSE)
                if ended.is_set():
                    return
                newest[room] = self._answer(room, newest[room])

    def _answer(self, room: Room, newest: int) -> int:
        """Answer the first or the newest comment of a room; returns the one that is the newest now."""
        # Who wrote the root does not hear of answers to others, and nobody of their own.
        author = room.email("thread") if self.dice.randrange(5) == 0 else ""
        reply = Reply(room, self.dice.choice([room.root, newest]), author, f"Reply {new_nonce()}")
        self.replies.append(reply)
        self._insist(reply)
        return reply.stored or newest

    def _insist(self, reply: Reply) -> None:
        """Send the same form until it is acknowledged: a form whose answer was lost may have been stored."""
        form = self._form(reply)
        until = time.monotonic() + 2 * _TIMEOUT
        while reply.stored is None and time.monotonic() < until:
            status, location = self._send(form)
            self.answers[status] += 1
            found = _ID.search(location) if status == 303 else None
            if found:
                reply.stored = int(found[1])
            else:
                time.sleep(_PAUSE)

    def _form(self, reply: Reply) -> str:
        stamp = Stamp(reply.room.key, f"Room {reply.room.number}", reply.room.url, new_nonce())
        fields = {"name": "Ben", "email": reply.author, "website": "", "body": reply.text, "parent": reply.parent}
        return urlencode({"stamp": make_stamp(self.keys, stamp, dt.datetime.now(dt.UTC)), **fields})

    def _send(self, form: str) -> tuple[int, str]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=_TIMEOUT)
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Sec-Fetch-Site": "same-origin"}
        try:
            connection.request("POST", "/forum/comments", form, headers)
            response = connection.getresponse()
            response.read()
            return response.status, response.headers.get("Location", "")
        except (OSError, http.client.HTTPException):
            return 0, ""
        finally:
            connection.close()
