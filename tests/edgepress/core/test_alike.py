"""The one table of limits for "do two files answer alike?"."""

import pytest

from benchmarks.gates.verdicts import parse_all
from edgepress.core import alike


@pytest.mark.parametrize(
    ("probs", "flipped", "same"),
    [
        (1e-3, 0.002, True),
        (1.1e-3, 0.0, False),
        (0.0, 0.0021, False),
        (float("nan"), 0.0, False),
        (0.0, float("nan"), False),
    ],
)
def test_both_differences_count(probs: float, flipped: float, same: bool) -> None:
    assert alike.REWRITTEN.holds(probs, flipped) is same


def test_a_limit_is_a_pair_of_gates() -> None:
    parity, flipped = parse_all(alike.REWRITTEN.gates)
    assert (parity.metric, parity.op, parity.limit) == ("parity", "<=", 1e-3)
    assert (flipped.metric, flipped.op, flipped.limit) == ("flipped", "<=", 0.002)


def test_what_lies_further_apart_may_differ_by_more() -> None:
    order = (alike.ROUNDING, alike.KERNELS, alike.REWRITTEN, alike.PREPARED, alike.HALF)
    limits = [limit.probs for limit in (*order, alike.INTEGERS)]
    assert limits == sorted(set(limits))
    for name, here in alike.OTHER_CPU.items():
        assert here.probs <= alike.OTHER_RUNTIME[name].probs
