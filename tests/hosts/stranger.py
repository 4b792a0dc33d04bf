"""A host that never heard of us: a page with everything on it, sheets that mean every element, and a strict policy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Flask, Response, render_template_string

from tests.hosts.one_page import also, one_page

# As strict as browsers know it: nothing inline, and no string becomes markup but through our one policy.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; "
    "base-uri 'none'; require-trusted-types-for 'script'; trusted-types forum"
)

HEAD = """<!doctype html>
<html lang="en" dir="{{ config["HOST_DIR"] }}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>A page of everything</title>
<link rel="icon" href="/files/icon.svg">
<link rel="stylesheet" href="/files/room.css">
<link id="host-sheet" rel="stylesheet" href="/files/host.css">
<script src="/files/host.js" defer></script>
{{ forum_head() }}
</head>
"""
PAGE = (
    HEAD
    + """<body>
<header><a href="/other" class="logo">A stranger</a> <nav><ul><li><a href="/">Home</a></li></ul></nav></header>
<main>
<article><h1>Title</h1><p>Text with <a href="#x">a link</a>, <em>stress</em>, <strong>weight</strong>, <code>code</code>
and <cite>a source</cite> on <time datetime="2026-11-22">a day</time>.</p>
<h2>Part</h2><h3>Smaller part</h3><blockquote><p>Said by another.</p></blockquote><pre>verbatim</pre>
<ol><li>one</li><li>two<ul><li>deep</li></ul></li></ol><dl><dt>term</dt><dd>meaning</dd></dl>
<figure><svg width="20" height="20"><path d="M0 0h9v9z"></path></svg><figcaption>figure</figcaption></figure>
<table><caption>table</caption><thead><tr><th>head</th></tr></thead><tbody><tr><td>cell</td></tr></tbody></table>
<details open><summary>more</summary><p>folded</p></details><hr></article>
<form action="/" method="get"><fieldset><legend>Search</legend><label>Words <input name="q"></label>
<input type="checkbox"><input type="radio"><select><option>one</option></select><textarea>text</textarea>
<button type="button">Go</button></fieldset></form>
<aside class="comment card button badge note title">A host's own words for things.</aside>
</main>
<div id="room">{{ forum_thread("page", title="The page", url="/") }}</div>
<footer><p>Bottom of the page</p></footer>
</body>
</html>
"""
)
OTHER = HEAD + '<body><header><a href="/">To the page</a></header><main><p>Elsewhere.</p></main></body></html>'

# As plain as a form of a host's own can be.
FORM = """<form method="post" action="{{ form.action }}"><input type="hidden" name="stamp" value="{{ form.stamp }}">
<input type="hidden" name="parent" value="{{ form.parent_id }}">
<label>Comment <textarea name="body">{{ form.body }}</textarea></label>
<label>Name <input name="name" value="{{ form.name }}"></label> <button>Post comment</button></form>"""

# Where the thread is put: what a sheet does to the page around it says nothing about the thread.
ROOM = "#room { all: initial !important; display: block !important; max-width: 40rem !important }"
# What sheets of real sites do to bare elements, each worse than usual.
SHEETS: Mapping[str, str] = {
    "elements": """
article, section, header, nav, aside, footer { border: 3px solid red; padding: 2rem; background: pink; float: right }
ol, ul { margin-left: 4rem; list-style: square inside } li { padding: 1rem; float: left; width: 50% }
h1, h2, h3, h4, h5, h6 { font: 700 2.2rem/2 serif; text-transform: uppercase; text-align: center; letter-spacing: .2em }
p { text-align: justify; text-indent: 2rem; margin: 2rem 0 } details { display: none } summary { font-size: 2rem }
a { color: fuchsia; text-decoration: wavy underline; font-weight: 900; display: inline-block; padding: 1rem }
time, cite, bdi, span { font-size: 2rem; color: lime; display: block } blockquote, pre { margin: 4rem; font-size: 2rem }
""",
    "forms": """
form { border: 2px dashed blue; padding: 3rem; display: grid; grid-template-columns: 1fr 1fr }
fieldset { padding: 3rem }
input, select, textarea { width: 50%; height: 5rem; font: 2rem cursive; text-transform: uppercase; appearance: none }
button { width: 100%; background: red; border-radius: 0; margin: 2rem 0; box-shadow: 0 0 9px } label { float: left }
legend { font-size: 3rem } input:focus, textarea:focus, a:focus, button:focus, summary:focus { outline: none }
""",
    "reset": """
* { margin: 0; padding: 0; border: 0; box-sizing: border-box; font: inherit; vertical-align: baseline; min-width: 0 }
ol, ul { list-style: none } a { color: inherit; text-decoration: none } button { all: unset }
""",
    "decorations": """
p::first-letter { font-size: 4rem; float: left }
section::before, li::before, h2::before { content: "§"; font-size: 3rem; display: block }
a::after { content: " (external)"; padding: 2rem } blockquote::before { content: open-quote; font-size: 6rem }
summary::marker { content: "+++ " } li::marker { font-size: 3rem; color: red } button::after { content: " »" }
""",
    "pictures": """
svg, img, video { display: block; width: 100%; height: auto; margin: 2rem auto; border-radius: 9px }
""",
}


def stranger(
    sheet: str = "",
    script: str = "",
    direction: str = "ltr",
    policy: str = POLICY,
    templates: Mapping[str, str] | None = None,
    **config: Any,
) -> Flask:
    """The host, dressed in ``sheet``, with ``templates`` in place of ours; `/other` is a page without a thread."""
    app = one_page(PAGE, HOST_DIR=direction, **config)
    also(app, dict(templates or {}))
    files = {
        "host.css": (sheet, "text/css"),
        "room.css": (ROOM, "text/css"),
        "host.js": (script, "text/javascript"),
        "icon.svg": ("", "image/svg+xml"),
    }
    app.add_url_rule("/other", "other", lambda: render_template_string(OTHER))

    @app.get("/files/<name>")
    def file(name: str) -> Response:
        text, kind = files[name]
        return Response(text, mimetype=kind)

    @app.after_request
    def guard(response: Response) -> Response:
        response.headers["Content-Security-Policy"] = policy
        return response

    return app
