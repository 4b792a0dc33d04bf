"""An empty form for whoever asks, and the stamp that says which page it belongs to."""

from __future__ import annotations

from flask import url_for
from markupsafe import Markup

from ..forms import FormView, session_token
from ..identity import Identity
from ..language import gettext as _
from ..models import Comment
from ..state import ForumState
from ..tokens import Stamp, make_stamp, new_nonce
from .places import Place


def blank_form(state: ForumState, stamp: str | Markup, *, parent: Comment | None = None) -> FormView:
    """An empty form for this request's person."""
    identity = state.identity()
    return FormView(
        action=url_for("forum.comments.post"),
        stamp=stamp,
        legend=_("Reply to %(name)s", name=parent.name) if parent else _("Write a comment"),
        parent_id=parent.id if parent else "",
        identity=identity,
        csrf_token=session_token() if identity else None,
        offers_mail=state.settings.mail_enabled and (identity is None or bool(identity.email)),
        max_length=state.settings.max_length,
        needs_email=state.settings.require_email and identity is None,
        is_barred=state.settings.require_identity and identity is None,
        proof_url=_proof_url(state, identity),
    )


def fresh_stamp(state: ForumState, place: Place) -> str:
    """A new stamp for one answer."""
    return make_stamp(state.keys, Stamp(place.key, place.title, place.url, new_nonce(), place.closed), state.clock())


def _proof_url(state: ForumState, identity: Identity | None) -> str | None:
    """Where the arithmetic is given out; whom the host has signed in is not asked for any."""
    asked = state.settings.proof_of_work and identity is None
    return url_for("forum.proof.challenge", seal="-" * 22) if asked else None
