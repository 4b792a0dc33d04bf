"""The overview: what waits, the comments of the last days, how mail is doing, and who delivers it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Final

from flask import Blueprint, Response

from ...language import brief_day, day
from ...language import gettext as _
from ...mail.outcome import masked
from ...moderation import figures
from ...moderation.figures import Day, Mail
from ...outbox.vitals import GivenUp
from ...state import ForumState, get
from . import plot
from .access import guard
from .frame import desk
from .plot import Plot

blueprint = Blueprint("desk_dashboard", __name__, url_prefix="/moderation/overview")
blueprint.before_request(guard)

# Whoever delivers notes it at least every 15 seconds; cron, as the documentation has it, comes once a minute.
_SILENT: Final = dt.timedelta(minutes=2)
# Days, their names and a width in pixels: a phone shows fewer, so that the words stay as large as all others.
_PLOTS: Final = {"wide": (figures.DAYS, 5, 640), "narrow": (10, 3, 320)}


@blueprint.get("")
def index() -> Response:
    """The site in numbers, as it is at this moment."""
    state, now = get(), get().clock()
    days = figures.days(state.session, now)
    mail = figures.mail(state.session, now) if state.settings.mail_enabled else None
    return desk(
        "forum/moderation/dashboard.html",
        now=now,
        held=figures.held(state.session),
        reported=figures.reported(state.session),
        days=days,
        totals={verdict: sum(each.numbers[verdict] for each in days) for verdict in figures.VERDICTS},
        busiest=max(days, key=lambda each: each.total),
        plots=_plots(days),
        mail=mail,
        errors=_errors(mail.errors) if mail else [],
        silent=mail is not None and _is_silent(mail, now),
        remedy=_remedy(state),
        day_word=day,
    )


def _plots(days: Sequence[Day]) -> dict[str, Plot]:
    """The last days for a wide page and for a narrow one; none where nobody has written anything."""
    if not any(each.total for each in days):
        return {}
    bars = [(brief_day(each.date), each.numbers) for each in days]
    return {name: plot.stacked(bars[-number:], every, width) for name, (number, every, width) in _PLOTS.items()}


def _is_silent(mail: Mail, now: dt.datetime) -> bool:
    return mail.worker is None or now - mail.worker.seen_at > _SILENT


def _remedy(state: ForumState) -> str:
    """The command that starts whoever delivers on this site."""
    if state.settings.delivery == "celery":
        return "celery --app wsgi worker --beat"
    return "flask forum deliver --watch"


def _errors(errors: Sequence[GivenUp]) -> list[tuple[str, int, str]]:
    return [(each.what, each.id, masked(each.error) if each.error else _("without a word")) for each in errors]
