"""Time for one image, seconds: the median over processes, the 90th percentile, or the speed-up."""

import math

from benchmarks.gates.evidence import Evidence, Finding
from benchmarks.gates.metrics._metric import Form, Metric, Unit
from benchmarks.statistics import sequential
from benchmarks.statistics.paired import Interval
from benchmarks.timing.percentiles import p90_interval
from benchmarks.timing.tournament import ratio
from edgepress.core.gates import Gate

DURATION = Unit("duration", lambda limit: f"{1e3 * limit:g} ms", {"s": 1.0, "ms": 1e-3, "us": 1e-6})
TIMES = Unit("ratio", positive="A speed-up is a positive factor")

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
    value, bounds = ratio(theirs, ours, 1 - evidence.tail)
    if bounds == sequential.UNBOUNDED:
        return Finding(value, bounds, None, f"{value:.3f} times as fast ({_FEW})")
    low, high = bounds
    reason = f"{value:.3f} times as fast ({evidence.level} interval {low:.3f} to {high:.3f})"
    return Finding(value, bounds, ratio(theirs, ours)[1], reason)


def p50(_: Gate, evidence: Evidence) -> Finding | None:
    """Return the candidate's median latency over processes, seconds."""
    result = evidence.candidate.latency
    if result is None:
        return None
    value, bounds = sequential.median_interval(result.block_medians_s, 1 - evidence.tail)
    if bounds == sequential.UNBOUNDED:
        return Finding(value, bounds, None, f"median latency is {1e3 * value:.3f} ms ({_FEW})")
    low, high = bounds
    reason = (
        f"median latency is {1e3 * value:.3f} ms ({evidence.level} interval {1e3 * low:.3f} to "
        f"{1e3 * high:.3f} ms)"
    )
    return Finding(value, bounds, sequential.median_interval(result.block_medians_s)[1], reason)


def p90(_: Gate, evidence: Evidence) -> Finding | None:
    """Return the 90th percentile of the candidate's runs, seconds."""
    result = evidence.candidate.latency
    if result is None:
        return None
    value, bounds = p90_interval(result)
    shown = f"90th percentile of the latency is {1e3 * value:.3f} ms"
    if bounds == sequential.UNBOUNDED:
        return Finding(value, bounds, None, f"{shown} (too few runs for an interval)")
    low, high = bounds
    reason = f"{shown} (99% bounds {1e3 * low:.3f} ms and {1e3 * high:.3f} ms)"
    return Finding(value, bounds, bounds, reason)


def emulated(_: Gate, __: Finding, evidence: Evidence) -> str:
    """Return why times of a device that a program imitates decide nothing."""
    subjects = (evidence.candidate, evidence.reference)
    if not any(subject.latency.software for subject in subjects if subject and subject.latency):
        return ""
    return (
        "measured on a software adapter, which emulates the device: the times say nothing about it"
    )


def noisy(gate: Gate, finding: Finding, evidence: Evidence) -> str:
    """Return why a speed-up decides nothing where the machine's noise reaches the limit."""
    if told := emulated(gate, finding, evidence):
        return told
    if evidence.aa is None:
        return ""
    noise, margin = _noise(evidence.aa), abs(math.log(finding.measured / gate.limit))
    if noise <= margin:
        return ""
    return (
        f"this machine is too noisy: the same model twice may differ by {100 * noise:.1f}% (A/A "
        f"interval), and the limit of {gate.limit:g} is {100 * margin:.1f}% away; a quieter "
        "machine or a longer --latency-time may tell"
    )


def _noise(aa: Interval) -> float:
    """Return how far from 1 a model's ratio to itself may be, in logarithms (0.01 is about 1%).

    The farther end of the A/A interval: one that is narrow and away from 1 is noise too. Infinite
    where there were too few rounds for an interval.

    >>> round(_noise((0.98, 1.01)), 4), round(_noise((1.099, 1.101)), 4)
    (0.0202, 0.0962)
    """
    return max(abs(math.log(end)) if end > 0 else math.inf for end in aa)


METRIC = Metric(
    about="time",
    needs="latency",
    forms={
        "value": Form("<=", p50, DURATION, doubt=emulated),
        "p90": Form("<=", p90, DURATION, doubt=emulated),
        "speedup": Form(">=", speedup, TIMES, compares=True, doubt=noisy),
    },
    examples=("latency p50 <= 5ms", "latency p90 <= 8ms", "latency speedup >= 2"),
    aliases={"p50": "value"},
)
