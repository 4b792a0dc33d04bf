"""A plot of stacked bars as plain numbers, for a template that draws it without a style or a script."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any, Final

HEIGHT: Final = 180
_LEFT, _RIGHT, _BOTTOM, _TOP = 34, 10, 22, 8
_GAP: Final = 0.25
_STEPS: Final = 4


@dataclass(frozen=True)
class Piece:
    """One part of a bar: ``kind`` says of what, the rest is where it lies, in units of the view box."""

    kind: str
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True)
class Line:
    """One line across the plot, and the number it stands for."""

    y: float
    number: int


@dataclass(frozen=True)
class Label:
    """A word below a bar, at its middle."""

    x: float
    word: str


@dataclass(frozen=True)
class Plot:
    """All there is to draw, in a view box of ``width`` by ``height``."""

    pieces: Sequence[Piece]
    lines: Sequence[Line]
    labels: Sequence[Label]
    width: float
    left: float = _LEFT
    height: float = HEIGHT


def stacked(bars: Sequence[tuple[str, Mapping[Any, int]]], every: int, width: float) -> Plot:
    """Stack the numbers of each bar, the first one lowest; every ``every``-th bar, counted from the last, is named."""
    top = _ceiling(max((sum(numbers.values()) for _, numbers in bars), default=0))
    step = (width - _LEFT - _RIGHT) / max(1, len(bars))
    pieces = [
        piece
        for place, (_, numbers) in enumerate(bars)
        for piece in _bar(numbers, _LEFT + place * step + step * _GAP / 2, step * (1 - _GAP), top)
    ]
    labels = [
        Label(round(_LEFT + (place + 0.5) * step, 1), word)
        for place, (word, _) in enumerate(bars)
        if (len(bars) - 1 - place) % every == 0
    ]
    lines = [Line(_y(top * number // _STEPS, top), top * number // _STEPS) for number in range(_STEPS + 1)]
    return Plot(pieces, lines, labels, width)


def _bar(numbers: Mapping[Any, int], x: float, width: float, top: int) -> list[Piece]:
    pieces, below = [], 0
    for kind, number in numbers.items():
        if number:
            y = _y(below + number, top)
            pieces.append(Piece(kind, round(x, 1), y, round(width, 1), round(_y(below, top) - y, 1)))
        below += number
    return pieces


def _y(number: float, top: int) -> float:
    return round(_TOP + (HEIGHT - _TOP - _BOTTOM) * (1 - number / top), 1)


def _ceiling(most: int) -> int:
    """The number the highest line stands for: round, and to be parted into whole steps."""
    ceilings = (_STEPS * part * int(10**zeros) for zeros in count() for part in (1, 2, 5))
    return next(many for many in ceilings if many >= most)
