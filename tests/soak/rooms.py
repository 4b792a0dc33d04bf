"""Conversations with known readers: who follows what, and so who is to hear of a reply and who must not."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from sqlalchemy.orm import Session

from forum import subscriptions
from forum.models import Address, Comment, Mute, Thread
from forum.subscriptions import Consent

# More than twenty an hour in one thread are held back and told of once an hour.
REPLIES = 18


@dataclass(frozen=True)
class Room:
    """One thread with a comment to be answered, and the addresses of its readers.

    ``direct`` wrote ``root`` and follows the answers to it, ``branch`` follows what hangs below it, ``thread``
    everything. There are more who asked and must not be told: one muted the thread, one left, one never confirmed
    the address, one follows another comment.
    """

    number: int
    root: int

    @property
    def key(self) -> str:
        """The key of its thread."""
        return f"soak:{self.number}"

    @property
    def url(self) -> str:
        """The page it stands on."""
        return f"/soak/{self.number}"

    def email(self, who: str) -> str:
        """The address of one of its people."""
        return f"{who}@room{self.number}.example"

    def readers(self, parent: int, author: str) -> set[str]:
        """The addresses that are to hear of an answer to ``parent`` by somebody with the address ``author``."""
        told = {self.email("branch"), self.email("thread")}
        if parent == self.root:
            told.add(self.email("direct"))
        return told - {author}


def furnish(session: Session, many: int) -> list[Room]:
    """Make ``many`` rooms in an empty database and commit."""
    now = dt.datetime.now(dt.UTC)
    rooms = [_room(session, number, now) for number in range(1, many + 1)]
    session.commit()
    return rooms


def _room(session: Session, number: int, now: dt.datetime) -> Room:
    name = f"Room {number}"
    thread = Thread(key=f"soak:{number}", title=name, url=f"/soak/{number}", created_at=now, comments=2, branches=2)
    people = {who: _address(f"{who}@room{number}.example", state, now) for who, state in _PEOPLE.items()}
    root, other = (_comment(thread, people["direct"], branch, now) for branch in (1, 2))
    session.add_all([thread, *people.values(), root, other])
    session.flush()
    _ask(session, people, root, other, now)
    return Room(number, root.id)


_PEOPLE = dict.fromkeys(("direct", "branch", "thread", "muted", "left", "elsewhere"), "confirmed")
_PEOPLE["unconfirmed"] = "pending"


def _address(email: str, state: str, now: dt.datetime) -> Address:
    confirmed = now if state == "confirmed" else None
    return Address(
        key=email, email=email, state=state, confirmed_at=confirmed, active_at=now, changed_at=now, created_at=now
    )


def _comment(thread: Thread, author: Address, branch: int, now: dt.datetime) -> Comment:
    return Comment(
        thread=thread,
        address=author,
        branch=branch,
        depth=1,
        state="published",
        name="Ann",
        source="Who answers?",
        html="<p>Who answers?</p>",
        renderer="soak",
        nonce=f"{thread.key}:{branch}",
        digest="",
        created_at=now,
        published_at=now,
    )


def _ask(session: Session, people: dict[str, Address], root: Comment, other: Comment, now: dt.datetime) -> None:
    consent = Consent(now, None, None)
    subscriptions.follow(session, people["direct"], root, "direct", consent)
    subscriptions.follow(session, people["branch"], root, "branch", consent)
    subscriptions.follow(session, people["elsewhere"], other, "direct", consent)
    for who in ("thread", "muted", "left", "unconfirmed"):
        wish = subscriptions.follow(session, people[who], root, "thread", consent)
        wish.state = "ended" if who == "left" else "active"
    session.add(Mute(address_id=people["muted"].id, thread_id=root.thread_id, created_at=now))
