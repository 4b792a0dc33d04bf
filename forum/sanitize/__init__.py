"""What visitors wrote becomes safe to keep, to show and to mail; nothing after these functions edits the HTML."""

from __future__ import annotations

from .engines import renderer
from .links import href, website
from .mail import mail_html, plain_text
from .page import article_html, comment_html
from .text import NAME_LENGTH, body, excerpt, name

__all__ = [
    "NAME_LENGTH",
    "article_html",
    "body",
    "comment_html",
    "excerpt",
    "href",
    "mail_html",
    "name",
    "plain_text",
    "renderer",
    "website",
]
