"""The gate language."""

import pytest
from verdicts import KNOWN, LABEL_METRICS, OPS

from benchmarks.gates.standing import lasting
from benchmarks.gates.text import (
    base_metric,
    examples,
    label_of,
    parse,
    tells_accuracy,
)
from edgepress.core.errors import UserError
from edgepress.core.gates import Gate, Verdict


@pytest.mark.parametrize(
    ("text", "gate"),
    [
        ("map drop <= 0.01", Gate(metric="map", form="drop", op="<=", limit=0.01)),
        ("map drop<=1%", Gate(metric="map", form="drop", op="<=", limit=0.01)),
        ("map >= 0.8", Gate(metric="map", op=">=", limit=0.8)),
        ("cf1 drop <= 1%", Gate(metric="cf1", form="drop", op="<=", limit=0.01)),
        ("recall[a b] >= 90%", Gate(metric="recall[a b]", op=">=", limit=0.9)),
        ("ece <= 0.05", Gate(metric="ece", op="<=", limit=0.05)),
        ("ap[a b] drop <= 0.05", Gate(metric="ap[a b]", form="drop", op="<=", limit=0.05)),
        ("latency speedup >= 2", Gate(metric="latency", form="speedup", op=">=", limit=2)),
        ("latency p50 <= 5ms", Gate(metric="latency", op="<=", limit=0.005)),
        ("latency <= 0.005", Gate(metric="latency", op="<=", limit=0.005)),
        ("size ratio <= 0.1", Gate(metric="size", form="ratio", op="<=", limit=0.1)),
        ("size <= 2MB", Gate(metric="size", op="<=", limit=2e6)),
        ("size <= 2 MiB", Gate(metric="size", op="<=", limit=2 * 2**20)),
        ("macs ratio <= .5", Gate(metric="macs", form="ratio", op="<=", limit=0.5)),
        ("params <= 1e6", Gate(metric="params", op="<=", limit=1e6)),
        ("int8_convs >= 1", Gate(metric="int8_convs", op=">=", limit=1)),
        ("parity <= 0.001", Gate(metric="parity", op="<=", limit=0.001)),
        (
            "flipped <= 0.001 vs my model",
            Gate(metric="flipped", op="<=", limit=0.001, against="my model"),
        ),
    ],
)
def test_grammar(text: str, gate: Gate) -> None:
    assert parse(text) == gate
    again = parse(str(gate))
    assert again.limit == pytest.approx(gate.limit, rel=1e-5)
    assert again.model_copy(update={"limit": gate.limit}) == gate


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("mop drop <= 0.01", "did you mean 'map'"),
        ("map speedup >= 2", "Unknown form of the gate metric map"),
        ("map drop >= 0.01", "points the wrong way"),
        ("latency speedup <= 2", "points the wrong way"),
        ("ap drop <= 0.01", "ap\\[LABEL\\]"),
        ("map[a] drop <= 0.01", "belongs to the metrics ap"),
        ("recall >= 0.9", "recall\\[LABEL\\]"),
        ("cf1[a] >= 0.9", "or cf1 for all labels"),
        ("ece >= 0.05", "points the wrong way"),
        ("size <= 2 parsec", "Unknown unit"),
        ("size ratio <= 2 MB", "Unknown unit"),
        ("latency speedup >= 0", "positive"),
        ("map drop <= 1.2.3", "not a number"),
        ("map drop", "cannot be read"),
        ("", "cannot be read"),
    ],
)
def test_bad_gates_say_what_is_allowed(text: str, message: str) -> None:
    with pytest.raises(UserError, match=message) as caught:
        parse(text)
    assert "Allowed" in str(caught.value) or "Got" in str(caught.value)


def test_every_metric_parses_in_every_form() -> None:
    for (metric, form), op in OPS.items():
        name = f"{metric}[x]" if metric in LABEL_METRICS else metric
        written = "" if form == "value" else f" {form}"
        assert parse(f"{name}{written} {op} 1").form == form


AT_LEAST = [
    "map value",
    "ap value",
    "agreement value",
    "cf1 value",
    "of1 value",
    "recall value",
    "precision value",
    "latency speedup",
    "int8_convs value",
]
AT_MOST = [
    "map drop",
    "ap drop",
    "worst_ap drop",
    "robust_map drop",
    "drifting value",
    "cf1 drop",
    "of1 drop",
    "recall drop",
    "precision drop",
    "ece value",
    "latency value",
    "size value",
    "size ratio",
    "peak_rss value",
    "peak_rss ratio",
    "macs value",
    "macs ratio",
    "params value",
    "params ratio",
    "float_time value",
    "qdq_nodes value",
    "parity value",
    "flipped value",
]


def written(metric: str) -> str:
    """Return a metric as it is written, with a label where it takes one."""
    return f"{metric}[crack]" if metric in ("ap", "recall", "precision") else metric


def test_each_demand_points_the_way_in_which_it_makes_sense() -> None:
    demands = {(*demand.split(), ">=") for demand in AT_LEAST}
    demands |= {(*demand.split(), "<=") for demand in AT_MOST}
    assert {(metric, form, op) for (metric, form), op in OPS.items()} >= demands


@pytest.mark.parametrize(
    ("demands", "right", "wrong"), [(AT_LEAST, ">=", "<="), (AT_MOST, "<=", ">=")]
)
def test_the_other_way_is_refused(demands: list[str], right: str, wrong: str) -> None:
    for demand in demands:
        metric, form = demand.split()
        text = written(metric) + ("" if form == "value" else f" {form}")
        gate = parse(f"{text} {right} 0.5")
        assert (base_metric(gate), gate.form, gate.op, gate.limit) == (metric, form, right, 0.5)
        with pytest.raises(UserError, match="points the wrong way"):
            parse(f"{text} {wrong} 0.5")


