"""HTML for pages: bounded source, Markdown, the sanitiser, and a bound on what comes out."""

from __future__ import annotations

from mistune import Markdown

from . import engines
from .bounds import intricate, is_swollen
from .engines import ARTICLE, COMMENT, Policy
from .markdown import page_parser, parsed

_COMMENT = page_parser(rel=COMMENT.rel, headings=False)
_ARTICLE = page_parser(rel=ARTICLE.rel, headings=True)


def comment_html(source: str, *, engine: str = "bleach") -> str:
    """Return the HTML of a comment, safe on any page of the host.

    Raises ``InvalidDraft("body", …)`` when ``source`` is too intricate, and ``SettingsError`` for an engine
    that is unknown or not installed.
    """
    return _html(source, _COMMENT, COMMENT, engine)


def article_html(source: str) -> str:
    """Return the HTML of one of the site's own articles: headings h2 to h4 are kept, images are not.

    Raises ``InvalidDraft("body", …)`` when ``source`` is too intricate.
    """
    return _html(source, _ARTICLE, ARTICLE, "bleach")


def _html(source: str, markdown: Markdown, policy: Policy, engine: str) -> str:
    drawn = parsed(source, markdown)
    assert isinstance(drawn, str)
    if is_swollen(source, drawn):
        raise intricate()
    html = engines.clean(drawn, policy, engine=engine)
    if is_swollen(source, html):
        raise intricate()
    return html
