"""What the evidence says about decisions and calibration: value, bounds, sentence."""

from collections.abc import Callable

import numpy as np

from benchmarks import metrics, statistics
from benchmarks.decision_statistics import Counts, LabelMetric, MeanMetric, ece_draws
from benchmarks.evidence import Evidence, Finding, Subject
from benchmarks.gate_text import label_of
from benchmarks.label_decisions import Share, label_decisions
from benchmarks.statistics import Array
from compress.core.errors import unknown_name
from compress.core.gates import Gate
from compress.core.results import EvalResult

NAMES: dict[MeanMetric, str] = {"cf1": "CF1", "of1": "OF1"}


def mean_value(metric: MeanMetric) -> Callable[[Gate, Evidence], Finding | None]:
    """Return what finds the candidate's CF1 or OF1 at its thresholds, by bootstrap."""

    def find(_: Gate, evidence: Evidence) -> Finding | None:
        result = evidence.candidate.evaluation
        if result is None:
            return None
        value = _mean(metric, evidence.candidate, result)
        draws = Counts(result, evidence.candidate.artifact.manifest.labels).mean(metric)
        return _valued(NAMES[metric], value, draws)

    return find


def mean_drop(metric: MeanMetric) -> Callable[[Gate, Evidence], Finding | None]:
    """Return what finds reference minus candidate of CF1 or OF1, by paired bootstrap.

    Both decide at their own thresholds.
    """

    def find(_: Gate, evidence: Evidence) -> Finding | None:
        pair = _pair(evidence)
        if pair is None:
            return None
        before, after = (_mean(metric, subject, result) for subject, result in pair)
        draws = [_counts(subject, result).mean(metric) for subject, result in pair]
        return _dropped(NAMES[metric], (before, after), draws[0] - draws[1])

    return find


def label_value(metric: LabelMetric) -> Callable[[Gate, Evidence], Finding | None]:
    """Return what finds a label's recall or precision, with Wilson's interval.

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
        return Finding(share.value, share.interval(0.9), share.interval(), reason)

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
        label = _label(gate, pair[1][1])
        shares = [_share(metric, label, subject, result) for subject, result in pair]
        before, after = (None if share is None else share.value for share in shares)
        draws = [_counts(subject, result).of_label(metric, label) for subject, result in pair]
        name = f"{metric} of {pair[1][1].label_names[label]}"
        return _dropped(name, (before, after), draws[0] - draws[1])

    return find


def ece(_: Gate, evidence: Evidence) -> Finding | None:
    """Return the candidate's expected calibration error, mean over labels, by bootstrap."""
    result = evidence.candidate.evaluation
    if result is None:
        return None
    value = metrics.expected_calibration_error(result.targets, result.scores[0])
    ends = [(statistics.bounds(draws), statistics.interval(draws)) for draws in ece_draws(result)]
    (low, low95), (high, high95) = ends
    if value is None or low is None or low95 is None or high is None or high95 is None:
        return None
    bounds, ci95 = (low[0], high[1]), (low95[0], high95[1])
    reason = (
        f"expected calibration error is {100 * value:.2f}% (95% interval, less what chance adds on "
        f"so few images, {100 * ci95[0]:.2f}% to {100 * ci95[1]:.2f}%)"
    )
    return Finding(value, bounds, ci95, reason)


def _pair(
    evidence: Evidence,
) -> tuple[tuple[Subject, EvalResult], tuple[Subject, EvalResult]] | None:
    """Return reference and candidate with their results, `None` where one is not measured.

    Raises:
        UserError: the two were not measured on the same images.
    """
    ours, theirs = evidence.candidate, evidence.reference
    if theirs is None or ours.evaluation is None or theirs.evaluation is None:
        return None
    statistics.check_paired(ours.evaluation, theirs.evaluation)
    return (theirs, theirs.evaluation), (ours, ours.evaluation)


def _counts(subject: Subject, result: EvalResult) -> Counts:
    return Counts(result, subject.artifact.manifest.labels)


def _mean(metric: MeanMetric, subject: Subject, result: EvalResult) -> float | None:
    thresholds = np.asarray(subject.artifact.manifest.labels.thresholds, np.float32)
    found = metrics.averages(result.targets, result.scores[0] >= thresholds)
    return found.class_f1 if metric == "cf1" else found.overall_f1


def _share(metric: LabelMetric, label: int, subject: Subject, result: EvalResult) -> Share | None:
    found = label_decisions(result, subject.artifact.manifest.labels)[label]
    return found.recall if metric == "recall" else found.precision


def _label(gate: Gate, result: EvalResult) -> int:
    name = label_of(gate) or ""
    if name not in result.label_names:
        raise unknown_name("label", name, result.label_names)
    return result.label_names.index(name)


def _valued(name: str, value: float | None, draws: Array) -> Finding | None:
    bounds, ci95 = statistics.bounds(draws), statistics.interval(draws)
    if value is None or bounds is None or ci95 is None:
        return None
    reason = (
        f"{name} is {100 * value:.2f}% (95% interval {100 * ci95[0]:.2f}% to {100 * ci95[1]:.2f}%)"
    )
    return Finding(value, bounds, ci95, reason)


def _dropped(name: str, pair: tuple[float | None, float | None], draws: Array) -> Finding | None:
    (before, after), bounds, ci95 = pair, statistics.bounds(draws), statistics.interval(draws)
    if before is None or after is None or bounds is None or ci95 is None:
        return None
    reason = (
        f"{name} drops by {100 * (before - after):.2f} points (95% interval "
        f"{100 * ci95[0]:.2f} to {100 * ci95[1]:.2f}, with 95% confidence at most "
        f"{100 * bounds[1]:.2f})"
    )
    return Finding(before - after, bounds, ci95, reason)
