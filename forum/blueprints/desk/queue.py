"""What waits, and everything else that was ever written: tabs, a filter in the address, and a row for each comment."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from flask import Blueprint, Response, request, url_for

from ... import moderation
from ...audit import name_of
from ...moderation.queue import PER_PAGE, TABS, Filter, Matches, Tabs
from ...screening import chips
from ...state import ForumState, get
from .access import guard
from .frame import desk
from .rows import cases, removable

blueprint = Blueprint("moderation", __name__, url_prefix="/moderation")
blueprint.before_request(guard)

# Rules that only refuse: what they find is never stored, so no comment was held for it.
_REFUSING = {"honeypot", "too_fast", "reserved_name", "staff_name", "reject_word"}


@blueprint.get("/")
def queue() -> Response:
    """One page of one tab; without a tab in the address the first that has something."""
    state = get()
    tabs = moderation.queue.tabs(state.session)
    asked, cursor = Filter.parse(request.args, tabs.first), request.args.get("after")
    page = moderation.queue.page(state.session, asked, cursor)
    matches = _matches(state, asked, tabs)
    return desk(
        "forum/moderation/queue.html",
        cases=cases(state, page.rows),
        here=_url(asked, cursor),
        next_url=_url(asked, page.next) if page.next else None,
        first_url=_url(asked) if cursor else None,
        tick_url=_url(asked, cursor, tick="all"),
        ticked="tick" in request.args,
        matches=matches.number,
        per_page=PER_PAGE,
        last=None if page.rows else _last(state),
        removable=removable,
        **_frame(asked, tabs),
    )


def _frame(asked: Filter, tabs: Tabs) -> dict[str, Any]:
    """The tabs and the filter, beside the comments."""
    rules = [(rule, chips.name(rule)) for rule in sorted(chips.RULES - _REFUSING)]
    others = [] if asked.reason in ("", *(rule for rule, _ in rules)) else [(asked.reason, asked.reason)]
    return {
        "filter": asked,
        "tabs": [(tab, tabs.counts[tab], _url(Filter(tab))) for tab in TABS],
        "clear_url": _url(Filter(asked.tab)),
        "turned_url": _turned_url(asked),
        "everywhere_url": _url(Filter.parse(asked.serialise() | {"tab": "all"})),
        "reasons": rules + others,
    }


def _turned_url(asked: Filter) -> str | None:
    """Where days that were typed the wrong way round are in order."""
    if asked.since is None or asked.until is None or asked.since <= asked.until:
        return None
    return _url(replace(asked, since=asked.until, until=asked.since))


def _matches(state: ForumState, asked: Filter, tabs: Tabs) -> Matches:
    """How much matches: known from the tabs as long as nothing else is asked for."""
    return moderation.queue.matching(state.session, asked) if asked else Matches(tabs.counts[asked.tab], 0)


def _last(state: ForumState) -> dict[str, Any] | None:
    """Who decided last, for a desk where nothing waits."""
    last = moderation.queue.last_decision(state.session)
    return None if last is None else {"by": name_of(last.by), "at": last.at}


def _url(asked: Filter, cursor: str | None = None, **more: str) -> str:
    """The address of a page of the queue, as the path that forms come back to."""
    values: dict[str, Any] = {**asked.serialise(), "after": cursor, **more}
    return url_for("forum.moderation.queue", **values)
