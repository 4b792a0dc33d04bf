"""What a page that stays open asks once a minute: how many comments there are by now."""

from __future__ import annotations

from flask import Blueprint, Response, jsonify, request

from .. import threads
from ..errors import NotFound
from ..language import gettext as _
from ..render import POLL
from ..state import get

blueprint = Blueprint("poll", __name__, url_prefix="/poll")


@blueprint.get("/<string(length=22):seal>")
def now(seal: str) -> Response:
    """The number of comments and the version of a thread, the same for everybody, for one query.

    The seal stands on the page of the thread alone: who has never seen that learns nothing here. Nobody is asked who
    they are, so that all who wait on one page can share one answer; but who may no longer read it hears no more of it.
    """
    state, key = get(), request.args.get("key", "")
    if not (state.settings.poll and state.keys.verify(POLL, key, seal) and state.may_see(key)):
        raise NotFound(_("There is no such page."))
    head = threads.head(state.session, key)
    response = jsonify(comments=head.comments if head else 0, version=head.version if head else 0)
    response.set_etag(str(head.version if head else 0))
    response.headers["Cache-Control"] = f"{'public' if state.hooks.may_read is None else 'private'}, max-age=20"
    response.make_conditional(request)
    return response
