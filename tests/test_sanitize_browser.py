"""The hostile corpus in a real browser, without any Content-Security-Policy to fall back on."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from jinja2 import Environment
from playwright.sync_api import Browser, Dialog, Request, Route
from playwright.sync_api import Error as PlaywrightError

from forum.errors import InvalidDraft
from forum.sanitize import comment_html, mail_html, name, website

VECTORS = Path(__file__).parent / "corpus" / "vectors"
ORIGIN = "https://forum.test/"
BATCH = 250
# What people and browsers do to a page, done to each element.
POKES = [
    "click",
    "dblclick",
    "auxclick",
    "contextmenu",
    "mouseover",
    "mouseenter",
    "mousemove",
    "mouseout",
    "pointerenter",
    "pointerover",
    "pointerdown",
    "focus",
    "focusin",
    "blur",
    "keydown",
    "keyup",
    "input",
    "change",
    "copy",
    "paste",
    "drag",
    "dragstart",
    "drop",
    "wheel",
    "scroll",
    "toggle",
    "beforetoggle",
    "animationstart",
    "animationend",
    "transitionend",
    "load",
    "error",
    "submit",
    "reset",
    "select",
    "touchstart",
    "cancel",
    "close",
]

SETUP = """
window.__x = window.alert = window.confirm = window.prompt = window.print = window.open =
  () => { console.log("fired"); return null; };
