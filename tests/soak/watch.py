"""What the database shows from outside while the soak runs: how far delivery is behind, and whose lease ran out."""

from __future__ import annotations

import datetime as dt
import threading
from dataclasses import dataclass, field

from sqlalchemy import Engine, func, select, update
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from forum.models import Event, Item, Message
from forum.sqlite import begin_writing

_LOOK = 0.25
_OPEN = (
    select(func.count()).select_from(Event).where(Event.state == "new"),
    select(func.count()).select_from(Item).where(Item.state == "waiting"),
    select(func.count()).select_from(Message).where(Message.state.in_(("ready", "claimed", "sending"))),
)


@dataclass
class Watch:
    """Looks a few times a second; ``open`` is what is not yet delivered, ``run_out`` the leases that were seen over."""

    engine: Engine
    open: int = 0
    run_out: set[tuple[int, str]] = field(default_factory=set)

    def look_until(self, ended: threading.Event) -> None:
        """Keep the figures fresh until ``ended`` is set; a database that is locked is looked at again later."""
        while not ended.wait(_LOOK):
            try:
                self.look()
            except OperationalError:
                continue

    def look(self) -> None:
        """Read the figures once."""
        with Session(self.engine) as session:
            self.open = sum(session.scalar(query) or 0 for query in _OPEN)
            over = select(Message.id, Message.lease_token).where(Message.lease_until <= dt.datetime.now(dt.UTC))
            self.run_out |= {(id_, token) for id_, token in session.execute(over) if token}


def hurry(engine: Engine) -> int:
    """Bring the retries forward that would be due in some minutes; returns how many."""
    now = dt.datetime.now(dt.UTC)
    with Session(engine) as session:
        begin_writing(session)
        later = update(Message).where(Message.state == "ready", Message.not_before > now).values(not_before=now)
        changed: int = session.execute(later).rowcount  # type: ignore[attr-defined]
        session.commit()
    return changed
