"""Markdown, parsed by mistune with raw HTML off: the source becomes tokens, or HTML made from escaped text only."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

from mistune import BlockParser, HTMLRenderer, InlineParser, InlineState, Markdown
from mistune.util import escape, escape_url

from .bounds import intricate, refuse_intricate
from .links import browser_form, href

Token = dict[str, Any]
# A conversation needs two or three; deeper marks stay as they were typed.
_DEPTH = 8
# Brackets end an address, for "[see https://example.com]" and because the text of a link may hold one.
_ADDRESS = r"(?<![A-Za-z0-9])https?://[^\s<>\[\]`\"\\]+"


def page_parser(*, rel: str, headings: bool) -> Markdown:
    """Return a parser that draws HTML of our subset: no raw HTML, no tables, no images; a line break is a line break.

    Links get ``rel``; headings become strong paragraphs unless ``headings``.
    """
    return _parser(_PageHtml(rel=rel, headings=headings))


def parsed(source: str, markdown: Markdown) -> str | list[Token]:
    """Return what ``markdown`` makes of ``source``; raise ``InvalidDraft("body", …)`` when it is too intricate."""
    refuse_intricate(source)
    try:
        return markdown(source)
    except RecursionError:
        # How deep mistune may call depends on how deep the host already is, which no count of ours can know.
        raise intricate() from None


# The text of a mail is made from the same blocks as its HTML, and a mail that must be shortened is made again.
@lru_cache(maxsize=16)
def tokens(source: str) -> list[Token]:
    """Return the blocks of ``source`` as mistune's tokens, which nobody may change; errors as in ``parsed``."""
    result = parsed(source, _TOKENS)
    assert isinstance(result, list)
    return result


class _PageHtml(HTMLRenderer):
    # mistune calls these methods by the names of its tokens.

    def __init__(self, *, rel: str, headings: bool) -> None:
        super().__init__(escape=True)
        self._rel = rel
        self._headings = headings

    def paragraph(self, text: str) -> str:
        return f'<p dir="auto">{text}</p>\n'

    def heading(self, text: str, level: int, **attrs: Any) -> str:
        if not self._headings:
            return self.paragraph(f"<strong>{text}</strong>")
        level = min(max(level, 2), 4)
        return f'<h{level} dir="auto">{text}</h{level}>\n'

    def linebreak(self) -> str:
        return "<br>\n"

    def thematic_break(self) -> str:
        return "<hr>\n"

    def block_quote(self, text: str) -> str:
        return f'<blockquote dir="auto">\n{text}</blockquote>\n'

    def block_code(self, code: str, info: str | None = None) -> str:
        return f'<pre dir="auto"><code>{escape(code)}</code></pre>\n'

    def block_html(self, html: str) -> str:
        return self.paragraph(escape(html.strip()).replace("\n", "<br>\n"))

    def list(self, text: str, ordered: bool, **attrs: Any) -> str:
        start = attrs.get("start")
        begin = f' start="{start}"' if ordered and start is not None else ""
        tag = "ol" if ordered else "ul"
        return f'<{tag}{begin} dir="auto">\n{text}</{tag}>\n'

    def list_item(self, text: str) -> str:
        return f'<li dir="auto">{text}</li>\n'

    def link(self, text: str, url: str, title: str | None = None) -> str:
        address = browser_form(url)
        if not href(address):
            return text
        return f'<a href="{escape(address)}" rel="{self._rel}">{text}</a>'

    def image(self, text: str, url: str, title: str | None = None) -> str:
        return self.link(text or escape(url), url)


def _parser(draw: _PageHtml | None = None) -> Markdown:
    block = BlockParser(max_nested_level=_DEPTH)
    for rules in (block.rules, block.block_quote_rules, block.list_rules):
        rules.remove("raw_html")
    inline = InlineParser(hard_wrap=True, max_nested_level=_DEPTH)
    inline.rules.remove("inline_html")
    inline.register("url_link", _ADDRESS, _autolink, start_chars="h")
    return Markdown(draw, block, inline)


def _autolink(inline: InlineParser, match: re.Match[str], state: InlineState) -> int:
    address = _ended(match[0])
    end = match.start() + len(address)
    if state.in_link or state.depth >= inline.max_nested_level or not href(browser_form(escape_url(address))):
        inline.process_text(match[0][: len(address)], state)
        return end
    token = {"type": "link", "children": [{"type": "text", "raw": address}], "attrs": {"url": escape_url(address)}}
    state.append_token({**token, "_autolink": address})
    return end


def _ended(address: str) -> str:
    """Leave a sentence's punctuation, and brackets that were opened before the address, outside of it."""
    excess = address.count(")") - address.count("(")
    end = len(address)
    while end and (address[end - 1] in ".,:;!?\"'*_~]" or (address[end - 1] == ")" and excess > 0)):
        excess -= address[end - 1] == ")"
        end -= 1
    return address[:end]


_TOKENS = _parser()