"""
POKE = """(pokes) => {
  const safe = /^(https?|mailto):$/;
  document.addEventListener("click", (event) => {
    const link = event.target.closest && event.target.closest("a");
    if (link && safe.test(link.protocol)) event.preventDefault();
  });
  for (const element of document.querySelectorAll("body, body *"))
    for (const poke of pokes) element.dispatchEvent(new Event(poke, {bubbles: false, cancelable: true}));
  for (const link of document.querySelectorAll("a")) link.click();
  location.hash = "x";
}"""
FOREIGN = """() => {
  const tags = "P BR STRONG B EM I A CODE PRE BLOCKQUOTE UL OL LI HR".split(" ");
  const found = [];
  for (const element of document.querySelectorAll("*")) {
    if (element.matches("html, head, meta[charset], title, body, main, main > section, [data-frame]")) continue;
    const tag = element.tagName;
    if (!tags.includes(tag)) found.push(tag);
    for (const {name, value} of element.attributes) {
      const fine = (name === "dir" && value === "auto") || (tag === "OL" && name === "start" && /^\\d+$/.test(value))
        || (tag === "A" && name === "rel" && /^(nofollow ugc )?noopener$/.test(value))
        || (tag === "A" && name === "href" && /^(https?|mailto):$/.test(element.protocol));
      if (!fine) found.push(`${tag} ${name}=${value}`);
    }
  }
  if (!document.querySelector("main")) found.push("page replaced");
  return found;
}"""
MUST_FIRE = {
    "script": "<script>__x()</script>",
    "dialog": "<script>alert(1)</script>",
    "handler": "<img src=x onerror=__x()>",
    "poked handler": "<p onmouseover=__x()>t</p>",
    "script error": "<script>no_such_name()</script>",
    "link that runs": '<a href="javascript:__x()">t</a>',
    "link that replaces the page": '<a href="javascript:`1 forged`">t</a>',
    "foreign load": "<img src=https://evil.invalid/x.png>",
    "navigation": "<meta http-equiv=refresh content='0;url=https://evil.invalid/'>",
    "element outside the list": "<section><form></form></section>",
    "attribute outside the list": "<p id=clobbered>t</p>",
    "scheme outside the list": '<a href="ftp://h.invalid/" rel="noopener">t</a>',
}
FIELDS = Environment(autoescape=True).from_string(
    """<p data-frame title="{{ name }}">{{ name }}</p><p data-frame title='{{ name }}'>t</p>"""
    """{% if website %}<a href="{{ website }}" rel="nofollow ugc noopener">{{ website }}</a>{% endif %}"""
)


def vectors() -> list[str]:
    """Return our own vectors, and those of further lists in the directory ``FORUM_TEST_CORPUS``."""
    folders = [VECTORS, *map(Path, filter(None, [os.environ.get("FORUM_TEST_CORPUS")]))]
    files = [file for folder in folders for file in sorted(folder.glob("*.json"))]
    return list(dict.fromkeys(vector for file in files for vector in json.loads(file.read_text(encoding="utf-8"))))


def findings(browser: Browser, parts: list[str]) -> list[str]:
    """Return all that went wrong on a page of these parts: what ran, loaded, moved or should not be there."""
    body = "".join(f"<section>{part}</section>\n" for part in parts)
    page_html = f"<!doctype html><meta charset=utf-8><title>t</title><body><main>{body}</main>"
    found: list[str] = []

    def serve(route: Route, request: Request) -> None:
        if request.url == ORIGIN:
            route.fulfill(body=page_html, content_type="text/html; charset=utf-8")
        elif request.url == ORIGIN + "favicon.ico":
            route.abort()
        else:
            found.append(f"request {request.url[:200]}")
            route.abort()

    def dismiss(dialog: Dialog) -> None:
        found.append("dialog")
        dialog.dismiss()

    page = browser.new_page()
    page.add_init_script(SETUP)
    page.on("console", lambda message: found.append(message.text) if message.text == "fired" else None)
    page.on("pageerror", lambda error: found.append(f"script error {error}"))
    page.on("dialog", dismiss)
    page.route("**/*", serve)
    page.goto(ORIGIN)
    try:
        found += page.evaluate(FOREIGN)
        page.evaluate(POKE, POKES)
        # Back only when what the pokes set going has had its turn.
        page.evaluate("() => new Promise((done) => requestAnimationFrame(() => setTimeout(done, 50)))")
        found += page.evaluate("() => document.querySelector('main') ? [] : ['page replaced']")
    except PlaywrightError as error:
        found.append(f"page replaced: {error.message}")
    page.close()
    return found


def fields(vector: str) -> str:
    """Return ``vector`` as name and website, in the places where templates print them."""
    try:
        shown = name(vector)
    except InvalidDraft:
        shown = vector
    try:
        address = website(vector)
    except InvalidDraft:
        address = None
    return FIELDS.render(name=shown, website=address)


def rendered(vector: str, engine: str) -> str:
    try:
        return comment_html(vector, engine=engine)
    except InvalidDraft:
        return ""


def mailed(vector: str, links: bool) -> str:
    try:
        return mail_html(vector, links=links)
    except InvalidDraft:
        return ""


def batches(parts: list[str]) -> Iterator[list[str]]:
    distinct = list(dict.fromkeys(parts))
    for start in range(0, len(distinct), BATCH):
        yield distinct[start : start + BATCH]


@pytest.mark.parametrize("kind", MUST_FIRE)
def test_detector_sees_real_attacks(kind: str, browser: Browser) -> None:
    """A page that is really attacked is reported, or the other tests here would prove nothing."""
    assert findings(browser, [MUST_FIRE[kind]])


def test_detector_is_quiet_on_an_honest_page(browser: Browser) -> None:
    """A page of allowed elements and safe links is not reported."""
    honest = '<p dir="auto">a <a href="https://h.invalid/" rel="noopener">b</a></p><ol start="3"><li>c</li></ol>'
    assert findings(browser, [honest]) == []


def test_corpus_is_large() -> None:
    """At least 500 distinct vectors are kept with the tests."""
    assert len(vectors()) >= 500


@pytest.mark.parametrize("engine", ["bleach", "nh3"])
def test_no_comment_runs_or_leaves_the_allow_list(engine: str, browser: Browser) -> None:
    """Whatever is posted as a comment, nothing runs, loads or moves, and nothing outside the allow-list is drawn."""
    for parts in batches([rendered(vector, engine) for vector in vectors()]):
        assert findings(browser, parts) == []


def test_no_mail_part_runs_or_leaves_the_allow_list(browser: Browser) -> None:
    """The HTML of a mail is as harmless as that of the page."""
    parts = [mailed(vector, links) for vector in vectors() for links in (True, False)]
    for batch in batches(parts):
        assert "<a" not in "".join(batch)
        assert findings(browser, batch) == []


def test_no_name_or_website_runs(browser: Browser) -> None:
    """A name or a website stays text and a safe link in the places where templates print them."""
    for parts in batches([fields(vector) for vector in vectors()]):
        assert findings(browser, parts) == []