BYTES = {"B": 1, "kB": 1000, "MB": 1000**2, "GB": 1000**3, "KiB": 1024, "MiB": 1024**2}
SHARES = (
    "map", "map drop", "ap", "ap drop", "worst_ap drop", "robust_map drop", "drifting", "agreement",
    "cf1", "cf1 drop", "of1", "recall", "recall drop", "precision", "precision drop", "ece",
    "float_time",
)  # fmt: skip
UNITS = [
    *(("latency", unit, factor) for unit, factor in (("s", 1), ("ms", 1e-3), ("us", 1e-6))),
    *((metric, unit, factor) for metric in ("size", "peak_rss") for unit, factor in BYTES.items()),
    *((metric, "%", 0.01) for metric in SHARES),
]


@pytest.mark.parametrize(("demand", "unit", "factor"), UNITS)
def test_units(demand: str, unit: str, factor: float) -> None:
    metric, _, form = demand.partition(" ")
    op = OPS[metric, form or "value"]
    text = f"{written(metric)} {form}".strip()
    for space in ("", " "):
        assert parse(f"{text} {op} 3{space}{unit}").limit == pytest.approx(3 * factor, rel=1e-12)


@pytest.mark.parametrize(
    "text",
    [
        "map >= 1 MB", "latency <= 1 %", "size <= 1 s", "latency <= 1 m", "size <= 1 mb",
        "latency speedup >= 2 %", "latency speedup >= 2 s", "macs ratio <= 50 %", "macs <= 1 %",
        "size ratio <= 1 %", "params <= 1 MB", "parity <= 1 %", "int8_convs >= 1 %",
    ],
)  # fmt: skip
def test_units_of_other_things_are_refused(text: str) -> None:
    with pytest.raises(UserError, match="Unknown unit of the gate metric"):
        parse(text)


@pytest.mark.parametrize(
    ("text", "metric", "label"),
    [
        ("ap[crack] drop <= 5%", "ap", "crack"),
        ("recall[a b] >= 0.9", "recall", "a b"),
        ("precision[x[y] >= 0.9", "precision", "x[y"),
        ("map drop <= 5%", "map", None),
    ],
)
def test_labels(text: str, metric: str, label: str | None) -> None:
    gate = parse(text)
    assert (base_metric(gate), label_of(gate)) == (metric, label)
    assert gate.metric == (metric if label is None else f"{metric}[{label}]")


@pytest.mark.parametrize("metric", ["ap", "recall", "precision"])
def test_metrics_of_one_label_need_one(metric: str) -> None:
    for form, op in (("", ">="), (" drop", "<=")):
        assert parse(f"{metric}[x]{form} {op} 0.5").metric == f"{metric}[x]"
        with pytest.raises(UserError, match="label in brackets"):
            parse(f"{metric}{form} {op} 0.5")


@pytest.mark.parametrize("metric", ["map", "worst_ap drop", "cf1", "ece", "latency", "size"])
def test_the_others_take_none(metric: str) -> None:
    name, _, form = metric.partition(" ")
    op = OPS[name, form or "value"]
    with pytest.raises(UserError, match="label in brackets"):
        parse(f"{name}[x] {form} {op} 0.5")


@pytest.mark.parametrize(
    ("number", "value"),
    [("1e-3", 0.001), ("+2", 2), ("-0.5", -0.5), (".25", 0.25), ("3.", 3), ("1E2", 100)],
)
def test_numbers(number: str, value: float) -> None:
    assert parse(f"map drop <= {number}").limit == value


def test_a_speed_up_is_above_nothing() -> None:
    assert parse("latency speedup >= 0.001").limit == 0.001
    for number in ("0", "-1"):
        with pytest.raises(UserError, match="positive factor"):
            parse(f"latency speedup >= {number}")
    assert parse("map drop <= -1").limit == -1


def test_p50_is_the_latency_and_of_nothing_else() -> None:
    assert parse("latency p50 <= 1").form == "value"
    for text in ("size p50 <= 1", "latency p99 <= 1", "map p50 >= 1"):
        with pytest.raises(UserError, match="Unknown form"):
            parse(text)


def test_the_reference_is_named_after_vs() -> None:
    assert parse("  map drop <= 1%  vs  my old model ").against == "my old model"
    assert parse("map drop <= 1%").against is None


@pytest.mark.parametrize("metric", sorted(KNOWN))
def test_which_gates_tell_of_accuracy(metric: str) -> None:
    """What a model finds, not what it costs, how sure it is, or where it is used."""
    finds = {
        "map", "ap", "worst_ap", "robust_map", "agreement", "cf1", "of1", "recall", "precision",
        "parity", "flipped",
    }  # fmt: skip
    for form in (one for name, one in OPS if name == metric):
        text = f"{written(metric)} {form} {OPS[metric, form]} 0.5"
        assert tells_accuracy(text) == (metric in finds)


def test_verdicts_of_decisions_end_with_the_thresholds():
    gates = ("map >= 0.8", "recall[a] >= 0.9", "cf1 drop <= 0.1", "ece <= 0.1", "size <= 1MB")
    verdicts = [
        Verdict(gate=one, against=None, outcome="fail", measured=None, reason="") for one in gates
    ]
    assert [one.gate for one in lasting(verdicts)] == ["map >= 0.8", "size <= 1MB"]


def test_help_shows_the_gates_of_a_metric_and_what_to_know_before():
    found = examples(["size", "robust_map"])
    assert found.startswith("`size <= 2MB`, `size ratio <= 0.1`, `robust_map drop <= 0.02` (on 512")
    assert found.endswith("which takes minutes)")
