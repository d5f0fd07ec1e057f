"""What the evidence says of mAP and of a label's AP."""

from benchmarks.gates.evidence import Evidence, Finding
from benchmarks.gates.metrics._metric import dropped
from benchmarks.gates.text import label_of
from benchmarks.statistics import paired
from benchmarks.statistics.paired import Estimate, Ranks
from edgepress.core.errors import unknown_name
from edgepress.core.gates import Gate
from edgepress.core.results import EvalResult
from edgepress.core.wording import counted, listed

SUSPICIOUS_GAIN = 0.02
"""A candidate that is surely better than its reference by more than this is suspicious."""
MOST_NAMES = 5
"""Labels that a sentence names."""


def lost(gate: Gate, evidence: Evidence) -> Finding | None:
    """Return reference minus candidate of mAP or of a label's AP, paired over images.

    Raises:
        UserError: unknown label, or the two were not measured on the same images.
    """
    ours = evidence.candidate.evaluation
    theirs = evidence.reference.evaluation if evidence.reference else None
    if ours is None or theirs is None:
        return None
    label = _known_label(gate, ours)
    drops = paired.drops(ours, theirs)
    found = estimate(drops, ours, label)
    if found is None or None in (_ap(ours, label), _ap(theirs, label)):
        return None
    bounds, ci95 = found.bounds(evidence.tail), found.interval()
    more = limits(drops, ours, label)
    highest = evidence.level, bounds[1]
    reason = dropped(_what(label), found.value, ci95, highest, more)
    if bounds[1] < -SUSPICIOUS_GAIN:
        reason += ", a suspicious gain of surely more than 2 points: look for leaked data"
    return Finding(found.value, bounds, ci95, reason)


def reached(gate: Gate, evidence: Evidence) -> Finding | None:
    """Return the candidate's mAP or a label's AP.

    Raises:
        UserError: unknown label.
    """
    result = evidence.candidate.evaluation
    if result is None:
        return None
    label = _known_label(gate, result)
    ranks = paired.ranks(result)
    found = estimate(ranks, result, label)
    if found is None or _ap(result, label) is None:
        return None
    bounds, ci95 = found.bounds(evidence.tail), found.interval()
    reason = (
        f"{_what(label)} is {100 * found.value:.2f}% (95% interval {100 * ci95[0]:.2f}% to "
        f"{100 * ci95[1]:.2f}%, with {evidence.level} confidence at least {100 * bounds[0]:.2f}%"
        f"{limits(ranks, result, label)})"
    )
    return Finding(found.value, bounds, ci95, reason)


def estimate(ranks: Ranks, result: EvalResult, label: str | None) -> Estimate | None:
    """Return the estimate of a label's figure, of all labels' mean without one."""
    return ranks.mean() if label is None else ranks.label(result.label_names.index(label))


def limits(ranks: Ranks, result: EvalResult, label: str | None) -> str:
    """Return which labels have too few images to say more, if any."""
    found = estimate(ranks, result, label)
    assert found is not None  # who asks has it
    columns = ranks.defined if label is None else [result.label_names.index(label)]
    unit = "group" if result.groups else "image"
    alone = [result.label_names[column] for column in ranks.alone(columns)]
    if alone:
        has, are = ("has", "varies") if len(alone) == 1 else ("have", "vary")
        return (
            f"; {listed(alone, MOST_NAMES)} {has} or lacks a label in one {unit} only, and nothing "
            f"tells by how much AP {are} there"
        )
    positives = ranks.design.units_by_label[0]
    rarest = min(columns, key=lambda column: int(positives[column]))
    if not found.limited:
        return ""
    few = counted(int(positives[rarest]), unit)
    return f"; {result.label_names[rarest]} is in {few}, which cannot show less"


def _known_label(gate: Gate, result: EvalResult) -> str | None:
    label = label_of(gate)
    if label is not None and label not in result.label_names:
        raise unknown_name("label", label, result.label_names)
    return label


def _ap(result: EvalResult, label: str | None) -> float | None:
    return result.map if label is None else result.ap[label]


def _what(label: str | None) -> str:
    return "mAP" if label is None else f"AP of {label}"
