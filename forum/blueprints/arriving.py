"""What was typed has been stored: the way from there to where it is read."""

from __future__ import annotations

from flask import Response, make_response, redirect, request

_WISH = "return=minimal"


def arrive(url: str, *, is_new: bool = True, waiting: int | None = None) -> Response:
    """Lead to ``url``: by a redirect, or for whoever prefers the minimum (RFC 7240), by naming it and no more.

    The minimum is 201 for something new and 200 for what had been there before. A comment that is ``waiting`` has
    202, and its id after the # of ``url``: where the page it was written on shows it, its author may stay there.
    """
    if _WISH not in request.headers.get("Prefer", "").replace(" ", "").split(","):
        return make_response(redirect(url, 303))
    status = 202 if waiting else 201
    response = make_response("", status if is_new else 200)
    response.headers["Location"] = f"{url}#comment-{waiting}" if waiting else url
    response.headers["Preference-Applied"] = _WISH
    return response
