"""Short transactions of delivery's own, begun again when another worker got in their way."""

from __future__ import annotations

import datetime as dt
import random
import time
from collections.abc import Callable
from typing import TypeVar

from sqlalchemy.exc import IntegrityError, OperationalError
from sqlalchemy.orm import Session

from ..clashes import is_clash
from ..sqlite import begin_writing
from .courier import Courier

T = TypeVar("T")
_TRIES = 8
_PAUSE = 0.01


def step(courier: Courier, work: Callable[[Session, dt.datetime], T]) -> T:
    """Run ``work`` in a transaction and commit it; again, a few times, after a clash with another worker."""
    return insist(lambda: _transact(courier, work))


def insist(transact: Callable[[], T]) -> T:
    """Call ``transact``, which runs one whole transaction, again after clashes; what else it raises is passed on."""
    for n in range(1, _TRIES):
        try:
            return transact()
        except (IntegrityError, OperationalError) as error:
            if not is_clash(error):
                raise
            # Whoever clashed once will do so again unless they part.
            time.sleep(random.uniform(0, _PAUSE * 2**n))
    return transact()


def _transact(courier: Courier, work: Callable[[Session, dt.datetime], T]) -> T:
    with courier.writing, courier.open_session() as session:
        begin_writing(session)
        result = work(session, courier.clock())
        session.commit()
        return result
