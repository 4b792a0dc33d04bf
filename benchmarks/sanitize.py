"""CPU time of the hardest known texts through ``comment_html``: ``python -m benchmarks.sanitize [SIZE]``.

Each shape is a few strings repeated to the size asked for (10,000 characters); the best of three runs counts.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from forum.errors import InvalidDraft
from forum.sanitize import comment_html

SHAPES = Path(__file__).parent.parent / "tests" / "corpus" / "shapes.json"


def text(parts: list[tuple[str, float]], size: int) -> str:
    """Return the strings of ``parts``, each repeated to its share of ``size``; a share of 0 means once."""
    return "".join(part * int(size * share / len(part)) if share else part for part, share in parts)[:size]


def main() -> None:
    """Print shape, size, CPU in milliseconds and bytes out, dearest first."""
    size = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    shapes = json.loads(SHAPES.read_text(encoding="utf-8"))
    rows = sorted((_measured(shape["name"], text(shape["parts"], size)) for shape in shapes), reverse=True)
    print(f"{'shape':<52} {'size':>7} {'CPU ms':>8} {'bytes out':>10}")
    for cpu, name, given, out in rows:
        print(f"{name:<52} {given:>7} {cpu:>8.1f} {out:>10}")


def _measured(name: str, source: str) -> tuple[float, str, int, str]:
    took = []
    out = "refused"
    for _ in range(3):
        start = time.process_time()
        try:
            out = str(len(comment_html(source).encode()))
        except InvalidDraft:
            out = "refused"
        took.append(time.process_time() - start)
    return min(took) * 1000, name, len(source), out


if __name__ == "__main__":
    main()
