"""Whoever delivers mail also asks for the opinions that comments wait for; no transaction is open meanwhile."""

from __future__ import annotations

import datetime as dt
import logging
import time
from collections.abc import Callable
from functools import partial
from typing import Final

from sqlalchemy.orm import Session

from ..akismet import InvalidKey, Service, Unavailable
from ..moderation import checking
from ..moderation.checking import Question
from .courier import Courier
from .steps import step

log = logging.getLogger("forum.akismet")

# After so many seconds it is the turn of mail; what is left is asked in the next round.
_TURN: Final = 10.0


def ask(courier: Courier, stopped: Callable[[], bool]) -> None:
    """Ask what is due, for ten seconds and one answer at most, until the service fails or ``stopped`` says so."""
    service = _service(courier)
    until = time.monotonic() + _TURN
    while not stopped() and time.monotonic() < until:
        question = step(courier, partial(_next, courier))
        if question is None or not _try(courier, service, question):
            return


def _service(courier: Courier) -> Service | None:
    settings = courier.settings
    if settings.akismet_key is None:
        return None
    return Service(settings.akismet_url, settings.akismet_key, settings.base_url or "", is_test=courier.is_test)


def _next(courier: Courier, session: Session, now: dt.datetime) -> Question | None:
    return checking.next_question(session, courier.keys, courier.settings, now)


def _try(courier: Courier, service: Service | None, question: Question) -> bool:
    """Put one question; False when the service is of no use at the moment."""
    try:
        return _put(courier, service, question)
    except Exception:  # whatever is wrong with this comment, others wait for their answers, and so does mail
        log.exception("what was asked about comment %s could not be settled; it is asked again", question.comment_id)
        return True


def _put(courier: Courier, service: Service | None, question: Question) -> bool:
    """Put one question; False when the service is of no use at the moment."""
    if question.lesson is not None:
        return _tell(courier, service, question)
    try:
        if service is None:
            raise InvalidKey("There is no key any more.")
        answer = service.check(question.subject)
    except Unavailable as error:
        failed = error
        away = step(courier, lambda session, now: checking.go_without(session, question, failed, now))
        for comment_id in away.published:
            courier.published(comment_id)
        return False
    if step(courier, lambda session, now: checking.settle(session, question, answer, now)):
        courier.published(question.comment_id)
    return True


def _tell(courier: Courier, service: Service | None, question: Question) -> bool:
    heard = service is not None
    try:
        if service is not None and question.lesson is not None:
            service.teach(question.subject, question.lesson)
    except Unavailable:
        heard = False
    step(courier, lambda session, now: checking.settle_lesson(session, question, heard=heard))
    return heard
