"""`forum_count`: numbers of comments for many keys on one page, in one query however many there are."""

from __future__ import annotations

import hashlib
import re

from flask import Flask, Response, after_this_request, has_request_context, request
from markupsafe import Markup

from . import threads
from .state import ForumState, get


def count(key: str) -> Markup:
    """The number of published comments of ``key``, for a template.

    Inside a request it is a mark that is replaced when the page is complete, when all keys of the page are known;
    so it prints, but cannot be compared or added. In a streamed template and outside a request it is the number,
    at the price of one query each.
    """
    state = get()
    # A streamed template runs when its answer has left already.
    if not has_request_context() or "forum.answered" in request.environ:
        return Markup(threads.counts(state.session, [key])[key])  # a number
    # Kept in the request and not in `g`: a test suite may hold one app context open over many requests.
    if "forum.counts" not in request.environ:
        request.environ["forum.counts"] = {}
        after_this_request(lambda response: _fill(state, response))
    mark = _mark(state, key)
    request.environ["forum.counts"][mark] = key
    return Markup(mark)  # hexadecimal


def note_answered(app: Flask, response: Response) -> None:
    """Remember that this request's answer is made: what is rendered later is a stream, whose marks nobody fills."""
    request.environ["forum.answered"] = True


def _mark(state: ForumState, key: str) -> str:
    """The same for a key as long as the process lives, and known to nobody who writes comments."""
    return f"forum-count-{hashlib.sha256((state.stamp_mark + key).encode()).hexdigest()[:32]}"


def _fill(state: ForumState, response: Response) -> Response:
    if response.direct_passthrough:
        return response
    marks: dict[str, str] = request.environ["forum.counts"]
    numbers = threads.counts(state.session, set(marks.values()))
    found = {mark.encode(): str(numbers[key]).encode() for mark, key in marks.items()}
    pattern = re.compile(b"|".join(found))

    def fill(chunk: bytes) -> bytes:
        return pattern.sub(lambda match: found[match[0]], chunk)

    if response.is_streamed:
        response.response = (fill(chunk) for chunk in response.iter_encoded())
    else:
        response.set_data(fill(response.get_data()))
    return response
