"""What does not exist below the desk's address: a page of the desk for moderators, the host's own for all others."""

from __future__ import annotations

from flask import Blueprint, Response, request

from ...errors import NotFound
from ...language import gettext as _
from ...state import get
from .access import sits_at_desk
from .frame import desk

# Without a guard: a stranger's way to sign in would tell them that this address is not like others.
blueprint = Blueprint("desk_missing", __name__, url_prefix="/moderation")

_DESK = ("forum.moderation.", "forum.desk_")


@blueprint.route("/<path:rest>", methods=["GET", "POST"])
def nowhere(rest: str) -> Response:
    """Whatever no other page of the desk answers for."""
    raise NotFound(_("There is no such page."))


def page(error: NotFound) -> Response | None:
    """The desk's page about ``error``; None where it is not the desk's, or not for whoever asks."""
    if not (request.endpoint or "").startswith(_DESK) or not sits_at_desk(get()):
        return None
    get().session.rollback()
    return desk("forum/moderation/missing.html", 404, sentence=error.message)
