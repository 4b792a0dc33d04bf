"""The frame of every page of the desk: who sits there, where else one may go, and what was just done."""

from __future__ import annotations

from typing import Any, NamedTuple

from flask import Response, request, url_for

from ...forms import session_token
from ...language import N_
from ...language import gettext as _
from ...state import ForumState, get
from ..pages import bare
from .access import Actor, moderator
from .said import bar, without_bar

_LAYOUT_ENDPOINTS = (
    # label, endpoint, only for admins
    (N_("Comments"), "forum.moderation.queue", False),
    (N_("Pages"), "forum.desk_pages.index", False),
    (N_("People"), "forum.desk_lists.index", False),
    (N_("Refused"), "forum.desk_refusals.index", False),
    (N_("Activity"), "forum.desk_audit.index", False),
    (N_("Overview"), "forum.desk_dashboard.index", False),
    (N_("Mail"), "forum.desk_ledger.index", True),
    (N_("Settings"), "forum.desk_settings.index", True),
    (N_("Privacy"), "forum.desk_privacy.index", True),
)
# Where one gets to from the list of comments.
_OF_COMMENTS = ("forum.desk_acts", "forum.desk_many", "forum.desk_one", "forum.desk_reply")
# Somebody's own page is one of those about people.
_WITHIN = {"forum.desk_author": "forum.desk_lists"}
# The script of the desk, its answers, and nothing else that runs.
_POLICY = "; script-src 'self'; connect-src 'self'"


class Way(NamedTuple):
    """One entry of the desk's navigation."""

    label: str
    url: str
    current: bool


def desk(template: str, status: int = 200, **context: Any) -> Response:
    """One page of the desk; ``template`` extends ``forum/moderation/layout.html``.

    Its blocks find ``actor``, ``ways``, ``csrf_token``, ``here`` (this page's path and query, for forms that come
    back to it), ``now`` and ``bar`` (what was just done) beside ``context``, which may say each of them better.
    """
    state = get()
    actor = moderator(state)
    response = bare(template, status, **_frame(state, actor) | context)
    response.headers["Content-Security-Policy"] += _POLICY
    return response


def _frame(state: ForumState, actor: Actor) -> dict[str, Any]:
    return {
        "actor": actor,
        "ways": _ways(actor.is_admin),
        "csrf_token": session_token(),
        "here": _here(),
        "bar": bar(state, actor),
        "now": state.clock(),
    }


def _ways(is_admin: bool) -> list[Way]:
    here = (request.endpoint or "").rpartition(".")[0]
    here = "forum.moderation" if here in _OF_COMMENTS else _WITHIN.get(here, here)
    return [
        Way(_(label), url_for(endpoint), endpoint.rpartition(".")[0] == here)
        for label, endpoint, for_admins in _LAYOUT_ENDPOINTS
        if is_admin or not for_admins
    ]


def _here() -> str:
    path = request.full_path if request.method == "GET" else request.path
    return without_bar(request.script_root + path)
