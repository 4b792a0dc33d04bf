"""One address for a monitor that counts: what was mailed, what was not, and what waits."""

from __future__ import annotations

import hmac
from importlib.util import find_spec

from flask import Blueprint, Response, request

from ..errors import NotFound
from ..state import get

blueprint = Blueprint("metrics", __name__, url_prefix="/metrics")


@blueprint.get("")
def scrape() -> Response:
    """All numbers in Prometheus' text format. To whoever does not bring FORUM_METRICS_TOKEN there is no such page."""
    state = get()
    if not _brings(state.settings.metrics_token) or find_spec("prometheus_client") is None:
        raise NotFound("There is no such page.")
    from .. import metrics  # an extra

    response = Response(metrics.exposition(state.session, state.clock()), content_type=metrics.CONTENT_TYPE_LATEST)
    response.headers["Cache-Control"] = "no-store"
    return response


def _brings(token: str | None) -> bool:
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    if token is None or scheme.lower() != "bearer":
        return False
    # Servers hand the bytes of a header over as Latin-1. Monitors send those of their file, UTF-8 like ours, in which
    # what Latin-1 takes for a space is part of a letter.
    return hmac.compare_digest(given.strip(" \t").encode("latin-1", "replace"), token.strip().encode())
