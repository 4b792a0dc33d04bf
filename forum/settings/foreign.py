"""The keys of Flask, Flask-SQLAlchemy and Flask-Mail that stand beside ours in a site's configuration, with types."""

from __future__ import annotations

FOREIGN: dict[str, type] = {
    "SECRET_KEY": str,
    "SQLALCHEMY_DATABASE_URI": str,
    "MAIL_SERVER": str,
    "MAIL_PORT": int,
    "MAIL_USE_TLS": bool,
    "MAIL_USE_SSL": bool,
    "MAIL_USERNAME": str,
    "MAIL_PASSWORD": str,
    "MAIL_DEFAULT_SENDER": str,
    "MAIL_MAX_EMAILS": int,
    "MAIL_SUPPRESS_SEND": bool,
    "MAIL_ASCII_ATTACHMENTS": bool,
    "MAIL_DEBUG": bool,
}
RULES: dict[type, str] = {str: "a text", int: "a whole number", bool: "true or false"}
