"""Rendered pieces in memory, bounded in bytes, oldest use first out. Nothing of a visitor belongs here.

Keys carry the version of what was rendered, so entries are never invalidated, only outgrown.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence

from .forks import renew_in_children

# What an entry costs beside its text: key, tuple, links of the ordered dictionary.
_OVERHEAD = 400

Pieces = tuple[bytes, ...]


class _Turn:
    """Who builds, and what came of it, for those who wait."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.pieces: Pieces | None = None


class ByteCache:
    """A least-recently-used cache of byte strings that holds at most ``limit`` bytes; 0 keeps nothing."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self.renew()
        renew_in_children(self)

    def renew(self) -> None:
        """Be empty: a fork may come in the middle of whatever a thread of the parent did."""
        self._size = 0
        self._lock = threading.Lock()
        self._entries: OrderedDict[Hashable, Pieces] = OrderedDict()
        self._builders: dict[Hashable, _Turn] = {}

    def get(self, key: Hashable) -> Pieces | None:
        """The pieces kept under ``key``, or None."""
        with self._lock:
            pieces = self._entries.get(key)
            if pieces is not None:
                self._entries.move_to_end(key)
            return pieces

    def put(self, key: Hashable, pieces: Sequence[bytes]) -> None:
        """Keep ``pieces``, making room by dropping what was not used for longest; too large ones are not kept."""
        kept = tuple(pieces)
        size = _size(kept)
        if size > self._limit:
            return
        with self._lock:
            self._drop(key)
            self._entries[key] = kept
            self._size += size
            while self._size > self._limit:
                self._drop(next(iter(self._entries)))

    def build(self, key: Hashable, builder: Callable[[], Sequence[bytes]]) -> Pieces:
        """The pieces of ``key``, built by one thread while others that ask for the same wait for what it makes."""
        if not self._limit:
            return tuple(builder())
        pieces = self.get(key)
        if pieces is not None:
            return pieces
        with self._lock:
            turn = self._builders.setdefault(key, _Turn())
        with turn.lock:
            # Handed on here and not by the cache: what is too large for it would be built by one after the other.
            if turn.pieces is None:
                turn.pieces = self._built(key, builder)
            return turn.pieces

    @property
    def size(self) -> int:
        """Bytes held at this moment."""
        return self._size

    def _built(self, key: Hashable, builder: Callable[[], Sequence[bytes]]) -> Pieces:
        try:
            pieces = self.get(key)
            if pieces is None:
                pieces = tuple(builder())
                self.put(key, pieces)
            return pieces
        finally:
            with self._lock:
                self._builders.pop(key, None)

    def _drop(self, key: Hashable) -> None:
        pieces = self._entries.pop(key, None)
        if pieces is not None:
            self._size -= _size(pieces)


def _size(pieces: Pieces) -> int:
    return _OVERHEAD + sum(len(piece) for piece in pieces)
