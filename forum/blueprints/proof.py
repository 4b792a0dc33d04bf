"""The arithmetic that a visitor's browser does for a comment is given out here, as JSON that nobody may keep."""

from __future__ import annotations

from flask import Blueprint, Response, jsonify

from .. import altcha
from ..errors import NotFound
from ..language import gettext as _
from ..state import get
from .pages import private

blueprint = Blueprint("proof", __name__, url_prefix="/proof")


@blueprint.get("/<string(length=22):seal>.json")
def challenge(seal: str) -> Response:
    """A challenge for the form whose stamp ends in ``seal``; the database is not asked."""
    state = get()
    made = altcha.challenge(state.keys, seal, state.clock()) if _is_given_out() else None
    if made is None:
        raise NotFound(_("There is no such page."))
    return private(jsonify(made))


def _is_given_out() -> bool:
    return get().settings.proof_of_work and altcha.is_installed()
