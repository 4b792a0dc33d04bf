"""The picture beside a comment: a pattern of five by five that tells people apart, drawn without asking anybody."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from markupsafe import Markup

from ..tokens import Keys, keyed_hash

_SIDE = 5
# Each stands out by 3:1 and more from white and from near-black: one picture serves light and dark pages.
COLOURS = ("#c53", "#973", "#682", "#583", "#385", "#389", "#57c", "#67c", "#86c", "#a5c", "#b4b", "#c49")
_FEW = 6
# Lines as thick as a row is high: they say the same as boxes in half the bytes. The colour stands outside,
# where the sheet takes it for the ground too, and where rules of a host for `svg path` do not reach it.
_SVG = (
    '<svg class="forum-avatar" viewBox="0 {1:.2g} 5 5" color="{0}" aria-hidden="true">'
    '<path stroke="currentColor" d="{2}"/></svg>'
)


def identicon(keys: Keys, author: str | None, name: str) -> Markup:
    """An SVG that is the same for one name of one ``author``: an account or a browser, None where neither is known.

    It knows no address: anybody may type one, and would see by the picture whose it is. Nor does it show that two
    names are one person's.
    """
    seed = f"{author or ''}:{name.casefold()}"
    digest = int(keyed_hash(keys, "avatar", seed)[:12], 16)
    bits, colour = digest % 2**15, COLOURS[(digest >> 15) % len(COLOURS)]
    # A few lone dots are no picture: they change places with the ground.
    bits ^= (2**15 - 1) * (bits.bit_count() < _FEW)
    rows = [bits >> 3 * y & 7 for y in range(_SIDE)]
    filled = [y for y, row in enumerate(rows) if row]
    return Markup(_SVG).format(colour, (filled[0] + filled[-1] - _SIDE) / 2, _path(rows))


def _path(rows: Sequence[int]) -> Markup:
    return Markup("").join(_row(half, y) for y, half in enumerate(rows))


def _row(half: int, y: int) -> str:
    """The runs of one row; its left half and the middle are bits, its right half mirrors the left."""
    cells = [half >> min(x, _SIDE - 1 - x) & 1 for x in range(_SIDE)]
    runs = (list(run) for filled, run in groupby(range(_SIDE), cells.__getitem__) if filled)
    return "".join(f"M{run[0]} {y}h{len(run)}" for run in runs)
