"""Comments for mail: readable plain text and the strictest HTML, with links defused for people not trusted yet."""

from __future__ import annotations

from functools import lru_cache
from html import escape

from . import engines
from .bounds import is_swollen
from .defuse import address_text, defused
from .links import browser_form, href
from .markdown import Token, tokens


def plain_text(source: str, *, links: bool) -> str:
    """Return ``source`` as text to read in a mail: no emphasis marks, quotes behind "> ", code behind four spaces.

    Without ``links`` every address becomes "[link to example.com]" and nothing is left that a mail program would
    make clickable. Raises ``InvalidDraft("body", …)`` when ``source`` is too intricate.
    """
    text = "\n\n".join(_blocks(tokens(source), links))
    return text if links else defused(text)


# What is told to several people in several mails is cleaned once.
@lru_cache(maxsize=32)
def mail_html(source: str, *, links: bool) -> str:
    """Return ``source`` as HTML for a mail: paragraphs, emphasis, code, quotes and lists, never an ``<a>``.

    ``links`` and errors as in ``plain_text``. A paragraph that had to be defused loses its emphasis, because an
    address may be spread over several elements; a text of little else than marks becomes one plain paragraph.
    """
    html = "\n".join(_block_html(token, links) for token in tokens(source))
    if is_swollen(source, html):
        html = f'<p dir="auto">{_broken(plain_text(source, links=links))}</p>'
    return engines.clean(html, engines.MAIL, engine="bleach")


def _blocks(blocks: list[Token], links: bool) -> list[str]:
    return [text for token in blocks if (text := _block(token, links))]


def _block(token: Token, links: bool) -> str:
    match token["type"]:
        case "block_quote":
            return _behind("> ", "\n\n".join(_blocks(token["children"], links)))
        case "list":
            return _list(token, links)
        case "block_code":
            return _behind("    ", token["raw"].rstrip("\n"))
        case "thematic_break":
            return "* * *"
        case "blank_line":
            return ""
    return _line(token["children"], links) if "children" in token else str(token["raw"]).strip()


def _behind(mark: str, text: str) -> str:
    return "\n".join((mark + line).rstrip() for line in text.split("\n"))


def _list(token: Token, links: bool) -> str:
    gap = "\n" if token["tight"] else "\n\n"
    attrs = token["attrs"]
    number = attrs.get("start", 1)
    items = []
    for count, item in enumerate(token["children"]):
        mark = f"{number + count}. " if attrs["ordered"] else "- "
        text = gap.join(_blocks(item["children"], links))
        items.append(mark + _behind(" " * len(mark), text).lstrip())
    return gap.join(items)


def _line(children: list[Token], links: bool) -> str:
    return "".join(_piece(token, links) for token in children)


def _piece(token: Token, links: bool) -> str:
    match token["type"]:
        case "linebreak":
            return "\n"
        case "codespan":
            return f"`{token['raw']}`"
        case "link" | "image":
            return _link(token, _line(token["children"], links), links)
    return _line(token["children"], links) if "children" in token else str(token["raw"])


def _link(token: Token, label: str, links: bool) -> str:
    address = browser_form(token["attrs"]["url"])
    if not href(address):
        return label
    shown = address if links else address_text(address)
    if not label or token.get("_autolink") or label in (address, address.removeprefix("mailto:")):
        return label if links and label else shown
    return f"{label} <{shown}>" if links else f"{label} {shown}"


def _block_html(token: Token, links: bool) -> str:
    match token["type"]:
        case "block_quote" | "list" | "list_item":
            return _nest_html(token, links)
        case "block_code":
            code = token["raw"] if links else defused(token["raw"])
            return f'<pre dir="auto"><code>{escape(code)}</code></pre>'
        case "thematic_break":
            return "<p>* * *</p>"
        case "blank_line":
            return ""
        case "block_text":
            return _line_html(token["children"], links)
        case "heading":
            return f'<p dir="auto"><strong>{_line_html(token["children"], links)}</strong></p>'
    children = token["children"] if "children" in token else [{"type": "text", "raw": token["raw"].strip()}]
    return f'<p dir="auto">{_line_html(children, links)}</p>'


def _nest_html(token: Token, links: bool) -> str:
    inner = "\n".join(_block_html(child, links) for child in token["children"])
    if token["type"] == "list":
        tag = "ol" if token["attrs"]["ordered"] else "ul"
    else:
        tag = "blockquote" if token["type"] == "block_quote" else "li"
    return f'<{tag} dir="auto">{inner}</{tag}>'


def _line_html(children: list[Token], links: bool) -> str:
    plain = _line(children, links)
    if not links and (harmless := defused(plain)) != plain:
        return _broken(harmless)
    return "".join(_piece_html(token, links) for token in children)


def _piece_html(token: Token, links: bool) -> str:
    kind = token["type"]
    if kind == "linebreak":
        return "<br>\n"
    if kind == "codespan":
        return f"<code>{escape(token['raw'])}</code>"
    if kind in ("emphasis", "strong"):
        tag = "em" if kind == "emphasis" else "strong"
        return f"<{tag}>{''.join(_piece_html(child, links) for child in token['children'])}</{tag}>"
    return _broken(_piece(token, links))


def _broken(text: str) -> str:
    return escape(text).replace("\n", "<br>\n")
