"""What the evidence says about accuracy: value, bounds, sentence; `None` is not measured."""

from benchmarks import agreement as agreements
from benchmarks import statistics
from benchmarks.evidence import Evidence, Finding
from benchmarks.gate_text import label_of
from benchmarks.label_statistics import worst_label_bounds
from compress.core.errors import unknown_name
from compress.core.gates import Gate
from compress.core.results import EvalResult

SUSPICIOUS_GAIN = 0.02
"""A candidate that is surely better than its reference by more than this is suspicious."""


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


def worst_drop(_: Gate, evidence: Evidence) -> Finding | None:
    """Return the largest drop of AP among the labels, by paired bootstrap.

    Raises:
        UserError: the two were not measured on the same images.
    """
    ours = evidence.candidate.evaluation
    theirs = evidence.reference.evaluation if evidence.reference else None
    if ours is None or theirs is None:
        return None
    bounds = worst_label_bounds(statistics.label_drop_draws(ours, theirs))
    drops = {
        name: before - after
        for name in ours.label_names
        if (before := theirs.ap[name]) is not None and (after := ours.ap[name]) is not None
    }
    if bounds is None or len(drops) < len(ours.label_names):
        return None
    worst = max(drops, key=drops.__getitem__)
    reason = (
        f"of {len(drops)} labels AP drops most for {worst}, by {100 * drops[worst]:.2f} points "
        f"(with 95% confidence no label drops by more than {100 * bounds[1]:.2f})"
    )
    return Finding(drops[worst], bounds, None, reason)


def agreement(_: Gate, evidence: Evidence) -> Finding | None:
    """Return the share of decisions that are the reference's, resampling images.

    Raises:
        UserError: the two were not measured on the same images.
    """
    ours, reference = evidence.candidate, evidence.reference
    if reference is None or ours.evaluation is None or reference.evaluation is None:
        return None
    found = agreements.agreement(
        (ours.artifact, ours.evaluation), (reference.artifact, reference.evaluation)
    )
    reason = (
        f"{100 * found.share:.2f}% of the decisions are the reference's (95% interval "
        f"{100 * found.ci95[0]:.2f}% to {100 * found.ci95[1]:.2f}%; {len(found.flips)} differ)"
    )
    return Finding(found.share, found.bounds, found.ci95, reason)


def _known_label(gate: Gate, result: EvalResult) -> str | None:
    label = label_of(gate)
    if label is not None and label not in result.label_names:
        raise unknown_name("label", label, result.label_names)
    return label


def _ap(result: EvalResult, label: str | None) -> float | None:
    return result.map if label is None else result.ap[label]


def _what(label: str | None) -> str:
    return "mAP" if label is None else f"AP of {label}"
