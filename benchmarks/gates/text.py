"""The language of gates: `map drop <= 0.01 vs teacher`, `latency p50 <= 5ms`, `size <= 2MB`."""

import re
from collections.abc import Iterable
from typing import Literal, cast

from edgepress.core.errors import UserError, unknown_name
from edgepress.core.gates import Gate, Verdict

Form = Literal["value", "drop", "speedup", "ratio"]
Op = Literal["<=", ">="]

OPS: dict[tuple[str, str], Op] = {
    ("map", "value"): ">=",
    ("map", "drop"): "<=",
    ("ap", "value"): ">=",
    ("ap", "drop"): "<=",
    ("worst_ap", "drop"): "<=",
    ("robust_map", "drop"): "<=",
    ("drifting", "value"): "<=",
    ("agreement", "value"): ">=",
    ("cf1", "value"): ">=",
    ("cf1", "drop"): "<=",
    ("of1", "value"): ">=",
    ("of1", "drop"): "<=",
    ("recall", "value"): ">=",
    ("recall", "drop"): "<=",
    ("precision", "value"): ">=",
    ("precision", "drop"): "<=",
    ("ece", "value"): "<=",
    ("chance", "value"): "<=",
    ("latency", "value"): "<=",
    ("latency", "speedup"): ">=",
    ("size", "value"): "<=",
    ("size", "ratio"): "<=",
    ("peak_rss", "value"): "<=",
    ("peak_rss", "ratio"): "<=",
    ("macs", "value"): "<=",
    ("macs", "ratio"): "<=",
    ("params", "value"): "<=",
    ("params", "ratio"): "<=",
    ("int8_convs", "value"): ">=",
    ("float_time", "value"): "<=",
    ("qdq_nodes", "value"): "<=",
    ("parity", "value"): "<=",
    ("flipped", "value"): "<=",
}
"""Every metric with its forms, and the one direction in which a demand on it makes sense."""

LABEL_METRICS = ("ap", "recall", "precision")
"""Metrics of one label, which stands in brackets."""

THRESHOLD_METRICS = ("agreement", "cf1", "of1", "recall", "precision")
"""Metrics that other thresholds change."""

COSTS = ("latency", "size", "peak_rss", "macs", "params", "int8_convs", "float_time", "qdq_nodes")
"""Metrics of what a model takes, which say nothing of what it finds."""

_BYTES = {"B": 1.0, "kB": 1e3, "MB": 1e6, "GB": 1e9, "KiB": 2.0**10, "MiB": 2.0**20}
_UNITS = {
    "latency": {"s": 1.0, "ms": 1e-3, "us": 1e-6},
    "size": _BYTES,
    "peak_rss": _BYTES,
    "map": {"%": 1e-2},
    "ap": {"%": 1e-2},
    "worst_ap": {"%": 1e-2},
    "robust_map": {"%": 1e-2},
    "drifting": {"%": 1e-2},
    "agreement": {"%": 1e-2},
    **{name: {"%": 1e-2} for name in ("cf1", "of1", "recall", "precision", "ece", "chance")},
    "float_time": {"%": 1e-2},
}
_SYNTAX = re.compile(
    r"(?P<metric>[A-Za-z0-9_]+)(?:\[(?P<label>[^\]]+)\])?"
    r"(?:\s+(?P<form>[a-z0-9]+))?"
    r"\s*(?P<op><=|>=)\s*(?P<number>[-+]?[0-9.]+(?:[eE][-+]?[0-9]+)?)\s*(?P<unit>[A-Za-z%]*)"
    r"(?:\s+vs\s+(?P<against>\S.*?))?"
)
_EXAMPLES = "'map drop <= 0.01', 'ap[LABEL] drop <= 0.05', 'latency speedup >= 2', 'size <= 2MB'"


def parse(text: str) -> Gate:
    """Read a gate; numbers are in base units (seconds, bytes, shares) unless a unit is written.

    Raises:
        UserError: no such metric, form or unit, or the demand points the wrong way.

    >>> str(parse("latency p50 <= 5ms"))
    'latency <= 0.005'
    """
    found = _SYNTAX.fullmatch(text.strip())
    if found is None:
        raise UserError("The gate cannot be read", got=text, allowed=f"for example {_EXAMPLES}")
    metric, label, written, op = found.group("metric", "label", "form", "op")
    form = _form(metric, written)
    if OPS[metric, form] != op:
        raise UserError("The gate points the wrong way", got=text, allowed=OPS[metric, form])
    if (metric in LABEL_METRICS) != (label is not None):
        raise UserError(
            "A label in brackets belongs to the metrics ap, recall and precision, and only to them",
            got=text,
            allowed="ap[LABEL], recall[LABEL], precision[LABEL]; map or cf1 for all labels",
        )
    limit = _number(text, found.group("number")) * _factor(metric, form, found.group("unit"))
    if form == "speedup" and limit <= 0:
        raise UserError("A speed-up is a positive factor", got=text, allowed="above 0, e.g. 2")
    return Gate(
        metric=f"{metric}[{label}]" if label else metric,
        form=form,
        op=OPS[metric, form],
        limit=limit,
        against=found.group("against"),
    )


def tells_accuracy(text: str) -> bool:
    """Tell whether a gate, as it is written, is about what a model finds.

    >>> tells_accuracy("ap[crack] drop <= 0.05"), tells_accuracy("macs ratio <= 0.5")
    (True, False)
    """
    metric = text.split()[0].partition("[")[0]
    return metric not in (*COSTS, "ece", "chance", "drifting")


def base_metric(gate: Gate) -> str:
    """Return the metric without its label.

    >>> base_metric(parse("ap[crack] drop <= 0.05"))
    'ap'
    """
    return gate.metric.partition("[")[0]


def label_of(gate: Gate) -> str | None:
    """Return the label in brackets.

    >>> label_of(parse("ap[crack] drop <= 0.05"))
    'crack'
    """
    return gate.metric.partition("[")[2].removesuffix("]") or None


def _form(metric: str, written: str | None) -> Form:
    metrics = {name for name, _ in OPS}
    if metric not in metrics:
        raise unknown_name("gate metric", metric, metrics)
    forms = [form for name, form in OPS if name == metric]
    form = "value" if written is None or (metric, written) == ("latency", "p50") else written
    if form not in forms:
        raise unknown_name(f"form of the gate metric {metric}", form, forms)
    return cast(Form, form)


def _number(text: str, number: str) -> float:
    try:
        return float(number)
    except ValueError:
        raise UserError(f"The gate's limit is not a number: {number}", got=text) from None


def _factor(metric: str, form: Form, unit: str) -> float:
    """Return what one `unit` is in base units; ratios and speed-ups have none."""
    units = _UNITS.get(metric, {}) if form in ("value", "drop") else {}
    if not unit:
        return 1.0
    if unit not in units:
        raise unknown_name(f"unit of the gate metric {metric}", unit, units)
    return units[unit]


def lasting(verdicts: Iterable[Verdict]) -> tuple[Verdict, ...]:
    """Return the verdicts that still hold when thresholds and calibration are learnt again."""
    passing = (*THRESHOLD_METRICS, "ece")
    return tuple(one for one in verdicts if one.gate.split()[0].partition("[")[0] not in passing)
