"""The comment form: what was typed comes in as a draft, and goes back out as it was when something is wrong."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

from flask import Request, request
from flask_wtf import FlaskForm
from flask_wtf.csrf import generate_csrf
from markupsafe import Markup
from wtforms import SelectMultipleField, StringField, SubmitField, TextAreaField

from . import addresses, sanitize
from .addresses import Mailbox
from .errors import InvalidDraft
from .identity import Identity
from .language import gettext as _
from .screening import Draft
from .settings import Settings

# Named like something a form-filling machine wants and a browser's autofill does not know.
HONEYPOT = "fax_extension"
CSRF_FIELD = "csrf_token"
Notify = Literal["", "direct", "branch", "thread"]
# The widest wish first: whoever ticks two boxes gets the one that includes the other.
_SCOPES: tuple[Notify, ...] = ("thread", "branch", "direct")
T = TypeVar("T")


class _TypedForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF is untyped
    class Meta:
        # Whatever a host calls its own: our templates and our views must mean the same field.
        csrf_field_name = CSRF_FIELD

        def wrap_formdata(self, form: Any, formdata: Any) -> Any:
            # Left to itself Flask-WTF takes JSON and uploads too, whose values are no texts.
            return request.form


class CommentForm(_TypedForm):
    """The fields of a submission. Anonymous ones are proved by stamp and origin, identities by Flask-WTF's token."""

    stamp = StringField()
    parent = StringField()
    name = StringField()
    email = StringField()
    website = StringField()
    body = TextAreaField()
    notify = SelectMultipleField(choices=["", *_SCOPES])  # type: ignore[list-item]  # the stubs know pairs only, now deprecated
    preview = SubmitField()
    fax_extension = StringField()
    confirmed = StringField()
    proof = StringField()


class ActForm(_TypedForm):
    """A form without fields of its own: only the session's token, for acts done with authority."""


@dataclass
class FormView:
    """A form as its template shows it; ``errors`` maps fields to sentences."""

    action: str
    stamp: str | Markup
    legend: str = ""
    parent_id: int | str = ""
    name: str = ""
    email: str = ""
    website: str = ""
    body: str = ""
    notify: str = ""
    errors: dict[str, str] = field(default_factory=dict)
    summary: str | None = None
    identity: Identity | None = None
    csrf_token: str | None = None
    offers_mail: bool = False
    max_length: int = 10_000
    preview_html: Markup | None = None
    cancel_url: str | None = None
    honeypot: str = HONEYPOT
    needs_email: bool = False
    # Nobody is signed in where that is needed: the form is shown only to give back what was typed.
    is_barred: bool = False
    # Where the arithmetic is given out, if it is asked for, and what the browser made of it.
    proof_url: str | None = None
    proof: str = ""


@dataclass(frozen=True)
class Typed:
    """A submitted form: the draft and mailbox in it, or the ``errors`` that keep it from being one."""

    draft: Draft
    mailbox: Mailbox | None
    notify: Notify
    honeypot: bool
    errors: dict[str, str]


def read(form: CommentForm, settings: Settings, identity: Identity | None, thread_key: str) -> Typed:
    """Normalise what was typed; every field that cannot stand gets a sentence of its own, in the order of the form."""
    errors: dict[str, str] = {}

    def door(judge: Callable[[], T], default: T) -> T:
        try:
            return judge()
        except InvalidDraft as error:
            errors[error.field] = error.message
            return default

    body = door(lambda: sanitize.body(form.body.data or "", max_length=settings.max_length), "")
    door(lambda: _bar(settings, identity), None)
    name = _name_of(identity) if identity else door(lambda: sanitize.name(form.name.data or ""), "")
    typed = identity.email if identity else form.email.data
    notify = _strongest(form.notify.data or []) if settings.mail_enabled else ""
    mailbox = door(lambda: _mailbox(typed, notify, settings, identity), None)
    website = None if identity else door(lambda: sanitize.website(form.website.data or ""), None)
    parent_id = door(lambda: _parent(form.parent.data), None)
    draft = Draft(thread_key, parent_id, name, mailbox.email if mailbox else None, website, body)
    return Typed(draft, mailbox, notify if mailbox else "", bool(form[HONEYPOT].data), errors)


def refill(view: FormView, request: Request) -> FormView:
    """Put back what was typed, exactly as it was typed."""
    for name in ("name", "email", "website", "body"):
        setattr(view, name, request.form.get(name, ""))
    view.parent_id = request.form.get("parent", "")
    view.notify = _strongest(request.form.getlist("notify"))
    return view


def session_token() -> str:
    """Flask-WTF's token for this session; only pages of signed-in people carry one."""
    token: str = generate_csrf(token_key=CSRF_FIELD)
    return token


def _bar(settings: Settings, identity: Identity | None) -> None:
    if settings.require_identity and identity is None:
        raise InvalidDraft(
            "body", _("Please sign in first: only people who are signed in may comment. It is kept here.")
        )


def _strongest(scopes: list[str]) -> Notify:
    return next((scope for scope in _SCOPES if scope in scopes), "")


def _name_of(identity: Identity) -> str:
    """What the host says of its people they cannot put right in this form: it is made to fit, or the ref stands in."""
    for text in (identity.name, identity.key):
        with suppress(InvalidDraft):
            return sanitize.name(sanitize.excerpt(text, sanitize.NAME_LENGTH))
    return _("Member")


def _mailbox(typed: str | None, notify: str, settings: Settings, identity: Identity | None) -> Mailbox | None:
    if typed and typed.strip():
        try:
            return addresses.parse(typed, sender=settings.mail_from)
        except InvalidDraft:
            if identity is None:
                raise
            return None
    if settings.require_email and identity is None:
        raise InvalidDraft("email", _("Please give your e-mail address. It is needed here, and never shown."))
    if notify and identity is None:
        raise InvalidDraft("email", _("Please give your e-mail address, or untick the box: we need one to tell you."))
    return None


def _parent(text: str | None) -> int | None:
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= 18):
        raise InvalidDraft(
            "parent", _("The comment you answer is no longer there. Post again to add yours at the end.")
        )
    return int(text)
