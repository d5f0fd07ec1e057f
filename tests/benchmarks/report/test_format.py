import math
from collections.abc import Callable

import pytest

from benchmarks.report import format as fmt


@pytest.mark.parametrize(
    ("number", "value", "text"),
    [
        (fmt.size, 13_540_000, "13.5 MB"),
        (fmt.size, 742_000, "742 kB"),
        (fmt.size, 999_999, "1.00 MB"),
        (fmt.size, 12, "12 B"),
        (fmt.duration, 9.02e-3, "9.02 ms"),
        (fmt.duration, 5.2e-4, "520 µs"),
        (fmt.duration, 0.9999e-3, "1.00 ms"),
        (fmt.duration, 2.5, "2.50 s"),
        (fmt.count, 201_600_000, "202 M"),
        (fmt.count, 17, "17"),
        (fmt.score, 0.9104, "0.910"),
        (fmt.score, 0.0, "0.000"),
        (fmt.ratio, 0.371, "0.37×"),
        (fmt.ratio, 123.4, "123×"),
        (fmt.points, -0.0062, "−0.6"),
        (fmt.points, 0.0144, "+1.4"),
        (fmt.points, -0.0001, "0.0"),
        (fmt.drop, 0.0062, "0.6"),
        (fmt.setting, "cpu:2", "cpu, 2 threads"),
        (fmt.setting, "webgpu", "webgpu"),
    ],
)
def test_numbers_have_units_and_three_digits(
    number: Callable[[object], str], value: object, text: str
) -> None:
    assert number(value) == text


@pytest.mark.parametrize("value", [None, math.nan, math.inf])
@pytest.mark.parametrize(
    "number", [fmt.size, fmt.duration, fmt.count, fmt.score, fmt.ratio, fmt.points]
)
def test_what_is_not_there_is_never_zero(
    number: Callable[[float | None], str], value: float | None
) -> None:
    assert number(value) in (fmt.NOT_MEASURED, fmt.UNDEFINED)


def test_intervals_name_their_unit_once() -> None:
    assert fmt.interval((0.889, 0.931)) == "0.889–0.931"
    assert fmt.interval((1.9, 2.1), fmt.ratio) == "1.90–2.10×"
    assert fmt.interval((9e-4, 1.1e-3), fmt.duration) == "900 µs–1.10 ms"
    assert fmt.interval((-0.018, 0.003), fmt.points) == "−1.8 to +0.3"
    assert fmt.interval(None) == ""
    assert fmt.interval((math.nan, 1.0)) == ""


def test_a_factor_below_one_is_turned_over() -> None:
    assert fmt.factor(0.37, "faster", "slower") == "2.70× slower"
    assert fmt.factor(1.0, "faster", "slower") == fmt.UNCHANGED
    assert fmt.change(10, 4, "smaller", "larger") == "2.50× smaller"
    assert fmt.change(None, 4, "smaller", "larger") == ""


@pytest.mark.parametrize(
    ("gate", "value", "text"),
    [
        ("map drop <= 0.01", 0.0073, "0.7 points"),
        ("ap[rain] drop <= 0.01", -0.002, "−0.2 points"),
        ("map >= 0.9", 0.91, "0.910"),
        ("latency speedup >= 2", 2.13, "2.13×"),
        ("latency <= 0.005", 0.0041, "4.10 ms"),
        ("size <= 2000000", 742_000, "742 kB"),
        ("parity <= 0.0001", 3.1e-6, "3.1e−06"),
        ("size <= 2000000", None, "not measured"),
    ],
)
def test_a_gate_is_told_in_the_unit_of_its_metric(
    gate: str, value: float | None, text: str
) -> None:
    assert fmt.measured(gate, value) == text
