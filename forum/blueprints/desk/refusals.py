"""Whom the rules turned away at the door, and why; what to do about it is a matter of the settings."""

from __future__ import annotations

from flask import Blueprint, Response, request, url_for

from ...models import Refusal
from ...moderation import refusals
from ...screening import chips
from ...state import get
from . import numbers
from .access import guard, moderator
from .frame import desk

blueprint = Blueprint("desk_refusals", __name__, url_prefix="/moderation/refused")
blueprint.before_request(guard)

_RULE_LENGTH = 190
_NETWORK_LENGTH = 8
# Reasons by which a draft can be refused; a host's own rules give others, which are asked for as they stand.
_RULES = ("honeypot", "too_fast", "listed", "reserved_name", "staff_name", "reject_word")


@blueprint.get("")
def index() -> Response:
    """The newest refusals, of one reason if it is asked for."""
    state = get()
    rule = request.args.get("reason", "").replace("\0", "").strip()[:_RULE_LENGTH]
    found = refusals.page(state.session, rule, numbers.before())
    shown = found[: refusals.PER_PAGE]
    return desk(
        "forum/moderation/refusals.html",
        rows=[(each, [chips.chip(reason) for reason in each.reasons], _network(each)) for each in shown],
        rule=rule,
        rules=[(each, chips.chip(each).text) for each in dict.fromkeys([*_RULES, *filter(None, [rule])])],
        next_url=_url(rule, shown[-1].id) if len(found) > len(shown) else None,
        first_url=_url(rule) if "before" in request.args else None,
        days=state.settings.keep_rejected_days,
        settings_url=url_for("forum.desk_settings.index") if moderator(state).is_admin else None,
    )


def _network(refusal: Refusal) -> str:
    """Enough of the hash to see that two are the same; it was never an address."""
    return (refusal.network or "")[:_NETWORK_LENGTH]


def _url(rule: str, before: int | None = None) -> str:
    return url_for("forum.desk_refusals.index", reason=rule or None, before=before)
