"""The development mailbox. It holds working links into people's settings, so only a loopback may see it."""

from __future__ import annotations

import ipaddress
from email import message_from_string
from email.message import EmailMessage
from email.policy import default
from typing import Any
from urllib.parse import urlsplit

from flask import Blueprint, Response, current_app, make_response, request, url_for
from sqlalchemy import select
from werkzeug.exceptions import NotFound

from ..language import OURS, using
from ..models import Captured
from ..state import get
from .pages import bare, private

blueprint = Blueprint("dev", __name__, url_prefix="/dev/mail")

_FORWARDED = ("Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Real-Ip", "Via")
_SHOWN = 200
_WIDTHS = (360, 600)
# Mail has its styles inline; it is shown in a frame that may do nothing else.
_MAIL_POLICY = "default-src 'none'; style-src 'unsafe-inline'; sandbox allow-popups allow-popups-to-escape-sandbox"
_FRAME_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; frame-src 'self'; base-uri 'none'; frame-ancestors 'none'"
)


@blueprint.before_request
def hide() -> None:
    """Exist for the developer's own browser only, and only where mail is captured."""
    state = get()
    development = current_app.debug or current_app.config.get("FORUM_ENV") == "development"
    if not (state.settings.mail_transport == "mailbox" and development and _is_loopback()):
        raise NotFound


# Developers read English here, as on the command line; in a page that says another language it would be misread aloud.
@blueprint.get("/")
@using(OURS)
def mailbox() -> Response:
    """Every captured mail, newest first."""
    rows = get().session.scalars(select(Captured).order_by(Captured.id.desc()).limit(_SHOWN))
    return bare("forum/dev/mailbox.html", messages=[_line(row) for row in rows])


@blueprint.get("/<forum_id:message_id>")
@using(OURS)
def message(message_id: int) -> Response:
    """One mail: HTML in a sandboxed frame, text, headers and source."""
    row = _get(message_id)
    mail = _parse(row)
    html = mail.get_body(("html",))
    shown: dict[str, Any] = {
        "subject": mail["Subject"],
        "to": row.envelope_to,
        "headers": list(mail.items()),
        "text": _content(mail.get_body(("plain",))),
        "html_url": url_for("forum.dev.html", message_id=message_id) if html is not None else None,
        "raw": row.raw,
    }
    width = request.args.get("width", type=int)
    width = width if width in _WIDTHS else _WIDTHS[1]
    response = bare("forum/dev/message.html", message=shown, width=width, mailbox_url=url_for("forum.dev.mailbox"))
    response.headers["Content-Security-Policy"] = _FRAME_POLICY
    return response


@blueprint.get("/<forum_id:message_id>/html")
def html(message_id: int) -> Response:
    """The HTML part alone, for the frame."""
    mail = _content(_parse(_get(message_id)).get_body(("html",)))
    # A mail program opens links outside the mail; in this frame they would be refused.
    response = private(make_response(mail.replace("<head>", '<head><base target="_blank">', 1)))
    response.headers["Content-Security-Policy"] = _MAIL_POLICY
    return response


@blueprint.get("/<forum_id:message_id>/raw")
def raw(message_id: int) -> Response:
    """The mail as it would have gone over the wire."""
    response = private(make_response(_get(message_id).raw))
    response.mimetype = "text/plain"
    return response


def _is_loopback() -> bool:
    if any(name in request.headers for name in _FORWARDED):
        return False
    return _means_loopback(request.remote_addr) and _is_our_name(request.host)


def _is_our_name(host: str) -> bool:
    # A foreign page may point its own name at this machine and then read what its visitor's browser gets from us.
    try:
        name = urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return False
    own = urlsplit(get().settings.base_url or "").hostname
    return name in ("localhost", own) or name.endswith(".localhost") or _means_loopback(name)


def _means_loopback(address: str | None) -> bool:
    try:
        return ipaddress.ip_address(address or "").is_loopback
    except ValueError:
        return False


def _get(message_id: int) -> Captured:
    row = get().session.get(Captured, message_id)
    if row is None:
        raise NotFound
    return row


def _parse(row: Captured) -> EmailMessage:
    parsed = message_from_string(row.raw, policy=default)
    assert isinstance(parsed, EmailMessage)
    return parsed


def _content(part: Any) -> str:
    return "" if part is None else str(part.get_content())


def _line(row: Captured) -> dict[str, Any]:
    return {
        "id": row.id,
        "to": row.envelope_to,
        "subject": _parse(row)["Subject"],
        "at": row.created_at,
        "url": url_for("forum.dev.message", message_id=row.id),
    }
