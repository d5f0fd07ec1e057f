"""What is tried to make an int8 file faster, in which order."""

from types import SimpleNamespace

import pytest

from export.making.int8 import faster
from export.making.int8.setting import Setting


def test_all_that_lose_time_are_tried_then_the_half_that_lose_most(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Of seven: seven, then four (3.5 is rounded to even)."""
    tried: list[tuple[str, ...]] = []
    monkeypatch.setattr(faster, "_slow_convs", lambda *_: tuple("abcdefg"))
    monkeypatch.setattr(faster, "float_groups", lambda _: {})
    monkeypatch.setattr(
        faster, "_part_in_float", lambda _, best, _part, names: tried.append(names) or best
    )
    workshop = SimpleNamespace(quantizer=SimpleNamespace(shares_ranges=False))
    trials = SimpleNamespace(workshop=workshop, graph=None, over=lambda: False)
    best = SimpleNamespace(speedup=1.0, setting=Setting(kept_float={}))
    assert faster.faster(trials, best) is best
    assert tried == [tuple("abcdefg"), tuple("abcd")]
