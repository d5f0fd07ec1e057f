"""What the evidence says about decisions and calibration: value, bounds, sentence."""

from collections.abc import Callable
from typing import Literal

import numpy as np

from benchmarks import metrics
from benchmarks.gates.evidence import Evidence, Finding, Subject
from benchmarks.gates.text import label_of
from benchmarks.statistics import changed_decisions, paired
from benchmarks.statistics.changed_decisions import Decisions
from benchmarks.statistics.decisions import Decided, decisions, ece_draws, ece_interval
from benchmarks.statistics.label_decisions import Share, label_decisions
from benchmarks.statistics.shares import ONE_SIDED
from edgepress.core.errors import unknown_name
from edgepress.core.gates import Gate
from edgepress.core.results import EvalResult

LabelMetric = Literal["recall", "precision"]
MeanMetric = Literal["cf1", "of1"]

NAMES: dict[MeanMetric, str] = {"cf1": "CF1", "of1": "OF1"}


def mean_value(metric: MeanMetric) -> Callable[[Gate, Evidence], Finding | None]:
    """Return what finds the candidate's CF1 or OF1 at its thresholds."""

    def find(_: Gate, evidence: Evidence) -> Finding | None:
        ours = _decided(evidence.candidate)
        found = None if ours is None else _averaged(metric, decisions(ours))
        return None if found is None else _mean_finding(metric, found)

    return find


def mean_drop(metric: MeanMetric) -> Callable[[Gate, Evidence], Finding | None]:
    """Return what finds reference minus candidate of CF1 or OF1.

    Both decide at their own thresholds.
    """

    def find(_: Gate, evidence: Evidence) -> Finding | None:
        pair = _pair(evidence)
        found = None if pair is None else _averaged(metric, decisions(*pair))
        return None if found is None else _mean_finding(metric, found)

    return find


def label_value(metric: LabelMetric) -> Callable[[Gate, Evidence], Finding | None]:
    """Return what finds a label's recall or precision, with its exact interval.

    Raises:
        UserError: unknown label, from what is returned.
    """

    def find(gate: Gate, evidence: Evidence) -> Finding | None:
        result = evidence.candidate.evaluation
        if result is None:
            return None
        label = _label(gate, result)
        share = _share(metric, label, evidence.candidate, result)
        if share is None:
            return None
        reason = f"{metric} of {result.label_names[label]} is {share}"
        return Finding(share.value, share.interval(ONE_SIDED), share.interval(), reason)

    return find


def label_drop(metric: LabelMetric) -> Callable[[Gate, Evidence], Finding | None]:
    """Return what finds reference minus candidate of a label's recall or precision.

    Raises:
        UserError: unknown label, or other images, from what is returned.
    """

    def find(gate: Gate, evidence: Evidence) -> Finding | None:
        pair = _pair(evidence)
        if pair is None:
            return None
        result = pair[0][0]
        label = _label(gate, result)
        found = decisions(*pair).of(np.array([label]))
        of = (found.has,) * 2 if metric == "recall" else found.sides
        if not all((part & (found.has | found.has_not)).any() for part in of):
            return None
        n = int(found.has.sum())
        name = f"{metric} of {result.label_names[label]}, which {n} images have,"
        return _finding(name, found, metric)

    return find


def ece(_: Gate, evidence: Evidence) -> Finding | None:
    """Return the candidate's expected calibration error, mean over labels, by bootstrap."""
    result = evidence.candidate.evaluation
    if result is None:
        return None
    value = metrics.expected_calibration_error(result.targets, result.scores[0])
    if value is None:
        return None
    draws = ece_draws(result)
    bounds, ci95 = (ece_interval(draws, value, tail) for tail in (0.05, 0.025))
    reason = (
        f"expected calibration error is {100 * value:.2f}% (95% interval, less what chance adds on "
        f"so few images, {100 * ci95[0]:.2f}% to {100 * ci95[1]:.2f}%)"
    )
    return Finding(value, bounds, ci95, reason)


def _decided(subject: Subject | None) -> Decided | None:
    if subject is None or subject.evaluation is None:
        return None
    return subject.evaluation, subject.artifact.manifest.labels


def _pair(evidence: Evidence) -> tuple[Decided, Decided] | None:
    """Return what candidate and reference decide, `None` where one is not measured.

    Raises:
        UserError: the two were not measured on the same images.
    """
    ours, theirs = _decided(evidence.candidate), _decided(evidence.reference)
    if ours is None or theirs is None:
        return None
    paired.check_paired(ours[0], theirs[0])
    return ours, theirs


def _averaged(metric: MeanMetric, found: Decisions) -> Decisions | None:
    """Return the decisions that a mean is over, `None` where `metrics.averages` is undefined."""
    chosen = found.pooled() if metric == "of1" else found.with_both_classes()
    return chosen if chosen.has.any() else None


def _mean_finding(metric: MeanMetric, found: Decisions) -> Finding:
    return _finding(NAMES[metric], found, "f1")


def _finding(name: str, found: Decisions, metric: changed_decisions.Metric) -> Finding:
    value = changed_decisions.figure(found, metric)
    bounds = changed_decisions.interval(found, metric, ONE_SIDED)
    low, high = changed_decisions.interval(found, metric)
    if found.before is None:
        told = f"is {100 * value:.2f}% (95% interval {100 * low:.2f}% to {100 * high:.2f}%)"
    else:
        told = (
            f"drops by {100 * value:.2f} points (95% interval {100 * low:.2f} to {100 * high:.2f}, "
            f"with 95% confidence at most {100 * bounds[1]:.2f})"
        )
    return Finding(value, bounds, (low, high), f"{name} {told}")


def _share(metric: LabelMetric, label: int, subject: Subject, result: EvalResult) -> Share | None:
    found = label_decisions(result, subject.artifact.manifest.labels)[label]
    return found.recall if metric == "recall" else found.precision


def _label(gate: Gate, result: EvalResult) -> int:
    name = label_of(gate) or ""
    if name not in result.label_names:
        raise unknown_name("label", name, result.label_names)
    return result.label_names.index(name)
