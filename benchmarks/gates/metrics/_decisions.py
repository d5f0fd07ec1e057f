"""What the evidence says of decisions: of one label, and averaged over all."""

from collections.abc import Callable
from functools import partial
from typing import Literal

import numpy as np

from benchmarks.gates.evidence import Evidence, Finding, Subject
from benchmarks.gates.metrics._metric import SCORE, Form, drop, dropped
from benchmarks.gates.text import label_of
from benchmarks.statistics import changed_decisions, paired
from benchmarks.statistics.changed_decisions import Decisions
from benchmarks.statistics.decisions import Decided, decisions
from benchmarks.statistics.label_decisions import Share, label_decisions
from edgepress.core.errors import unknown_name
from edgepress.core.gates import Gate
from edgepress.core.results import EvalResult

LabelMetric = Literal["recall", "precision"]
Averaged = Callable[[Decisions], Decisions]
"""Chooses the decisions that a mean is over."""


def mean_f1(name: str, averaged: Averaged) -> dict[str, Form]:
    """Return the forms of a mean F1: each model decides at its own thresholds."""
    return {
        "value": Form(">=", partial(_mean_value, name, averaged), SCORE),
        "drop": drop(partial(_mean_drop, name, averaged)),
    }


def of_label(metric: LabelMetric) -> dict[str, Form]:
    """Return the forms of a label's recall or precision, the value with its exact interval."""
    return {
        "value": Form(">=", partial(_label_value, metric), SCORE),
        "drop": drop(partial(_label_drop, metric)),
    }


def _mean_value(name: str, averaged: Averaged, _: Gate, evidence: Evidence) -> Finding | None:
    ours = _decided(evidence.candidate)
    return None if ours is None else _mean(name, averaged(decisions(ours)), evidence)


def _mean_drop(name: str, averaged: Averaged, _: Gate, evidence: Evidence) -> Finding | None:
    pair = _pair(evidence)
    return None if pair is None else _mean(name, averaged(decisions(*pair)), evidence)


def _label_value(metric: LabelMetric, gate: Gate, evidence: Evidence) -> Finding | None:
    result = evidence.candidate.evaluation
    if result is None:
        return None
    label = _label(gate, result)
    share = _share(metric, label, evidence.candidate, result)
    if share is None:
        return None
    reason = f"{metric} of {result.label_names[label]} is {share}"
    return Finding(share.value, share.interval(1 - 2 * evidence.tail), share.interval(), reason)


def _label_drop(metric: LabelMetric, gate: Gate, evidence: Evidence) -> Finding | None:
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
    what = f"{metric} of {result.label_names[label]}, which {n} images have,"
    return _finding(what, found, metric, evidence)


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


def _mean(name: str, found: Decisions, evidence: Evidence) -> Finding | None:
    """Return a mean F1, `None` where `metrics.averages` is undefined."""
    return _finding(name, found, "f1", evidence) if found.has.any() else None


def _finding(
    name: str, found: Decisions, metric: changed_decisions.Metric, evidence: Evidence
) -> Finding:
    value = changed_decisions.figure(found, metric)
    bounds = changed_decisions.interval(found, metric, 1 - 2 * evidence.tail)
    low, high = ci95 = changed_decisions.interval(found, metric)
    if found.before is None:
        reason = (
            f"{name} is {100 * value:.2f}% (95% interval {100 * low:.2f}% to {100 * high:.2f}%)"
        )
    else:
        reason = dropped(name, value, ci95, (evidence.level, bounds[1]))
    return Finding(value, bounds, ci95, reason)


def _share(metric: LabelMetric, label: int, subject: Subject, result: EvalResult) -> Share | None:
    found = label_decisions(result, subject.artifact.manifest.labels)[label]
    return found.recall if metric == "recall" else found.precision


def _label(gate: Gate, result: EvalResult) -> int:
    name = label_of(gate) or ""
    if name not in result.label_names:
        raise unknown_name("label", name, result.label_names)
    return result.label_names.index(name)
