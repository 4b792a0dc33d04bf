"""Dates and numbers as people write them; the catalogs say how."""

from __future__ import annotations

import datetime as dt
from typing import Final

from .catalogs import NP_, grouped, ngettext, pgettext
from .catalogs import gettext as _

_MONTHS: Final = (
    NP_("month", "January"),
    NP_("month", "February"),
    NP_("month", "March"),
    NP_("month", "April"),
    NP_("month", "May"),
    NP_("month", "June"),
    NP_("month", "July"),
    NP_("month", "August"),
    NP_("month", "September"),
    NP_("month", "October"),
    NP_("month", "November"),
    NP_("month", "December"),
)

_SHORT: Final = (
    NP_("short month", "Jan"),
    NP_("short month", "Feb"),
    NP_("short month", "Mar"),
    NP_("short month", "Apr"),
    NP_("short month", "May"),
    NP_("short month", "Jun"),
    NP_("short month", "Jul"),
    NP_("short month", "Aug"),
    NP_("short month", "Sep"),
    NP_("short month", "Oct"),
    NP_("short month", "Nov"),
    NP_("short month", "Dec"),
)


def date(day: dt.date) -> str:
    """Return a day as nobody can misread it, the month in letters: 1 May 2026."""
    month = pgettext("month", _MONTHS[day.month - 1])
    return _("%(day)s %(month)s %(year)s", day=day.day, month=month, year=day.year)


def day(date: dt.date) -> str:
    """Return a day where the year goes without saying: 1 May."""
    return _("%(day)s %(month)s", day=date.day, month=pgettext("month", _MONTHS[date.month - 1]))


def brief_day(date: dt.date) -> str:
    """The same where there is little room: 1 Nov."""
    month = pgettext("short month", _SHORT[date.month - 1])
    return pgettext("short day", "%(day)s %(month)s", day=date.day, month=month)


def ago(then: dt.datetime, now: dt.datetime) -> str:
    """Return how long ``then`` is past, in its largest unit."""
    seconds = max(0, int((now - then).total_seconds()))
    if seconds >= 86_400:
        return ngettext("%(n)s day ago", "%(n)s days ago", seconds // 86_400)
    if seconds >= 3_600:
        return ngettext("%(n)s hour ago", "%(n)s hours ago", seconds // 3_600)
    if seconds >= 60:
        return ngettext("%(n)s minute ago", "%(n)s minutes ago", seconds // 60)
    return ngettext("%(n)s second ago", "%(n)s seconds ago", seconds) if seconds else _("just now")


def moment(at: dt.datetime) -> str:
    """Return a time in UTC with its day, its zone said: 1 May 2026, 12:30 UTC."""
    return _("%(date)s, %(time)s UTC", date=date(at), time=f"{at:%H:%M}")


def brief(at: dt.datetime) -> str:
    """Return a time for tables and lists, the month in a word so that nobody takes it for the day: 1 May 2026 12:30."""
    month = pgettext("short month", _SHORT[at.month - 1])
    return _("%(day)s %(month)s %(year)s %(time)s", day=at.day, month=month, year=at.year, time=f"{at:%H:%M}")


def number(n: int) -> str:
    """Return a whole number with its thousands set apart: 1,234."""
    return grouped(n)
