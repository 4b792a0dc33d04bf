"""Who may sit at the desk, and as what. For everybody else none of it exists."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from flask import Response, make_response, redirect, request, session, url_for

from ...errors import NotFound
from ...forms import CSRF_FIELD
from ...identity import Identity
from ...language import N_
from ...language import gettext as _
from ...moderation import sign_in
from ...settings import Settings
from ...state import ForumState, get
from ..pages import limit_body

_SESSION_KEY = "forum_moderator"
_ACTOR = "forum.actor"
_LABEL_LENGTH = 190
# A desk left open over night is closed in the morning.
_IDLE = dt.timedelta(hours=12).total_seconds()
# How old, in seconds, the note of the last request may grow: not every answer needs a new cookie.
_NOTED_EVERY = 300
# The words of the host's own page are for strangers; whoever sits at the desk reads these.
_NOTHING = N_("There is no such page.")


@dataclass(frozen=True)
class Actor:
    """A moderator: ``ref`` is what the audit log keeps, ``name`` what others read; an admin may do all there is.

    ``is_guest`` says that they signed in here, by mail, and not where the host's people do.
    """

    ref: str
    name: str
    is_admin: bool
    is_guest: bool = False


def guard() -> Response | None:
    """Before each page for moderators: let them in, show strangers the way to sign in, or nothing at all.

    What such a page may be sent is bounded here too.
    """
    limit_body()
    state = get()
    return None if _actor(state) else _stranger(state)


def guard_admin() -> Response | None:
    """The same for pages of admins; for other moderators they do not exist."""
    answer, actor = guard(), _actor(get())
    if actor is not None and not actor.is_admin:
        raise NotFound(_(_NOTHING))
    return answer


def moderator(state: ForumState) -> Actor:
    """Who acts in this request. Raises NotFound for everybody who may not."""
    actor = _actor(state)
    if actor is None:
        raise NotFound(_(_NOTHING))
    return actor


def sits_at_desk(state: ForumState) -> bool:
    """Whether whoever sends this request is a moderator, on a page that is there for everybody."""
    return _actor(state) is not None


def actor_of(settings: Settings, email: str) -> Actor | None:
    """The moderator with this address, however they proved that it is theirs; None for everybody else's."""
    if email not in settings.moderators:
        return None
    return Actor(email, email.partition("@")[0], not settings.admins or email in settings.admins, is_guest=True)


def begin_session(sign_in_id: int, now: dt.datetime) -> None:
    """Let this browser in. A token of the session from before must not be good for what comes after."""
    end_session()
    session[_SESSION_KEY] = {"sign_in": sign_in_id, "seen": int(now.timestamp())}


def end_session() -> None:
    """Forget what the session holds of ours; what the host keeps there is not touched."""
    session.pop(_SESSION_KEY, None)
    session.pop(CSRF_FIELD, None)
    request.environ.pop(_ACTOR, None)


def sign_in_of_session() -> int | None:
    """The id of the sign-in by which this browser came, which may have ended by now."""
    known = session.get(_SESSION_KEY)
    return known["sign_in"] if isinstance(known, dict) else None


def _actor(state: ForumState) -> Actor | None:
    # Asked once for each request, before anything is written.
    if _ACTOR not in request.environ:
        identity = state.identity()
        is_known = identity is not None and identity.is_moderator
        request.environ[_ACTOR] = _of_identity(identity) if identity and is_known else _signed_in(state)
    actor: Actor | None = request.environ[_ACTOR]
    return actor


def _of_identity(identity: Identity) -> Actor:
    ref = f"{identity.name[:80]} <identity:{identity.key}>"[:_LABEL_LENGTH]
    return Actor(ref, identity.name, identity.administers)


def _signed_in(state: ForumState) -> Actor | None:
    """An address that signed in here not too long ago and still is named in the settings."""
    row_id, now = sign_in_of_session(), state.clock()
    if row_id is None:
        return None
    email = _email(state, row_id, now) if _idle_for(now) <= _IDLE else None
    if email is None:
        end_session()
        return None
    if _idle_for(now) > _NOTED_EVERY:
        session[_SESSION_KEY] = {"sign_in": row_id, "seen": int(now.timestamp())}
    return actor_of(state.settings, email)


def _idle_for(now: dt.datetime) -> float:
    seen: int = session[_SESSION_KEY]["seen"]
    return now.timestamp() - seen


def _email(state: ForumState, row_id: int, now: dt.datetime) -> str | None:
    # In a session of its own: what reads here and writes later in one transaction may find SQLite's file changed.
    with state.open_session() as own:
        return sign_in.signed_in(own, row_id, state.settings, now)


def _stranger(state: ForumState) -> Response:
    """On a site without accounts moderators sign in by mail; elsewhere the page does not exist for strangers."""
    if request.method == "GET" and state.settings.moderators and state.identity() is None:
        return make_response(redirect(url_for("forum.sign_in.ask")))
    raise NotFound(_(_NOTHING))
