"""Which language a request is answered in: that of the mail it came from, else the host's, where Flask-Babel says it,
else the site's own.
"""

from __future__ import annotations

from flask import current_app, has_request_context, request

from .language import closest
from .state import EXTENSION, ForumState

_WANTED = "forum.language"


def asked() -> str | None:
    """The language of this request; None outside of one, and on an app without Forum.

    What a browser would like to read is the host's business: its pages and ours must not differ.
    """
    if not has_request_context():
        return None
    state: ForumState | None = current_app.extensions.get(EXTENSION)
    if state is None:
        return None
    return request.environ.get(_WANTED) or closest(_babel()) or state.settings.language


def speak(language: str | None) -> None:
    """Answer this request in ``language``; where that is None, or none of ours, as if nobody had said so."""
    request.environ[_WANTED] = None
    wanted = closest(language or "")
    request.environ[_WANTED] = wanted if wanted != asked() else None


def spoken() -> str | None:
    """What :func:`speak` has changed the language of this request to; None where nothing is changed."""
    return request.environ.get(_WANTED)


def _babel() -> str:
    """What Flask-Babel has found for this request; empty on a site without it."""
    if "babel" not in current_app.extensions:
        return ""
    from flask_babel import get_locale

    return str(get_locale() or "")
