"""What the evidence says about each metric that a gate can name: value, bounds, sentence."""

from collections.abc import Callable
from dataclasses import dataclass

from benchmarks import statistics
from benchmarks.candidates import size_bytes
from benchmarks.gate_text import label_of
from benchmarks.statistics import Interval
from benchmarks.tournament import ratio
from compress.core.artifact import Artifact
from compress.core.errors import unknown_name
from compress.core.gates import Gate
from compress.core.results import EvalResult, LatencyResult

SUSPICIOUS_GAIN = 0.02
"""A candidate that is surely better than its reference by more than this is suspicious."""


@dataclass(frozen=True)
class Subject:
    """A model and what was measured of it; `None` is not measured."""

    artifact: Artifact
    evaluation: EvalResult | None = None
    latency: LatencyResult | None = None


@dataclass(frozen=True)
class Evidence:
    """What a gate is held against."""

    candidate: Subject
    reference: Subject | None = None
    aa: Interval | None = None
    """95% interval of a model's speed-up over itself in the same tournament."""


@dataclass(frozen=True)
class Finding:
    """A measured value, the bounds that decide, and how to say them."""

    measured: float
    bounds: Interval
    ci95: Interval | None
    reason: str


def drop(gate: Gate, evidence: Evidence) -> Finding | None:
    """Return reference minus candidate of mAP or of a label's AP, by paired bootstrap.

    Raises:
        UserError: unknown label, or the two were not measured on the same images.
    """
    ours = evidence.candidate.evaluation
    theirs = evidence.reference.evaluation if evidence.reference else None
    if ours is None or theirs is None:
        return None
    label = _known_label(gate, ours)
    draws = statistics.drop_draws(ours, theirs, label)
    after, before = _ap(ours, label), _ap(theirs, label)
    bounds, ci95 = statistics.bounds(draws), statistics.interval(draws)
    if after is None or before is None or bounds is None or ci95 is None:
        return None
    reason = (
        f"{_what(label)} drops by {100 * (before - after):.2f} points (95% interval "
        f"{100 * ci95[0]:.2f} to {100 * ci95[1]:.2f}, with 95% confidence at most "
        f"{100 * bounds[1]:.2f})"
    )
    if bounds[1] < -SUSPICIOUS_GAIN:
        reason += ", a suspicious gain of surely more than 2 points: look for leaked data"
    return Finding(before - after, bounds, ci95, reason)


def accuracy(gate: Gate, evidence: Evidence) -> Finding | None:
    """Return the candidate's mAP or a label's AP, by bootstrap.

    Raises:
        UserError: unknown label.
    """
    result = evidence.candidate.evaluation
    if result is None:
        return None
    label = _known_label(gate, result)
    draws = statistics.map_draws(result)
    if label is not None:
        draws = statistics.ap_draws(result)[:, result.label_names.index(label)]
    value, bounds, ci95 = _ap(result, label), statistics.bounds(draws), statistics.interval(draws)
    if value is None or bounds is None or ci95 is None:
        return None
    reason = (
        f"{_what(label)} is {100 * value:.2f}% (95% interval {100 * ci95[0]:.2f}% to "
        f"{100 * ci95[1]:.2f}%)"
    )
    return Finding(value, bounds, ci95, reason)


def speedup(_: Gate, evidence: Evidence) -> Finding | None:
    """Return reference time / candidate time, as the median over the rounds of a tournament.

    Raises:
        UserError: the two are not from the same rounds.
    """
    ours = evidence.candidate.latency
    theirs = evidence.reference.latency if evidence.reference else None
    if ours is None or theirs is None or evidence.aa is None:
        return None
    value, (low, high) = ratio(theirs, ours)
    reason = f"{value:.3f} times as fast (95% interval {low:.3f} to {high:.3f})"
    return Finding(value, (low, high), (low, high), reason)


def p50(_: Gate, evidence: Evidence) -> Finding | None:
    """Return the candidate's median latency over processes, seconds."""
    result = evidence.candidate.latency
    if result is None:
        return None
    value, (low, high) = statistics.median_interval(result.block_medians_s)
    reason = (
        f"median latency is {1e3 * value:.3f} ms (95% interval {1e3 * low:.3f} to "
        f"{1e3 * high:.3f} ms)"
    )
    return Finding(value, (low, high), (low, high), reason)


def counted(gate: Gate, evidence: Evidence) -> Finding | None:
    """Return an exact figure of the candidate, or its share of the reference's."""
    read, unit = _COUNTS[gate.metric]
    ours = read(evidence.candidate.artifact)
    if ours is None:
        return None
    if gate.form == "value":
        return Finding(ours, (ours, ours), None, f"{gate.metric} is {ours:,.6g}{unit}")
    theirs = read(evidence.reference.artifact) if evidence.reference else None
    if not theirs:
        return None
    share = ours / theirs
    reason = (
        f"{gate.metric} is {100 * share:.2f}% of the reference's ({ours:,.0f} of {theirs:,.0f})"
    )
    return Finding(share, (share, share), None, reason)


FINDERS: dict[tuple[str, str], Callable[[Gate, Evidence], Finding | None]] = {
    ("map", "value"): accuracy,
    ("map", "drop"): drop,
    ("ap", "value"): accuracy,
    ("ap", "drop"): drop,
    ("latency", "value"): p50,
    ("latency", "speedup"): speedup,
}
"""By metric and form; `counted` for the others. `None` is not measured."""


def _int8_share(model: Artifact) -> float | None:
    found = model.manifest.measurements
    if found.int8_convs_fused is None or not found.convs_total:
        return None
    wanted = found.convs_total - (found.convs_kept_float or 0)
    return found.int8_convs_fused / wanted if wanted else None


_COUNTS: dict[str, tuple[Callable[[Artifact], float | None], str]] = {
    "size": (size_bytes, " bytes"),
    "macs": (lambda model: model.manifest.measurements.macs, ""),
    "params": (lambda model: model.manifest.measurements.params, ""),
    "int8_convs": (_int8_share, " (share of the convolutions that should run in int8 and do)"),
    "parity": (
        lambda model: model.manifest.measurements.parity_max_prob_diff,
        " (largest difference of a probability from the parent)",
    ),
    "flipped": (
        lambda model: model.manifest.measurements.parity_flipped,
        " (share of decisions that differ from the parent)",
    ),
}


def _known_label(gate: Gate, result: EvalResult) -> str | None:
    label = label_of(gate)
    if label is not None and label not in result.label_names:
        raise unknown_name("label", label, result.label_names)
    return label


def _ap(result: EvalResult, label: str | None) -> float | None:
    return result.map if label is None else result.ap[label]


def _what(label: str | None) -> str:
    return "mAP" if label is None else f"AP of {label}"
