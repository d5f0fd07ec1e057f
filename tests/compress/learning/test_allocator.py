"""malloc keeps freed memory while a network is trained, and not afterwards."""

import ctypes
from contextlib import suppress

import pytest

from compress.learning import allocator

TRIM_THRESHOLD, TOP_PAD, MMAP_THRESHOLD, MMAP_MAX = -1, -2, -3, -4  # malloc.h


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Note what the C library is told instead of telling it."""
    seen: list[object] = []
    functions = {
        "mallopt": lambda name, value: seen.append((name, value)),
        "malloc_trim": lambda pad: seen.append(("trim", pad.value)),
    }
    monkeypatch.setattr(allocator, "_glibc", functions.get)
    return seen


def test_the_usual_is_put_back_and_memory_given_back(told: list[object]) -> None:
    with suppress(ValueError), allocator.freed_memory_kept():
        assert dict(told) == {MMAP_MAX: 0, TRIM_THRESHOLD: 2**31 - 1, TOP_PAD: 2**28}
        told.clear()
        raise ValueError("broken")
    assert told[-1] == ("trim", 0)
    assert dict(told[:-1]) == {
        MMAP_MAX: 65536, MMAP_THRESHOLD: 2**25, TRIM_THRESHOLD: 2**26, TOP_PAD: 2**17,
    }  # fmt: skip


def test_another_c_library_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(allocator.sys, "platform", "darwin")
    monkeypatch.setattr(ctypes, "CDLL", lambda _: pytest.fail("it was asked"))
    with allocator.freed_memory_kept():
        assert allocator._glibc("mallopt") is None


def test_this_one_takes_the_values() -> None:
    mallopt = allocator._glibc("mallopt")
    if mallopt is None:
        pytest.skip("not glibc")
    with allocator.freed_memory_kept():
        assert all(mallopt(name, value) == 1 for name, value in allocator._KEEPING.items())
    assert all(mallopt(name, value) == 1 for name, value in allocator._USUAL.items())
