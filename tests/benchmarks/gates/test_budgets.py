"""A budget is a limit with a unit, and becomes the gate that judges it."""

import pytest

from benchmarks.gates import text
from benchmarks.gates.budgets import parse
from edgepress.core.errors import UserError


@pytest.mark.parametrize(
    ("written", "gate", "limit"),
    [
        ("latency <= 5ms", "latency <= 0.005", 0.005),
        ("latency p50<=5 ms", "latency <= 0.005", 0.005),
        ("latency p90 <= 8ms", "latency p90 <= 0.008", 0.008),
        ("latency <= 40%", "latency speedup >= 2.5", 0.4),
        ("size <= 2MB", "size <= 2000000", 2e6),
        ("size <= 10 %", "size ratio <= 0.1", 0.1),
        ("macs <= 30%", "macs ratio <= 0.3", 0.3),
        ("macs <= 100M", "macs <= 100000000", 1e8),
        ("params <= 1.5e6", "params <= 1500000", 1.5e6),
        ("params <= 20k", "params <= 20000", 2e4),
        ("peak_rss <= 120MiB", "peak_rss <= 125829120", 120 * 2**20),
        ("peak_rss <= 50%", "peak_rss ratio <= 0.5", 0.5),
    ],
)
def test_a_budget_becomes_a_gate(written: str, gate: str, limit: float) -> None:
    found = parse([written])
    assert found.gates == (gate,)
    assert found.each[0].limit == pytest.approx(limit, rel=1e-12)
    assert found.each[0].relative == written.endswith("%")
    assert str(text.parse(gate)) == gate


@pytest.mark.parametrize(
    ("written", "value", "told"),
    [
        ("macs <= 50%", 0.31234, "31.2%"),
        ("macs <= 50%", 0.50004, "50.004%"),
        ("macs <= 50%", 0.49996, "50%"),
        ("macs <= 50%", 0.5, "50%"),
        ("macs <= 3.1M", 3_100_001, "3,100,001"),
        ("size <= 2MB", 1_234_567, "1,230,000 bytes"),
        ("latency <= 2ms", 0.0020004, "2.0004 ms"),
        ("latency p90 <= 8ms", 0.0071234, "7.12 ms"),
    ],
)
def test_a_figure_is_never_rounded_to_the_other_side_of_the_limit(
    written: str, value: float, told: str
) -> None:
    assert parse([written]).each[0].told(value) == told


@pytest.mark.parametrize(
    ("written", "message"),
    [
        (["sizes <= 2MB"], "Unknown metric of a budget.*did you mean 'size'"),
        (["map <= 1"], "Unknown metric of a budget"),
        (["size <= 0"], "no limit"),
        (["size <= -1MB"], "no limit"),
        (["size <= 1e999"], "no limit"),
        (["latency <= 101%"], "up to 100%"),
        (["size <= 1.2.3"], "not a number"),
        (["size >= 2MB"], "cannot be read"),
        (["size"], "cannot be read"),
        (["size <= 2 parsec"], "Unknown unit of the budget size"),
        (["macs <= 3MB"], "Unknown unit of the budget macs.*did you mean 'M'"),
        (["latency p90 <= 40%"], "the median latency"),
        (["latency speedup <= 2"], "limits the file itself"),
        (["macs p50 <= 3"], "limits the file itself"),
        (["size <= 2MB", "size <= 10%"], "Two budgets limit the same thing"),
        (["latency <= 2ms", "latency p50 <= 3ms"], "Two budgets limit the same thing"),
        (["latency p90 <= 4ms", "latency <= 5ms"], "contradict"),
    ],
)
def test_what_is_no_budget_is_refused(written: list[str], message: str) -> None:
    with pytest.raises(UserError, match=message):
        parse(written)


def test_several_budgets_stand_together() -> None:
    found = parse(["latency <= 5ms", "latency p90 <= 5ms", "size <= 10%"])
    assert len(found.each) == 3
    assert found.about("latency") == found.each[:2]
    assert bool(found)
    assert not parse([])
