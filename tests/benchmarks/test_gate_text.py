"""The gate language."""

import pytest

from benchmarks.gate_text import LABEL_METRICS, OPS, parse
from compress.core.errors import UserError
from compress.core.gates import Gate


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
