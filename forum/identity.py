"""What the host says about a signed-in person, through its own hook or Flask-Login."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flask import Flask


@dataclass(frozen=True)
class Identity:
    """A person the host has signed in.

    ``ref`` is the host's own key for them (kept as text); ``email_verified`` says that the host has proved the
    address, so that Forum need not ask again; ``is_moderator`` opens the moderation pages. ``is_admin`` says which
    moderators may also change settings, see the mail and erase people's data; left at None it is all of them.
    """

    ref: Any
    name: str
    email: str | None = None
    email_verified: bool = False
    is_moderator: bool = False
    is_admin: bool | None = None

    @property
    def administers(self) -> bool:
        """Whether this is a moderator who may do all there is."""
        return self.is_moderator and self.is_admin is not False

    @property
    def key(self) -> str:
        """``ref`` as it is stored."""
        return str(self.ref)


def current(app: Flask, hook: Callable[[], Identity | None] | None) -> Identity | None:
    """The person of this request: the host's hook decides alone where there is one, else Flask-Login is asked."""
    if hook is not None:
        return hook()
    if not hasattr(app, "login_manager"):
        return None
    return _from_flask_login()


def _from_flask_login() -> Identity | None:
    from flask_login import current_user

    if not current_user.is_authenticated:
        return None
    ref = current_user.get_id()
    name = next((value for attr in ("name", "username") if (value := getattr(current_user, attr, None))), ref)
    return Identity(
        ref=ref,
        name=str(name),
        email=getattr(current_user, "email", None),
        is_moderator=bool(getattr(current_user, "is_moderator", False) or getattr(current_user, "is_admin", False)),
        is_admin=getattr(current_user, "is_admin", None),
    )
