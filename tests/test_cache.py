"""What is kept in memory, and how much of it."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from forum.cache import ByteCache


def test_the_least_used_goes_first() -> None:
    """Beyond its limit the cache forgets what was not asked for longest."""
    cache = ByteCache(3000)
    for name in ("a", "b"):
        cache.put(name, [b"x" * 1000])
    cache.get("a")
    cache.put("c", [b"x" * 1000])
    assert [cache.get(name) is None for name in ("a", "b", "c")] == [False, True, False]


def test_bytes_are_counted() -> None:
    """However much is put in, the cache never holds more bytes than it may."""
    cache = ByteCache(10_000)
    for n in range(100):
        cache.put(n, [b"x" * 700])
    assert 0 < cache.size <= 10_000


def test_replacing_does_not_count_twice() -> None:
    """The same key put again takes the place of what was there."""
    cache = ByteCache(10_000)
    for _ in range(5):
        cache.put("a", [b"x" * 100])
    once = ByteCache(10_000)
    once.put("a", [b"x" * 100])
    assert cache.size == once.size


def test_too_large_is_not_kept() -> None:
    """One huge page does not push everything else out."""
    cache = ByteCache(2000)
    cache.put("small", [b"x"])
    cache.put("huge", [b"x" * 5000])
    assert cache.get("huge") is None
    assert cache.get("small") == (b"x",)


def test_zero_keeps_nothing() -> None:
    """A limit of 0 switches the cache off and still gives an answer."""
    cache = ByteCache(0)
    assert cache.build("a", lambda: [b"x"]) == (b"x",)
    assert cache.get("a") is None


def test_without_a_limit_nobody_waits() -> None:
    """With a limit of 0 two readers of a page build it beside each other."""
    cache, together = ByteCache(0), threading.Barrier(2, timeout=10)

    def build() -> list[bytes]:
        together.wait()  # breaks, and fails the build, where the other is not let in
        return [b"page"]

    with ThreadPoolExecutor(2) as readers:
        assert list(readers.map(lambda _: cache.build("page", build), range(2))) == [(b"page",)] * 2


class Key:
    """Tells each time somebody looks it up, which they do twice before they wait."""

    def __init__(self) -> None:
        self.lookups = threading.Semaphore(0)

    def __hash__(self) -> int:
        self.lookups.release()
        return 1


def test_what_is_too_large_is_handed_on() -> None:
    """Ten readers who wait for a page too large to be kept get it from the one who built it."""
    cache, built, key = ByteCache(500), [], Key()

    def build() -> list[bytes]:
        built.append(1)
        assert all(key.lookups.acquire(timeout=10) for _ in range(2 * 10))
        return [b"x" * 5000]

    with ThreadPoolExecutor(10) as readers:
        pages = list(readers.map(lambda _: cache.build(key, build), range(10)))
    assert {len(page[0]) for page in pages} == {5000}
    assert len(built) == 1
    assert cache.get(key) is None


def test_a_failed_build_is_tried_by_the_next() -> None:
    """An error reaches who built; whoever asks next builds anew."""
    cache = ByteCache(10_000)
    with pytest.raises(ZeroDivisionError):
        cache.build("page", lambda: [b"x" * (1 // 0)])
    assert cache.build("page", lambda: [b"page"]) == (b"page",)


def test_one_builds_while_others_wait() -> None:
    """Ten readers who miss at once make the page be built once."""
    cache, built, ready = ByteCache(10_000), [], threading.Barrier(10)

    def build() -> list[bytes]:
        built.append(1)
        return [b"page"]

    def read() -> None:
        ready.wait()
        cache.build("page", build)

    readers = [threading.Thread(target=read) for _ in range(10)]
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join()
    assert len(built) == 1
