"""The colours of our sheet can be read, in both schemes, and what a comment weighs stays within its bounds."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

import pytest

from tests.visitors import Site

SHEET = (Path(__file__).parents[1] / "forum" / "static" / "forum.css").read_text()
PAGES = {"light": ("#ffffff", "#1a1a1a"), "dark": ("#16181d", "#e8e8e8")}
_PAIR = re.compile(r"--_([a-z-]+): var\(--forum-[a-z-]+, light-dark\((#[0-9a-f]+), (#[0-9a-f]+)\)\)")
_MIXED = re.compile(r"--_([a-z-]+): var\(--forum-[a-z-]+, color-mix\(in srgb, currentColor (\d+)%, transparent\)\)")

Colour = tuple[float, ...]


def read(colour: str) -> Colour:
    """The three parts of #rgb or #rrggbb, from 0 to 1."""
    digits = colour[1:] if len(colour) == 7 else "".join(digit * 2 for digit in colour[1:])
    return tuple(int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4))


def tokens(scheme: str) -> dict[str, Colour]:
    """Every colour of the sheet as it looks on the page of a host with this scheme."""
    page, ink = map(read, PAGES[scheme])
    found = {name: read(light if scheme == "light" else dark) for name, light, dark in _PAIR.findall(SHEET)}
    for name, percent in _MIXED.findall(SHEET):
        share = int(percent) / 100
        found[name] = tuple(share * top + (1 - share) * below for top, below in zip(ink, page, strict=True))
    return found | {"page": page, "ink": ink}


def contrast(one: Colour, other: Colour) -> float:
    """How much two colours differ, as WCAG counts it."""

    def luminance(colour: Colour) -> float:
        red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in colour)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    dark, light = sorted((luminance(one) + 0.05, luminance(other) + 0.05))
    return light / dark


@pytest.mark.parametrize("scheme", PAGES)
@pytest.mark.parametrize(
    ("text", "ground"),
    [
        *((text, ground) for text in ("ink", "muted", "accent") for ground in ("page", "surface", "highlight")),
        *(("error", "page"), ("waiting", "page"), ("waiting", "highlight"), ("on-accent", "accent")),
    ],
)
def test_text_can_be_read(scheme: str, text: str, ground: str) -> None:
    """Each colour of text has 4.5:1 on each ground it stands on."""
    colours = tokens(scheme)
    assert contrast(colours[text], colours[ground]) >= 4.5


@pytest.mark.parametrize("scheme", PAGES)
@pytest.mark.parametrize("edge", ["control", "accent", "error"])
def test_controls_can_be_seen(scheme: str, edge: str) -> None:
    """The borders of fields and buttons, and the ring of the focus, have 3:1."""
    colours = tokens(scheme)
    assert contrast(colours[edge], colours["page"]) >= 3


def test_a_comment_weighs_little(site: Site) -> None:
    """Around 300 characters of text, a comment is at most 900 bytes of markup, and 130 on the wire among others."""
    words = "A comment of ordinary length, as people write them under a page that they liked. "
    for number in range(41):
        site.comment(f"{number} {words * 4}"[:300], name=f"Person {number}", email=f"p{number}@reader.example")
    page = site.visitor().get(site.page).data
    parts = page.partition(b'<li id="comment-2"')[2].partition(b"</ol>")[0]
    assert len(parts) / 40 - 300 <= 900
    assert len(gzip.compress(parts)) / 40 <= 130
