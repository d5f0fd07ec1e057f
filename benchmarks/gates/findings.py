"""What the evidence says about each metric that a gate can name: value, bounds, sentence."""

from collections.abc import Callable

from benchmarks.gates import of_robustness as robustness
from benchmarks.gates.evidence import Evidence, Finding, Subject
from benchmarks.gates.of_accuracy import accuracy, agreement, drop, worst_drop
from benchmarks.gates.of_decisions import ece, label_drop, label_value, mean_drop, mean_value
from benchmarks.statistics import sequential
from benchmarks.statistics.chance import finding as chance
from benchmarks.timing.tournament import ratio
from edgepress.core.gates import Gate

_FEW = "too few rounds for an interval"


def speedup(_: Gate, evidence: Evidence) -> Finding | None:
    """Return reference time / candidate time, as the median over the rounds of a tournament.

    Raises:
        UserError: the two are not from the same rounds.
    """
    ours = evidence.candidate.latency
    theirs = evidence.reference.latency if evidence.reference else None
    if ours is None or theirs is None or evidence.aa is None:
        return None
    value, bounds = ratio(theirs, ours)
    if bounds == sequential.UNBOUNDED:
        return Finding(value, bounds, None, f"{value:.3f} times as fast ({_FEW})")
    low, high = bounds
    reason = f"{value:.3f} times as fast (95% interval {low:.3f} to {high:.3f})"
    return Finding(value, bounds, bounds, reason)


def p50(_: Gate, evidence: Evidence) -> Finding | None:
    """Return the candidate's median latency over processes, seconds."""
    result = evidence.candidate.latency
    if result is None:
        return None
    value, bounds = sequential.median_interval(result.block_medians_s)
    if bounds == sequential.UNBOUNDED:
        return Finding(value, bounds, None, f"median latency is {1e3 * value:.3f} ms ({_FEW})")
    low, high = bounds
    reason = (
        f"median latency is {1e3 * value:.3f} ms (95% interval {1e3 * low:.3f} to "
        f"{1e3 * high:.3f} ms)"
    )
    return Finding(value, bounds, bounds, reason)


def counted(gate: Gate, evidence: Evidence) -> Finding | None:
    """Return an exact figure of the candidate, or its share of the reference's."""
    read, unit = _COUNTS[gate.metric]
    ours = read(evidence.candidate)
    if ours is None:
        return None
    if gate.form == "value":
        return Finding(ours, (ours, ours), None, f"{gate.metric} is {ours:,.6g}{unit}")
    theirs = read(evidence.reference) if evidence.reference else None
    if not theirs:
        return None
    share = ours / theirs
    reason = (
        f"{gate.metric} is {100 * share:.2f}% of the reference's ({ours:,.0f} of {theirs:,.0f})"
    )
    return Finding(share, (share, share), None, reason)


def int8_layers(_: Gate, evidence: Evidence) -> Finding | None:
    """Return the share of the layers with weights that should compute with integers and do.

    Where all are float on purpose, nothing is missing: 1, and the sentence says so.
    """
    found = evidence.candidate.artifact.manifest.measurements
    if found.int8_convs_fused is None or found.convs_total is None:
        return None
    total = found.convs_total + (found.dense_total or 0)
    kept = (found.convs_kept_float or 0) + (found.dense_kept_float or 0)
    done, wanted = found.int8_convs_fused + (found.dense_int8 or 0), total - kept
    if wanted <= 0:
        reason = f"no convolution or dense layer should run in int8, of {total}"
        return Finding(1.0, (1.0, 1.0), None, reason)
    share = done / wanted
    reason = (
        f"{done} of the {wanted} convolutions and dense layers that should run in int8 do "
        f"({100 * share:.4g}%), of {total} in all"
    )
    return Finding(share, (share, share), None, reason)


def drifting(_: Gate, __: Evidence) -> Finding | None:
    """Return nothing: which share of the devices drifts is known to `benchmarks.fleet` alone."""
    return None


FINDERS: dict[tuple[str, str], Callable[[Gate, Evidence], Finding | None]] = {
    ("map", "value"): accuracy,
    ("map", "drop"): drop,
    ("ap", "value"): accuracy,
    ("ap", "drop"): drop,
    ("worst_ap", "drop"): worst_drop,
    ("robust_map", "drop"): robustness.drop,
    ("drifting", "value"): drifting,
    ("agreement", "value"): agreement,
    ("cf1", "value"): mean_value("cf1"),
    ("cf1", "drop"): mean_drop("cf1"),
    ("of1", "value"): mean_value("of1"),
    ("of1", "drop"): mean_drop("of1"),
    ("recall", "value"): label_value("recall"),
    ("recall", "drop"): label_drop("recall"),
    ("precision", "value"): label_value("precision"),
    ("precision", "drop"): label_drop("precision"),
    ("ece", "value"): ece,
    ("chance", "value"): chance,
    ("int8_convs", "value"): int8_layers,
    ("latency", "value"): p50,
    ("latency", "speedup"): speedup,
}
"""By metric and form; `counted` for the others. `None` is not measured."""


def _float_time(model: Subject) -> float | None:
    shares = model.artifact.manifest.measurements.time_shares
    return None if shares is None else shares.not_integer


def _peak_rss(model: Subject) -> float | None:
    return model.latency.peak_rss_bytes if model.latency else None


_COUNTS: dict[str, tuple[Callable[[Subject], float | None], str]] = {
    "size": (lambda model: model.artifact.size_bytes, " bytes"),
    "peak_rss": (_peak_rss, " bytes of memory"),
    "macs": (lambda model: model.artifact.manifest.measurements.macs, ""),
    "params": (lambda model: model.artifact.manifest.measurements.params, ""),
    "float_time": (_float_time, " (share of the time in float nodes and in conversions)"),
    "qdq_nodes": (
        lambda model: model.artifact.manifest.measurements.qdq_nodes,
        " (QuantizeLinear and DequantizeLinear nodes that the runtime executes)",
    ),
    "parity": (
        lambda model: model.artifact.manifest.measurements.parity_max_prob_diff,
        " (largest difference of a probability from the parent)",
    ),
    "flipped": (
        lambda model: model.artifact.manifest.measurements.parity_flipped,
        " (share of decisions that differ from the parent)",
    ),
}
